"""The CUDA generator: its core against the published vectors, on any machine with a C compiler; its draws on a GPU."""

import ctypes
import shutil
import subprocess

import numpy as np
import pytest

from dcgan_mri.kernels import philox_cuda
from dcgan_mri.randomness import Draws
from tests import gpu_stand_in

# Known answers of philox4x32-10 from the authors' Random123 library: counter, key, result.
KNOWN = [
    ([0, 0, 0, 0], [0, 0], [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
    ([0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
    ([0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344], [0xA4093822, 0x299F31D0],
     [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1]),
]


@pytest.fixture(scope="module")
def core(tmp_path_factory):
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler on this machine")
    folder = tmp_path_factory.mktemp("philox")
    (folder / "philox.c").write_text(philox_cuda.PHILOX.replace("PREFIX", ""))
    subprocess.run([compiler, "-shared", "-fPIC", "-o", folder / "philox.so", folder / "philox.c"], check=True)
    return ctypes.CDLL(str(folder / "philox.so")).philox4x32


@pytest.mark.parametrize(("counter", "key", "result"), KNOWN)
def test_core_gives_the_published_numbers(core, counter, key, result):
    block = (ctypes.c_uint * 4)(*counter)
    core(block, ctypes.c_uint(key[0]), ctypes.c_uint(key[1]))
    assert list(block) == result


def test_keys_differ_by_seed_and_stream():
    keys = {philox_cuda.key(seed, stream) for seed in range(20) for stream in range(20)}
    assert len(keys) == 400


def test_source_is_complete():
    for name in philox_cuda.OUTPUTS:
        text = philox_cuda.source(name)
        assert f"void philox_{name}(" in text
        assert not any(word in text for word in ("PREFIX", "NAME", "TYPE", "CONVERSION", "RESULT"))


def test_draws_by_the_kernels_run_on_the_cpu(monkeypatch):
    cupy, _ = gpu_stand_in.install(monkeypatch)
    whole = Draws(3, 4, range(8), cupy)
    uniform, normal = whole.uniform("u", (5001,)), whole.normal("n", (5001,))
    assert uniform.dtype == normal.dtype == np.float32
    assert 0 <= uniform.min() < 0.001
    assert 0.999 < uniform.max() < 1
    assert abs(normal.mean()) < 0.02
    assert abs(normal.std() - 1) < 0.02
    np.testing.assert_array_equal(Draws(3, 4, range(4, 8), cupy).normal("n", (5001,)), normal[4:])
    assert not np.array_equal(Draws(3, 5, range(8), cupy).normal("n", (5001,)), normal)

    x = gpu_stand_in.on_device(np.linspace(-1, 1, normal.size, dtype=np.float32).reshape(normal.shape))
    np.testing.assert_allclose(whole.noisy("n", x, 0.2), x + np.float32(0.2) * normal, atol=1e-6)
    kept = whole.kept("u", (5001,), 0.3)
    assert kept.dtype == np.bool_
    np.testing.assert_array_equal(kept, uniform >= np.float32(0.3))


def test_an_iteration_in_memory_is_read_when_the_numbers_are_drawn(monkeypatch):
    cupy, _ = gpu_stand_in.install(monkeypatch)
    counter = cupy.full((), 4, dtype=np.uint32)
    replayed = Draws(3, counter, range(2), cupy)
    for iteration in (4, 9):
        counter[...] = iteration
        expected = Draws(3, iteration, range(2), cupy).uniform("u", (7,))
        np.testing.assert_array_equal(replayed.uniform("u", (7,)), expected)


@pytest.mark.gpu
def test_draws_on_the_gpu():
    import cupy

    whole = Draws(3, 4, range(8), cupy)
    normal = whole.normal("n", (30_001,))
    assert normal.dtype == np.float32
    assert abs(float(normal.mean())) < 0.01
    assert abs(float(normal.std()) - 1) < 0.01
    uniform = whole.uniform("u", (30_001,))
    assert 0 <= float(uniform.min()) < 0.001
    assert 0.999 < float(uniform.max()) < 1
    assert bool((Draws(3, 4, range(4, 8), cupy).normal("n", (30_001,)) == normal[4:]).all())
    assert float(whole.kept("m", (30_001,), 0.2).mean()) == pytest.approx(0.8, abs=0.005)
    noisy = whole.noisy("n", cupy.ones((8, 30_001), np.float32), 0.5)
    assert float(abs(noisy - 1 - normal * 0.5).max()) < 1e-6
