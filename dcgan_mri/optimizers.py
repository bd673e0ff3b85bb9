"""The optimizers: Adam as in the paper's II-C, others by name, averaged over the ranks; the clipping of weights."""

from dcgan_mri.chainer_compat import chainer, chainermn
from dcgan_mri.kernels.adam import Adam

# Adam decays the weights in its own pass; the others need `chainer.optimizer_hooks.WeightDecay`.
OPTIMIZERS = {
    "adam": lambda config: Adam(config.alpha, config.beta1, config.weight_decay),
    "sgd": lambda config: chainer.optimizers.SGD(lr=config.learning_rate),
    "rmsprop": lambda config: chainer.optimizers.RMSprop(lr=config.alpha),
}


def make_optimizer(model, config, comm, weight_clip=0.0):
    """An optimizer with weight decay (the paper's II-C: Adam), its gradients averaged over the ranks.

    Args:
        model (chainer.Link): What it steps; on its device already.
        config (dcgan_mri.config.Config): The settings.
        comm (chainermn.CommunicatorBase): The ranks.
        weight_clip (float): Bound for the parameters after each step; 0 leaves them free.

    Returns:
        chainer.Optimizer: The multi-node optimizer, set up.
    """
    optimizer = chainermn.create_multi_node_optimizer(OPTIMIZERS[config.optimizer](config), comm)
    optimizer.setup(model)
    if config.optimizer != "adam":
        optimizer.add_hook(chainer.optimizer_hooks.WeightDecay(config.weight_decay))
    if weight_clip:
        optimizer.add_hook(WeightClip(weight_clip))
    for param in model.params():
        # Chainer would wait for the first step, and a snapshot may come before it: G's is in iteration `critic_steps`.
        param.update_rule._init_states(param)
    return optimizer


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
