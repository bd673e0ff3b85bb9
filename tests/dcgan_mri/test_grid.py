"""Grids are cut as they were drawn, whatever stands in their margins."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcgan_mri import grid


@settings(max_examples=20, deadline=None)
@given(side=st.integers(1, 70), bare=st.booleans(), in_grey=st.booleans())
def test_cut_undoes_draw(side, bare, in_grey):
    shape = (100, side, side) if in_grey else (100, side, side, 3)
    pictures = np.random.default_rng(side).integers(0, 256, shape, dtype=np.uint8)
    assert np.array_equal(grid.cut(grid.draw(pictures, "epoch 1", range(100), bare)), pictures)


def test_the_papers_size():
    pictures = np.zeros((100, 256, 256), np.uint8)
    assert grid.draw(pictures, "", bare=True).shape == (2560, 2560)
    assert grid.draw(pictures, "").shape == (2701, 2722)


def test_every_size_has_one_layout():
    sizes = [layout.size() for side in range(1, 600) for layout in (grid.Layout(side), grid.with_margin(side))]
    assert len(set(sizes)) == len(sizes)


def test_other_pictures_are_refused():
    with pytest.raises(ValueError, match="40×20, no grid of 10×10 images"):
        grid.cut(np.zeros((20, 40, 3), np.uint8))


@pytest.mark.parametrize("side", [16, 32, 256])
def test_a_long_title_ends_within_the_picture(side):
    title = "Epoch 100 of 100: generated images by seed; tinted magenta (13 grey levels)"
    margin = grid.draw(np.zeros((100, side, side), np.uint8), title)[:grid.with_margin(side).top]
    assert margin.any()
    assert not margin[:, -1].any()


def test_seeds_stand_at_the_edges():
    pictures = np.zeros((100, 64, 64), np.uint8)
    layout = grid.with_margin(64)

    def ink(seeds):
        picture = grid.draw(pictures, "", seeds)
        return picture[layout.top:, :layout.left].any(), picture[:layout.top, layout.left:].any()

    assert ink(()) == (False, False)
    assert ink(range(100)) == (True, True)
    assert ink([7, *range(101, 200)]) == (True, False)  # what a column adds is not the same in every row
    assert ink(range(10**9, 10**9 + 100)) == (False, True)  # too long for the margin


def test_rows_as_needed():
    pictures = np.arange(12, dtype=np.uint8).repeat(16).reshape(12, 4, 4) + 1
    assert grid.draw(pictures, "", bare=True)[::4, ::4].tolist() == [[*range(1, 11)], [11, 12] + [0] * 8]


@pytest.mark.parametrize(("means", "words"), [
    ((20, 20, 20), ""), ((20, 22, 20), ""), ((20, 26, 20), "; tinted green (6 grey levels)"),
    ((20, 20, 10), "; tinted yellow (10 grey levels)")])
def test_a_strong_tint_is_named(means, words):
    assert grid.tint(np.full((2, 4, 4, 3), means, np.uint8)) == words
