"""The folder of a slice set on its way from empty to finished.

A finished set has ``dataset.json`` and no bookkeeping. Before that, ``.unfinished`` holds the settings that the set was
begun with and a record of each finished subject. The last steps are: describe the set under a temporary name, remove
the bookkeeping, rename the description. Whatever step a kill falls on, the next run with the same settings can go on.
"""

import json
import os
import shutil

from preprocess import manifest
from preprocess.errors import DataError
from preprocess.storage import WORK_NAME, sync, sync_all, to_json, write_whole
from preprocess.verify import check_set, is_slice_name, read_description

_READY = ".dataset.json.ready"


def _read_json(path):
    """A JSON object, or None if there is none that can be read."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def difference(before, now):
    """Say how the settings of an existing set differ from those asked for.

    Args:
        before (dict or None): Settings of the set.
        now (dict): Settings asked for.

    Returns:
        str: Words for the first difference.
    """
    before = before or {}
    for key in now:
        if before.get(key) == now[key]:
            continue
        if key == "subjects":
            return f"other subjects ({len(before.get(key) or [])}, now {len(now[key])})"
        return f"other settings ({key.replace('_', ' ')}: {json.dumps(before.get(key))}, now {json.dumps(now[key])})"
    return "other settings"


def read_record(out, name, asked):
    """The record of a subject that an earlier run with the same settings finished.

    Args:
        out (Path): The folder of the set.
        name (str): The subject.
        asked (dict): Settings asked for.

    Returns:
        dict or None: Its record.
    """
    record = _read_json(_record_path(out, name))
    return record if record and record.get("settings") == asked else None


def write_record(out, name, record):
    """Note that a subject is finished.

    Args:
        out (Path): The folder of the set.
        name (str): The subject.
        record (dict): What :func:`read_record` is to give back.

    Raises:
        OutputError: If it cannot be written.
    """
    write_whole(_record_path(out, name), to_json(record), out / WORK_NAME)


def _record_path(out, name):
    return out / WORK_NAME / f"{name}.record.json"


def prepare(out, asked, overwrite):
    """Bring a folder into the state in which subjects can be added; called with the folder held.

    Args:
        out (Path): The folder.
        asked (dict): Settings asked for.
        overwrite (bool): Whether what is there may be replaced.

    Returns:
        bool: True if the set turned out to be finished but for its last step, which was done.

    Raises:
        DataError: If the folder holds something else that may not be replaced.
    """
    work = out / WORK_NAME
    ready = _read_json(out / _READY)
    begun = _read_json(work / "settings.json") or ready
    complete = (out / manifest.DATASET).exists()
    if ready and not complete and ready.get("settings") == asked and _is_whole(out):
        _complete(out)
        return True
    replaces = complete or (begun is not None and begun.get("settings") != asked)
    if replaces and not overwrite:
        raise DataError(out, f"it holds an unfinished set with {difference(begun.get('settings'), asked)}",
                        "finish it with its own settings, use --overwrite, or another --out")  # fmt: skip
    if begun is None and not complete:
        _refuse_foreign(out)
    # First: from here on a kill leaves a folder that says what is being made in it.
    write_whole(work / "settings.json", to_json({"settings": asked}), work)
    (out / _READY).unlink(missing_ok=True)
    if replaces:
        (out / manifest.DATASET).unlink(missing_ok=True)
        _remove(out, keep=())
        for path in work.glob("*.record.json"):
            path.unlink()
    return False


def _is_whole(out):
    try:
        return not check_set(out, _READY)
    except DataError:
        return False


def _refuse_foreign(out):
    foreign = sorted(name for name in os.listdir(out) if not name.startswith("."))
    if foreign:
        raise DataError(out, f"this folder is not empty and not a slice set (it has {foreign[0]})",
                        "choose another --out")  # fmt: skip


def _remove(out, keep):
    """Remove files named as those of a set are, but for some."""
    for name in os.listdir(out):
        if (is_slice_name(name) or name in (manifest.MANIFEST, manifest.OVERVIEW)) and name not in keep:
            (out / name).unlink()


def finish(out, description, expected):
    """Make a set of a folder whose files are all written.

    Args:
        out (Path): The folder.
        description (dict): Content of ``dataset.json``.
        expected (set of str): Names of the set's files but for ``dataset.json``.

    Raises:
        OutputError: If the disk does not take it; the folder is no set then.
    """
    # Slices of a subject that failed halfway, in this run or in an earlier one.
    _remove(out, keep=expected)
    sync_all([out / name for name in sorted(expected)])
    write_whole(out / _READY, to_json(description), out / WORK_NAME)
    sync(out / _READY)
    _complete(out)


def _complete(out):
    sync(out)
    shutil.rmtree(out / WORK_NAME)
    os.replace(out / _READY, out / manifest.DATASET)
    sync(out)


def existing_set(out, asked, overwrite):
    """The description of a finished set with the same settings.

    Args:
        out (Path): The folder.
        asked (dict): Settings asked for.
        overwrite (bool): Whether a set that is not so may be replaced.

    Returns:
        tuple: Description and list of problems; (None, []) if there is no finished set or it is to be replaced.

    Raises:
        DataError: If there is a set with other settings that may not be replaced.
    """
    if not (out / manifest.DATASET).exists():
        return None, []
    try:
        description = read_description(out)
        if description["settings"] == asked:
            return description, check_set(out)
        problem = DataError(out, f"it holds a set with {difference(description['settings'], asked)}",
                            "use --overwrite to replace it, or another --out")  # fmt: skip
    except DataError as error:
        problem = error
    if overwrite:
        return None, []
    raise problem
