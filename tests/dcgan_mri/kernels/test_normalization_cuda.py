"""The CUDA kernels of batch normalisation against the CPU's, on the CPU."""

import numpy as np
import pytest

from dcgan_mri.kernels import elementwise, normalization_cuda
from tests import gpu_stand_in
from tests.gpu_stand_in import on_device


@pytest.fixture(autouse=True)
def _gpu(monkeypatch):
    gpu_stand_in.install(monkeypatch)


@pytest.fixture(params=[(3, 4, 35), (2, 3, 5000), (8, 5, 1)], ids=str)
def case(request):
    """Maps, gradients, and what else the functions take."""
    rng = np.random.default_rng(0)
    n_channels = request.param[1]
    x = (rng.normal(size=request.param) * 3 + 40).astype(np.float32)  # a mean far from 0 shows what cancels
    gy = rng.normal(size=request.param).astype(np.float32)
    gamma, beta = rng.normal(1, 0.3, n_channels).astype(np.float32), rng.normal(size=n_channels).astype(np.float32)
    return x, gy, gamma, beta


def statistics(x, gamma, beta, eps=2e-5):
    mean, var = x.mean(axis=(0, 2), dtype=np.float64), x.var(axis=(0, 2), dtype=np.float64)
    inv_std = 1 / np.sqrt(var + eps)
    factor = gamma * inv_std
    return [one.astype(np.float32) for one in (mean, var, inv_std, factor, beta - mean * factor)]


def test_moments(case):
    x, _, gamma, beta = case
    mean, var = normalization_cuda.moments(on_device(x))
    expected_mean, expected_var, *_ = statistics(x, gamma, beta)
    np.testing.assert_allclose(mean, expected_mean, rtol=1e-6)
    np.testing.assert_allclose(var, expected_var, rtol=1e-4)


def test_affine(case):
    x, _, gamma, beta = case
    mean, var, *expected = statistics(x, gamma, beta)
    got = normalization_cuda.affine(*map(on_device, (mean, var, gamma, beta)), 2e-5)
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)


def test_running_statistics():
    avg_mean, avg_var = on_device(np.float32([1, 2])), on_device(np.float32([3, 4]))
    normalization_cuda.move_running(avg_mean, avg_var, on_device(np.float32([5, 6])), on_device(np.float32([8, 10])),
                                    0.75, 1.5)
    np.testing.assert_allclose(avg_mean, [2, 3])
    np.testing.assert_allclose(avg_var, [5.25, 6.75])


@pytest.mark.parametrize(("ratio", "slope"), [(0.0, 0.0), (0.2, 0.2), (0.2, 1.0), (0.0, 1.0)])
def test_the_same_as_on_a_cpu(case, ratio, slope):
    x, gy, gamma, beta = case
    mean, _, inv_std, factor, shift = statistics(x, gamma, beta)
    kept = np.random.default_rng(1).random(x.shape) >= ratio if ratio else None
    scale, slope = np.float32(1 / (1 - ratio)), np.float32(slope)
    n_channels = x.shape[1]
    mask = np.empty((0, 0, 0), np.bool_) if kept is None else kept
    on_cpu = np.empty_like(x)
    elementwise.activate(x, 0, n_channels, factor, shift, mask, scale, slope, on_cpu)
    there = [on_device(one) for one in (x, gy, mean, inv_std, factor, shift)]
    dropped = None if kept is None else on_device(kept)
    y = normalization_cuda.activate(there[0], there[4], there[5], dropped, scale, slope)
    np.testing.assert_allclose(y, on_cpu, rtol=1e-5, atol=1e-4)

    gbeta, ggamma, gx_on_cpu = np.empty(n_channels, np.float32), np.empty(n_channels, np.float32), np.empty_like(x)
    args = (mean, inv_std, factor, shift, mask, scale, slope)
    elementwise.gradient_sums(x, gy, 0, n_channels, *args, gbeta, ggamma)
    sums = normalization_cuda.gradient_sums(*there, dropped, scale, slope)
    np.testing.assert_allclose(sums[0], gbeta, rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(sums[1], ggamma, rtol=1e-4, atol=1e-3)

    count = np.float32(x.size // n_channels)
    elementwise.input_gradient(x, gy, 0, n_channels, *args, gbeta / count, ggamma / count, gx_on_cpu)
    gx = normalization_cuda.input_gradient(*there, dropped, scale, slope, on_device(gbeta), on_device(ggamma))
    np.testing.assert_allclose(gx, gx_on_cpu, rtol=1e-3, atol=1e-4)


def test_sums_of_channels(case):
    np.testing.assert_allclose(normalization_cuda.channel_sums(on_device(case[1])), case[1].sum(axis=(0, 2)),
                               rtol=1e-4, atol=1e-3)
