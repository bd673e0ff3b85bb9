"""The optimizers by name, and what is done to D's weights after a step."""

from dcgan_mri.chainer_compat import chainer
from dcgan_mri.kernels.adam import Adam

# Adam decays the weights in its own pass; the others need `chainer.optimizer_hooks.WeightDecay`.
OPTIMIZERS = {
    "adam": lambda config: Adam(config.alpha, config.beta1, config.weight_decay),
    "sgd": lambda config: chainer.optimizers.SGD(lr=config.learning_rate),
    "rmsprop": lambda config: chainer.optimizers.RMSprop(lr=config.alpha),
}


class WeightClip:
    """Optimizer hook that clamps all parameters after each step (Arjovsky et al. 2017, Algorithm 1).

    Args:
        bound (float): Parameters are kept in [-bound, bound]; above 0.
    """

    name = "WeightClip"
    timing = "post"

    def __init__(self, bound):
        self.bound = bound

    def __call__(self, optimizer):
        """Clamp the parameters of the optimizer's target."""
        for param in optimizer.target.params():
            param.array[...] = param.xp.clip(param.array, -self.bound, self.bound)
