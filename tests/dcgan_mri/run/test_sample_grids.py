"""Grids are read back as they were laid out."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dcgan_mri.run import sample_grids
from dcgan_mri.errors import DataError
from dcgan_mri import grid
from dcgan_mri.pixels import save_png


def test_cells_undo_the_grid(tmp_path):
    pictures = np.random.default_rng(0).integers(0, 256, (100, 4, 4, 3), dtype=np.uint8)
    (tmp_path / "preview").mkdir()
    for name in ("epoch_0002.png", "epoch_0001.png", "epoch_12345.png", "epoch_1.png", "epoch_0003.png.part"):
        save_png(tmp_path / "preview" / name, grid.draw(pictures, "title", range(100)))
    found = sample_grids.by_epoch(tmp_path)
    assert list(found) == [1, 2, 12345]
    assert np.array_equal(sample_grids.cells(sample_grids.read(found[2])), pictures)


def test_no_folder_has_no_grids(tmp_path):
    assert sample_grids.by_epoch(tmp_path) == {}


@pytest.mark.parametrize("shape", [(40, 20, 3), (45, 45, 3)])
def test_other_pictures_are_refused(tmp_path, shape):
    save_png(tmp_path / "epoch_0001.png", np.zeros(shape, np.uint8))
    with pytest.raises(DataError, match="no grid of 10×10 images"):
        sample_grids.read(tmp_path / "epoch_0001.png")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=100))
def test_any_file_is_refused_by_name(tmp_path, content):
    path = tmp_path / "epoch_0001.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + content)
    with pytest.raises(DataError, match="epoch_0001.png"):
        sample_grids.read(path)
