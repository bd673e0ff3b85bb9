"""The figures, from made runs."""

import numpy as np
import pytest
from matplotlib import pyplot as plt
from PIL import Image

from dcgan_mri.pixels import save_png
from experiments import definition, figures, findings, records
from tests.experiments.records import made

EXPERIMENTS = definition.read_all()


def finding_of(name, runs, pictures=True, **values):
    """A finding of a made experiment, with the pictures of its runs: cell i has the grey level 2 i."""
    experiment = EXPERIMENTS[name]
    found = [made(experiment, arm, seed, **values) for arm in experiment.arms for seed in (0, 1)]
    if pictures:
        cells = np.arange(0, 200, 2, dtype=np.uint8).reshape(10, 10)
        for record in found:
            save_png(runs / f"{record['run']}.seed0.png", np.kron(cells, np.ones((16, 16), np.uint8)))
    return findings.find(experiment, findings.campaigns(found)[0])


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_has_a_figure(tmp_path, name):
    finding = finding_of(name, tmp_path, kid=1.0)
    if name == "epochs":
        for record in finding.arms["150"].values():
            record["along"] = {epoch: {"kid": 1.0, "diversity.similarity": 1.0} for epoch in (6, 12)}
    assert figures.draw(tmp_path / "made" / "figure.png", finding, tmp_path)
    assert Image.open(tmp_path / "made" / "figure.png").width >= 350


def test_a_row_for_each_arm_ten_columns_of_the_same_images(tmp_path):
    rows = figures.arm_rows(tmp_path, finding_of("d-act", tmp_path))
    assert [label for label, _ in rows] == ["baseline", "ELU", "Leaky ReLU"]
    assert all(pictures[:, -1, -1].tolist() == list(range(0, 20, 2)) for _, pictures in rows)


def test_training_slices_come_first_where_they_are_there(tmp_path, monkeypatch):
    shown = []
    monkeypatch.setattr(figures, "mosaic", lambda rows, numbered: shown.append(rows) or plt.figure())
    finding = finding_of("d-act", tmp_path)
    figures.draw(tmp_path / "without.png", finding, tmp_path)
    save_png(tmp_path / records.TEN_SLICES, np.repeat(np.arange(10, dtype=np.uint8), 16)[None].repeat(16, axis=0))
    figures.draw(tmp_path / "with.png", finding, tmp_path)
    assert [label for label, _ in shown[1]] == ["training slices", *(label for label, _ in shown[0])]
    assert shown[1][0][1][:, 0, 0].tolist() == list(range(10))


def test_figure_1_has_a_row_of_successes_and_one_of_failures_by_the_record(tmp_path):
    rows = figures.extreme_rows(tmp_path, finding_of("variety", tmp_path))
    assert {label: pictures[:, -1, -1].tolist() for label, pictures in rows} == {
        "successes": [2, 4], "failures": [8, 6]}


@pytest.mark.parametrize("pictures", [False, True])
def test_without_images_there_is_no_figure_of_them(tmp_path, pictures):
    finding = finding_of("fig4", tmp_path, pictures, diverged="the loss is nan" if pictures else None)
    assert not figures.draw(tmp_path / "made" / "figure.png", finding, tmp_path)
    assert not (tmp_path / "made").exists()


def test_a_figure_is_the_same_every_time(tmp_path):
    finding = finding_of("fig4", tmp_path)
    for name in ("one.png", "two.png"):
        figures.draw(tmp_path / name, finding, tmp_path)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_a_mosaic_has_the_pictures_where_they_belong():
    pictures = np.zeros((3, 16, 16), np.uint8)
    pictures[1] = 200
    figure = figures.mosaic([("one", pictures), ("two", pictures[::-1])], True)
    shown = figure.axes[0].images[0].get_array()
    figures.plt.close(figure)
    assert shown.shape == (32, 48)
    assert (shown[8, 24], shown[24, 24], shown[8, 8]) == (200, 200, 0)
