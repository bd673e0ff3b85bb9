"""The losses of both networks, by name. `y_real` = D(x_real) and `y_fake` = D(G(z)) are scores of shape (B, 1).

Every loss and the penalty is a mean over the batch, so that the mean over ranks is that of the global batch.
"""

import dataclasses
from collections.abc import Callable

from dcgan_mri.chainer_compat import F, chainer


@dataclasses.dataclass(frozen=True)
class Loss:
    """A pair of losses.

    Attributes:
        dis: Function of (y_real, y_fake) to D's loss, a scalar.
        gen: Function of (y_fake) to G's loss, a scalar.
        zero_sum: True if G's loss is the negative of what D's loss makes of y_fake: then the gradient that D's
            backward pass leaves at the generated image serves G as well, with its sign turned.
    """

    dis: Callable
    gen: Callable
    zero_sum: bool


def wasserstein_dis(y_real, y_fake):
    """The paper's section III by its words: scores of real images times -1, of generated images times 1."""
    return F.average(y_fake) - F.average(y_real)


def wasserstein_gen(y_fake):
    """The paper's section III by its words, seen from G: generated images are to score high."""
    return -F.average(y_fake)


def softplus_dis(y_real, y_fake):
    """The released code's loss: the cross entropy of Goodfellow et al. (2014) on scores."""
    return F.average(F.softplus(-y_real)) + F.average(F.softplus(y_fake))


def softplus_gen(y_fake):
    """The released code's loss for G: the non-saturating form of Goodfellow et al. (2014)."""
    return F.average(F.softplus(-y_fake))


def mse_dis(y_real, y_fake):
    """Mean squared error, the paper's Fig. 6, as in LSGAN (Mao et al. 2017): 1 for real and 0 for generated images."""
    return F.average((y_real - 1) ** 2) + F.average(y_fake ** 2)


def mse_gen(y_fake):
    """Mean squared error of generated images against the score of real ones (Mao et al. 2017)."""
    return F.average((y_fake - 1) ** 2)


def gradient_penalty(dis, x_hat, draws):
    """The penalty of Gulrajani et al. (2017), Eq. 3 without its factor: D's gradient is to have length 1.

    Args:
        dis (callable): Scores of images and draws: D, without batch normalisation, so that each score depends on its
            sample alone.
        x_hat (array): float32 of shape (B, 3, H, W), images to take D's gradient at.
        draws (dcgan_mri.randomness.Draws): For D's noise.

    Returns:
        chainer.Variable: Mean over the batch of (‖∇D(x_hat)‖ - 1)², a scalar that can be differentiated by D's weights.
    """
    gradient = _gradient(dis, x_hat, draws)
    # The least addend keeps the derivative of the root finite where the gradient vanishes.
    length = F.sqrt(F.sum(gradient ** 2, axis=(1, 2, 3)) + 1e-30)
    return F.average((length - 1) ** 2)


def r1_penalty(dis, x_real, draws):
    """The penalty of Mescheder et al. (2018), Eq. 9 without its factor: D is to be flat at real images.

    Args:
        dis, draws: As for `gradient_penalty`.
        x_real (array): float32 of shape (B, 3, H, W), real images.

    Returns:
        chainer.Variable: Mean over the batch of ‖∇D(x_real)‖² / 2, a scalar that can be differentiated by D's weights.
    """
    return F.sum(_gradient(dis, x_real, draws) ** 2) / (2 * len(x_real))


def _gradient(dis, x, draws):
    """D's gradient at images, to be differentiated by D's weights."""
    x = chainer.Variable(x)
    return chainer.grad([dis(x, draws)], [x], enable_double_backprop=True)[0]


LOSSES = {
    "wasserstein": Loss(wasserstein_dis, wasserstein_gen, zero_sum=True),
    "softplus": Loss(softplus_dis, softplus_gen, zero_sum=False),
    "mse": Loss(mse_dis, mse_gen, zero_sum=False),
}
