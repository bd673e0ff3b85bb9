"""What normalisation computes on a GPU against the CPU's: by the stand-in, and on a GPU where there is one."""

import numpy as np
import pytest

from dcgan_mri.chainer_compat import L, chainer
from dcgan_mri.kernels import backends, normalization, normalization_cpu, normalization_cuda
from tests import gpu_stand_in


@pytest.fixture(params=["stand-in", pytest.param("gpu", marks=pytest.mark.gpu)])
def send(request, monkeypatch):
    """What brings an array to the device."""
    if request.param == "stand-in":
        gpu_stand_in.install(monkeypatch)
        return gpu_stand_in.on_device
    import cupy

    return cupy.asarray


def back(array):
    return array.get() if hasattr(array, "get") else np.asarray(array)


@pytest.fixture(params=[(3, 4, 35), (2, 3, 5000), (8, 5, 1)], ids=str)
def case(request):
    """Maps, gradients, and what else the functions take."""
    rng = np.random.default_rng(0)
    n_channels = request.param[1]
    x = (rng.normal(size=request.param) * 3 + 40).astype(np.float32)  # a mean far from 0 shows what cancels
    gy = rng.normal(size=request.param).astype(np.float32)
    gamma, beta = rng.normal(1, 0.3, n_channels).astype(np.float32), rng.normal(size=n_channels).astype(np.float32)
    return x, gy, gamma, beta


def test_moments(case, send):
    x = case[0]
    mean, var = map(back, normalization_cuda.moments(send(x)))
    np.testing.assert_allclose(mean, x.mean(axis=(0, 2), dtype=np.float64), rtol=1e-6)
    np.testing.assert_allclose(var, x.var(axis=(0, 2), dtype=np.float64), rtol=1e-4)


@pytest.mark.parametrize("train", [True, False])
def test_the_ratio_has_no_effect_without_a_mask(monkeypatch, send, train):
    """As when images are made: a generator's rows have a ratio then, and nothing is dropped."""
    if send is gpu_stand_in.on_device:
        gpu_stand_in.pass_for_cuda(monkeypatch)
    monkeypatch.setitem(backends._state, "name", "fast")
    x = np.random.default_rng(0).normal(size=(4, 3, 5, 5)).astype(np.float32)
    found = []
    for ratio in (0.0, 0.2):
        link = gpu_stand_in.to_stand_in(L.BatchNormalization(3))
        if send is not gpu_stand_in.on_device:
            link.to_device("@cupy:0")
        with chainer.using_config("train", train), chainer.no_backprop_mode():
            y = normalization.normalize_and_activate(link, chainer.Variable(send(x)), None, ratio, 0.2)
        found.append(back(y.array))
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize(("ratio", "slope"), [(0.0, 0.0), (0.2, 0.2), (0.2, 1.0), (0.0, 1.0)])
def test_the_same_as_on_a_cpu(case, send, ratio, slope):
    x, gy, gamma, beta = case
    mean, var = x.mean(axis=(0, 2)), x.var(axis=(0, 2))
    inv_std = 1 / np.sqrt(var + np.float32(2e-5))
    factor = gamma * inv_std
    kept = np.random.default_rng(1).random(x.shape) >= ratio if ratio else None
    numbers = np.float32(1 / (1 - ratio)), np.float32(slope)
    after = factor, beta - mean * factor, kept, *numbers
    there = *map(send, after[:2]), None if kept is None else send(kept), *numbers
    y = back(normalization_cuda.activate(send(x), *there))
    np.testing.assert_allclose(y, normalization_cpu.activate(x, *after), rtol=1e-5, atol=1e-4)

    found = normalization_cuda.gradients(*map(send, (x, gy, mean, inv_std)), there, lambda *sums: sums)
    expected = normalization_cpu.gradients(x, gy, mean, inv_std, after, lambda *sums: sums)
    for one, other in zip(map(back, found), expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-3)
