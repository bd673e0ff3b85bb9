"""Each extension on a run of a few iterations of small networks."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from mpi4py import MPI
from PIL import Image

from dcgan_mri import grid
from dcgan_mri.run import snapshots
from dcgan_mri.chainer_compat import chainer
from dcgan_mri.config import Config
from dcgan_mri.errors import DataError, DivergedError
from dcgan_mri.extensions.finite import StopUnlessFinite
from dcgan_mri.extensions.global_mean import GlobalMean, Readback
from dcgan_mri.extensions.log import Log
from dcgan_mri.extensions.loss_plot import LossPlot
from dcgan_mri.extensions.progress import ProgressLines, Table
from dcgan_mri.extensions.sample_grid import SampleGrid
from dcgan_mri.extensions.snapshot import GeneratorFile, Snapshot
from dcgan_mri.networks import Generator
from dcgan_mri.pixels import grey
from dcgan_mri.sampling import sample_stack
from tests import gpu_stand_in
from tests.helpers import ROOT, SMALL

CONFIG = Config(**SMALL)


class Counting(chainer.training.Updater):
    """Counts iterations, four to an epoch, and reports one number; does nothing else."""

    iteration = 0

    def update(self):
        self.iteration += 1
        chainer.report({"gen/loss": np.float32(self.iteration), "dis/loss": 1.0, "dis/y_real": 2.0, "dis/y_fake": 3.0})

    epoch = property(lambda self: self.iteration // 4)
    epoch_detail = property(lambda self: self.iteration / 4)
    is_new_epoch = property(lambda self: self.iteration % 4 == 0)
    previous_epoch_detail = property(lambda self: (self.iteration - 1) / 4)

    def connect_trainer(self, trainer):
        pass

    def get_all_optimizers(self):
        return {}

    def finalize(self):
        pass

    def serialize(self, serializer):
        self.iteration = serializer("iteration", self.iteration)


def run(tmp_path, *extensions, iterations=8):
    trainer = chainer.training.Trainer(Counting(), (iterations, "iteration"), out=tmp_path)
    for extension in extensions:
        trainer.extend(extension)
    trainer.run()
    return trainer


def test_sample_grid_each_epoch_of_the_same_images(tmp_path):
    gen = Generator(CONFIG)
    gen["dc3"].b.array[...] = 0.5
    run(tmp_path, SampleGrid(gen, CONFIG))
    files = sorted(path.name for path in (tmp_path / "preview").iterdir())
    assert files == ["epoch_0001.png", "epoch_0002.png"]
    first, second = (np.array(Image.open(tmp_path / "preview" / name)) for name in files)
    images = grid.cut(first)
    assert np.array_equal(images, grid.cut(second))
    assert np.array_equal(images[12], sample_stack(gen, [12], CONFIG)[0])


def test_bare_grid_in_grey(tmp_path):
    gen = Generator(CONFIG)
    run(tmp_path, SampleGrid(gen, CONFIG, bare=True, in_grey=True))
    picture = np.array(Image.open(tmp_path / "preview" / "epoch_0001.png"))
    assert picture.shape == (160, 160)
    assert np.array_equal(picture[16:32, 32:48], grey(sample_stack(gen, [12], CONFIG)[0]))


def test_loss_plot_is_a_picture_of_the_log(tmp_path):
    run(tmp_path, Log(), LossPlot())
    picture = np.array(Image.open(tmp_path / "loss.png").convert("L"))
    assert picture.shape[0] >= 600
    assert 0.01 < (picture < 200).mean() < 0.5


def test_snapshots_newest_two_are_kept(tmp_path):
    run(tmp_path, Snapshot(CONFIG, interval=1, keep=2), iterations=16)
    assert [path.name for path in snapshots.newest_first(tmp_path)] == ["snapshot_iter_16.npz", "snapshot_iter_12.npz"]
    config, arrays = snapshots.read(tmp_path / "snapshot_iter_12.npz")
    assert config == CONFIG
    assert int(arrays["updater/iteration"]) == 12


def test_generator_file_is_the_generator(tmp_path):
    gen = Generator(CONFIG)
    run(tmp_path, GeneratorFile(gen, CONFIG), iterations=4)
    loaded, _ = snapshots.load_generator(tmp_path / "generator.npz")
    assert np.array_equal(loaded.dc1.W.array, gen.dc1.W.array)


def test_global_mean_turns_observations_into_floats(tmp_path):
    trainer = run(tmp_path, GlobalMean(MPI.COMM_SELF), iterations=3)
    assert trainer.observation == {"gen/loss": 3.0, "dis/loss": 1.0, "dis/y_real": 2.0, "dis/y_fake": 3.0}
    assert all(type(value) is float for value in trainer.observation.values())


@pytest.mark.parametrize("device", ["cpu", "stand-in", pytest.param("gpu", marks=pytest.mark.gpu)])
def test_numbers_of_a_gpu_are_read_a_step_late(monkeypatch, device):
    if device == "stand-in":
        cupy, _ = gpu_stand_in.install(monkeypatch)
        monkeypatch.setattr(chainer.backend, "get_array_module", lambda *arrays: cupy)
    xp = chainer.get_device("@cupy:0").xp if device == "gpu" else cupy if device == "stand-in" else np
    readback = Readback()
    read = [readback.read([chainer.Variable(xp.asarray(n, np.float32)), xp.asarray(10.0 * n)]) for n in range(4)]
    expected = [0, 1, 2, 3] if device == "cpu" else [0, 0, 1, 2]
    assert np.array_equal(read, [[n, 10 * n] for n in expected])
    assert read[0].dtype == np.float64


def test_progress_lines_say_how_far_and_how_long(tmp_path):
    lines = []
    run(tmp_path, ProgressLines(seconds=0, say=lines.append))
    assert len(lines) == 6  # from the third iteration on
    assert re.fullmatch(
        r"iteration 3 of 8, epoch 0\.75, \d+\.\d\d s each, 0:00:0\d to go, done \w+ \d\d:\d\d", lines[0])


def test_progress_lines_wait_their_time(tmp_path):
    lines = []
    run(tmp_path, ProgressLines(seconds=3600, say=lines.append))
    assert len(lines) == 1


def test_table_fits_80_columns_and_names_what_was_not_measured(tmp_path):
    said = []
    run(tmp_path, Log(), Table(said.append))
    titles, first, second = "\n".join(said).splitlines()
    assert titles.split()[:4] == ["epoch", "KID", "score", "real"]
    assert first.split()[:3] == ["1", "-", "2.000"]
    assert second.split()[-1] == "0:00:00"
    assert {len(line) for line in (titles, first, second)} == {len(titles)}
    assert len(titles) <= 80


def test_log_is_json_with_means_of_what_was_observed(tmp_path, monkeypatch):
    monkeypatch.setattr(chainer.utils, "tempdir", None)  # what Chainer's own writing would go through
    run(tmp_path, Log())
    entries = json.loads((tmp_path / "log").read_text())
    assert [(entry["gen/loss"], entry["epoch"]) for entry in entries] == [(2.5, 1), (6.5, 2)]
    assert [path.name for path in tmp_path.iterdir()] == ["log"]


@pytest.mark.parametrize(("key", "value", "message"), [
    ("gen/loss", float("nan"), "the loss of the generator is nan at iteration 3"),
    ("dis/loss", float("-inf"), "the loss of the discriminator is -inf at iteration 3"),
])
def test_loss_that_is_not_finite_stops_the_training(tmp_path, key, value, message):
    class Spoil(chainer.training.Extension):
        priority = chainer.training.PRIORITY_EDITOR

        def __call__(self, trainer):
            if trainer.updater.iteration == 3:
                trainer.observation[key] = value

    with pytest.raises(DivergedError, match=message):
        run(tmp_path, Spoil(), StopUnlessFinite())


def test_weights_that_are_not_finite_are_not_saved(tmp_path):
    gen = Generator(CONFIG)
    snapshots.save_generator(tmp_path / "generator.npz", gen, CONFIG)
    good = (tmp_path / "generator.npz").read_bytes()
    gen.dc1.W.array[0, 0, 0, 0] = np.inf
    with pytest.raises(DataError, match="dc1/W is no longer finite"):
        snapshots.save_generator(tmp_path / "generator.npz", gen, CONFIG)
    assert (tmp_path / "generator.npz").read_bytes() == good


@pytest.mark.parametrize("redirect", ["> log", "| cat > log"])
def test_no_bar_goes_into_a_file_though_a_terminal_is_there(tmp_path, redirect):
    program = "from dcgan_mri.extensions.progress import is_on_terminal; print(is_on_terminal())"
    job = f"{sys.executable} -c '{program}' {redirect}"
    # `script` gives the shell a terminal of its own.
    subprocess.run(["script", "-qec", job, "/dev/null"], cwd=tmp_path, check=True, capture_output=True,
                   stdin=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert (tmp_path / "log").read_text() == "False\n"
    shown = subprocess.run(["script", "-qec", job.removesuffix(redirect), "/dev/null"], cwd=tmp_path, check=True,
                           capture_output=True, text=True, stdin=subprocess.DEVNULL,
                           env={**os.environ, "PYTHONPATH": str(ROOT)}).stdout
    assert shown.strip() == "True"
