import io

import numpy as np
import pytest
from PIL import Image, ImageDraw
from preprocess.overview import make_overview


def sheet_of(heading, tiles, sides_known=False):
    return np.asarray(Image.open(io.BytesIO(make_overview(heading, tiles, sides_known))))


@pytest.fixture
def grey(tmp_path):
    Image.new("L", (64, 64), 200).save(tmp_path / "slice.png")
    return tmp_path / "slice.png"


@pytest.mark.parametrize(("count", "side"), [(1, 256), (7, 256), (26, 192), (101, 128), (401, 96)])
def test_every_subject_has_its_tile_and_label(grey, count, side):
    sheet = sheet_of([], [("subject  84", grey, False)] * count)
    assert (sheet == 200).sum() >= count * side * side
    assert (sheet > 220).sum() >= 20 * count
    assert max(sheet.shape) < 5000


def test_long_and_foreign_labels_keep_their_end(tmp_path):
    Image.new("L", (64, 64)).save(tmp_path / "slice.png")
    tiles = [(label, tmp_path / "slice.png", False) for label in ("x" * 300 + "  84", "çelik 脳  84")]
    sheet = sheet_of([], tiles)
    # The label of the first tile ends inside its own tile.
    assert (sheet[6:32, 262:268] == 40).all()
    assert (sheet[6:32, 6:262] > 200).any()


def test_what_the_picture_says(grey, monkeypatch):
    said = []
    text = ImageDraw.ImageDraw.text
    monkeypatch.setattr(ImageDraw.ImageDraw, "text", lambda self, at, line, *rest: (
        said.append((line, at)), text(self, at, line, *rest)))
    tiles = [("S1  84", grey, False), ("S2  84", grey, True)]
    sheet = sheet_of(["demo: 2 slices of 2 subjects", "synthetic phantom"], tiles, sides_known=True)
    assert [line for line, _ in said] == [
        "demo: 2 slices of 2 subjects", "synthetic phantom", "R, L: the patient's right and left",
        "in a white frame: held out", "R", "L", "S1  84", "R", "L", "S2  84"]
    assert said[4][1][0] < said[5][1][0] < 268
    frames = (sheet == 255).sum(axis=0) > 256
    assert not frames[:262].any()
    assert frames[265:271].any()
    said.clear()
    sheet_of(["demo"], tiles[:1])
    assert [line for line, _ in said] == ["demo", "S1  84"]
