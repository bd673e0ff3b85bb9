"""The list of measures: each file of this package adds its own."""

import dataclasses
from collections.abc import Callable

MEASURES = {}


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


@dataclasses.dataclass(frozen=True)
class Measure:
    """How to measure one thing.

    Args:
        name (str): Its name.
        quantities (tuple of Quantity): The numbers it gives.
        describe (callable): ``describe(stack, reference)`` with two `Stack` gives a dict of arrays whose first axis is
            that of the images of ``stack``. All that takes long happens here.
        compare (callable): ``compare(samples, baseline, rng)`` with two such dicts, or rows of them, gives a dict from
            the quantities' names to float.
        equal_sizes (bool): Whether the result depends on how many images there are, so that only results from equal
            numbers can be held against one another.
        every_epoch (bool): Whether it is cheap enough to be made after every epoch.
        against_held_out (bool): Whether the baseline is the slices of held-out subjects, not the training slices.
    """

    name: str
    quantities: tuple
    describe: Callable
    compare: Callable
    equal_sizes: bool = False
    every_epoch: bool = False
    against_held_out: bool = False


def register(measure):
    """Add a measure to the list.

    Args:
        measure (Measure): The measure.

    Returns:
        Measure: The same.
    """
    MEASURES[measure.name] = measure
    return measure
