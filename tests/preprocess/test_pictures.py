import csv
import json
import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from preprocess.errors import DataError, UsageError
from preprocess.pictures import import_pictures, read_picture
from preprocess.slice_set import check_set


def rows_of(folder):
    with open(folder / "manifest.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def pngs(tmp_path):
    """Four pictures of two subjects, one of them in RGB."""
    folder = tmp_path / "pngs"
    folder.mkdir()
    for name, mode in (("x_001_img_00060", "L"), ("x_001_img_00061", "RGB"), ("x_002_img_00070", "L"),
                       ("x_002_img_00009", "L")):
        Image.new("L", (16, 16), int(name[-2:])).convert(mode).save(folder / f"{name}.png")
    return folder


def test_a_set_of_pictures(pngs, tmp_path):
    outcome = import_pictures(pngs, tmp_path / "set")
    assert (outcome.slices, outcome.subjects, outcome.notes) == (4, 2, [])
    rows = rows_of(tmp_path / "set")
    assert [(row["subject"], row["slice"], row["source"]) for row in rows] == [
        ("x_001", "60", "x_001_img_00060.png"), ("x_001", "61", "x_001_img_00061.png"),
        ("x_002", "9", "x_002_img_00009.png"), ("x_002", "70", "x_002_img_00070.png")]
    for row in rows:
        with Image.open(tmp_path / "set" / row["file"]) as image:
            assert (image.mode, image.size) == ("L", (16, 16))
            assert set(np.unique(image)) == {int(row["slice"])}
    description = json.loads((tmp_path / "set" / "dataset.json").read_bytes())
    assert (description["format"], description["made_from"], description["size"]) == ("slice set", "PNG files", 16)
    assert check_set(tmp_path / "set") == []


@pytest.mark.parametrize(
    ("pattern", "subjects"),
    [(r"x_(\d+)", ["001", "001", "002", "002"]), (r"^x_\d", ["x_0"] * 4), (r"x_(\d+)_img_0006", ["001", "001"])],
)
def test_subjects_by_a_pattern(pngs, tmp_path, pattern, subjects):
    outcome = import_pictures(pngs, tmp_path / "set", pattern)
    rows = [row["subject"] for row in rows_of(tmp_path / "set")]
    assert rows[: len(subjects)] == subjects
    if len(subjects) == 2:
        assert rows[2:] == ["x_002_img_00009", "x_002_img_00070"]
        (note,) = outcome.notes
        assert "2 files without a subject in the name (x_002_img_00009.png, x_002_img_00070.png)" in note
        assert "a held-out part may show brains of the training part" in note


def test_slices_are_counted_where_their_names_do_not_tell_them_apart(tmp_path):
    for name in ("a-first", "a-second", "b9x1", "b8x1"):
        Image.new("L", (8, 8)).save(tmp_path / f"{name}.png")
    import_pictures(tmp_path, tmp_path / "set", "^[ab]")
    assert [(row["source"], row["slice"]) for row in rows_of(tmp_path / "set")] == [
        ("a-first.png", "0"), ("a-second.png", "1"), ("b8x1.png", "0"), ("b9x1.png", "1")]


def test_a_changed_picture_is_noticed(pngs, tmp_path):
    import_pictures(pngs, tmp_path / "set")
    assert import_pictures(pngs, tmp_path / "set").already
    Image.new("L", (16, 16), 1).save(pngs / "x_001_img_00060.png")
    with pytest.raises(DataError, match="x_001_img_00060.png: changed since the set was built"):
        import_pictures(pngs, tmp_path / "set")
    Image.new("L", (16, 16), 1).save(pngs / "x_001_img_00062.png")
    with pytest.raises(DataError, match=r"other files \(4, now 5\)"):
        import_pictures(pngs, tmp_path / "set")
    assert import_pictures(pngs, tmp_path / "set", overwrite=True).slices == 5


def png(width, height, depth=8, colour=0):
    """A PNG that has only its head."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head)) + bytes(20)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"GIF89a" + bytes(40), "this is not a PNG file"),
        (b"", "this is not a PNG file"),
        (png(16, 17), "it is 16×17, not square"),
        (png(13000, 13000), "it is 13000×13000, not square, from 8 to 4096"),
        (png(16, 16, depth=16), "it is 16-bit grey, not 8-bit"),
        (png(16, 16, depth=16, colour=2), "it is 16-bit RGB, not 8-bit"),
        (png(16, 16, colour=3), "it is 8-bit palette, not"),
        (png(16, 16), "cannot read its pixels"),
    ],
)
def test_a_picture_that_cannot_be_used_is_named(tmp_path, content, reason):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(DataError, match=rf"a\.png: {reason}"):
        read_picture(tmp_path / "a.png")


def test_pictures_that_do_not_fit_are_named(pngs, tmp_path):
    Image.new("RGB", (16, 16), (9, 9, 8)).save(pngs / "y.png")
    with pytest.raises(DataError, match=r"y\.png: it is coloured, not grey"):
        import_pictures(pngs, tmp_path / "set")
    Image.new("L", (32, 32)).save(pngs / "y.png")
    with pytest.raises(DataError, match=r"y\.png: it is 32×32, not 16×16 as the others"):
        import_pictures(pngs, tmp_path / "set")
    (pngs / "y.png").unlink()
    (pngs / "y.png").symlink_to("/dev/zero")
    with pytest.raises(DataError, match=r"y\.png: this is not a regular file"):
        import_pictures(pngs, tmp_path / "set")
    assert not (tmp_path / "set").exists()


def test_wrong_use_is_named(pngs, tmp_path):
    with pytest.raises(UsageError, match=r"--subject-pattern \(: not a regular expression"):
        import_pictures(pngs, tmp_path / "set", "(")
    with pytest.raises(UsageError, match="--split needs at least two subjects"):
        import_pictures(pngs, tmp_path / "set", "^x", split=0.5)
    for folder, reason in ((tmp_path / "none", "there is no such folder"), (tmp_path, "there is no .png file")):
        with pytest.raises(DataError, match=reason):
            import_pictures(folder, tmp_path / "set")
