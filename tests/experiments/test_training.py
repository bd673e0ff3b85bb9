"""The training of a run: that of the product, its last images kept."""

import dataclasses

import numpy as np
import pytest
from mpi4py import MPI

from dcgan_mri.config import Config
from dcgan_mri.distributed.interruption import Interruption
from dcgan_mri.run import sample_grids
from experiments.plan import Run
from experiments.training import train
from tests.helpers import run_job

SETTINGS = {"image_size": 16, "width": 0.03125, "batchsize": 4, "epoch": 3}


class SignalAfter(Interruption):
    """A signal that comes after so many iterations."""

    def __init__(self, iterations):
        super().__init__(MPI.COMM_SELF)
        self.iterations = iterations

    def __call__(self, trainer):
        self.agreed = trainer.updater.iteration >= self.iterations


@pytest.fixture(scope="module")
def config():
    return Config(**SETTINGS)


@pytest.fixture(scope="module")
def trained(slices16, config):
    return train(Run("paper", config), slices16, "off")


def test_its_images_and_scores_are_those_of_the_products_own_training(slices16, config, trained, tmp_path):
    (tmp_path / "config.yaml").write_text(config.to_yaml())
    done = run_job("-m", "dcgan_mri.train", "-i", slices16, "-o", tmp_path / "out", "--config",
                   tmp_path / "config.yaml", "--gpu", "off", "--page", "off", OMP_NUM_THREADS="1")
    assert done.returncode == 0, done.stderr
    grids = sample_grids.by_epoch(tmp_path / "out")
    assert trained.epochs == list(grids) == [1, 2, 3]
    for pictures, path in zip(trained.pictures, grids.values(), strict=True):
        np.testing.assert_array_equal(pictures, sample_grids.cells(sample_grids.read(path)))
    assert [epoch for epoch, _, _ in trained.scores] == [1, 2, 3]
    assert trained.iterations == 12
    assert trained.diverged is None


def test_a_run_that_was_cut_goes_on_as_the_uninterrupted_one(slices16, config, trained, tmp_path):
    run = Run("paper", config)
    assert train(run, slices16, "off", tmp_path, SignalAfter(7)) is None
    again = train(run, slices16, "off", tmp_path)
    np.testing.assert_array_equal(again.pictures, trained.pictures)
    assert again.scores == trained.scores


def test_nothing_is_written_unless_a_folder_is_given(slices16, config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    train(Run("paper", dataclasses.replace(config, epoch=1)), slices16, "off")
    assert not list(tmp_path.iterdir())


def test_a_twin_differs_by_rounding_alone(slices16, config, trained):
    twin = train(Run("paper", config, twin=True), slices16, "off")
    difference = np.abs(twin.pictures[0].astype(int) - trained.pictures[0]).max()
    assert difference <= 1
    assert twin.scores != trained.scores
    np.testing.assert_allclose(twin.scores[0], trained.scores[0], rtol=1e-3)


def test_a_training_that_diverges_says_so(slices16):
    gone = train(Run("sgd", Config(**SETTINGS, optimizer="sgd", learning_rate=1e30)), slices16, "off")
    assert gone.diverged.startswith("the loss of the")
    assert gone.iterations < 12
