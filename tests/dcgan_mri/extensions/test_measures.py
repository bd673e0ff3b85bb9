"""What is measured after an epoch, when it is left out, and which generator is kept."""

import json
import types

import numpy as np
import pytest

from dcgan_mri.run import reading, snapshots
from dcgan_mri.config import Config
from dcgan_mri.slice_set import Slices
from dcgan_mri.extensions.best_generator import BestGenerator
from dcgan_mri.extensions.budget import Budget
from dcgan_mri.extensions.measures import BUDGET, Measures
from dcgan_mri.networks import Generator
from tests.helpers import SMALL, run_job


def trainer_at(out, epoch, pictures=None, **observation):
    return types.SimpleNamespace(
        out=out, updater=types.SimpleNamespace(epoch_detail=float(epoch)), observation=observation,
        get_extension={"SampleGrid": types.SimpleNamespace(pictures=pictures)}.get)


@pytest.fixture
def run(tmp_path, slices16):
    """Function that measures epochs which take some seconds each; returns those that were measured."""
    pictures = np.random.default_rng(0).integers(0, 256, (100, 16, 16, 3), dtype=np.uint8)

    def go(epochs, seconds, cost, every_epoch=False):
        now = [0.0]
        measures = Measures(Slices(slices16), every_epoch, Budget(BUDGET, clock=lambda: now[0]))
        measures.initialize(trainer_at(tmp_path, 0))

        def slow(images):
            assert images is pictures
            now[0] += cost
            return {"kid": 1.0}

        measures._measure = slow
        measured = []
        for epoch in range(1, epochs + 1):
            now[0] += seconds
            trainer = trainer_at(tmp_path, epoch, pictures)
            measures(trainer)
            if "measure/kid" in trainer.observation:
                measured.append(epoch)
        return measured, now[0]

    return go


def test_every_epoch_where_it_is_cheap(run, tmp_path):
    assert run(5, seconds=100, cost=4) == ([1, 2, 3, 4, 5], 520)
    scale = json.loads((tmp_path / "measures.json").read_text())
    assert {"unit", "range", "reading", "real", "real_low", "real_high"} <= set(scale["kid"])


def test_no_more_than_a_twentieth_of_the_time_where_it_is_not(run):
    measured, time = run(100, seconds=10, cost=2)
    assert measured[0] == 1
    assert 20 < len(measured) < 30
    assert 2 * len(measured) <= 0.05 * time + 2


def test_every_epoch_if_the_user_insists(run):
    assert run(4, seconds=1, cost=10, every_epoch=True)[0] == [1, 2, 3, 4]


def test_the_best_generator_is_that_of_the_lowest_kid(tmp_path):
    config = Config(**SMALL)
    gen = Generator(config)
    extension = BestGenerator(gen, config)
    kept = []
    for epoch, kid in enumerate([5.0, 3.0, None, 4.0, -0.1, 0.2], start=1):
        gen["dc3"].b.array[...] = epoch
        extension(trainer_at(tmp_path, epoch, **({} if kid is None else {"measure/kid": kid})))
        kept.append(reading.best(tmp_path)["epoch"])
        loaded, _ = snapshots.load_generator(tmp_path / "generator_best.npz")
        assert (loaded["dc3"].b.array == kept[-1]).all()
    assert kept == [1, 2, 2, 2, 5, 5]
    assert reading.best(tmp_path) == {"criterion": "kid", "epoch": 5, "value": -0.1}


def test_epochs_that_come_again_after_a_resume_count_anew(tmp_path):
    config = Config(**SMALL)
    extension = BestGenerator(Generator(config), config)
    for epoch, kid in [(1, 5.0), (2, 1.0), (2, 4.0), (3, 4.5)]:
        extension(trainer_at(tmp_path, epoch, **{"measure/kid": kid}))
    assert reading.best(tmp_path)["value"] == 4.0


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"criterion": "kid", "epoch": "x", "value": 1}'])
def test_a_foreign_file_is_none(tmp_path, text):
    (tmp_path / "generator_best.json").write_text(text)
    assert reading.best(tmp_path) is None


@pytest.mark.parametrize("ranks", [None, 2])
def test_a_training_logs_them_and_goes_on(slices16, tmp_path, ranks):
    arguments = ["-m", "dcgan_mri.train", "-i", slices16, "-o", tmp_path / "result", "--image-size", "16",
                 "--width", str(SMALL["width"]), "--measures", "on", "-g", "off"]
    for more in (["-e", "1"], ["-e", "2", "-r"]):
        done = run_job(*arguments, *more, ranks=ranks)
        assert done.returncode == 0, done.stderr
    log = json.loads((tmp_path / "result" / "log").read_text())
    assert [entry["epoch"] for entry in log] == [1, 2]
    assert all("measure/kid" in entry and "measure/diversity.similarity" in entry for entry in log)
    values = [entry["measure/kid"] for entry in log]
    best = reading.best(tmp_path / "result")
    assert (best["epoch"], best["value"]) == (1 + int(np.argmin(values)), min(values))
    assert snapshots.load_generator(tmp_path / "result" / "generator_best.npz")[1].image_size == 16


def test_switched_off_leaves_no_trace(slices16, tmp_path):
    done = run_job("-m", "dcgan_mri.train", "-i", slices16, "-o", tmp_path / "result", "--image-size", "16",
                   "--width", str(SMALL["width"]), "--measures", "off", "-g", "off", "-e", "1")
    assert done.returncode == 0, done.stderr
    assert not any(path.name.startswith(("measures", "generator_best")) for path in (tmp_path / "result").iterdir())
    assert "measure/" not in (tmp_path / "result" / "log").read_text()
