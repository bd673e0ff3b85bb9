"""The figures, from made runs."""

import subprocess

import numpy as np
import pytest
from PIL import Image

from experiments import definition, figures, findings, records
from experiments.plan import runs_folder
from tests.experiments.records import DATA, made
from tests.results import write_grid

EXPERIMENTS = definition.read_all()


def finding_of(name, out, grids=True, data=DATA, **values):
    """A finding of a made experiment, with the grids of its runs."""
    experiment = EXPERIMENTS[name]
    found = []
    for arm in experiment.arms:
        for seed in (0, 1):
            record = made(experiment, arm, seed, data=data, **values)
            found.append(record)
            folder = runs_folder(out, "small", data["name"]) / record["run"] / f"seed{seed}"
            if grids:
                (folder / "preview").mkdir(parents=True, exist_ok=True)
                write_grid(folder, 8)
                records.write(folder, record)
    return findings.find(experiment, findings.campaigns(found)[0])


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_has_a_figure(tmp_path, name):
    finding = finding_of(name, tmp_path, kid=1.0)
    if name == "epochs":
        for record in finding.arms["150"].values():
            record["along"] = {epoch: {"kid": 1.0, "diversity.similarity": 1.0} for epoch in (6, 12)}
    path = figures.draw(tmp_path, finding)
    assert path == tmp_path / "figures" / f"{name}-small.png"
    assert Image.open(path).width >= 350


def test_a_row_for_each_arm_ten_columns_of_the_same_images(tmp_path):
    rows = figures.arm_rows(tmp_path, finding_of("d-act", tmp_path))
    assert [label for label, _ in rows] == ["baseline", "ELU", "Leaky ReLU"]
    # Cell i of the made grid has the grey level 2 i.
    assert all(pictures[:, -1, -1, 0].tolist() == list(range(0, 20, 2)) for _, pictures in rows)


def test_figure_1_has_a_row_of_successes_and_one_of_failures_by_the_record(tmp_path):
    rows = figures.extreme_rows(tmp_path, finding_of("variety", tmp_path))
    assert {label: pictures[:, -1, -1, 0].tolist() for label, pictures in rows} == {
        "successes": [2, 4], "failures": [8, 6]}


def test_without_the_runs_there_is_no_figure_of_images(tmp_path):
    assert figures.draw(tmp_path, finding_of("fig4", tmp_path, grids=False)) is None
    assert not (tmp_path / "figures").exists()


def test_figures_of_real_data_stay_among_the_runs(tmp_path):
    finding = finding_of("fig4", tmp_path, data={**DATA, "name": "volumes"})
    assert figures.draw(tmp_path, finding) == tmp_path / "runs" / "small-volumes" / "figures" / "fig4-small.png"
    assert not (tmp_path / "figures").exists()


def test_no_repository_takes_figures_of_real_data_in_wherever_the_results_lie(tmp_path):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    data = {**DATA, "name": "volumes"}
    figures.draw(tmp_path / "elsewhere", finding_of("fig4", tmp_path / "elsewhere", data=data))
    status = subprocess.run(["git", "-C", tmp_path, "status", "--porcelain"], capture_output=True, check=True)
    assert status.stdout == b""


def test_a_run_that_is_under_way_again_is_not_shown_as_what_was_measured(tmp_path):
    finding = finding_of("fig4", tmp_path)
    for path in runs_folder(tmp_path, "small", "phantom").glob(f"*/*/{records.MEASURED}"):
        path.unlink()
    assert figures.draw(tmp_path, finding) is None


def test_two_slice_sets_of_one_name_have_figures_of_their_own(tmp_path):
    experiment = EXPERIMENTS["polarize"]
    found = [made(experiment, arm, 0, data={**DATA, "fingerprint": fingerprint}, scores__gap=1.0)
             for arm in experiment.arms for fingerprint in ("aaa", "bbb")]
    paths = [figures.draw(tmp_path, findings.find(experiment, campaign)) for campaign in findings.campaigns(found)]
    assert [path.name for path in paths] == ["polarize-small-aaa.png", "polarize-small-bbb.png"]


def test_a_figure_is_the_same_every_time(tmp_path):
    finding = finding_of("fig4", tmp_path)
    first = figures.draw(tmp_path, finding).read_bytes()
    assert figures.draw(tmp_path, finding).read_bytes() == first


def test_a_mosaic_has_the_pictures_where_they_belong():
    pictures = np.zeros((3, 16, 16, 3), np.uint8)
    pictures[1] = 200
    figure = figures.mosaic([("one", pictures), ("two", pictures[::-1])], True)
    shown = figure.axes[0].images[0].get_array()
    figures.plt.close(figure)
    assert shown.shape == (32, 48)
    assert (shown[8, 24], shown[24, 24], shown[8, 8]) == (200, 200, 0)
