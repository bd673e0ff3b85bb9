"""Columns by hand, and the two directions as transposes of each other."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dcgan_mri.kernels.columns import gather, spread


def test_a_column_holds_what_a_position_sees():
    x = np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4)
    columns = np.full((1, 4, 4, 1, 2, 2), np.nan, np.float32)
    gather(x, 0, 0, 0, 2, 1, columns)
    np.testing.assert_array_equal(columns[0, :, :, 0, 0, 0], [[0, 0, 0, 0], [0, 0, 1, 2], [0, 4, 5, 6], [0, 8, 9, 10]])
    np.testing.assert_array_equal(columns[0, :, :, 0, 1, 1],
                                  [[5, 6, 7, 0], [9, 10, 11, 0], [13, 14, 15, 0], [0, 0, 0, 0]])


def test_only_the_rows_samples_and_channels_asked_for():
    x = np.random.default_rng(0).random((3, 4, 6, 6), dtype=np.float32)
    whole = np.empty((4, 3, 3, 3, 6, 6), np.float32)
    gather(x, 0, 0, 0, 1, 1, whole)
    part = np.empty((2, 3, 3, 1, 3, 6), np.float32)
    gather(x, 2, 1, 3, 1, 1, part)
    np.testing.assert_array_equal(part, whole[1:3, :, :, 2:, 3:6])


@settings(deadline=None)
@given(kernel=st.integers(1, 5), stride=st.integers(1, 4), pad=st.integers(0, 3), height=st.integers(1, 20),
       width=st.integers(1, 20), channels=st.integers(1, 3), samples=st.integers(1, 3))
def test_spread_is_the_transpose_of_gather(kernel, stride, pad, height, width, channels, samples):
    n_rows, n_columns = ((size + 2 * pad - kernel) // stride + 1 for size in (height, width))
    if min(n_rows, n_columns) < 1:
        return
    rng = np.random.default_rng(0)
    x = rng.standard_normal((samples, channels, height, width)).astype(np.float32)
    columns = np.empty((channels, kernel, kernel, samples, n_rows, n_columns), np.float32)
    gather(x, 0, 0, 0, stride, pad, columns)
    other = rng.standard_normal(columns.shape).astype(np.float32)
    back = np.full_like(x, np.nan)
    spread(other, 0, 0, stride, pad, np.zeros(channels, np.float32), back)
    np.testing.assert_allclose(np.vdot(columns, other), np.vdot(x, back), rtol=1e-3, atol=1e-2)
