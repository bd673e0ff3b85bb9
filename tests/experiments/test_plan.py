"""Which runs there are."""

from collections import Counter

import pytest

from experiments import data, definition, plan
from experiments.scales import SCALES

SMALL = SCALES["small"]


def experiments(*names):
    return definition.chosen(list(names), definition.read_all())


def test_arms_that_experiments_share_are_run_once():
    one_by_one = [run.key for name in ("batch", "sensitivity", "released", "fig2")
                  for run in plan.runs_of(experiments(name), SMALL, 30, 5)]
    together = [run.key for run in plan.runs_of(experiments("batch", "sensitivity", "released", "fig2"), SMALL, 30, 5)]
    assert len(together) == len(set(together))
    assert set(together) == set(one_by_one)
    assert Counter(one_by_one)["paper", 0] == 4


def test_the_whole_plan_has_no_training_twice():
    runs = plan.runs_of(experiments("all"), SMALL, 30, 2)
    assert len({run.config for run in runs}) == len(runs)
    assert len({run.key for run in runs}) == len(runs)


def test_the_baseline_comes_first_with_all_its_seeds():
    runs = plan.runs_of(experiments("fw-wgan"), SMALL, 30, 3)
    assert [run.key for run in runs[:3]] == [("paper", 0), ("paper", 1), ("paper", 2)]


def test_a_run_is_named_by_what_differs_from_the_paper():
    runs = plan.runs_of(experiments("fig2", "epochs"), SMALL, 30, 1)
    assert [run.name for run in runs] == ["paper", "batchsize=64,dropout=0.0,n_z=100", "epoch=12"]


def test_steadiness_is_measured_along_a_run_whichever_experiment_names_it_first():
    runs = plan.runs_of(experiments("fig4", "alpha"), SMALL, 30, 1)
    assert {run.name: run.along for run in runs} == {
        "paper": True, "dropout=0.0": False, "alpha=0.001": True, "alpha=0.005": True}


def test_arms_that_need_more_subjects_than_there_are_are_left_out():
    (experiment,) = experiments("fw-data")
    assert plan.missing_arms(experiment, 11) == ["30 subjects"]
    names = [run.name for run in plan.runs_of([experiment], SMALL, 11, 1)]
    assert names == ["paper", "epoch=24,n_subjects=5", "epoch=12,n_subjects=10"]


@pytest.mark.parametrize(("scale", "images"), [("small", 2880), ("paper", 72000)])
def test_more_data_is_seen_for_as_many_images(scale, images):
    slices = data.planned_phantom(SCALES[scale])
    runs = plan.runs_of(experiments("fw-data"), SCALES[scale], slices.subjects, 1)
    assert [run.images(slices) for run in runs] == [images] * 4


def test_folders_are_apart_by_scale_data_run_and_seed(tmp_path):
    slices = data.planned_phantom(SMALL)
    runs = plan.runs_of(experiments("fig4"), SMALL, slices.subjects, 2)
    folders = [run.folder(tmp_path, scale, slices) for run in runs for scale in SCALES]
    assert len(set(folders)) == 8
    assert folders[0] == tmp_path / "runs" / "paper-phantom" / "paper" / "seed0"
