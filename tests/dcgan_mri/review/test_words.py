"""Numbers and names as a person reads them."""

import math
import pathlib
import re

import pytest

from dcgan_mri.review import words


@pytest.mark.parametrize(("value", "text"), [
    (None, "–"), (0, "0"), (-3.774, "−3.77"), (0.03123, "0.0312"), (35613.0, "35\u202f600"), (99.96, "100"),
    (1.1e6, "1.1\N{NO-BREAK SPACE}million"), (-2e9, "−2.0e+09"), (2e-5, "2.0e−05")])
def test_numbers(value, text):
    assert words.number(value) == text


@pytest.mark.parametrize(("seconds", "text"), [
    (42, "42 s"), (600, "10 min"), (12000, "3 h 20 min"), (7200, "2 h"), (60000, "16 h")])
def test_durations(seconds, text):
    assert words.duration(seconds) == text


@pytest.mark.parametrize(("value", "reading"), [
    (1.5, ("1.5, as real", "real")), (2.5, ("2.5, above real", "near")), (0.5, ("0.5, below real", "near")),
    (5, ("5, far above real", "far")), (1e9, ("1.0e+09, far above real", "far")),
    (0.01, ("0.01, far below real", "far")), (0, ("0, far below real", "far")), (-1, ("−1, far below real", "far"))])
def test_how_far_from_real(value, reading):
    assert words.reading(value, (1, 2)) == reading
    assert words.reading(value, None)[1] == ""


def test_what_is_0_in_real_slices():
    assert words.reading(0.0, (0, 0)) == ("0, as real", "real")
    assert words.reading(0.04, (0, 0)) == ("0.04, far above real", "far")


def test_blank_images_are_never_green():
    assert words.reading(1.5, (1, 2), kid=words.CHANCE + 1) == ("1.5, as real by chance", "")
    assert words.reading(2.5, (1, 2), kid=words.CHANCE + 1)[1] == "near"


def test_a_distance_cannot_be_too_small():
    scale = {name: {"real_low": 1.0, "real_high": 2.0} for name in ("kid", "swd.16", "variety.levels")}
    assert words.span(words.band(scale, "measure/kid")) == "up to 2"
    assert [words.reading(-0.1, words.band(scale, name))[1] for name in scale] == ["real", "real", "far"]


@pytest.mark.parametrize(("kid", "real", "text"), [
    (520, (-math.inf, 2), "Still about 260 times that of real slices among themselves (up to 2)."),
    (2, (-math.inf, 2), "As near as real slices are to one another (up to 2)."),
    (2, (-math.inf, 0), "Still many times that of real slices among themselves (up to 0)."),
    (2, None, "What real slices have among themselves is not known: that needs two subjects.")])
def test_a_kid_in_words(kid, real, text):
    assert words.distance(kid, real) == text


def test_every_colour_is_explained():
    style = (pathlib.Path(words.__file__).parent / "page.css").read_text()
    assert {place for place, _ in words.KEY} == {"", *re.findall(r"span\.(\w+) \{ color", style)}


def test_a_missing_value_has_a_reason():
    full = {"values": {"gen/loss": 1.0, "measure/kid": 2.0}}
    bare = {"values": {"gen/loss": 1.0}}
    assert words.why_missing("measure/noise.air", full, [full, bare]) == "cannot be had from these images"
    assert words.why_missing("measure/separation.contrast", full, [full]) == "no clearly bright region"
    assert words.why_missing("measure/kid", bare, [full, bare]) == "not measured, to save time"
    assert words.why_missing("measure/kid", bare, [bare]) == "measures were off"
    assert words.why_missing("dis/loss", bare, [bare]) == "not finite"


def test_every_measure_has_a_chart_or_a_title():
    from dcgan_mri.metrics import MEASURES

    for measure in MEASURES:
        for quantity in measure.quantities:
            assert words.title(quantity.name) != quantity.name


def test_what_is_logged_and_unknown_is_drawn_by_its_name():
    found = words.charts(["measure/kid", "measure/kid.subset_deviation", "measure/new"],
                         {"new": {"reading": "more is more", "unit": "apples"}})
    assert [(chart.title, chart.unit) for chart in found] == [("Distance from real slices (KID)", "KID"),
                                                              ("new", "apples")]
