"""Axes and curves."""

import types

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcgan_mri.review import charts
from dcgan_mri.review.words import CHARTS, Chart

KID, LIKENESS = CHARTS[:2]
REAL = {"kid": {"real_low": 0.2, "real_high": 1.0}}


def run(*values, scale=None, **others):
    return types.SimpleNamespace(scale=scale or {}, entries=[
        {"epoch": epoch, "values": {"measure/kid": value, **others}} for epoch, value in enumerate(values, 1)])


def heights(drawn, i=0):
    return [y for line in drawn["curves"][i]["lines"] for _, y in line["points"]]


def arrows(drawn, i=0):
    return [(arrow["up"], len(arrow["xs"])) for arrow in drawn["curves"][i]["arrows"]]


@given(values=st.lists(st.floats(-1e9, 1e9), min_size=1))
def test_any_values_stay_within_the_axes(values):
    axis = charts.Axis(values)
    assert all(charts.TOP <= axis.y(value) <= charts.BOTTOM for value in values)
    assert 0 < len(axis.ticks) < 12
    assert axis.logarithmic or len(axis.ticks) > 1


def test_values_far_apart_have_powers_of_ten():
    axis = charts.Axis([0.5, 3000])
    assert axis.logarithmic
    assert axis.ticks == [1, 10, 100, 1000]
    assert not charts.Axis([-1, 3000]).logarithmic


def test_the_curve_falls_over_the_whole_height():
    found = heights(charts.draw(KID, [run(1000, 60, 5, scale=REAL)], [1, 2, 3], [{}]))
    assert found == sorted(found)
    assert found[-1] - found[0] > 80


def test_a_kid_below_zero_is_an_arrow():
    drawn = charts.draw(KID, [run(1000, -0.1, scale=REAL)], [1, 2], [{}])
    assert drawn["logarithmic"]
    assert len(heights(drawn)) == 1
    assert arrows(drawn) == [(False, 1)]


def test_a_diverged_run_does_not_flatten_the_other():
    calm, wild = run(9, 5, 3), run(4, 1e6, 2e6)
    alone = charts.draw(KID, [calm], [1, 2, 3], [{}])
    both = charts.draw(KID, [calm, wild], [1, 2, 3], [{}, dict.fromkeys((2, 3), ("diverged", ""))])
    assert heights(both) == heights(alone)
    assert heights(both, 1) == [pytest.approx((heights(both)[1] + heights(both)[2]) / 2, abs=0.1)]
    assert arrows(both, 1) == [(True, 2)]
    assert arrows(alone) == arrows(both) == []


def test_a_diverged_run_that_fits_is_drawn():
    drawn = charts.draw(KID, [run(9, 5, 3), run(0.5)], [1, 2, 3], [{}, {1: ("diverged", "")}])
    assert len(heights(drawn, 1)) == 1


def test_one_band_or_none():
    one = charts.draw(KID, [run(1, scale=REAL), run(2, scale=REAL)], [1], [{}, {}])
    other = {"kid": {"real_low": 0.2, "real_high": 2.0}}
    two = charts.draw(KID, [run(1, scale=REAL), run(2, scale=other)], [1], [{}, {}])
    (box,) = one["bands"]
    assert box["y"] + box["height"] == charts.BOTTOM  # no distance is too small
    assert (box["x"], box["width"]) == (charts.LEFT, charts.RIGHT - charts.LEFT)
    assert two["bands"] == []


def test_the_band_is_pale_where_agreement_is_chance():
    scale = {**REAL, "diversity.similarity": {"real_low": 0.9, "real_high": 1.1}}
    likeness = {"measure/diversity.similarity": 1.0}
    blank, better = run(101, 101, 101, scale=scale, **likeness), run(101, 101, 99, scale=scale, **likeness)
    for runs, pale in (([blank], [True]), ([better], [True, False]), ([blank, better], [True, False])):
        bands = charts.draw(LIKENESS, runs, [1, 2, 3], [{}] * len(runs))["bands"]
        assert [box["pale"] for box in bands] == pale
        assert bands[0]["width"] == (charts.RIGHT - charts.LEFT) * (1 if len(pale) == 1 else 0.75)
    assert not charts.draw(KID, [blank], [1, 2, 3], [{}])["bands"][0]["pale"]


def test_the_deviation_of_kid_lies_around_it():
    drawn = charts.draw(KID, [run(9, 5, **{"measure/kid.subset_deviation": 1.0})], [1, 2], [{}])
    (line,) = drawn["curves"][0]["lines"]
    (x, y), around = line["points"][0], line["around"]
    assert around[0][0] == around[-1][0] == x
    assert around[0][1] < y < around[-1][1]


def test_nothing_logged_is_no_chart():
    assert charts.draw(Chart("", "", "", (("measure/none", ""),)), [run(1)], [1], [{}]) is None


@pytest.mark.parametrize(("epochs", "written"), [
    ([1], [1]), ([1, 2, 3], [1, 2, 3]), (range(1, 25), [1, 5, 10, 15, 20, 24]),
    (range(1, 101), [1, 20, 40, 60, 80, 100])])
def test_epochs_below_the_axis(epochs, written):
    assert charts._whole_steps(list(epochs)) == written
