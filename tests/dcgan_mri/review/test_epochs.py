"""What is kept of each epoch's grid, and when it is made again."""

import os
import shutil

import numpy as np
import pytest

from dcgan_mri.run import sample_grids
from dcgan_mri.slice_set import Slices
from dcgan_mri.errors import DataError
from dcgan_mri import grid
from dcgan_mri.pixels import save_png
from dcgan_mri.review.epochs import Epochs
from tests.helpers import write_slice_set
from tests.results import write_grid, write_result


def counting(made):
    def thumbnail(picture, size):
        made.append(size)
        return b"thumbnail"
    return thumbnail


def test_made_once_and_again_when_something_changed(tmp_path, slices16):
    folder, made = write_result(tmp_path / "run", [1], slices16), []
    slices = Slices(slices16)
    path = sample_grids.by_epoch(folder)[1]
    first = Epochs(folder, slices, counting(made)).entry(path, 1000)
    assert Epochs(folder, slices, counting(made)).entry(path, 1000) == first
    assert made == [1000]
    Epochs(folder, slices, counting(made)).entry(path, 500)
    assert "nearest" not in Epochs(folder, None, counting(made)).entry(path, 500)
    write_grid(folder, 1)
    os.utime(path, ns=(1, 1))
    Epochs(folder, None, counting(made)).entry(path, 500)
    assert made == [1000, 500, 500, 500]
    (folder / "page" / "epoch_0001.json").write_text("{")
    Epochs(folder, None, counting(made)).entry(path, 500)
    assert len(made) == 5


def test_nearest_slices_are_looked_for_again_in_a_set_made_anew(tmp_path):
    place, other = tmp_path / "set", write_slice_set(tmp_path / "other", n=4, seed=1)
    write_slice_set(place)
    folder = write_result(tmp_path / "run", [1])
    path = sample_grids.by_epoch(folder)[1]
    Epochs(folder, Slices(place), counting([])).entry(path, 500)
    shutil.rmtree(place)
    other.rename(place)
    nearest = Epochs(folder, Slices(place), counting([])).entry(path, 500)["nearest"]
    assert max(max(each) for each in nearest) < 4


def test_finds_the_nearest_slice(tmp_path, slices16):
    slices = Slices(slices16)
    folder = write_result(tmp_path / "run", [], slices16)
    order = np.random.default_rng(0).integers(0, 16, 100)
    tinted = np.repeat(slices.batch(order)[..., None], 3, axis=3)
    tinted[..., 0] += 30
    save_png(folder / "preview" / "epoch_0001.png", grid.draw(tinted, "title", range(100)))
    entry = Epochs(folder, slices, counting([])).entry(sample_grids.by_epoch(folder)[1], 1000)
    assert [nearest[0] for nearest in entry["nearest"]] == order.tolist()
    assert max(distance[0] for distance in entry["distance"]) < 11
    assert entry["tint"] == "; tinted red (30 grey levels)"
    assert all(distance == sorted(distance) and len(distance) == 3 for distance in entry["distance"])


def test_a_folder_that_cannot_be_written_is_looked_at_all_the_same(tmp_path, slices16):
    folder = write_result(tmp_path / "run", [1], slices16)
    (folder / "page").write_text("in the way")  # root may write anywhere, but not into a file
    entry = Epochs(folder, Slices(slices16), counting([])).entry(sample_grids.by_epoch(folder)[1], 1000)
    assert len(entry["nearest"]) == 100


def test_how_near_real_slices_of_different_subjects_are(tmp_path):
    slices = Slices(write_slice_set(tmp_path / "set", subjects=("001", "002")))
    between = Epochs(tmp_path, slices, counting([])).between_subjects
    assert 0 < between["copy"] <= between["low"] < between["high"]
    assert Epochs(tmp_path, Slices(write_slice_set(tmp_path / "one")), counting([])).between_subjects is None


def test_a_grid_of_real_slices(tmp_path, slices16):
    drawn = []
    Epochs(tmp_path, Slices(slices16), lambda picture, size: drawn.append(picture) or b"").real_grid(1000)
    assert drawn[0].shape == (27 + 2 * 16 + 1, 33 + 10 * 16 + 9)


def test_slices_of_another_size_are_refused(tmp_path):
    folder = write_result(tmp_path / "run", [1], side=32)
    slices = Slices(write_slice_set(tmp_path / "set"))
    with pytest.raises(DataError, match="its images have 32 pixels, the slices in .* have 16"):
        Epochs(folder, slices, counting([])).entry(sample_grids.by_epoch(folder)[1], 1000)
