"""The page as a file: whole, self-contained, small."""

import json
import os
import re

import numpy as np
import pytest
from PIL import Image

from dcgan_mri.run import reading
from dcgan_mri.slice_set import Slices
from dcgan_mri.pixels import save_png
from dcgan_mri.review import page
from dcgan_mri.review.content import content
from dcgan_mri.review.page import Page, render
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
    assert run["grids"]["2"]["link"] == "preview/epoch_0002.png"
    assert {str(index) for nearest in run["grids"]["3"]["nearest"] for index in nearest} <= set(run["slices"])
    link = next(iter(run["slices"].values()))["link"]
    assert (folder / link).exists()


def test_a_new_epoch_is_there_when_it_is_written_again(tmp_path, slices16):
    folder = write_result(tmp_path / "run", [1], slices16)
    mine = Page([folder], [Slices(slices16)], folder / "index.html")
    mine.write()
    write_grid(folder, 2)
    mine.write()
    assert list(data_of(folder / "index.html")["runs"][0]["grids"]) == ["1", "2"]


def test_text_cannot_become_markup(tmp_path):
    name = "</script><script>alert(1)</script>"
    found = content([reading.read(write_result(tmp_path / "run", [1]))], [None], [name], False)
    html = render("review.html", found, {"runs": [{"name": name}]})
    assert "alert(1)</script>" not in html
    assert html.count("</script>") == 2


def test_nothing_is_loaded_from_a_network(tmp_path):
    folder = write_result(tmp_path / "run", [1])
    Page([folder], [None], folder / "index.html").write()
    html = (folder / "index.html").read_text(encoding="utf-8")
    assert "default-src 'none'" in html
    text = re.sub(r'^\s*//.*$|"thumbnail":"[^"]*"', "", html, flags=re.MULTILINE)
    assert re.findall(r"(?:https?:)?//[a-z][\w.-]+", text) == []


def test_is_whole_or_absent(tmp_path, monkeypatch):
    folder = write_result(tmp_path / "run", [1])
    mine = Page([folder], [None], folder / "index.html")
    mine.write()
    before = (folder / "index.html").read_bytes()

    def fails(*parts):
        raise MemoryError

    monkeypatch.setattr(page, "render", fails)
    with pytest.raises(MemoryError):
        mine.write()
    assert (folder / "index.html").read_bytes() == before


def test_runs_of_one_name_are_told_apart_by_their_paths(tmp_path):
    folders = [write_result(tmp_path / name / "result", [1]) for name in "ab"]
    Page(folders, [None, None], tmp_path / "both.html").write()
    runs = data_of(tmp_path / "both.html")["runs"]
    assert [run["name"] for run in runs] == [str(folder) for folder in folders]
    assert runs[1]["grids"]["1"]["link"] == "b/result/preview/epoch_0001.png"


def test_a_grid_at_hand_is_not_read_again(tmp_path, slices16):
    folder = write_result(tmp_path / "run", [1, 2], slices16)
    path = folder / "preview" / "epoch_0002.png"
    picture = np.array(Image.open(path))
    path.write_bytes(b"not read")
    Page([folder], [Slices(slices16)], folder / "index.html").write(newest=(2, picture))
    (found,) = data_of(folder / "index.html")["runs"]
    assert len(found["grids"]["2"]["nearest"]) == 100


def test_two_runs_begin_at_their_last_common_epoch(tmp_path, slices16):
    folders = [write_result(tmp_path / "a", [1, 2, 3], slices16),
               write_result(tmp_path / "b", [1, 2], slices16, seed=1)]
    found = content([reading.read(folder) for folder in folders], [None, None], ["a", "b"], False)
    assert found["epochs"][found["start"]] == 2
    assert [[verdict["title"] for verdict in of_run] for of_run in found["verdicts"]] == [
        ["KID in epoch 1", "KID in epoch 2", "KID in epoch 3"], ["KID in epoch 1", "KID in epoch 2", "KID in epoch 2"]]
    assert found["nearer"][0] == "In epoch 1, by KID, a (1\u202f000) is as near to real slices as b (1\u202f000)."
    assert [[setting["name"] for setting in of_runs] for of_runs in found["differing"]] == [["seed", "seed"]]
    assert [run["trend"] for run in found["runs"]] == [
        "It got better: from 1\u202f000 in epoch 1 to 12.3 in epoch 3, its lowest.",
        "It got better: from 1\u202f000 in epoch 1 to 62.5 in epoch 2, its lowest."]


def test_a_measure_has_one_name_whatever_else_was_logged(tmp_path):
    folder = write_result(tmp_path / "run", [1])
    (folder / "log").write_text((folder / "log").read_text().replace("noise.air", "variety.levels"))
    row = content([reading.read(folder)], [None], ["run"], False)["rows"][-1]
    assert (row["title"], row["label"]) == ("Variety: levels in the brain", "levels in the brain")


def test_public_page_names_neither_host_nor_command_nor_path(tmp_path, slices16):
    folder = write_result(tmp_path / "run", [1], slices16)
    started = json.loads((folder / "environment.json").read_text())
    started["starts"][0] |= {"hosts": ["secret-host"], "command": ["/secret/train.py"], "device": "one GPU"}
    (folder / "environment.json").write_text(json.dumps(started))
    for public, there in ((False, True), (True, False)):
        Page([folder], [Slices(slices16)], tmp_path / "page.html", public).write()
        html = (tmp_path / "page.html").read_text(encoding="utf-8")
        for text in ("secret-host", "/secret/train.py", str(tmp_path), "preview/epoch_0001.png"):
            assert (text in html) is there
        assert "one GPU" in html


def test_real_slices_are_called_a_phantoms_where_they_are(tmp_path, slices16):
    folder = write_result(tmp_path / "run", [1], slices16)
    Page([folder], [Slices(slices16)], folder / "index.html").write()
    html = (folder / "index.html").read_text(encoding="utf-8")
    assert "A DCGAN learns 16 slices of 1 synthetic phantom, 16×16 pixels" in html
    assert '<b>Real slices</b> <span class="note">synthetic phantom</span>' in html


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
