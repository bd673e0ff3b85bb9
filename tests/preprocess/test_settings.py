from pathlib import Path

import numpy as np
import pytest
from preprocess.errors import DataError, UsageError
from preprocess.settings import SliceChoice, parse_percents, parse_slices
from preprocess.volumes import Volume


def volume(slices=20, positions=True):
    voxels = np.zeros((2, 2, slices))
    return Volume(voxels, (1, 1, 2), 2.0 * np.arange(slices) - 10 if positions else None, "LPS",
                  Path("v.nii"), "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("60-107", SliceChoice("index", ((60, 107),))),
        ("75", SliceChoice("index", ((75, 75),))),
        ("1-3, 9", SliceChoice("index", ((1, 3), (9, 9)))),
        ("tumour", SliceChoice("tumour")),
        ("all", SliceChoice("all")),
    ],
)
def test_slices(text, expected):
    assert parse_slices(text) == expected


@pytest.mark.parametrize("text", ["", "9-3", "-3", "a", "1-2-3", "1,,2", "1.5", "999999"])
def test_unreadable_slices(text):
    with pytest.raises(UsageError, match="--slices"):
        parse_slices(text)


def test_slices_by_index():
    assert parse_slices("3-5,4,1").indices(volume(), None) == [1, 3, 4, 5]
    assert parse_slices("all").indices(volume(3), None) == [0, 1, 2]
    with pytest.raises(DataError, match=r"slice 20 was asked for, it has 0 … 19; .*--slices-mm"):
        parse_slices("3-20").indices(volume(), None)


def test_slices_by_position():
    assert SliceChoice("mm", ((-4.0, 2.0),)).indices(volume(), None) == [3, 4, 5, 6]
    with pytest.raises(DataError, match="it spans -10 to 28 mm"):
        SliceChoice("mm", ((100.0, 120.0),)).indices(volume(), None)
    with pytest.raises(DataError, match="not known with --orientation stored"):
        SliceChoice("mm", ((0.0, 1.0),)).indices(volume(positions=False), None)


def test_slices_by_tumour():
    pixels = np.array([0, 3, 9, 0, 5])
    assert SliceChoice("tumour").indices(volume(5), pixels) == [1, 2, 4]
    assert SliceChoice("tumour", least=5).indices(volume(5), pixels) == [2, 4]
    with pytest.raises(DataError, match="10 tumour pixels or more; the most is 9"):
        SliceChoice("tumour", least=10).indices(volume(5), pixels)
    with pytest.raises(DataError, match="it has no _seg file"):
        SliceChoice("tumour").indices(volume(5), None)


def test_percents():
    assert parse_percents("0.1,99.9") == (0.1, 99.9)


@pytest.mark.parametrize("text", ["", "5", "5,5", "99,1", "-1,50", "0,101", "nan,5", "a,b", "1,2,3"])
def test_unreadable_percents(text):
    with pytest.raises(UsageError, match="--window"):
        parse_percents(text)
