"""Rounding to 16 bits, on the CPU."""

import numpy as np

from dcgan_mri.kernels.narrow_cuda import narrow, widen
from tests import gpu_stand_in
from tests.gpu_stand_in import on_device


def test_bfloat16_rounds_to_the_nearest_with_ties_to_even(monkeypatch):
    gpu_stand_in.install(monkeypatch)
    step = 2.0 ** -7  # between neighbours from 1 to 2
    x = np.float32([1, 1 + step, 1 + step / 2, 1 + 3 * step / 2, 1 + step * 0.51, -3.0e38, np.inf, np.nan, 0, -0.0])
    rounded = widen(narrow(on_device(x), "bf16"), "bf16")
    expected = [1, 1 + step, 1, 1 + 2 * step, 1 + step, rounded[5], np.inf, np.nan, 0, 0]
    np.testing.assert_array_equal(rounded, np.float32(expected))
    assert abs(rounded[5] / x[5] - 1) < step / 2
    assert np.signbit(rounded[9])


def test_float16(monkeypatch):
    gpu_stand_in.install(monkeypatch)
    x = np.float32([1, 1 / 3, 70000])
    with np.errstate(over="ignore"):
        rounded = narrow(on_device(x), "fp16")
    assert rounded.dtype == np.float16
    np.testing.assert_array_equal(widen(rounded, "fp16"), np.float32([1, np.float16(1 / 3), np.inf]))
