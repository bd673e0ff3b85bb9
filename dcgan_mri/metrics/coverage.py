"""Coverage: how many of the real slices the samples come near to."""

import numpy as np

from dcgan_mri.metrics.neighbours import nearest
from dcgan_mri.metrics.registry import Measure, Quantity, register


def describe(stack, reference):
    """Features of each image.

    Args:
        stack (Stack): The images.
        reference (Stack): Not used.

    Returns:
        dict: ``features``, shape (N, D).
    """
    return {"features": stack.features}


def compare(samples, baseline, rng):
    """Share of the real slices that are the nearest one to some sample.

    Args:
        samples (dict): From `describe`.
        baseline (dict): The same of real slices.
        rng (numpy.random.Generator): Not used.

    Returns:
        dict: Quantity to float.
    """
    found = np.unique(nearest(samples["features"], baseline["features"]))
    return {"coverage.share": len(found) / len(baseline["features"])}


register(Measure(
    "coverage",
    (Quantity("coverage.share", "share of real slices", "0 to 1", "below real: parts of the data are never made"),),
    describe, compare, equal_sizes=True))
