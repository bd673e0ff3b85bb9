"""The slices that experiments train on, and those that they are measured against."""

import collections
import dataclasses
import pathlib
import re
import subprocess
import sys
import tempfile

from dcgan_mri.slice_set import NoSlicesError, Slices
from dcgan_mri.errors import DataError, UsageError
from dcgan_mri.files import write_text
from dcgan_mri.run.result_folder import making

PHANTOM = "phantom"
PHANTOM_SUBJECTS, PHANTOM_HELD_OUT = 40, 0.25


@dataclasses.dataclass(frozen=True)
class Data:
    """A slice set, as the plan and the report need to know it.

    Attributes:
        folder (str): Where it is; not part of any result.
        name (str): The folder's own name in letters, digits, dots and dashes; ``phantom`` for the synthetic one alone.
        fingerprint (str): Of the manifest: sets that differ in any slice have different ones; empty in a plan for
            slices that are yet to be made.
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

    def training_set(self):
        """The slices to train on.

        Returns:
            dcgan_mri.slice_set.Slices: The slices.
        """
        return Slices(self.folder)

    def reference_set(self):
        """The slices to measure against.

        Returns:
            dcgan_mri.slice_set.Slices: The slices.
        """
        return Slices(self.folder, split=self.reference)


def describe(folder, image_size):
    """Look at a slice set of the user's.

    Args:
        folder (str or Path): Made by ``python -m preprocess build``.
        image_size (int): Side in pixels that the scale asks for.

    Returns:
        Data: What was found.

    Raises:
        DataError: If it is not a whole slice set.
        UsageError: If its slices have another size, or it has the name of the synthetic one: figures of that one are
            for everybody to see.
    """
    folder = pathlib.Path(folder).resolve()
    name = re.sub(r"[^A-Za-z0-9.-]+", "-", folder.name).strip("-.") or "slices"
    if name == PHANTOM:
        raise UsageError(f"{folder}: has the name of the synthetic slices, whose figures are not kept private; rename "
                         "it, or leave --data out for the synthetic ones")
    return _described(folder, image_size, name)


def phantom(out, scale):
    """The synthetic slices of a scale, made if they are not there: no run needs patient data.

    Args:
        out (Path): Results folder.
        scale (experiments.scales.Scale): Says which slices, and their size.

    Returns:
        Data: 40 subjects, a quarter of them held out.

    Raises:
        DataError: If they cannot be made, or are not all there.
    """
    folder = _phantom_folder(out, scale)
    if not phantom_is_there(out, scale):
        _make_phantom(folder, scale)
    data, planned = _described(folder, scale.image_size, PHANTOM), planned_phantom(scale)
    if (data.counts, data.reference_slices) != (planned.counts, planned.reference_slices):
        raise DataError(f"{folder}: has {sum(data.counts)} slices of {data.subjects} training subjects in place of "
                        f"{sum(planned.counts)} of {planned.subjects}; delete the folder, and it is made again")
    return data


def phantom_is_there(out, scale):
    """Whether the synthetic slices of a scale have been made.

    Args:
        out (Path): Results folder.
        scale (experiments.scales.Scale): The scale.

    Returns:
        bool: The answer.
    """
    return (_phantom_folder(out, scale) / "dataset.json").exists()


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


def keep_out_of_git(folder):
    """Make a folder whose content no repository takes in, wherever it lies: it may come to hold images of patients.

    Args:
        folder (Path): The folder.

    Raises:
        DataError: If it cannot be made.
    """
    with making(folder):
        folder.mkdir(parents=True, exist_ok=True)
    if not (folder / ".gitignore").exists():
        write_text(folder / ".gitignore", "*\n")


def _phantom_folder(out, scale):
    return pathlib.Path(out).resolve() / "data" / f"{PHANTOM}-{scale.name}"


def _described(folder, image_size, name):
    training = Slices(folder, image_size)
    try:
        reference, kind = Slices(folder, image_size, split="held-out"), "held-out"
    except NoSlicesError:
        reference, kind = training, "train"
    counts = collections.Counter(training.subjects)
    return Data(str(folder), name, training.fingerprint[:12],
                tuple(counts[subject] for subject in sorted(counts)), kind, len(reference))


def _make_phantom(folder, scale):
    """Make it in a folder of our own and move it into place whole: several plans may begin at the same time."""
    keep_out_of_git(folder.parent)
    with tempfile.TemporaryDirectory(prefix=".making-", dir=folder.parent) as place:
        volumes, slices = pathlib.Path(place) / "volumes", pathlib.Path(place) / "slices"
        for step in (("phantom", "--out", volumes, "--subjects", PHANTOM_SUBJECTS),
                     ("build", "--brats", volumes, "--out", slices, "--subjects", "all", "--slices", scale.levels,
                      "--size", scale.image_size, "--split", PHANTOM_HELD_OUT)):
            _preprocess(*step)
        try:
            slices.rename(folder)
        except OSError as error:
            if not (folder / "dataset.json").exists():  # else another plan was faster; its slices are the same
                raise DataError(f"{folder}: cannot move the phantom there ({error.strerror}); delete that folder, or "
                                "give another one by -o") from None


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
