"""Adam with weight decay, in one pass over parameters, gradients and moments."""

import math

import numpy as np

from dcgan_mri.chainer_compat import chainer
from dcgan_mri.kernels import backends
from dcgan_mri.kernels.workers import each

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
        self.is_replayed = False

    def update(self, lossfun=None, *args, **kwds):
        """Make a step, as Chainer's optimizers do."""
        if not self.is_replayed:
            self.write_step_size()
        super().update(lossfun, *args, **kwds)

    def write_step_size(self):
        """Put the size of the step to come into the memory of the GPU; nothing on a CPU.

        A captured CUDA graph makes every step with the numbers that it was captured with, and reads memory anew. Who
        replays a graph sets `is_replayed`, and calls this before each step.
        """
        if self.target.xp is np:
            return
        if "step_size" not in self.hyperparam.get_dict():
            self.hyperparam.step_size = self.target.xp.empty(1, np.float32)
        self.hyperparam.step_size.fill(step_size(self.hyperparam, self.t + 1))

    def create_update_rule(self):
        """An update rule for one parameter."""
        return AdamRule(self.hyperparam, self.weight_decay)


def step_size(hyperparam, t):
    """Adam's step size, corrected for the moments' bias.

    Args:
        hyperparam (chainer.optimizer.Hyperparameter): The optimizer's.
        t (int): Number of the step, counted from 1.

    Returns:
        float: What multiplies the first moment over the root of the second.
    """
    return hyperparam.alpha * math.sqrt(1 - hyperparam.beta2 ** t) / (1 - hyperparam.beta1 ** t)


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
        from dcgan_mri.kernels import elementwise

        hp = self.hyperparam
        rest1, rest2 = 1 - hp.beta1, 1 - hp.beta2
        numbers = [np.float32(n) for n in (step_size(hp, self.t), rest1, rest2, hp.eps, self.weight_decay)]
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
        grad = param.grad
        if grad is None:
            return
        arrays = [param.array, grad, self.state["m"], self.state["v"]]
        contiguous = all(array.flags.c_contiguous for array in arrays)
        if not backends.covers_on_gpu(*arrays) or not contiguous:
            self._plain(super().update_core_gpu, param)
            return
        from dcgan_mri.kernels import adam_cuda

        hp = self.hyperparam
        adam_cuda.step(*arrays, hp.step_size, 1 - hp.beta1, 1 - hp.beta2, hp.eps, self.weight_decay)

    def _plain(self, update, param):
        param.grad += self.weight_decay * param.array
        update(param)
