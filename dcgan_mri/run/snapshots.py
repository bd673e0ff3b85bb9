"""Files of weights: snapshots of a run and generators. NumPy's npz, uncompressed, whole or absent, never unpickled."""

import dataclasses
import json
import pathlib
import re
import zipfile

import numpy as np

from dcgan_mri import config as settings
from dcgan_mri.chainer_compat import chainer
from dcgan_mri.errors import DataError, UserError
from dcgan_mri.files import whole_file
from dcgan_mri.networks import Generator

CONFIG_KEY = "dcgan_mri_config"
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
    try:
        # Member by member, since numpy.load hands out what is no array as bytes.
        with zipfile.ZipFile(path) as archive:
            if f"{CONFIG_KEY}.npy" not in archive.namelist():
                raise DataError(f"{path}: not a file of dcgan_mri; give a snapshot_iter_*.npz or generator.npz")
            arrays = {name.removesuffix(".npy"): np.lib.format.read_array(archive.open(name), allow_pickle=False)
                      for name in archive.namelist()}
        config = settings.from_dict(dict(json.loads(str(arrays.pop(CONFIG_KEY)))), origin=str(path))
    except OSError as error:
        raise DataError(f"{path}: cannot read it ({error.strerror or error}); name another file") from None
    except UserError as error:
        raise DataError(str(error)) from None
    except Exception as error:  # what damaged or hostile content raises inside zipfile, zlib, NumPy and json has no end
        reason = " ".join(f"{type(error).__name__} {error}".split())
        raise DataError(f"{path}: not a whole file of weights ({reason[:200]}); name another one") from None
    return config, arrays


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
        DataError: If the file is missing, damaged or not one of ours.
    """
    config, arrays = read(path)
    in_snapshot = "updater/averaged/" if config.ema else "updater/model:gen/"
    inside = {name.removeprefix(in_snapshot): array for name, array in arrays.items() if name.startswith(in_snapshot)}
    gen = Generator(config)
    restore(path, inside or arrays, gen)
    return gen, config


def _write(path, target, config):
    serializer = chainer.serializers.DictionarySerializer()
    serializer.save(target)
    for name, array in serializer.target.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise DataError(f"{path}: not written, since {name} is no longer finite; go on from the one before it")
    text = np.array(json.dumps(dataclasses.asdict(config)))
    with whole_file(path) as file:
        np.savez(file, **{CONFIG_KEY: text}, **serializer.target)
