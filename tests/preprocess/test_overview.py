import io

import numpy as np
import pytest
from PIL import Image
from preprocess.overview import make_overview


@pytest.mark.parametrize(("count", "side"), [(1, 256), (7, 256), (26, 192), (101, 128), (401, 96)])
def test_every_subject_has_its_tile_and_label(tmp_path, count, side):
    Image.new("L", (64, 64), 200).save(tmp_path / "slice.png")
    sheet = np.asarray(Image.open(io.BytesIO(make_overview([("subject  84", tmp_path / "slice.png")] * count))))
    assert (sheet == 200).sum() >= count * side * side
    assert (sheet > 220).sum() >= 20 * count
    assert max(sheet.shape) < 5000


def test_long_and_foreign_labels_keep_their_end(tmp_path):
    Image.new("L", (64, 64)).save(tmp_path / "slice.png")
    tiles = [("x" * 300 + "  84", tmp_path / "slice.png"), ("çelik 脳  84", tmp_path / "slice.png")]
    sheet = np.asarray(Image.open(io.BytesIO(make_overview(tiles))))
    # The label of the first tile ends inside its own tile.
    assert (sheet[6:26, 262:268] == 40).all()
    assert (sheet[6:26, 6:262] > 200).any()
