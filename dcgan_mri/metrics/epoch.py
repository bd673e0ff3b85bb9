"""The measures that are cheap enough for every epoch of a training: 100 samples against at most 200 slices."""

import dataclasses
import math

import numpy as np

from dcgan_mri.metrics import MEASURES, comparison
from dcgan_mri.metrics.reference import Reference

SAMPLES = 100
SLICES = 200
EVERY_EPOCH = tuple(measure for measure in MEASURES if measure.every_epoch)


class EpochMeasures:
    """Measures samples against slices that are looked at only once.

    Args:
        slices (dcgan_mri.slice_set.Slices): The training slices; every so many are taken if there are more than 200.
        threads (int): Number of threads to use.
    """

    def __init__(self, slices, threads):
        chosen = np.unique(np.linspace(0, len(slices) - 1, SLICES).round().astype(int))
        self._reference = Reference(slices, chosen, threads=threads)

    def __call__(self, pictures):
        """Measure samples.

        Args:
            pictures (numpy.ndarray): uint8 of shape (N, H, W, 3).

        Returns:
            dict: Quantity to float; what cannot be had, or is not finite, is left out.
        """
        values = self._reference.measure(self._reference.stack(pictures), EVERY_EPOCH)
        return {name: float(value) for name, value in values.items() if math.isfinite(value)}

    def scale(self):
        """What the numbers are, and what slices of some subjects give against those of the others.

        Returns:
            dict: Quantity to its fields and to ``real``, ``real_low`` and ``real_high``; the three are None with but
            one subject.
        """
        pairs = comparison.halves(self._reference.real.groups, np.random.default_rng(0))
        entries = {}
        for measure in EVERY_EPOCH:
            found = comparison.real_against_real(measure, self._reference.described(measure), pairs, SAMPLES)
            for quantity in measure.quantities:
                values = [value for value in (each[quantity.name] for each in found) if math.isfinite(value)]
                entries[quantity.name] = {
                    **dataclasses.asdict(quantity), "real": float(np.mean(values)) if values else None,
                    "real_low": min(values, default=None), "real_high": max(values, default=None)}
        return entries
