"""Batch normalisation, dropout and activation as one function, against the same by Chainer's."""

import numpy as np
import pytest
from mpi4py import MPI

from dcgan_mri.chainer_compat import F, L, chainer
from dcgan_mri.distributed import communicator
from dcgan_mri.distributed.batch_normalization import GlobalBatchNormalization
from dcgan_mri.kernels import backends, normalization

RATIO = 0.2


@pytest.fixture(autouse=True)
def fast():
    with backends.using("fast"):
        yield


def make_link(kind, size, use_gamma):
    link = L.BatchNormalization(size, use_gamma=use_gamma) if kind == "local" else GlobalBatchNormalization(
        size, communicator.create("naive", MPI.COMM_SELF), use_gamma)
    rng = np.random.default_rng(3)
    link.beta.array[...] = rng.normal(0, 1, size)
    link.avg_mean[...] = rng.normal(0, 1, size)
    link.avg_var[...] = rng.uniform(0.5, 2, size)
    if use_gamma:
        link.gamma.array[...] = rng.normal(1, 0.3, size)
    return link


def plain(link, x, kept, slope):
    h = link(x)
    if kept is not None:
        h = h * (kept * np.float32(1 / (1 - RATIO)))
    return F.leaky_relu(h, slope)


def fused(link, x, kept, slope):
    return normalization.normalize_and_activate(link, x, kept, RATIO if kept is not None else 0.0, slope)


def results(function, kind, x, kept, slope, use_gamma):
    link = make_link(kind, x.shape[1], use_gamma)
    given = chainer.Variable(x.copy())
    y = function(link, given, kept, slope)
    y.grad = np.cos(np.arange(y.size, dtype=np.float32)).reshape(y.shape)
    y.backward()
    found = [y.array, given.grad, link.beta.grad, link.avg_mean, link.avg_var]
    return [*found, link.gamma.grad] if use_gamma else found


@pytest.mark.parametrize("kind", ["local", "global"])
@pytest.mark.parametrize("shape", [(8, 40), (4, 6, 5, 7), (3, 20, 64, 64)])
@pytest.mark.parametrize(("slope", "dropout", "use_gamma"), [(0.0, False, False), (0.2, True, True), (1.0, True, True)])
def test_the_same_as_chainer(kind, shape, slope, dropout, use_gamma):
    rng = np.random.default_rng(0)
    x = rng.normal(3, 2, shape).astype(np.float32)
    kept = rng.random(shape) >= RATIO if dropout else None
    for one, other in zip(results(fused, kind, x, kept, slope, use_gamma),
                          results(plain, kind, x, kept, slope, use_gamma), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=2e-5 * max(1, np.abs(other).max()))


def test_a_step_between_forward_and_backward_leaves_the_gradient_as_it_was():
    # Alternating updates: D's optimizer steps, then G's gradient runs back through the activations of the old weights.
    x = np.random.default_rng(0).normal(0, 1, (4, 6, 5, 5)).astype(np.float32)
    found = []
    for function in (fused, plain):
        link = make_link("global", 6, False)
        given = chainer.Variable(x.copy())
        y = function(link, given, None, 0.0)
        link.beta.array += 0.5
        gx, = chainer.grad([F.sum(y * np.cos(np.arange(y.size, dtype=np.float32)).reshape(y.shape))], [given])
        found.append(gx.array)
    np.testing.assert_allclose(*found, rtol=0, atol=2e-5)


@pytest.mark.parametrize("noise", [None, lambda h: h + 1])
@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "sigmoid", "none"])
@pytest.mark.parametrize("dropout", [False, True])
def test_the_rest_of_a_layer_is_the_same_fast_and_plain(noise, activation, dropout):
    rng = np.random.default_rng(0)
    x = rng.normal(3, 2, (4, 6, 5, 7)).astype(np.float32)
    kept = rng.random(x.shape) >= RATIO if dropout else None
    found = []
    for kernels in ("fast", "plain"):
        with backends.using(kernels):
            found.append(normalization.finish_layer(
                chainer.Variable(x), make_link("global", 6, True), kept, RATIO, activation, 0.2, noise).array)
    np.testing.assert_allclose(*found, rtol=0, atol=2e-5)


@pytest.mark.parametrize("dropout", [False, True])
def test_by_running_statistics_when_images_are_made(dropout):
    rng = np.random.default_rng(0)
    x = rng.normal(3, 2, (4, 6, 8, 8)).astype(np.float32)
    kept = rng.random(x.shape) >= RATIO if dropout else None
    with chainer.using_config("train", False), chainer.no_backprop_mode():
        assert normalization.covers(x)
        link = make_link("local", 6, True)
        np.testing.assert_allclose(fused(link, chainer.Variable(x), kept, 0.2).array,
                                   plain(link, chainer.Variable(x), kept, 0.2).array, rtol=0, atol=1e-5)


def test_gradients_through_running_statistics_are_left_to_chainer():
    with chainer.using_config("train", False):
        assert not normalization.covers(np.ones((2, 2), np.float32))


@pytest.mark.parametrize("kind", ["local", "global"])
@pytest.mark.parametrize("use_gamma", [False, True])
def test_double_backward(kind, use_gamma):
    rng = np.random.default_rng(0)
    x = rng.normal(1, 2, (4, 3, 5, 5)).astype(np.float32)
    kept = rng.random(x.shape) >= RATIO
    found = []
    for function in (fused, plain):
        link = make_link(kind, 3, use_gamma)
        given = chainer.Variable(x.copy())
        y = function(link, given, kept, 0.2)
        gx, = chainer.grad([F.sum(y ** 2)], [given], enable_double_backprop=True)
        F.sum(gx ** 2).backward()
        found.append([gx.array, given.grad])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-4 * max(1, np.abs(other).max()))


def test_large_means_do_not_cancel():
    x = (1e4 + np.random.default_rng(0).normal(0, 1, (8, 2, 32, 32))).astype(np.float32)
    link = make_link("local", 2, False)
    link.decay = 0.0
    fused(link, chainer.Variable(x), None, 1.0)
    np.testing.assert_allclose(link.avg_mean, x.mean(axis=(0, 2, 3), dtype=np.float64), rtol=1e-6)
    np.testing.assert_allclose(link.avg_var, x.var(axis=(0, 2, 3), dtype=np.float64), rtol=2e-2)
