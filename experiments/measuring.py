"""What a finished training is measured by: its last sample grid, its log, and grids along the way."""

import json
import math
import pathlib
import threading

import numpy as np

from dcgan_mri.run import sample_grids
from dcgan_mri.errors import DataError
from dcgan_mri.metrics import features
from dcgan_mri.metrics.neighbours import squared_distances
from dcgan_mri.metrics.stack import Stack
from experiments import quantities

WHITE = 250 / 255
# Along the epochs: how near to real slices, and whether the images become alike.
ALONG = ("diversity", "kid")
ALONG_POINTS = 8
EXTREMES = 10
# Images of a sample grid.
GRID = 100


class Reference:
    """Real slices that are described once for all runs of a plan; several threads may use it.

    Args:
        slices (dcgan_mri.slice_set.Slices): The slices.
    """

    def __init__(self, slices):
        pictures = slices.batch(range(len(slices)))
        self._real = Stack(pictures, features.choose(None, pictures / np.float32(255)), slices.subjects, slices.levels)
        self._lock = threading.Lock()
        self._described = {}

    def stack(self, pictures):
        """Images with features on the real slices' scale.

        Args:
            pictures (numpy.ndarray): uint8 of shape (N, H, W, 3) or (N, H, W).

        Returns:
            Stack: The images.
        """
        return Stack(pictures, self._real.extractor)

    def distances(self, stack):
        """How far images are from the real slices.

        Args:
            stack (Stack): From `stack`.

        Returns:
            numpy.ndarray: Distance in features to the nearest real slice, shape (N,).
        """
        return np.sqrt(squared_distances(stack.features, self._real.features).min(axis=1))

    def measure(self, stack, measures):
        """Measure images.

        Args:
            stack (Stack): From `stack`.
            measures (iterable of dcgan_mri.metrics.measure.Measure): What to measure.

        Returns:
            dict: Quantity to float; NaN where it cannot be had.
        """
        values = {}
        for measure in measures:
            with self._lock:
                if measure.name not in self._described:
                    self._described[measure.name] = measure.describe(self._real, self._real)
            described = measure.describe(stack, self._real)
            values.update(measure.compare(described, self._described[measure.name], np.random.default_rng(0)))
        return values


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


def measure_real(slices, reference):
    """What real slices give where images of a run would: the end that every measure can be read by.

    Args:
        slices (dcgan_mri.slice_set.Slices): The training slices.
        reference (Reference): Real slices.

    Returns:
        dict: Quantity to float, of as many slices as a grid has images, evenly over the set.
    """
    chosen = np.unique(np.linspace(0, len(slices) - 1, GRID).round().astype(int))
    return _of_images(reference.stack(slices.batch(chosen)), reference)


def measure_run(folder, reference, along):
    """All numbers of a run.

    Args:
        folder (Path): Its result folder.
        reference (Reference): Real slices.
        along (bool): Whether to measure along the second half of its epochs too.

    Returns:
        dict: ``values`` (quantity to float), ``scores`` (epoch, mean score of real and of generated images, each
        epoch), ``along`` (epoch to values of fewer quantities; empty unless asked for), ``successes`` and ``failures``
        (places in the last grid, see `extremes`).

    Raises:
        DataError: If the folder lacks a grid or the log.
    """
    grids, log = sample_grids.by_epoch(folder), read_log(folder)
    if not grids:
        raise DataError(f"{folder}/preview: has no sample grid; delete {folder} and run the experiment again")
    last = max(grids)
    stack = _stack(grids[last], reference)
    values = _of_images(stack, reference)
    values["scores.gap"] = log[-1]["dis/y_real"] - log[-1]["dis/y_fake"]
    measured_along = {}
    if along:
        for epoch in along_epochs(last):
            if epoch in grids:
                measured_along[epoch] = reference.measure(_stack(grids[epoch], reference), _along_measures())
        values["kid.swing"] = swing([values_at["kid"] for values_at in measured_along.values()])
    successes, failures = extremes(reference.distances(stack))
    return {"values": values, "scores": [[entry["epoch"], entry["dis/y_real"], entry["dis/y_fake"]] for entry in log],
            "along": measured_along, "successes": successes, "failures": failures}


def read_log(folder):
    """The log of a run.

    Args:
        folder (Path): Result folder.

    Returns:
        list of dict: One entry an epoch, at least one.

    Raises:
        DataError: If it cannot be read.
    """
    path = pathlib.Path(folder) / "log"
    try:
        log = json.loads(path.read_text(encoding="utf-8"))
        reason = "" if isinstance(log, list) and log else "it has no entries"
    except (OSError, ValueError) as error:
        reason = str(error)
    if reason:
        raise DataError(f"{path}: cannot read the log ({reason}); delete {folder} and run the experiment again")
    return log


def along_epochs(last):
    """Epochs to measure along a training.

    Args:
        last (int): Its last epoch.

    Returns:
        list of int: At most eight, evenly over the second half, the last included.
    """
    return sorted({round(epoch) for epoch in np.linspace(last / 2, last, ALONG_POINTS)} - {0})


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
    shares = [float((grey[head] >= WHITE).mean()) for grey, head in zip(stack.grey, stack.heads, strict=True)
              if head.any()]
    return float(np.mean(shares)) if shares else math.nan


def _of_images(stack, reference):
    return {**reference.measure(stack, quantities.IMAGE_MEASURES), "white.share": white_share(stack)}


def _stack(grid, reference):
    return reference.stack(sample_grids.cells(sample_grids.read(grid)))


def _along_measures():
    return [measure for measure in quantities.IMAGE_MEASURES if measure.name in ALONG]
