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
from experiments.measuring import Reference

PHANTOM = "phantom"
PHANTOM_SUBJECTS, PHANTOM_HELD_OUT = 40, 0.25


@dataclasses.dataclass(frozen=True)
class Data:
    """A slice set, as the plan and the report need to know it.

    Attributes:
        folder (str): Where it is; not part of any result.
        name (str): The folder's own name in letters, digits, dots and dashes; ``phantom`` for the synthetic one alone.
        fingerprint (str): Of the manifest: sets that differ in any slice have different ones.
        counts (tuple of int): Training slices of each subject, by name.
        held_out (int): Slices of subjects that no run trains on; may be 0.
    """

    folder: str
    name: str
    fingerprint: str
    counts: tuple
    held_out: int

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
                "slices": self.slices(0), "held_out": self.held_out}

    def reference(self):
        """The slices that images are measured against.

        Returns:
            experiments.measuring.Reference: All training slices, and those of held-out subjects.
        """
        return Reference(Slices(self.folder), self.held_out_slices())

    def held_out_slices(self):
        """Slices of subjects that no run trains on.

        Returns:
            dcgan_mri.slice_set.Slices: The slices; None if there are none.
        """
        return Slices(self.folder, split="held-out") if self.held_out else None


def chosen(folder, out, scale):
    """The slices that a user names, or the synthetic ones.

    Args:
        folder (str or Path): Slice set; None for the phantom.
        out (Path): Folder for runs, which the phantom is made in.
        scale (experiments.scales.Scale): The scale.

    Returns:
        Data: The slices.

    Raises:
        UserError: See `describe` and `phantom`.
    """
    return phantom(out, scale) if folder is None else describe(folder, scale.image_size)


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
        out (Path): Folder for runs.
        scale (experiments.scales.Scale): Says which slices, and their size.

    Returns:
        Data: 40 subjects, a quarter of them held out.

    Raises:
        DataError: If they cannot be made.
    """
    folder = pathlib.Path(out).resolve() / "data" / f"{PHANTOM}-{scale.name}"
    if not (folder / "dataset.json").exists():
        _make_phantom(folder, scale)
    return _described(folder, scale.image_size, PHANTOM)


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


def _described(folder, image_size, name):
    training = Slices(folder, image_size)
    try:
        held_out = len(Slices(folder, image_size, split="held-out"))
    except NoSlicesError:
        held_out = 0
    counts = collections.Counter(training.subjects)
    return Data(str(folder), name, training.fingerprint[:12], tuple(counts[subject] for subject in sorted(counts)),
                held_out)


def _make_phantom(folder, scale):
    """Make it in a folder of our own and move it into place whole: several plans may begin at the same time."""
    keep_out_of_git(folder.parent)
    print(f"making the synthetic slices, {PHANTOM_SUBJECTS} subjects: a minute or two", flush=True)
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


def _preprocess(*arguments):
    """Run a command of `preprocess`, which knows nothing of the networks and is known by its command line only."""
    command = [sys.executable, "-m", "preprocess", *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                          cwd=pathlib.Path(__file__).parent.parent)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise DataError(f"the phantom could not be made ({reason}); make room, or name a slice set by --data")
