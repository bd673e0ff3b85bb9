import hashlib
import json
import os
import resource
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as hnp
from PIL import Image
from preprocess.build import Plan, build
from preprocess.errors import DataError
from preprocess.slice_set import (
    COLUMNS,
    changed_sources,
    check_set,
    encode_manifest,
    file_name,
    is_slice_name,
    read_description,
    read_manifest,
    remedy_of,
    write_slice,
)


@pytest.fixture
def made(tmp_path, make, small):
    make.subject(tmp_path / "data")
    build(Plan(tmp_path / "data", tmp_path / "set", "all", settings=small))
    return tmp_path / "set"


def test_an_untouched_set(made):
    assert check_set(made) == []


def test_every_missing_changed_or_foreign_file_is_reported(made):
    name = "BraTS20_Training_001_img_0000{}.png"
    (made / name.format(2)).unlink()
    (made / name.format(3)).write_bytes((made / name.format(4)).read_bytes())
    (made / name.format(9)).write_bytes(b"")
    (made / ".hidden").touch()
    (made / "sub").mkdir()
    (made / "overview.png").unlink()
    assert check_set(made) == [
        f"{name.format(2)}: missing",
        f"{name.format(3)}: changed",
        "overview.png: missing",
        ".hidden: foreign, not part of the set",
        f"{name.format(9)}: foreign, not part of the set",
        "sub: foreign, not part of the set",
    ]


def test_a_foreign_file_is_to_be_moved_away(made):
    (made / ".DS_Store").touch()
    assert remedy_of(check_set(made)) == "move away what is not part of it"
    (made / "overview.png").unlink()
    assert remedy_of(check_set(made)) == "use --overwrite to build it again"


def test_a_changed_manifest_is_reported_even_if_it_names_other_files(made):
    text = (made / "manifest.csv").read_text().replace("BraTS20_Training_001_img_00002.png", "../../etc/passwd")
    (made / "manifest.csv").write_text(text)
    problems = check_set(made)
    assert "manifest.csv: '../../etc/passwd' is not the name of a slice" in problems
    assert "manifest.csv: changed" in problems
    (made / "manifest.csv").unlink()
    assert "manifest.csv: missing" in check_set(made)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "this is not JSON"),
        (b"[" * 200_000, "this is not JSON"),
        (b"9" * 5000, "this is not JSON"),
        (b"[]", "does not describe a slice set"),
        (b'{"format": "slice set", "version": 7}', "version 7, this is version 1"),
        (b'{"format": "slice set", "version": 1, "slices": "many"}', "its 'slices' is missing or damaged"),
    ],
)
def test_a_damaged_description_is_named(made, content, reason):
    (made / "dataset.json").write_bytes(content)
    with pytest.raises(DataError, match=rf"dataset\.json: .*{reason}"):
        check_set(made)


def test_what_is_not_a_set_is_named(made, tmp_path):
    with pytest.raises(DataError, match="there is no such folder"):
        read_description(tmp_path / "none")
    with pytest.raises(DataError, match="this is not a slice set"):
        read_description(tmp_path)


@pytest.mark.parametrize(("key", "value"), [("files", {"a": 1}), ("sources", {"S": []}), ("sources", {"S": {"a": {}}})])
def test_a_description_damaged_further_in_is_named(made, key, value):
    description = json.loads((made / "dataset.json").read_bytes())
    (made / "dataset.json").write_text(json.dumps({**description, key: value}))
    with pytest.raises(DataError, match=r"dataset\.json: it says .* of a file"):
        check_set(made)


@pytest.mark.parametrize("place", ["overview.png", "BraTS20_Training_001_img_00003.png"])
def test_only_regular_files_are_read(made, place):
    (made / place).unlink()
    (made / place).symlink_to("/dev/zero")
    assert check_set(made) == [f"{place}: this is not a regular file"]
    (made / place).unlink()
    os.mkfifo(made / place)
    assert check_set(made) == [f"{place}: this is not a regular file"]
    for name in ("manifest.csv", "dataset.json"):
        (made / name).unlink()
        (made / name).symlink_to("/dev/zero")
        with pytest.raises(DataError, match=f"{name}: this is not a regular file"):
            check_set(made)


def test_a_huge_file_is_hashed_in_little_memory(made):
    with open(made / "overview.png", "wb") as file:
        file.truncate(200 << 20)
    before = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + (64 << 20), before[1]))
    try:
        assert check_set(made) == ["overview.png: changed"]
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def test_changed_sources(made, tmp_path):
    sources = json.loads((made / "dataset.json").read_bytes())["sources"]
    volume = tmp_path / "data" / "BraTS20_Training_001" / "BraTS20_Training_001_flair.nii.gz"
    assert changed_sources(sources, tmp_path / "data") == []
    with open(volume, "ab") as file:
        file.write(b"\0")
    assert changed_sources(sources, tmp_path / "data") == [f"{volume}: changed since the set was built"]
    os.unlink(volume)
    assert changed_sources(sources, tmp_path / "data") == [f"{volume}: no longer there"]


def test_names_of_slices():
    assert is_slice_name("BraTS20_Training_001_img_00060.png")
    assert not is_slice_name("manifest.csv")
    assert not is_slice_name("img_00060.png")


def row(subject, index):
    return dict.fromkeys(COLUMNS, "") | {"file": file_name(subject, index), "subject": subject, "slice": index}


def test_name_of_a_slice():
    assert file_name("BraTS20_Training_001", 60) == "BraTS20_Training_001_img_00060.png"


def test_rows_come_back(tmp_path):
    rows = [row('b, "quoted"', 100), row('b, "quoted"', 9), row("çelik", 1), row("a b", 2)]
    (tmp_path / "manifest.csv").write_bytes(encode_manifest(rows))
    found = read_manifest(tmp_path / "manifest.csv")
    assert found == [{**one, "slice": str(one["slice"])} for one in rows]


def test_the_header_that_training_reads():
    assert encode_manifest([]).decode() == (
        "file,subject,split,slice,position_mm,source,source_sha256,orientation,window_low,window_high,brain_pixels,"
        "tumour_pixels,sha256\n"
    )


@pytest.mark.parametrize(
    "content",
    [b"", b"a,b\n1,2\n", b"\xff\xfe", encode_manifest([]) + b"too,short\n", encode_manifest([]) + b"x," * 20 + b"\n"],
)
def test_what_is_not_a_manifest_is_named(tmp_path, content):
    (tmp_path / "manifest.csv").write_bytes(content)
    with pytest.raises(DataError, match=r"manifest\.csv: .*--overwrite"):
        read_manifest(tmp_path / "manifest.csv")


def test_a_missing_manifest_is_named(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_manifest(tmp_path / "manifest.csv")


@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=40)))
def test_a_slice_is_a_grey_png_with_these_pixels(tmp_path_factory, grey):
    folder = tmp_path_factory.mktemp("png")
    row = write_slice(folder, {"file": "a.png"}, grey)
    with Image.open(folder / "a.png") as image:
        assert image.mode == "L"
        np.testing.assert_array_equal(np.asarray(image), grey)
    assert row["sha256"] == hashlib.sha256((folder / "a.png").read_bytes()).hexdigest()
