"""The losses of both networks, by name. `y_real` = D(x_real) and `y_fake` = D(G(z)) are scores of shape (B, 1).

Every loss is a mean over the batch, so that the mean over ranks is the loss of the global batch.
"""

import dataclasses
from collections.abc import Callable

from dcgan_mri.chainer_compat import F


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
    """The paper's section III: scores of real images times -1, of generated images times 1."""
    return F.average(y_fake) - F.average(y_real)


def wasserstein_gen(y_fake):
    """The paper's section III, seen from G: generated images are to score high."""
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


LOSSES = {
    "wasserstein": Loss(wasserstein_dis, wasserstein_gen, zero_sum=True),
    "softplus": Loss(softplus_dis, softplus_gen, zero_sum=False),
    "mse": Loss(mse_dis, mse_gen, zero_sum=False),
}
