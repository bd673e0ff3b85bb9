"""One run of a plan, as a job makes it."""

import os
import signal
import subprocess
import sys
import time

import pytest

from experiments import one, records
from tests.dcgan_mri.test_evaluate import write_phantom_set
from tests.helpers import ROOT


@pytest.fixture
def command(tmp_path):
    return ["--scale", "small", "--data", str(write_phantom_set(tmp_path / "made")), "--out", str(tmp_path / "runs")]


def test_real_slices_are_measured_for_the_report(command, tmp_path):
    one.main(["real", *command])
    runs, (real,) = records.of_runs(tmp_path / "runs")
    assert runs == []
    assert (real["scale"], real["data"]["name"]) == ("small", "made")
    assert real["values"]["noise.air"] == 0
    assert (tmp_path / "runs" / ".gitignore").read_text() == "*\n"


def test_a_run_that_no_plan_has_is_named(command, capsys):
    with pytest.raises(SystemExit) as end:
        one.main(["paper.seed7", *command])
    assert end.value.code == 2
    assert "paper.seed7: no run of the plan; `real` or one of paper.seed0, " in capsys.readouterr().err


def test_a_run_that_was_cut_keeps_a_snapshot_and_goes_on_to_its_record(command, tmp_path):
    run = [sys.executable, "-m", "experiments.one", "paper.seed0", *command]
    folder = tmp_path / "runs" / "small-made"

    def start():
        return subprocess.Popen(run, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                env={**os.environ, "CUDA_VISIBLE_DEVICES": ""})

    cut = start()
    while not list(folder.glob("paper.seed0/snapshot_iter_*.npz")) and cut.poll() is None:
        time.sleep(0.05)
    cut.send_signal(signal.SIGTERM)
    _, error = cut.communicate(timeout=120)
    assert cut.returncode == 75
    assert "paper.seed0: interrupted" in error
    assert not (folder / "paper.seed0.json").exists()

    made_of = folder / "paper.seed0" / "made_of.json"
    noted = made_of.read_text()
    made_of.write_text(noted.replace('"seed": 0', '"seed": 1'))
    other = start()
    _, error = other.communicate(timeout=120)
    assert other.returncode == 2
    assert f"{folder}/paper.seed0: made with other settings; delete {folder}/paper.seed0, or give another" in error
    made_of.write_text(noted)

    again = start()
    said, error = again.communicate(timeout=300)
    assert again.returncode == 0, error
    assert said.startswith("paper.seed0: 24 iterations in ")
    assert sorted(path.name for path in folder.iterdir()) == ["paper.seed0.json", "paper.seed0.png"]
