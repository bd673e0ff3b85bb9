"""The choice of a device, with a stand-in for CuPy where the choice is what matters."""

import sys
import types

import pytest

from dcgan_mri.distributed import device
from dcgan_mri.errors import UsageError


def stand_in(count=0, error=None):
    """CuPy as far as the choice looks at it."""
    def get_device_count():
        if error:
            raise error
        return count

    runtime = types.SimpleNamespace(
        getDeviceCount=get_device_count, getDeviceProperties=lambda index: {"name": b"Test GPU"})
    cuda = types.SimpleNamespace(
        runtime=runtime, Device=lambda index: types.SimpleNamespace(pci_bus_id=f"0000:0{index}"))
    return types.SimpleNamespace(cuda=cuda)


@pytest.fixture
def gpus(monkeypatch):
    def install(count=0, error=None):
        monkeypatch.setitem(sys.modules, "cupy", stand_in(count, error))
        monkeypatch.setattr(device.chainer.backends.cuda, "available", True)
    return install


def test_gpus_are_dealt_to_the_ranks_in_turn(gpus):
    gpus(2)
    chosen = [device.choose("auto", rank) for rank in range(4)]
    assert [one.spec for one in chosen] == ["@cupy:0", "@cupy:1", "@cupy:0", "@cupy:1"]
    assert chosen[0].identity == chosen[2].identity != chosen[1].identity
    assert chosen[1].description == "GPU 1, Test GPU"


def test_a_rank_that_sees_one_gpu_takes_it(gpus):
    gpus(1)
    assert device.choose("on", 3).spec == "@cupy:0"


def test_two_cupys_are_named(gpus, monkeypatch):
    gpus(1)
    names = ["cupy-cuda12x", "numpy", "cupy-cuda13x"]
    monkeypatch.setattr(device.importlib.metadata, "distributions",
                        lambda: [types.SimpleNamespace(name=name) for name in names])
    count, reason = device.visible_gpus()
    assert count == 0
    assert "cupy-cuda12x and cupy-cuda13x; remove both" in reason


def test_one_cupy_found_by_two_paths_is_one(gpus, monkeypatch):
    gpus(1)
    names = ["cupy-cuda12x", None, "cupy-cuda12x"]
    monkeypatch.setattr(device.importlib.metadata, "distributions",
                        lambda: [types.SimpleNamespace(name=name) for name in names])
    assert device.visible_gpus() == (1, "")


def test_off_means_cpu_even_with_gpus(gpus):
    gpus(2)
    assert device.choose("off", 0) == device.Device("@numpy", "", "CPU (asked for)")


@pytest.mark.parametrize(("setup", "reason"), [
    ({"count": 0}, "CUDA finds no GPU"),
    ({"error": RuntimeError("cudaErrorNoDevice: no CUDA-capable device\nmore")}, "no CUDA-capable device"),
])
def test_why_there_is_no_gpu_is_said(gpus, setup, reason):
    gpus(**setup)
    chosen = device.choose("auto", 0)
    assert chosen.spec == "@numpy"
    assert reason in chosen.description
    assert "\n" not in chosen.description
    with pytest.raises(UsageError, match="--gpu on.*--gpu off"):
        device.choose("on", 0)


def test_no_cupy_is_said_only_where_there_is_a_gpu(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    monkeypatch.setattr(device, "_has_nvidia", lambda: False)
    assert device.visible_gpus() == (0, "there is no NVIDIA GPU")
    monkeypatch.setattr(device, "_has_nvidia", lambda: True)
    count, reason = device.visible_gpus()
    assert count == 0
    assert "CuPy cannot be imported" in reason
    assert "pip install" in reason


def test_cupy_without_its_libraries_is_said(gpus, monkeypatch):
    gpus(1)
    monkeypatch.setattr(device.chainer.backends.cuda, "available", False)
    monkeypatch.setattr(device.chainer.backends.cuda, "_resolution_error", ImportError("libcublas.so.12: not found"))
    assert device.visible_gpus() == (0, "Chainer cannot use CuPy (libcublas.so.12: not found)")


@pytest.mark.parametrize(("devices", "gpus"), [
    ([("a", ""), ("b", "")], 0), ([("a", "0"), ("a", "0")], 1), ([("a", "0"), ("b", "0")], 2),
])
def test_gpus_are_told_apart_by_host(devices, gpus):
    assert device.count_gpus(devices) == gpus


def test_gpus_on_some_ranks_only_are_refused():
    with pytest.raises(UsageError, match="rank 1 on b finds no GPU while others do"):
        device.count_gpus([("a", "0000:01"), ("b", "")])
