"""Which kernels compute, and what is left to Chainer's own."""

import sys

import numpy as np
import pytest

from dcgan_mri.chainer_compat import F
from dcgan_mri.kernels import backends, convolution_cpu


@pytest.fixture
def called(monkeypatch):
    calls = []
    original = convolution_cpu.convolution
    monkeypatch.setattr(convolution_cpu, "convolution", lambda *args: calls.append(args) or original(*args))
    return calls


def maps(*shape, dtype=np.float32):
    return np.random.default_rng(0).random(shape).astype(dtype)


def test_the_links_use_what_is_chosen(called):
    x, weights = maps(2, 3, 8, 8), maps(4, 3, 4, 4)
    with backends.using("plain"):
        F.convolution_2d(x, weights, stride=2, pad=1)
        assert not called
    with backends.using("fast"):
        F.convolution_2d(x, weights, stride=2, pad=1)
    assert len(called) == 1


@pytest.mark.parametrize("case", [
    {"dtype": np.float64}, {"options": {"dilate": 2}}, {"options": {"groups": 3}, "weights": (3, 1, 3, 3)},
    {"options": {"stride": (1, 2)}}, {"options": {"pad": (0, 1)}}, {"options": {"cover_all": True}},
    {"x": (0, 3, 9, 9)}])
def test_what_the_kernels_do_not_cover_goes_to_chainer(called, case):
    dtype, options = case.get("dtype", np.float32), case.get("options", {})
    x, weights = maps(*case.get("x", (2, 3, 9, 9)), dtype=dtype), maps(*case.get("weights", (4, 3, 3, 3)), dtype=dtype)
    with backends.using("plain"):
        plain = F.convolution_2d(x, weights, **options)
    with backends.using("fast"):
        y = F.convolution_2d(x, weights, **options)
    assert not called
    np.testing.assert_array_equal(y.array, plain.array)


def test_without_a_compiler_chainers_own_are_used_and_the_reason_given(monkeypatch):
    monkeypatch.setitem(sys.modules, "dcgan_mri.kernels.convolution_cpu", None)
    monkeypatch.delattr("dcgan_mri.kernels.convolution_cpu")
    said = backends.use("fast")
    try:
        assert said.startswith("plain, since the fast ones cannot be compiled (")
        assert not backends.is_fast()
    finally:
        backends.use("plain")


def test_a_block_ends_with_what_was_chosen_before():
    backends.use("plain")
    with pytest.raises(ZeroDivisionError), backends.using("fast"):
        assert backends.is_fast()
        1 / 0  # noqa: B018
    assert not backends.is_fast()
