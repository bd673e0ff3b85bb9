"""Files of weights: snapshots of a run and generators. NumPy's npz, uncompressed, whole or absent, never unpickled."""

import contextlib
import dataclasses
import json
import pathlib
import re
import zipfile

import numpy as np

from dcgan_mri import config as settings
from dcgan_mri.chainer_compat import chainer
from dcgan_mri.errors import DataError, UserError
from dcgan_mri.files import open_regular, whole_file
from dcgan_mri.networks import Generator

CONFIG_KEY = "dcgan_mri_config"
# In a snapshot the names of the generator, and of its average, have this before them.
IN_SNAPSHOT, AVERAGED_IN_SNAPSHOT = "updater/model:gen/", "updater/averaged/"
# Bytes of an array in an npz beside its values, and of the settings, at most.
HEADER, SETTINGS = 2**10, 2**16
NAME = re.compile(r"snapshot_iter_(\d+)\.npz")


def save(folder, trainer, config):
    """Write a snapshot of a run: weights, running statistics, optimizer moments, counters, the log.

    Args:
        folder (Path): Result folder.
        trainer (chainer.training.Trainer): The run.
        config (dcgan_mri.config.Config): Its settings.
    """
    _write(folder / f"snapshot_iter_{trainer.updater.iteration}.npz", trainer, config)


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


def iteration_of(path):
    """The iteration that a snapshot's name tells.

    Args:
        path (Path): The file.

    Returns:
        int: The iteration.
    """
    return int(NAME.fullmatch(path.name)[1])


def read_newest(folder):
    """Read the newest snapshot that is whole; one that is not is passed over.

    Args:
        folder (str or Path): Result folder.

    Returns:
        tuple: Path, settings and arrays, as `read` gives them, and a list of messages on those passed over.

    Raises:
        DataError: If there is none.
    """
    passed_over = []
    for path in newest_first(folder):
        try:
            return path, *read(path), passed_over
        except DataError as error:
            passed_over.append(str(error))
    reasons = f" ({'; '.join(passed_over)})" if passed_over else ""
    raise DataError(f"{folder}: no snapshot to go on from{reasons}; leave out -r to begin anew")


def read(path):
    """Read a snapshot or generator and check that it is whole.

    Args:
        path (str or Path): The file.

    Returns:
        tuple: Settings (Config) and arrays (dict from name to numpy.ndarray).

    Raises:
        DataError: If it is missing, damaged, or not one of ours. Pickled objects are refused, not loaded.
    """
    with _open(path) as (archive, config):
        # Member by member, since numpy.load hands out what is no array as bytes.
        return config, {name.removesuffix(".npy"): np.lib.format.read_array(archive.open(name), allow_pickle=False)
                        for name in archive.namelist() if name != f"{CONFIG_KEY}.npy"}


def restore(path, arrays, target):
    """Put what was read into a trainer or a network.

    Args:
        path (Path): Where it was read from, for the message.
        arrays (dict): Names and arrays.
        target: Anything that Chainer serializes.

    Raises:
        DataError: If names or shapes do not fit.
    """
    try:
        chainer.serializers.NpzDeserializer(arrays).load(target)
    except (KeyError, ValueError, TypeError) as error:
        raise DataError(f"{path}: does not fit these networks ({error}); use the settings it was made with") from None


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
    with _open(path) as (archive, config):
        gen = Generator(config)
        before = AVERAGED_IN_SNAPSHOT if config.ema else IN_SNAPSHOT
        inside = any(name.startswith(before) for name in archive.namelist())
        arrays = {name: _weights(path, archive, before + name if inside else name, own)
                  for name, own in _serialized(gen).items()}
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
        reason = " ".join(f"{type(error).__name__} {error}".split())
        raise DataError(f"{path}: not a whole file of weights: cut short, or changed since it was written "
                        f"({reason[:200]}); copy it again, or name another one") from None


def _array(archive, name, most):
    """One array, if it takes no more than so many bytes, its header included: what is compressed may be vast."""
    size = archive.getinfo(f"{name}.npy").file_size
    if size > most:
        raise ValueError(f"{name} takes {size} bytes, must be at most {most}")
    return np.lib.format.read_array(archive.open(f"{name}.npy"), allow_pickle=False)


def _weights(path, archive, name, own):
    """One array in place of a new generator's own; Chainer would take what only broadcasts or casts to it."""
    if f"{name}.npy" not in archive.namelist():
        raise DataError(f"{path}: does not fit these networks ({name} is missing); name another file")
    array = _array(archive, name, own.nbytes + HEADER)
    if (array.shape, array.dtype) != (own.shape, own.dtype):
        raise DataError(f"{path}: does not fit these networks ({name} is {array.dtype} of shape {array.shape}, must be "
                        f"{own.dtype} of shape {own.shape}); name another file")
    if not np.isfinite(array).all() or name.endswith("/avg_var") and (array < 0).any():
        raise DataError(f"{path}: no generator that can make images ({name} has values that are "
                        f"{'negative' if np.isfinite(array).all() else 'not finite'}); name another file")
    return array


def _serialized(target):
    """Names and arrays of anything that Chainer serializes."""
    serializer = chainer.serializers.DictionarySerializer()
    serializer.save(target)
    return serializer.target


def _write(path, target, config):
    arrays = _serialized(target)
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise DataError(f"{path}: not written, since {name} is no longer finite; go on from the one before it")
    text = np.array(json.dumps(dataclasses.asdict(config)))
    with whole_file(path) as file:
        np.savez(file, **{CONFIG_KEY: text}, **arrays)
