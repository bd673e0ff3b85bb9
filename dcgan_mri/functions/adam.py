"""Adam with weight decay, in one pass over parameters, gradients and moments."""

import math

import numpy as np

from dcgan_mri.chainer_compat import chainer
from dcgan_mri.functions import backends
from dcgan_mri.functions.workers import each

# Values that a thread takes at a time.
PIECE = 1 << 18


class Adam(chainer.optimizers.Adam):
    """Chainer's Adam, and the weight decay of `chainer.optimizer_hooks.WeightDecay` with it.

    Args:
        alpha (float): Step size.
        beta1 (float): Decay of the first moment.
        weight_decay (float): What times the parameters is added to their gradients.
    """

    def __init__(self, alpha, beta1, weight_decay):
        super().__init__(alpha=alpha, beta1=beta1)
        self.weight_decay = weight_decay

    def create_update_rule(self):
        """An update rule for one parameter."""
        return AdamRule(self.hyperparam, self.weight_decay)


class AdamRule(chainer.optimizers.adam.AdamRule):
    """Adam's rule for one parameter.

    Args:
        hyperparam (chainer.optimizer.Hyperparameter): The optimizer's.
        weight_decay (float): As for `Adam`.
    """

    def __init__(self, hyperparam, weight_decay):
        super().__init__(hyperparam)
        self.weight_decay = weight_decay

    def update_core_cpu(self, param):
        """Update a parameter on CPU."""
        grad = param.grad
        if grad is None:
            return
        if not backends.covers(param.array, grad) or not param.array.flags.c_contiguous:
            self._plain(super().update_core_cpu, param)
            return
        from dcgan_mri.functions import elementwise

        hp = self.hyperparam
        step_size = hp.alpha * math.sqrt(1 - hp.beta2 ** self.t) / (1 - hp.beta1 ** self.t)
        numbers = [np.float32(n) for n in (step_size, 1 - hp.beta1, 1 - hp.beta2, hp.eps, self.weight_decay)]
        arrays = [array.reshape(-1) for array in
                  (param.array, np.ascontiguousarray(grad), self.state["m"], self.state["v"])]

        def piece(begin):
            elementwise.adam(*(array[begin:begin + PIECE] for array in arrays), *numbers)

        starts = range(0, param.size, PIECE)
        if len(starts) > 1:
            each(piece, starts)
        else:
            piece(0)

    def update_core_gpu(self, param):
        """Update a parameter on a GPU."""
        self._plain(super().update_core_gpu, param)

    def _plain(self, update, param):
        if param.grad is not None:
            param.grad += self.weight_decay * param.array
        update(param)
