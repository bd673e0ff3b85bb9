"""The numbers that a claim can be put to the test by: those of `dcgan_mri.metrics`, and a few of a whole run."""

from dcgan_mri.metrics import MEASURES
from dcgan_mri.metrics.base import Quantity

OF_IMAGES = tuple(quantity for measure in MEASURES for quantity in measure.quantities)
OF_RUNS = (
    Quantity("white.share", "share of the head", "0 to 1", "above real: white patches without structure"),
    Quantity("scores.gap", "D's score", "any",
             "mean score of real slices minus that of generated images, over the last epochs"),
    Quantity("kid.swing", "standard deviation over mean", "0 to infinity",
             "of KID over the last epochs: how unsteady the training is"),
)
NAMES = {quantity.name: quantity for quantity in OF_IMAGES + OF_RUNS}
# Which way is better, by the first part of the name; of what is not here neither way is.
BETTER = {"cast": "lower", "kid": "lower", "noise": "lower", "checkerboard": "lower", "diversity": "lower",
          "coverage": "higher", "sharpness": "higher", "separation": "higher", "variety": "higher"}


def better(name):
    """Which way a quantity is better.

    Args:
        name (str): One of `NAMES`.

    Returns:
        str: ``lower`` or ``higher``; None if neither is.
    """
    return BETTER.get(name.partition(".")[0])
