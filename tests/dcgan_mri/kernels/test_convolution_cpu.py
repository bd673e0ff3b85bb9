"""The fast convolutions against Chainer's own, over random shapes, strides and paddings."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcgan_mri.chainer_compat import F, chainer
from dcgan_mri.kernels import backends, convolution_cpu


def random(rng, *shape):
    return rng.standard_normal(shape).astype(np.float32)


@st.composite
def geometries(draw):
    kernel, stride, pad = draw(st.integers(1, 5)), draw(st.integers(1, 3)), draw(st.integers(0, 2))
    smallest = max(1, kernel - 2 * pad)
    return {"n": draw(st.integers(1, 5)), "n_in": draw(st.integers(1, 9)), "n_out": draw(st.integers(1, 9)),
            "kernel": kernel, "stride": stride, "pad": pad,
            "height": draw(st.integers(smallest, 36)), "width": draw(st.integers(smallest, 36))}


def everything(function, x, weights, bias, **geometry):
    """Output, gradients, and the gradients of a gradient penalty, which take a double backward pass."""
    inputs = [chainer.Variable(array.copy()) for array in (x, weights, bias)]
    y = function(*inputs, geometry["stride"], geometry["pad"])
    y.grad = np.cos(np.arange(y.size, dtype=np.float32)).reshape(y.shape)
    y.backward(enable_double_backprop=True)
    gx = inputs[0].grad_var
    first = [y.array, *(one.grad.copy() for one in inputs)]
    for one in inputs:
        one.cleargrad()
    F.sum(gx ** 2).backward()
    return [*first, inputs[1].grad]


def assert_close(ours, theirs):
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=2e-5 * max(1, np.abs(other).max()))


@settings(deadline=None, max_examples=60)
@given(geometry=geometries(), seed=st.integers(0, 99))
@pytest.mark.parametrize("transposed", [False, True])
def test_the_same_as_chainer(transposed, geometry, seed):
    rng = np.random.default_rng(seed)
    n, n_in, n_out, kernel = (geometry[name] for name in ("n", "n_in", "n_out", "kernel"))
    if transposed and min(geometry[side] - 1 for side in ("height", "width")) * geometry["stride"] + kernel \
            <= 2 * geometry["pad"]:
        return  # nothing would be left of the output
    x = random(rng, n, n_in, geometry["height"], geometry["width"])
    weights = random(rng, *((n_in, n_out) if transposed else (n_out, n_in)), kernel, kernel)
    bias = random(rng, n_out)
    function = F.deconvolution_2d if transposed else F.convolution_2d
    results = {}
    for name in backends.NAMES:
        with backends.using(name):
            results[name] = everything(function, x, weights, bias, **geometry)
    assert_close(results["fast"], results["plain"])


@pytest.mark.parametrize(("n_in", "n_out", "size", "kernel", "stride"), [
    (3, 32, 64, 4, 2),     # the first rows: few channels, large maps
    (32, 64, 64, 4, 2),    # sample by sample, in several blocks
    (156, 156, 16, 3, 1),  # as large as maps are when samples are no longer joined
    (156, 128, 8, 4, 2),   # several samples at a time
    (256, 256, 4, 3, 1),
])
@pytest.mark.parametrize("n", [1, 3, 40])
def test_layers_of_the_tables(n, n_in, n_out, size, kernel, stride):
    rng = np.random.default_rng(0)
    geometry = {"stride": stride, "pad": 1}
    arrays = random(rng, n, n_in, size, size), random(rng, n_out, n_in, kernel, kernel) / n_in, random(rng, n_out)
    results = {}
    for name in backends.NAMES:
        with backends.using(name):
            results[name] = everything(F.convolution_2d, *arrays, **geometry)
    assert_close(results["fast"], results["plain"])


def test_an_output_larger_than_what_the_columns_reach_gets_the_bias_there():
    x, weights = np.ones((1, 1, 2, 2), np.float32), np.ones((1, 1, 2, 2), np.float32)
    y = convolution_cpu.transposed_convolution(x, weights, np.array([0.5], np.float32), 3, 0, (6, 6))
    expected = np.full((6, 6), 0.5)
    for row in (0, 3):
        for column in (0, 3):
            expected[row:row + 2, column:column + 2] += 1
    np.testing.assert_array_equal(y[0, 0], expected)


@pytest.mark.parametrize("n_threads", ["1", "2", "3"])
def test_the_number_of_threads_changes_nothing_beyond_rounding(monkeypatch, n_threads):
    rng = np.random.default_rng(0)
    x, weights = random(rng, 4, 8, 32, 32), random(rng, 8, 8, 4, 4)
    monkeypatch.setenv("OMP_NUM_THREADS", n_threads)
    y = convolution_cpu.convolution(x, weights, None, 2, 1, (16, 16))
    with backends.using("plain"):
        np.testing.assert_allclose(y, F.convolution_2d(x, weights, None, 2, 1).array, rtol=0, atol=1e-4)
