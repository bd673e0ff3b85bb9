"""Coverage: how many of the real slices the samples come near to."""

import numpy as np

from dcgan_mri.metrics.features import FeatureMeasure
from dcgan_mri.metrics.base import Quantity
from dcgan_mri.metrics.neighbours import nearest


class Coverage(FeatureMeasure):
    """Share of the real slices that are the nearest one to some sample."""

    name = "coverage"
    quantities = (
        Quantity("coverage.share", "share of real slices", "0 to 1", "below real: parts of the data are never made"),)
    equal_sizes = True

    def compare(self, samples, baseline, rng):
        """Nearest by features."""
        found = np.unique(nearest(samples["features"], baseline["features"]))
        return {"coverage.share": len(found) / len(baseline["features"])}
