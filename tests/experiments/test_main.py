"""The command line."""

import shlex
import subprocess
import sys
from collections import Counter

import pytest

from dcgan_mri.errors import UsageError
from experiments import __main__ as program
from experiments import data as slice_sets
from experiments import definition, plan, records
from experiments.scales import SCALES
from tests.experiments.records import made
from tests.helpers import ROOT, run_job, write_slice_set


def test_the_list_of_claims(tmp_path, capsys):
    program.main(["list", "-o", str(tmp_path)])
    text = capsys.readouterr().out
    for experiment in definition.read_all().values():
        assert f"{experiment.id:<12} {experiment.claim}" in text
    assert "Nothing has been run" in text


def test_the_list_tells_what_came_of_a_claim(tmp_path, capsys):
    experiment = definition.read_all()["fig4"]
    records.write_collected(tmp_path, [
        made(experiment, arm, seed, noise__air=1.0, noise__inside=1.0, kid=1.0)
        for arm in experiment.arms for seed in range(3)])
    program.main(["list", "-o", str(tmp_path)])
    assert "small, phantom: 6 runs, does not hold (so far)" in capsys.readouterr().out


def test_a_dry_run_prints_the_plan_and_does_nothing(tmp_path, capsys):
    program.main(["run", "fig4", "batch", "--dry-run", "--workers", "2", "-o", str(tmp_path / "out")])
    text = capsys.readouterr().out
    assert "paper: seeds 0,1,2,3,4; 360 iterations, batch 8" in text
    assert "20 runs at scale small on phantom, 20 to do, 2 at a time" in text
    assert "has not been measured here yet" in text
    assert not (tmp_path / "out").exists()


def test_the_cost_is_by_what_runs_have_taken(tmp_path, capsys):
    experiment = definition.read_all()["fig4"]
    records.write_collected(tmp_path, [made(experiment, "baseline", seed, kid=1.0) for seed in range(3)])
    program.main(["run", "fig4", "--dry-run", "--workers", "2", "-o", str(tmp_path)])
    # 36 s for 2880 images, ten runs of as many, two at a time.
    assert "about 0:03:00 by 3 runs that have been measured, 12 ms an image" in capsys.readouterr().out


def test_arms_that_the_data_is_too_small_for_are_named(tmp_path, capsys):
    folder = write_slice_set(tmp_path / "few", size=64)
    program.main(["run", "fw-data", "--dry-run", "--data", str(folder), "-o", str(tmp_path / "out")])
    text = capsys.readouterr().out
    assert "fw-data: arm '30 subjects' is left out; few has 1 training subjects" in text
    assert "5 runs at scale small on few" in text


def test_a_dry_run_refuses_what_the_run_would(tmp_path, capsys):
    folder = write_slice_set(tmp_path / "few", size=64)
    facts = slice_sets.describe(folder, 64).facts()
    record = made(definition.read_all()["fig4"], "baseline", 0, data=facts, kid=1.0)
    record["settings"]["beta1"] = 0.3
    place = tmp_path / "out" / "runs" / "small-few" / "paper" / "seed0"
    place.mkdir(parents=True)
    records.write(place, record)
    with pytest.raises(SystemExit):
        program.main(["run", "fig4", "--dry-run", "--data", str(folder), "-o", str(tmp_path / "out")])
    assert "was run with other settings or slices" in capsys.readouterr().err


def test_ctrl_c_at_any_moment_is_one_line(tmp_path, monkeypatch, capsys):
    def interrupted(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(slice_sets, "phantom", interrupted)
    with pytest.raises(SystemExit) as error:
        program.main(["run", "fig4", "-o", str(tmp_path)])
    assert error.value.code == 75
    assert capsys.readouterr().err.endswith("goes on where this one stopped\n")


def test_shares_are_the_plan_divided(tmp_path, capsys):
    def runs_of(*options):
        program.main(["run", "fig4", "d-out", "--dry-run", "-o", str(tmp_path), *options])
        return Counter(f"{line.partition(':')[0]} {seed}" for line in capsys.readouterr().out.splitlines()
                       if ": seeds " in line for seed in line.split()[2].rstrip(";").split(","))

    assert sum((runs_of("--share", f"{k}/4") for k in range(1, 5)), Counter()) == runs_of()
    assert runs_of().total() == 15


@pytest.mark.parametrize("text", ["", "1", "0/2", "3/2", "a/b", "1/2/3", "-1/2"])
def test_a_share_that_is_none(text):
    with pytest.raises(UsageError, match="second of four"):
        program.parse(["run", "all", f"--share={text}"])


def test_gpus_are_those_that_the_process_may_see(monkeypatch):
    monkeypatch.setattr(program, "visible_gpus", lambda: (2, ""))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert program.visible_gpu_names() == ["0", "1"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    assert program.visible_gpu_names() == ["3", "5"]
    monkeypatch.setattr(program, "visible_gpus", lambda: (0, "none"))
    assert program.visible_gpu_names() == []


def test_the_report_from_what_has_been_run(tmp_path, capsys):
    experiment = definition.read_all()["fig4"]
    records.write_collected(tmp_path, [made(experiment, arm, seed, noise__air=1.0, noise__inside=1.0, kid=1.0)
                                       for arm in experiment.arms for seed in range(3)])
    program.main(["report", "-o", str(tmp_path)])
    assert capsys.readouterr().out == f"{tmp_path}/REPORT.rst: 1 verdicts on 21 claims\n"


@pytest.mark.parametrize(("command", "status", "message"), [
    (["run", "fig44"], 2, "unknown experiment 'fig44'; did you mean fig4?"),
    (["run", "fig4", "--seeds", "0"], 2, "--seeds 0: must be at least 1"),
    (["run", "fig4", "--share", "5/4"], 2, "argument --share: '5/4' must be"),
    (["run", "fig4", "--data", "nowhere"], 1, "nowhere: no such folder"),
    (["run", "fig4", "--sclae", "small"], 2, "--sclae"),
    (["report", "-o", "nowhere"], 1, "nowhere: nothing has been run there"),
    (["run", "fig4", "-o", "file/results"], 1, "file/results/data: cannot make the folder"),
    ([], 2, "COMMAND"),
])
def test_what_is_wrong_is_one_line(command, status, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit) as error:
        program.main(command)
    text = capsys.readouterr().err
    assert error.value.code == status
    assert text.startswith("experiments: error: ")
    assert message in text
    assert len(text.splitlines()) == 1


def test_as_a_user_starts_it():
    done = run_job("-m", "experiments", "--help")
    assert done.returncode == 0
    assert "run all --dry-run" in done.stdout


def test_a_reader_that_has_seen_enough(tmp_path):
    command = f"{shlex.quote(sys.executable)} -m experiments list -o {shlex.quote(str(tmp_path))} | head -1"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("fig2")
    assert done.stderr == ""


def test_all_means_every_experiment(capsys, tmp_path):
    program.main(["run", "all", "--dry-run", "-o", str(tmp_path)])
    runs = plan.runs_of(list(definition.read_all().values()), SCALES["small"], 30, 5)
    assert f"{len(runs)} runs at scale small" in capsys.readouterr().out
