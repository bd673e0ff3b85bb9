"""Bring images into an archive, and believe that it has them only when it gives them back."""

import enum
import pathlib

import numpy as np
from pydicom import dcmread

from dcgan_mri.errors import DataError


class State(enum.Enum):
    """What has become of an image; the value tells the user."""

    WAS_THERE = "it was there before"
    STORED = "it is stored"
    ABSENT = "it is not there"
    REFUSED = "the archive does not keep it; its log may say why"
    DIFFERS = "the archive has other pixels under its UID; delete that image there"


def synthetic_files(folder):
    """The DICOM objects in a folder, none of which may be of a person.

    Args:
        folder (str or Path): The folder.

    Returns:
        list of Path: Sorted by name.

    Raises:
        DataError: If there are none, or one cannot be read or is not marked as synthetic.
    """
    files = sorted(pathlib.Path(folder).glob("*.dcm"))
    if not files:
        raise DataError(f"{folder}: has no .dcm file; make some by `generate --format png,dicom`, or name their folder")
    for file in files:
        try:
            image = dcmread(file)
            image.pixel_array  # noqa: B018  (raises if the file is cut off)
        except Exception as error:  # what damaged files raise inside pydicom has no end
            reason = " ".join(f"{type(error).__name__} {error}".split())
            raise DataError(f"{file}: not a whole DICOM image ({reason[:200]}); make it again") from None
        if image.get("SyntheticData") != "YES":
            raise DataError(f"{file}: not marked as synthetic (SyntheticData is not YES), it may show a patient; "
                            f"nothing is pushed: take it out of the folder")
    return files


def push(archive, files, batchsize, send=True):
    """Store images in batches; those that are there already are not sent again.

    Args:
        archive (dcgan_mri.archive.dicomweb.Archive): Where to.
        files (list of Path): The images.
        batchsize (int): How many to send at once.
        send (bool): False only looks.

    Yields:
        tuple of Path, State: Each image, in order. `STORED` means that the archive says so and gives back equal
        pixels.

    Raises:
        DataError: If the archive does not answer. Nothing is then known of images not yet yielded.
    """
    for start in range(0, len(files), batchsize):
        batch = files[start:start + batchsize]
        states = {file: found(archive, file) for file in batch}
        absent = [file for file, state in states.items() if state is State.ABSENT]
        if absent and send:
            accepted = archive.store(absent)
            states.update((file, outcome(archive, file, accepted)) for file in absent)
        yield from states.items()


def found(archive, file):
    """Whether the archive has an image.

    Args:
        archive (dcgan_mri.archive.dicomweb.Archive): The archive.
        file (Path): The image.

    Returns:
        State: `WAS_THERE`, `ABSENT` or `DIFFERS`.
    """
    image = dcmread(file)
    there = archive.pixels(image)
    if there is None:
        return State.ABSENT
    return State.WAS_THERE if np.array_equal(there, image.pixel_array) else State.DIFFERS


def outcome(archive, file, accepted):
    """What has become of an image that was sent.

    Args:
        archive (dcgan_mri.archive.dicomweb.Archive): The archive.
        file (Path): The image.
        accepted (set of str): UIDs that the archive says it has stored.

    Returns:
        State: `STORED`, `REFUSED` or `DIFFERS`.
    """
    if dcmread(file, stop_before_pixels=True).SOPInstanceUID not in accepted:
        return State.REFUSED
    state = found(archive, file)
    return {State.WAS_THERE: State.STORED, State.ABSENT: State.REFUSED}.get(state, state)
