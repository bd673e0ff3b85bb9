"""Axes and curves."""

import types

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcgan_mri.review import charts
from dcgan_mri.review.words import CHARTS, Chart

KID = CHARTS[0]
REAL = {"kid": {"real_low": 0.2, "real_high": 1.0}}


def run(*values, scale=None, **others):
    return types.SimpleNamespace(scale=scale or {}, entries=[
        {"epoch": epoch, "values": {"measure/kid": value, **others}} for epoch, value in enumerate(values, 1)])


def heights(drawn, i=0):
    return [y for _, y in drawn["curves"][i]["points"]]


@given(values=st.lists(st.floats(-1e9, 1e9), min_size=1))
def test_any_values_stay_within_the_axes(values):
    axis = charts.Axis(values)
    assert all(charts.TOP <= axis.y(value) <= charts.BOTTOM for value in values)
    assert 0 < len(axis.ticks) < 12


def test_values_far_apart_have_powers_of_ten():
    axis = charts.Axis([0.5, 3000])
    assert axis.logarithmic
    assert axis.ticks == [1, 10, 100, 1000]
    assert not charts.Axis([-1, 3000]).logarithmic


def test_the_curve_falls_over_the_whole_height():
    found = heights(charts.draw(KID, [run(1000, 60, 5, scale=REAL)], [1, 2, 3], [{}]))
    assert found == sorted(found)
    assert found[-1] - found[0] > 80


def test_a_kid_below_zero_lies_at_the_lower_edge():
    drawn = charts.draw(KID, [run(1000, -0.1, scale=REAL)], [1, 2], [{}])
    assert drawn["logarithmic"]
    assert heights(drawn)[1] == charts.BOTTOM


def test_a_diverged_run_does_not_flatten_the_other():
    calm, wild = run(9, 5, 3), run(800, 1e6, 1e6)
    alone = charts.draw(KID, [calm], [1, 2, 3], [{}])
    both = charts.draw(KID, [calm, wild], [1, 2, 3], [{}, {2: "diverged", 3: "diverged"}])
    assert heights(both) == heights(alone)
    assert heights(both, 1)[2] == charts.TOP
    assert both["outside"] == "1 million"
    assert alone["outside"] is None
    below = charts.draw(KID, [calm, run(0.5)], [1, 2, 3], [{}, {1: "diverged"}])
    assert below["outside"] == "0.5"


def test_one_band_or_none():
    one = charts.draw(KID, [run(1, scale=REAL), run(2, scale=REAL)], [1], [{}, {}])
    other = {"kid": {"real_low": 0.3, "real_high": 1.0}}
    two = charts.draw(KID, [run(1, scale=REAL), run(2, scale=other)], [1], [{}, {}])
    assert one["band"]
    assert two["band"] is None


def test_the_deviation_of_kid_lies_around_it():
    drawn = charts.draw(KID, [run(9, 5, **{"measure/kid.subset_deviation": 1.0})], [1, 2], [{}])
    (x, y), around = drawn["curves"][0]["points"][0], drawn["curves"][0]["around"]
    assert around[0][0] == around[-1][0] == x
    assert around[0][1] < y < around[-1][1]


def test_nothing_logged_is_no_chart():
    assert charts.draw(Chart("", "", "", (("measure/none", ""),)), [run(1)], [1], [{}]) is None


@pytest.mark.parametrize(("epochs", "written"), [
    ([1], [1]), ([1, 2, 3], [1, 2, 3]), (range(1, 25), [1, 5, 10, 15, 20, 24]),
    (range(1, 101), [1, 20, 40, 60, 80, 100])])
def test_epochs_below_the_axis(epochs, written):
    assert charts._whole_steps(list(epochs)) == written
