from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from preprocess.errors import DataError, UsageError
from preprocess.selection import SliceChoice, number_of, parse_percents, parse_slices, select_subjects, unused_skips
from preprocess.volumes import Volume

BRATS20 = [f"BraTS20_Training_{number:03d}" for number in range(1, 21)]


def volume(slices=20, positions=True):
    voxels = np.zeros((2, 2, slices))
    return Volume(voxels, voxels, 1, 0, (1, 1, 2), 2.0 * np.arange(slices) - 10 if positions else None, "LPS",
                  Path("v.nii"), "")  # fmt: skip


def pick(text, skip=None, subjects=BRATS20):
    return select_subjects(text, skip, subjects, Path("data"))


@pytest.mark.parametrize(
    ("subject", "number"),
    [
        ("BraTS20_Training_001", 1),
        ("BraTS2021_00006", 6),
        ("BraTS-GLI-00005-001", 5),
        ("BraTS-MET-00012-000", 12),
        ("BRATS_484", 484),
        ("sub-03", 3),
        ("Brats18_TCIA01_150_1", None),
        ("Brats18_2013_2_1", None),
        ("anna", None),
    ],
)
def test_number_of_a_subject(subject, number):
    assert number_of(subject) == number


def test_ranges_ids_and_all():
    assert pick("001-015") == (BRATS20[:15], None)
    assert pick("3") == (["BraTS20_Training_003"], None)
    assert pick("18-20, BraTS20_Training_001") == ([BRATS20[0], *BRATS20[17:]], None)
    assert pick("all", skip="2-20") == (BRATS20[:1], None)
    assert pick("first:3", skip="001") == (BRATS20[1:4], None)


def test_all_visits_of_a_numbered_patient():
    visits = ["BraTS-GLI-00001-000", "BraTS-GLI-00001-001", "BraTS-GLI-00002-000"]
    assert pick("1", subjects=visits) == (visits[:2], None)


def test_what_is_missing_is_named_with_what_was_found():
    chosen, error = pick("001-003,Anna", subjects=["BraTS2021_00002", "BraTS2021_01476"])
    assert chosen == ["BraTS2021_00002"]
    assert str(error) == ("data: no subject 001, 003, Anna; 2 found: BraTS2021_00002, BraTS2021_01476; "
                          "name others with --subjects, or all")  # fmt: skip
    assert "the first 30 subjects were asked for, 20 found" in str(pick("first:30")[1])


def test_skipping_what_is_not_there():
    assert unused_skips("3, 99, 15-40, BraTS20_Training_O07", BRATS20) == ["99", "BraTS20_Training_O07"]
    assert unused_skips(None, BRATS20) == []


@pytest.mark.parametrize("text", ["", " , ", "9-3", "first:0"])
def test_unreadable_subjects(text):
    with pytest.raises(UsageError, match="--subjects"):
        pick(text)


@given(st.text(max_size=12), st.text(max_size=12))
def test_any_text_selects_among_the_subjects_or_is_refused(text, skip):
    try:
        chosen, error = pick(text, skip)
    except UsageError:
        return
    assert set(chosen) <= set(BRATS20)
    assert chosen or error or skip


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
