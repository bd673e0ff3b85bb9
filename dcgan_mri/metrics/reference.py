"""Real slices, described once for every measure."""

import numpy as np

from dcgan_mri.metrics import features
from dcgan_mri.metrics.stack import Stack


class Reference:
    """Real slices to measure against.

    Args:
        slices (dcgan_mri.slice_set.Slices): The training slices.
        chosen (sequence of int): Which of them; None takes all.
        network (str or Path): File with a network for the features, see `features.choose`.
        threads (int): Number of threads to use.

    Attributes:
        real (dcgan_mri.metrics.stack.Stack): The slices.
    """

    def __init__(self, slices, chosen=None, network=None, threads=1):
        chosen = range(len(slices)) if chosen is None else chosen
        pictures = slices.batch(chosen)
        self.real = Stack(
            pictures, features.choose(network, pictures / np.float32(255)), [slices.subjects[i] for i in chosen],
            [slices.levels[i] for i in chosen], threads)
        self._described = {}

    def stack(self, pictures, groups=None, levels=None):
        """Other images, with features on the scale of the real slices.

        Args:
            pictures (numpy.ndarray): uint8 of shape (N, H, W) or (N, H, W, 3).
            groups (sequence): See `Stack`.
            levels (sequence of float): See `Stack`.

        Returns:
            Stack: The images.
        """
        return Stack(pictures, self.real.extractor, groups, levels, self.real.threads)

    def described(self, measure):
        """What a measure finds out of the real slices.

        Args:
            measure (Measure): The measure.

        Returns:
            dict: See `Measure.describe`.
        """
        if measure.name not in self._described:
            self._described[measure.name] = measure.describe(self.real, self.real)
        return self._described[measure.name]

    def measure(self, stack, measures):
        """Measure images.

        Args:
            stack (Stack): The images.
            measures (iterable of Measure): What to measure.

        Returns:
            dict: Quantity to float; NaN where it cannot be had.
        """
        values = {}
        for measure in measures:
            values.update(measure.compare(
                measure.describe(stack, self.real), self.described(measure), np.random.default_rng(0)))
        return values
