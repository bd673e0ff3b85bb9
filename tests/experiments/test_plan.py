"""Which runs there are."""

from collections import Counter

import pytest

from dcgan_mri.config import Config
from experiments import data, definition, plan
from experiments.plan import Run
from experiments.scales import SCALES

SMALL, MEDIUM = SCALES["small"], SCALES["medium"]


def experiments(*names):
    return definition.chosen(list(names), definition.read_all())


def keys(names, scale=MEDIUM, subjects=30):
    return [run.key for run in plan.runs_of(experiments(*names), scale, subjects)]


def test_arms_that_experiments_share_are_run_once():
    shared = ("batch", "sensitivity", "released", "fig2")
    one_by_one = [key for name in shared for key in keys([name])]
    together = keys(shared)
    assert len(together) == len(set(together))
    assert set(together) == set(one_by_one)
    assert Counter(one_by_one)["paper.seed0"] == 4


def test_the_whole_plan_has_no_training_twice():
    runs = plan.runs_of(experiments("all"), MEDIUM, 30)
    assert len({(run.config, run.twin) for run in runs}) == len(runs)
    assert len({run.key for run in runs}) == len(runs)


def test_the_baseline_comes_first_with_all_its_seeds_and_twins():
    assert keys(["fw-wgan"])[:7] == [
        *(f"paper.seed{seed}" for seed in range(5)), "paper.seed0-twin", "paper.seed1-twin"]


def test_only_arms_that_decide_have_twins_and_the_small_scale_has_none():
    assert {key.partition(".")[0] for key in keys(["released"]) if key.endswith("-twin")} == {
        "paper", "batchsize-16__middle_width-256__n_z-100"}
    assert keys(["fig4"], SMALL) == ["paper.seed0", "dropout-0.0.seed0"]


def test_a_run_is_named_by_what_differs_from_the_paper():
    names = dict.fromkeys(run.name for run in plan.runs_of(experiments("fig2", "epochs"), SMALL, 30))
    assert list(names) == ["paper", "batchsize-64__dropout-0.0__n_z-100", "epoch-12"]


def test_what_is_shown_over_its_epochs_is_measured_along_them_whichever_experiment_names_it_first():
    runs = plan.runs_of(experiments("fig4", "epochs"), SMALL, 30)
    assert {run.name: run.along for run in runs} == {"paper": True, "dropout-0.0": False, "epoch-12": True}


def test_an_experiment_that_lacks_an_arm_which_decides_needs_no_runs():
    (experiment,) = experiments("fw-data")
    assert plan.missing_arms(experiment, 9) == ["10 subjects", "30 subjects"]
    assert keys(["fw-data"], subjects=9) == []


@pytest.mark.parametrize(("scale", "images"), [("small", 2880), ("medium", 18000), ("paper", 72000)])
def test_more_data_is_seen_for_as_many_images(scale, images):
    slices = data.Data("", "x", "", (24 if scale == "small" else 48,) * 30, 0)
    runs = plan.runs_of(experiments("fw-data"), SCALES[scale], slices.subjects)
    assert {run.name for run in runs} > {"paper"}
    assert all(abs(run.iterations(slices) * run.config.batchsize - images) <= 0.05 * images for run in runs)


def test_the_last_five_epochs_are_kept_and_more_along_a_long_run():
    config = Config(epoch=25)
    assert Run("paper", config).kept_epochs == [21, 22, 23, 24, 25]
    assert Run("paper", config, along=True).kept_epochs == [12, 14, 16, 18, 20, 21, 22, 23, 24, 25]
    assert Run("paper", Config(epoch=2)).kept_epochs == [1, 2]
