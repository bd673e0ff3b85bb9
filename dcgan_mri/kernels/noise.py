"""Gaussian noise, added as it is drawn."""

from dcgan_mri.chainer_compat import chainer


class _AddNoise(chainer.FunctionNode):
    def __init__(self, draws, name, sigma):
        self.draws, self.name, self.sigma = draws, name, sigma

    def forward(self, inputs):
        return self.draws.noisy(self.name, inputs[0], self.sigma),

    def backward(self, indexes, grad_outputs):
        return grad_outputs


def add_noise(x, draws, name, sigma):
    """Add draws from N(0, sigma²).

    Args:
        x (array or chainer.Variable): float32 of shape (B, ...).
        draws (dcgan_mri.randomness.Draws): Where the noise comes from.
        name (str): What it is for.
        sigma (float): Standard deviation.

    Returns:
        chainer.Variable: Of x's shape.
    """
    y, = _AddNoise(draws, name, sigma).apply((x,))
    return y
