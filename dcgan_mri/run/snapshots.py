"""Files of weights: snapshots of a run and generators. NumPy's npz, uncompressed, whole or absent, never unpickled."""

import contextlib
import dataclasses
import json
import os
import pathlib
import re
import zipfile

import numpy as np

from dcgan_mri import config as settings
from dcgan_mri.chainer_compat import chainer
from dcgan_mri.errors import DataError, UserError
from dcgan_mri.files import open_regular, whole_file
from dcgan_mri.networks import Generator
from dcgan_mri.run import result_folder

CONFIG_KEY = "dcgan_mri_config"
# In a snapshot the names of the generator, and of its average, have this before them.
IN_SNAPSHOT, AVERAGED_IN_SNAPSHOT = "updater/model:gen/", "updater/averaged/"
# Bytes of an array in an npz beside its values, and of the settings, at most.
HEADER, SETTINGS = 2**10, 2**16
COUNTERS = ("updater/iteration", "updater/iterator:main/iteration")
LOG_KEY = "extensions/LogReport/_log"
NAME = re.compile(r"snapshot_iter_(\d+)\.npz")


def save(folder, trainer, config):
    """Write a snapshot of a run: weights, running statistics, optimizer moments, counters, the log.

    Args:
        folder (Path): Result folder.
        trainer (chainer.training.Trainer): The run.
        config (dcgan_mri.config.Config): Its settings.
    """
    _write(folder / file_name(trainer.updater.iteration), trainer, config)


def save_generator(path, gen, config):
    """Write a generator with its settings.

    Args:
        path (Path): The file.
        gen (dcgan_mri.networks.Generator): The generator.
        config (dcgan_mri.config.Config): Its settings.
    """
    _write(path, gen, config)


def newest_first(folder):
    """The snapshots in a result folder by iteration, whatever the dates of the files say.

    Args:
        folder (str or Path): Result folder.

    Returns:
        list of Path: Newest first.
    """
    found = [path for path in pathlib.Path(folder).glob("snapshot_iter_*.npz") if NAME.fullmatch(path.name)]
    return sorted(found, key=iteration_of, reverse=True)


def file_name(iteration):
    """The name of the snapshot after an iteration.

    Args:
        iteration (int): The iteration.

    Returns:
        str: The name.
    """
    return f"snapshot_iter_{iteration}.npz"


def iteration_of(path):
    """The iteration that a snapshot's name tells.

    Args:
        path (Path): The file.

    Returns:
        int: The iteration.
    """
    return int(NAME.fullmatch(path.name)[1])


def read_newest(folder, why_not=lambda config: ""):
    """Read the newest snapshot that is whole and belongs to the run; one that is not is passed over.

    Args:
        folder (str or Path): Result folder.
        why_not (callable): From settings to the reason why they are not those of this run; empty if they are.

    Returns:
        tuple: Path, settings and arrays, as `read` gives them, and a list of messages on those passed over.

    Raises:
        DataError: If there is none.
    """
    passed_over = []
    for path in newest_first(folder):
        try:
            config, arrays = read_run(path)
        except DataError as error:
            passed_over.append(str(error))
            continue
        reason = why_not(config)
        if not reason:
            return path, config, arrays, passed_over
        passed_over.append(f"{path}: not of this run ({reason})")
    reasons = f" ({'; '.join(passed_over)})" if passed_over else ""
    raise DataError(f"{folder}: no snapshot to go on from{reasons}; leave out -r to begin anew in another folder")


def read_run(path):
    """As `read`, for a snapshot of a whole run.

    Raises:
        DataError: Also if its counters or its log are not those of a run.
    """
    config, arrays = read(path)
    try:
        counters = [arrays[name] for name in COUNTERS]
        json.loads(str(arrays[LOG_KEY]))
        whole = all(counter.shape == () and counter.dtype.kind == "i" and counter >= 0 for counter in counters)
    except (KeyError, ValueError, RecursionError):
        whole = False
    if not whole:
        raise DataError(f"{path}: not a snapshot of a run; name a snapshot_iter_*.npz")
    return config, arrays


def read(path):
    """Read a snapshot or generator and check that it is whole.

    Args:
        path (str or Path): The file.

    Returns:
        tuple: Settings (Config) and arrays (dict from name to numpy.ndarray).

    Raises:
        DataError: If it is missing, damaged, or not one of ours. Pickled objects are refused, not loaded; so is
            compressed content, which could grow without bound and which `save` never writes.
    """
    with _open(path) as (archive, config):
        # Member by member, since numpy.load hands out what is no array as bytes.
        members = archive.infolist()
        if (any(member.compress_type != zipfile.ZIP_STORED for member in members)
                or sum(member.file_size for member in members) > os.path.getsize(path)):
            raise DataError(f"{path}: is compressed, which dcgan_mri never writes; name another file")
        return config, {name.removesuffix(".npy"): np.lib.format.read_array(archive.open(name), allow_pickle=False)
                        for name in archive.namelist() if name != f"{CONFIG_KEY}.npy"}


def restore(path, arrays, target):
    """Put what was read into a trainer or a network.

    Args:
        path (Path): Where it was read from, for the message.
        arrays (dict): Names and arrays.
        target: Anything that Chainer serializes.

    Raises:
        DataError: If names, shapes or types do not fit, or values are none that a training leaves.
    """
    try:
        updater = getattr(target, "updater", None)  # a trainer that has not begun cannot be asked for more
        for name, expected in _as_arrays(updater or target).items():
            _check(f"updater/{name}" if updater else name, arrays, expected)
        chainer.serializers.NpzDeserializer(arrays).load(target)
    except Exception as error:  # as in `read`
        raise DataError(
            f"{path}: does not fit these networks ({_short(error)}); use the settings it was made with") from None


def load_generator(path):
    """Load the generator that images are made with from its own file or from a snapshot of a run.

    Args:
        path (str or Path): The file.

    Returns:
        tuple: Generator, on the CPU, and its settings (Config).

    Raises:
        DataError: If the file is missing, damaged or not one of ours, or its weights are not those of a generator that
            can make images.
    """
    in_folder = pathlib.Path(path) / result_folder.GENERATOR
    if in_folder.exists():
        raise DataError(f"{path}: is the folder of a run; name the generator in it, {in_folder}")
    with _open(path) as (archive, config):
        gen = Generator(config)
        before = AVERAGED_IN_SNAPSHOT if config.ema else IN_SNAPSHOT
        inside = any(name.startswith(before) for name in archive.namelist())
        own = {before + name if inside else name: array for name, array in _as_arrays(gen).items()}
        arrays = {name: _array(archive, name, array.nbytes + HEADER) for name, array in own.items()
                  if f"{name}.npy" in archive.namelist()}
    if inside:
        arrays = {name.removeprefix(before): array for name, array in arrays.items()}
    restore(path, arrays, gen)
    return gen, config


@contextlib.contextmanager
def _open(path):
    """The archive and the settings of one of our files; whatever is wrong with it inside the block is a DataError."""
    try:
        with open_regular(path) as file, zipfile.ZipFile(file) as archive:
            if f"{CONFIG_KEY}.npy" not in archive.namelist():
                raise DataError(f"{path}: not a file of dcgan_mri; give a snapshot_iter_*.npz or generator.npz")
            text = str(_array(archive, CONFIG_KEY, SETTINGS))
            yield archive, settings.from_dict(dict(json.loads(text)), origin=str(path))
    except OSError as error:
        raise DataError(f"{path}: cannot read it ({error.strerror or error}); name another file") from None
    except UserError as error:
        raise DataError(str(error)) from None
    except Exception as error:  # what damaged or hostile content raises inside zipfile, zlib, NumPy and json has no end
        raise DataError(f"{path}: not a whole file of weights: cut short, or changed since it was written "
                        f"({_short(error)}); copy it again, or name another one") from None


def _array(archive, name, most):
    """One array, if it takes no more than so many bytes, its header included: what is compressed may be vast."""
    size = archive.getinfo(f"{name}.npy").file_size
    if size > most:
        raise ValueError(f"{name} takes {size} bytes, must be at most {most}")
    return np.lib.format.read_array(archive.open(f"{name}.npy"), allow_pickle=False)


def _check(name, arrays, expected):
    """Refuse what is missing, what Chainer would broadcast or convert, and what no training leaves."""
    if name not in arrays:
        raise ValueError(f"{name} is missing")
    found = arrays[name]
    if (found.shape, found.dtype.kind) != (expected.shape, expected.dtype.kind):
        raise ValueError(f"{name} is {found.dtype} of shape {found.shape}, not {expected.dtype} of {expected.shape}")
    if found.dtype.kind == "f" and not np.isfinite(found).all():
        raise ValueError(f"{name} has values that are not finite")
    if name.endswith("/avg_var") and (found < 0).any():
        raise ValueError(f"{name} has values that are negative")


def _as_arrays(target):
    serializer = chainer.serializers.DictionarySerializer()
    serializer.save(target)
    return serializer.target


def _short(error):
    return " ".join(f"{type(error).__name__} {error}".split())[:200]


def _write(path, target, config):
    arrays = _as_arrays(target)
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise DataError(f"{path}: not written, since {name} is no longer finite; go on from the one before it")
    text = np.array(json.dumps(dataclasses.asdict(config)))
    with whole_file(path) as file:
        np.savez(file, **{CONFIG_KEY: text}, **arrays)
