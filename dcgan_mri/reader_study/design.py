"""Who sees what, in which order, under which name; and the key that says what it was."""

import dataclasses
import hashlib
import json

import numpy as np

# Real and generated images each.
PRACTICE = 2


@dataclasses.dataclass(frozen=True)
class Trial:
    """One showing of an image to one reader.

    Args:
        name (str): What the page calls it; says nothing.
        image (int): Index into the study's images.
        kind (str): ``practice``, ``scored`` (the first showing) or ``repeat``.
    """

    name: str
    image: int
    kind: str


def trials(real, repeats, rng):
    """What one reader sees: practice, then every other image once; repeats come a third of the others later or more.

    Args:
        real (numpy.ndarray): bool, for each image; the first `PRACTICE` of each sort are for practice.
        repeats (numpy.ndarray): int, the images that are shown twice.
        rng (numpy.random.Generator): This reader's own.

    Returns:
        list of Trial: In order.
    """
    practice, scored = split(real)
    once = rng.permutation(np.setdiff1d(scored, repeats))
    early, middle, late = np.array_split(once, 3)
    shown = [(image, "practice") for image in rng.permutation(practice)]
    shown += [(image, "scored") for image in rng.permutation(np.concatenate([early, repeats]))]
    shown += [(image, "scored") for image in middle]
    end = [(image, "scored") for image in late] + [(image, "repeat") for image in repeats]
    shown += [end[i] for i in rng.permutation(len(end))]
    return [Trial(rng.bytes(8).hex(), int(image), kind) for image, kind in shown]


def split(real):
    """Which images are for practice.

    Args:
        real (numpy.ndarray): bool, for each image.

    Returns:
        tuple of numpy.ndarray: Indices of those for practice, and of the others.
    """
    practice = np.concatenate([np.flatnonzero(real)[:PRACTICE], np.flatnonzero(~real)[:PRACTICE]])
    return practice, np.setdiff1d(np.arange(len(real)), practice)


def chosen_repeats(real, n, rng):
    """Images to show twice, half of them real.

    Args:
        real (numpy.ndarray): bool, for each image.
        n (int): How many.
        rng (numpy.random.Generator): Draws them.

    Returns:
        numpy.ndarray: int of shape (n,).
    """
    _, scored = split(real)
    return np.concatenate([rng.choice(scored[real[scored]], n // 2, replace=False),
                           rng.choice(scored[~real[scored]], n - n // 2, replace=False)])


def key_of(images, readers, facts):
    """The key: what stays behind when the pages go out.

    Args:
        images (list of dcgan_mri.reader_study.images.Image): All images.
        readers (list of list of Trial): For each reader.
        facts (dict): Margin, generator and the like.

    Returns:
        dict: For ``key.json``; ``study`` names the study by a hash of the rest.
    """
    key = {
        "format": "reader study key", "version": 1, **facts,
        "images": [{"real": image.real, "source": image.source, "level": image.level} for image in images],
        "readers": [[dataclasses.asdict(trial) for trial in mine] for mine in readers]}
    return {"study": hashlib.sha256(json.dumps(key).encode()).hexdigest()[:16], **key}
