"""What the readers sent back, as far as it can be counted."""

import json
import pathlib

from dcgan_mri.errors import DataError

RATINGS = range(1, 7)


class NotCountedError(Exception):
    """A file of answers cannot be counted; the message says why."""


def read_key(study):
    """The key of a study.

    Args:
        study (str or Path): Its folder.

    Returns:
        dict: As `dcgan_mri.reader_study.design.key_of` made it.

    Raises:
        DataError: If it is missing or no key.
    """
    path = pathlib.Path(study) / "key.json"
    try:
        key = json.loads(path.read_text(encoding="utf-8"))
        if key["format"] != "reader study key":
            raise ValueError(f"is a {key['format']}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{path}: cannot read the key ({reason}); name the folder that `make` wrote") from None
    return key


def collect(paths, key):
    """Read answers; what cannot be counted is left out with its reason.

    Args:
        paths (list of str): The files.
        key (dict): The study's key.

    Returns:
        tuple: Reader (int, from 1) to ratings (dict of a showing's name to 1…6), and a list of (path, reason).
    """
    found, left_out = {}, []
    for path in paths:
        try:
            reader, ratings = read(path, key)
        except NotCountedError as error:
            left_out.append((path, str(error)))
        else:
            found.setdefault(reader, []).append((path, ratings))
    counted = {}
    for reader, files in sorted(found.items()):
        (first, ratings), *others = files
        if all(other == ratings for _, other in others):
            counted[reader] = ratings
            left_out += [(path, f"the same answers as {first}, which are counted") for path, _ in others]
        else:
            left_out += [(path, f"reader {reader} answered more than once, and differently; none of it is counted")
                         for path, _ in files]
    return counted, left_out


def read(path, key):
    """Read one file of answers.

    Args:
        path (str): The file.
        key (dict): The study's key.

    Returns:
        tuple: Number of the reader, and ratings by the name of the showing; those for practice are left out.

    Raises:
        NotCountedError: If it is damaged, of another study, or incomplete.
    """
    try:
        answers = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise NotCountedError(f"cannot be read ({error.strerror})") from None
    except ValueError:
        raise NotCountedError("is not whole, or no JSON") from None
    if not isinstance(answers, dict) or answers.get("format") != "reader study answers":
        raise NotCountedError("has no answers in it")
    if answers.get("study") != key["study"]:
        raise NotCountedError(f"is of another study ({answers.get('study')})")
    reader, given = answers.get("reader"), answers.get("answers")
    if type(reader) is not int or not 1 <= reader <= len(key["readers"]) or not isinstance(given, dict):
        raise NotCountedError("is not as this study's pages write it")
    names = [trial["name"] for trial in key["readers"][reader - 1] if trial["kind"] != "practice"]
    missing = [name for name in names if name not in given]
    if missing:
        raise NotCountedError(f"is incomplete: {len(missing)} of {len(names)} images have no answer")
    if any(type(given[name]) is not int or given[name] not in RATINGS for name in names):
        raise NotCountedError("has ratings that are not from 1 to 6")
    return reader, {name: given[name] for name in names}
