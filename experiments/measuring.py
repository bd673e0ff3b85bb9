"""What a training is measured by: the images and scores of its last epochs."""

import math

import numpy as np

from dcgan_mri.metrics import MEASURES, reference
from dcgan_mri.metrics.neighbours import squared_distances
from experiments.plan import IMAGES, LAST_EPOCHS

WHITE = 250 / 255
# Along the epochs: how near to real slices, and whether the images become alike.
ALONG = tuple(measure for measure in MEASURES if measure.name in ("diversity", "kid"))
ALONG_QUANTITIES = ("diversity.similarity", "kid")
EXTREMES = 10


class Reference:
    """Real slices that are described once for all runs of a process.

    Images are held against the training slices, as a model is to make such; those measures that ask what it makes
    besides, coverage and copies, against slices of held-out subjects.

    Args:
        training (dcgan_mri.slice_set.Slices): The training slices.
        held_out (dcgan_mri.slice_set.Slices): Those of held-out subjects; None if the set has none.
    """

    def __init__(self, training, held_out=None):
        self._training = reference.Reference(training)
        self.stack = self._training.stack
        self._held_out = held_out and self.stack(
            held_out.batch(range(len(held_out))), held_out.subjects, held_out.levels)
        self._described = {}

    def distances(self, stack):
        """How far images are from the training slices.

        Args:
            stack (dcgan_mri.metrics.stack.Stack): The images.

        Returns:
            numpy.ndarray: Distance in features to the nearest one, shape (N,).
        """
        return np.sqrt(squared_distances(stack.features, self._training.real.features).min(axis=1))

    def measure(self, stack, measures=MEASURES):
        """Measure images.

        Args:
            stack (dcgan_mri.metrics.stack.Stack): The images.
            measures (iterable of dcgan_mri.metrics.base.Measure): What to measure; those that need held-out slices
                are left out where there are none.

        Returns:
            dict: Quantity to float; NaN where it cannot be had.
        """
        values = {}
        for measure in measures:
            if self._held_out and _by_held_out(measure):
                if measure.name not in self._described:
                    self._described[measure.name] = measure.describe(self._held_out, self._training.real)
                described = measure.describe(stack, self._training.real)
                values.update(measure.compare(described, self._described[measure.name], np.random.default_rng(0)))
            elif not measure.against_held_out:
                values.update(self._training.measure(stack, [measure]))
        return values

    def some(self, number):
        """Training slices, evenly over them.

        Args:
            number (int): How many.

        Returns:
            numpy.ndarray: uint8 of shape (number, H, W).
        """
        slices = self._training.real.grey
        chosen = np.linspace(0, len(slices) - 1, number).round().astype(int)
        return np.rint(slices[chosen] * 255).astype(np.uint8)

    def measure_real(self):
        """What real slices of other subjects give where images of a run would: the end every measure is read by.

        Returns:
            dict: Quantity to float, of at most as many held-out slices as a run has images, evenly over them; empty
            where there are none. Without coverage and copies, which would compare these slices with themselves.
        """
        if self._held_out is None:
            return {}
        chosen = np.unique(np.linspace(0, len(self._held_out) - 1, IMAGES).round().astype(int))
        return self._of_images(self.stack(self._held_out.grey[chosen] * 255),
                               [measure for measure in MEASURES if not _by_held_out(measure)])

    def measure_run(self, trained):
        """All numbers of a run: means over its last five epochs.

        Args:
            trained (experiments.training.Trained): The training; not one that diverged.

        Returns:
            dict: ``values`` (quantity to float), ``along`` (epoch to values of fewer quantities, for every epoch that
            was kept), ``successes`` and ``failures`` (places among the last epoch's images, see `extremes`).
        """
        last_epochs = trained.epochs[-LAST_EPOCHS:]
        by_epoch = {}
        for epoch, pictures in zip(trained.epochs, trained.pictures, strict=True):
            stack = self.stack(pictures)
            by_epoch[epoch] = self._of_images(stack) if epoch in last_epochs else self.measure(stack, ALONG)
        last = [by_epoch[epoch] for epoch in last_epochs]
        values = {name: mean([each[name] for each in last]) for name in last[0]}
        values["scores.gap"] = mean([real - fake for _, real, fake in trained.scores[-LAST_EPOCHS:]])
        values["kid.swing"] = swing([each["kid"] for each in last])
        successes, failures = extremes(self.distances(stack))
        along = {epoch: {name: each[name] for name in ALONG_QUANTITIES} for epoch, each in by_epoch.items()}
        return {"values": values, "along": along, "successes": successes, "failures": failures}

    def _of_images(self, stack, measures=MEASURES):
        return {**self.measure(stack, measures), "white.share": white_share(stack)}


def _by_held_out(measure):
    return measure.against_held_out or measure.name == "coverage"


def extremes(distances):
    """The rule that chooses Fig. 1's rows: the images nearest to a real slice, and those farthest from all.

    Args:
        distances (numpy.ndarray): Of each image to the nearest real slice.

    Returns:
        tuple of list of int: Places of the nearest, nearest first, and of the farthest, farthest first; ten of each
        where there are as many.
    """
    order = np.argsort(distances, kind="stable")
    return order[:EXTREMES].tolist(), order[::-1][:EXTREMES].tolist()


def mean(values):
    """Mean of the values that are numbers.

    Args:
        values (list of float): At several epochs.

    Returns:
        float: The mean; NaN if none is a number.
    """
    known = [value for value in values if not math.isnan(value)]
    return float(np.mean(known)) if known else math.nan


def swing(values):
    """How unsteady a positive quantity is.

    Args:
        values (list of float): At several epochs.

    Returns:
        float: Standard deviation over mean; NaN for fewer than three values, or a mean that is not positive.
    """
    if len(values) < 3 or not np.mean(values) > 0:
        return math.nan
    return float(np.std(values, ddof=1) / np.mean(values))


def white_share(stack):
    """How much of the head is white, in the mean over images: the paper's white blurs.

    Args:
        stack (Stack): The images.

    Returns:
        float: Share of the head's pixels at 250 of 255 or above, 0 to 1; NaN if no image shows a head.
    """
    return mean([float((grey[head] >= WHITE).mean()) for grey, head in zip(stack.grey, stack.heads, strict=True)
                 if head.any()])
