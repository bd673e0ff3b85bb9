"""Which device a rank computes on."""

import dataclasses
import importlib.metadata
import pathlib
import re
import shutil

from dcgan_mri.chainer_compat import chainer
from dcgan_mri.errors import UsageError

INSTALL = "`make setup`, or `pip install .[gpu]`,"


@dataclasses.dataclass(frozen=True)
class Device:
    """The device of one rank.

    Attributes:
        spec (str): Chainer's name for it: ``@numpy`` or ``@cupy:0``.
        identity (str): Tells GPUs of one machine apart (the PCI bus number); empty on CPU.
        description (str): For the log: what it is, and on CPU why no GPU is used.
    """

    spec: str
    identity: str
    description: str


def visible_gpus():
    """Count the GPUs that this process can use.

    Returns:
        tuple: The number, and the reason if it is 0. A driver is asked for, not only an installed CuPy: Chainer
        calls CUDA available on a machine without any GPU once CuPy loads.
    """
    try:
        import cupy
    except ImportError as error:
        if not _has_nvidia():
            return 0, "there is no NVIDIA GPU"
        return 0, f"CuPy cannot be imported ({_first_line(error)}); {INSTALL} installs it"
    # A path may be searched twice, as lib and lib64, a link to it; what was half removed has no name.
    names = {found.name or "" for found in importlib.metadata.distributions()}
    several = sorted(name for name in names if re.fullmatch("cupy(-cuda.*)?", name))
    if len(several) > 1:
        return 0, (f"there are two CuPys in each other's way, {' and '.join(several)}; remove both by `pip uninstall`, "
                   f"then {INSTALL} installs one")
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except Exception as error:  # CuPy raises its own types, which differ between versions.
        return 0, f"CUDA finds no usable GPU ({_first_line(error)})"
    if count and not chainer.backends.cuda.available:
        return 0, f"Chainer cannot use CuPy ({_first_line(chainer.backends.cuda._resolution_error)})"
    return count, "" if count else "CUDA finds no GPU"


def choose(asked, local_rank):
    """Choose this rank's device: the GPUs of a machine are dealt to its ranks in turn.

    A launcher that shows each rank a GPU of its own, through CUDA_VISIBLE_DEVICES, gets what it means: one visible GPU
    is number 0 whatever the rank.

    Args:
        asked (str): ``auto``, ``on`` or ``off``.
        local_rank (int): Rank among those on this machine.

    Returns:
        Device: The choice.

    Raises:
        UsageError: If a GPU is asked for and there is none.
    """
    if asked == "off":
        return Device("@numpy", "", "CPU (asked for)")
    count, reason = visible_gpus()
    if count == 0:
        if asked == "on":
            raise UsageError(f"--gpu on: {reason}; use --gpu off to train on the CPU")
        return Device("@numpy", "", f"CPU, since {reason}")
    import cupy

    index = local_rank % count
    name = cupy.cuda.runtime.getDeviceProperties(index)["name"].decode()
    return Device(f"@cupy:{index}", cupy.cuda.Device(index).pci_bus_id, f"GPU {index}, {name}")


def count_gpus(devices):
    """Number of different GPUs among the ranks.

    Args:
        devices (list of tuple): Host and GPU identity for each rank; the identity is empty on CPU.

    Returns:
        int: 0 if all ranks compute on CPU.

    Raises:
        UsageError: If some have a GPU and others have none.
    """
    without = [rank for rank, (_, identity) in enumerate(devices) if not identity]
    if without and len(without) < len(devices):
        raise UsageError(
            f"rank {without[0]} on {devices[without[0]][0]} finds no GPU while others do; "
            f"use --gpu off, or start ranks only where there is one")
    return len({pair for pair in devices if pair[1]})


def _has_nvidia():
    """Whether the machine has an NVIDIA GPU, so that CuPy would be of use."""
    return any(pathlib.Path("/dev").glob("nvidia[0-9]*")) or shutil.which("nvidia-smi") is not None


def _first_line(error):
    return (str(error).splitlines() or ["no reason given"])[0]
