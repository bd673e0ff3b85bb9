"""The page as a file: whole, self-contained, small."""

import json
import os
import re

import numpy as np
import pytest

from dcgan_mri.slice_set import Slices
from dcgan_mri.pixels import save_png
from dcgan_mri.review import page
from dcgan_mri.review.page import Page, assemble
from tests.results import write_grid, write_result


def data_of(path):
    html = path.read_text(encoding="utf-8")
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)[1])


def test_holds_the_run(tmp_path, slices16):
    folder = write_result(tmp_path / "run #1", [1, 2, 3], slices16)
    Page([folder], [Slices(slices16)], folder / "index.html").write()
    (run,) = data_of(folder / "index.html")["runs"]
    assert run["name"] == "run #1"
    assert list(run["grids"]) == ["1", "2", "3"]
    assert run["grids"]["2"]["image"] == "preview/epoch_0002.png"
    assert [entry["epoch"] for entry in run["log"]] == [1, 2, 3]
    assert set(map(str, run["grids"]["3"]["nearest"])) <= set(run["slices"])
    link = next(iter(run["slices"].values()))["image"]
    assert (folder / link).exists()


def test_a_new_epoch_is_there_when_it_is_written_again(tmp_path, slices16):
    folder = write_result(tmp_path / "run", [1], slices16)
    mine = Page([folder], [Slices(slices16)], folder / "index.html")
    mine.write()
    write_grid(folder, 2)
    mine.write()
    assert list(data_of(folder / "index.html")["runs"][0]["grids"]) == ["1", "2"]


def test_text_cannot_become_markup():
    html = assemble({"runs": [{"name": "</script><script>alert(1)</script>"}]})
    assert "alert(1)</script>" not in html
    assert html.count("</script>") == 2


def test_nothing_is_loaded_from_a_network(tmp_path):
    folder = write_result(tmp_path / "run", [1])
    Page([folder], [None], folder / "index.html").write()
    html = (folder / "index.html").read_text(encoding="utf-8")
    assert "default-src 'none'" in html
    addresses = set(re.findall(r"(?:https?:)?//[a-z][\w.-]+", re.sub(r"^\s*//.*$", "", html, flags=re.MULTILINE)))
    assert addresses <= {"http://www.w3.org"}


def test_is_whole_or_absent(tmp_path, monkeypatch):
    folder = write_result(tmp_path / "run", [1])
    mine = Page([folder], [None], folder / "index.html")
    mine.write()
    before = (folder / "index.html").read_bytes()

    def fails(data):
        raise MemoryError

    monkeypatch.setattr(page, "assemble", fails)
    with pytest.raises(MemoryError):
        mine.write()
    assert (folder / "index.html").read_bytes() == before


def test_runs_of_one_name_are_told_apart_by_their_paths(tmp_path):
    folders = [write_result(tmp_path / name / "result", [1]) for name in "ab"]
    Page(folders, [None, None], tmp_path / "both.html").write()
    runs = data_of(tmp_path / "both.html")["runs"]
    assert [run["name"] for run in runs] == [str(folder) for folder in folders]
    assert runs[1]["grids"]["1"]["image"] == "b/result/preview/epoch_0001.png"


def test_a_hundred_epochs_of_noise_stay_below_five_megabytes(tmp_path):
    folder = write_result(tmp_path / "run", [])
    noise = np.random.default_rng(0).integers(0, 256, (1280, 1280, 3), dtype=np.uint8)
    save_png(folder / "preview" / "epoch_0001.png", noise)
    for epoch in range(2, 101):
        os.link(folder / "preview" / "epoch_0001.png", folder / "preview" / f"epoch_{epoch:04d}.png")
    mine = Page([folder], [None], folder / "index.html")
    first = []
    # One thumbnail stands for all: they are made of one file.
    mine._epochs[0]._thumbnail = lambda picture, size: first[0] if first else first.append(
        page.thumbnails.of_grid(picture, size)) or first[0]
    mine.write()
    assert len(data_of(folder / "index.html")["runs"][0]["grids"]) == 100
    # 720 slices may take 1.2 MB more.
    assert (folder / "index.html").stat().st_size < 3.8e6
