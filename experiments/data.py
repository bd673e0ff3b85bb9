"""The slices that experiments train on, and those that they are measured against."""

import collections
import dataclasses
import pathlib
import shutil
import subprocess
import sys

from dcgan_mri.dataset import Slices
from dcgan_mri.errors import DataError

PHANTOM = "phantom"
PHANTOM_SUBJECTS, PHANTOM_HELD_OUT = 40, 0.25


@dataclasses.dataclass(frozen=True)
class Data:
    """A slice set, as the plan and the report need to know it.

    Attributes:
        folder (str): Where it is; not part of any result.
        name (str): The folder's own name; ``phantom`` for the synthetic one.
        fingerprint (str): Of the manifest: sets that differ in any slice have different ones.
        counts (tuple of int): Training slices of each subject, by name.
        reference (str): What images are measured against: ``held-out`` where the set has held-out subjects, else
            ``train``.
        reference_slices (int): How many those are.
    """

    folder: str
    name: str
    fingerprint: str
    counts: tuple
    reference: str
    reference_slices: int

    @property
    def subjects(self):
        """int: Number of training subjects."""
        return len(self.counts)

    def slices(self, n_subjects):
        """Number of training slices of the first subjects.

        Args:
            n_subjects (int): How many subjects; 0 for all.

        Returns:
            int: The slices.
        """
        return sum(self.counts[:n_subjects or None])

    def facts(self):
        """What a result says of its data, without where on the machine it was.

        Returns:
            dict: For JSON.
        """
        return {"name": self.name, "fingerprint": self.fingerprint, "subjects": self.subjects,
                "reference": self.reference, "reference_slices": self.reference_slices}

    def reference_set(self):
        """The slices to measure against.

        Returns:
            dcgan_mri.dataset.Slices: The slices.
        """
        return Slices(self.folder, split=self.reference)


def describe(folder, image_size, name=None):
    """Look at a slice set.

    Args:
        folder (str or Path): Made by ``python -m preprocess build``.
        image_size (int): Side in pixels that the scale asks for.
        name (str): What to call it; None takes the folder's name.

    Returns:
        Data: What was found.

    Raises:
        DataError: If it is not a whole slice set.
        UsageError: If its slices have another size.
    """
    folder = pathlib.Path(folder)
    training = Slices(folder, image_size)
    try:
        reference, kind = Slices(folder, image_size, split="held-out"), "held-out"
    except DataError:
        reference, kind = training, "train"
    counts = collections.Counter(training.subjects)
    return Data(str(folder), name or folder.resolve().name, training.fingerprint[:12],
                tuple(counts[subject] for subject in sorted(counts)), kind, len(reference))


def phantom(out, scale):
    """The synthetic slices of a scale, made if they are not there: no run needs patient data.

    Args:
        out (Path): Results folder.
        scale (experiments.scales.Scale): Says which slices, and their size.

    Returns:
        Data: 40 subjects, a quarter of them held out.

    Raises:
        DataError: If they cannot be made.
    """
    folder = pathlib.Path(out) / "data" / f"{PHANTOM}-{scale.name}"
    if not (folder / "dataset.json").exists():
        volumes = folder.with_name(f"{folder.name}-volumes")
        for step in (("phantom", "--out", volumes, "--subjects", PHANTOM_SUBJECTS),
                     ("build", "--brats", volumes, "--out", folder, "--subjects", "all", "--slices", scale.levels,
                      "--size", scale.image_size, "--split", PHANTOM_HELD_OUT)):
            _preprocess(*step)
        shutil.rmtree(volumes)
    return describe(folder, scale.image_size, PHANTOM)


def phantom_is_there(out, scale):
    """Whether the synthetic slices of a scale have been made.

    Args:
        out (Path): Results folder.
        scale (experiments.scales.Scale): The scale.

    Returns:
        bool: The answer.
    """
    return (pathlib.Path(out) / "data" / f"{PHANTOM}-{scale.name}" / "dataset.json").exists()


def planned_phantom(scale):
    """The synthetic slices as they will be, for a plan made before them.

    Args:
        scale (experiments.scales.Scale): The scale.

    Returns:
        Data: Counts are those that `phantom` gives; there is no fingerprint.
    """
    n = len(_levels(scale.levels))
    held_out = round(PHANTOM_SUBJECTS * PHANTOM_HELD_OUT)
    return Data("", PHANTOM, "", (n,) * (PHANTOM_SUBJECTS - held_out), "held-out", n * held_out)


def _levels(text):
    """``60-107`` or ``60,64`` as the slices that it names."""
    levels = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        levels += range(int(first), int(last or first) + 1)
    return levels


def _preprocess(*arguments):
    """Run a command of `preprocess`, which knows nothing of the networks and is known by its command line only."""
    command = [sys.executable, "-m", "preprocess", *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                          cwd=pathlib.Path(__file__).parent.parent)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise DataError(f"the phantom could not be made ({reason}); make room, or name a slice set by --data")
