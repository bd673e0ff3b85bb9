"""What a measure is: numbers that tell how far images are from real slices in one respect.

A new one is a file in this folder, and an entry in the tuple in `__init__`.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Quantity:
    """One number that a measure gives.

    Args:
        name (str): For example ``noise.inside``.
        unit (str): Unit, or what it is a ratio of.
        range (str): The values that it can take.
        reading (str): What high and low values mean.
    """

    name: str
    unit: str
    range: str
    reading: str


class Measure:
    """How to measure one thing; each file of this package has one, and `dcgan_mri.metrics.MEASURES` lists them.

    Attributes:
        name (str): Its name.
        quantities (tuple of Quantity): The numbers that it gives.
        equal_sizes (bool): Whether the result depends on how many images there are, so that only results from equal
            numbers can be held against one another.
        every_epoch (bool): Whether it is cheap enough to be made after every epoch.
        against_held_out (bool): Whether the baseline is the slices of held-out subjects, not the training slices.
    """

    equal_sizes = False
    every_epoch = False
    against_held_out = False

    def describe(self, stack, reference):
        """Find out what there is to know of each image. All that takes long happens here.

        Args:
            stack (dcgan_mri.metrics.stack.Stack): The images.
            reference (dcgan_mri.metrics.stack.Stack): The training slices.

        Returns:
            dict: Arrays whose first axis is that of the images of ``stack``.
        """
        raise NotImplementedError

    def compare(self, samples, baseline, rng):
        """Hold samples against real slices.

        Args:
            samples (dict): From `describe`, or rows of it.
            baseline (dict): The same of real slices.
            rng (numpy.random.Generator): For what is drawn.

        Returns:
            dict: Name of each quantity to float; NaN where it cannot be had.
        """
        raise NotImplementedError
