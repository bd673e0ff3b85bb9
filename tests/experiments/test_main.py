"""The command line."""

import os
import shlex
import signal
import subprocess
import sys
import time

import pytest

from experiments import __main__ as program
from experiments import data as slice_sets
from experiments import definition, records
from tests.dcgan_mri.test_evaluate import write_phantom_set
from tests.experiments.records import made
from tests.helpers import ROOT, run_job

FIG4 = definition.read_all()["fig4"]


def published(folder, monkeypatch):
    """Numbers of fig4 in a results folder."""
    monkeypatch.setattr(program, "RESULTS", folder)
    records.publish(folder, [made(FIG4, arm, seed, noise__air=1.0, noise__inside=1.0, kid=1.0)
                             for arm in FIG4.arms for seed in range(5)], [])


def test_the_list_of_claims(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(program, "RESULTS", tmp_path)
    program.main(["list"])
    text = capsys.readouterr().out
    for experiment in definition.read_all().values():
        assert f"{experiment.id:<12} {experiment.claim}" in text
    assert "Nothing has been run" in text


def test_the_list_tells_what_came_of_a_claim_and_not_where_only_its_baseline_has_run(tmp_path, monkeypatch, capsys):
    published(tmp_path, monkeypatch)
    program.main(["list"])
    text = capsys.readouterr().out
    assert "medium, phantom, CPU, revision abcdef0123: 10 runs, does not hold (so far)" in text
    assert text.count("revision abcdef0123") == 1


def test_the_report_from_the_published_numbers(tmp_path, monkeypatch, capsys):
    published(tmp_path, monkeypatch)
    program.main(["report"])
    assert capsys.readouterr().out == f"{tmp_path}/REPORT.rst: 1 verdicts on 27 claims\n"
    assert (tmp_path / "REPORT.rst").exists()


def test_runs_have_a_report_of_their_own_until_they_are_published(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(program, "RESULTS", tmp_path / "results")
    folder = records.campaign_folder(tmp_path / "runs", "medium", "phantom")
    folder.mkdir(parents=True)
    records.write(folder / "paper.seed0.json", made(FIG4, "baseline", 0, noise__air=1.0))
    program.main(["report", "-o", str(tmp_path / "runs")])
    assert (tmp_path / "runs" / "REPORT.rst").exists()
    assert not (tmp_path / "results").exists()
    program.main(["report", "-o", str(tmp_path / "runs"), "--publish"])
    assert (tmp_path / "results" / "REPORT.rst").exists()
    assert (tmp_path / "results" / "medium-phantom" / "cpu" / "results.json").exists()


@pytest.fixture
def few(tmp_path):
    """A slice set that a run at the small scale takes 24 iterations on."""
    pytest.importorskip("snakemake")
    return write_phantom_set(tmp_path / "few")


def user(few, *options):
    """The command line of a run in a folder beside the slice set."""
    return ["-m", "experiments", "run", "fig4", "--data", few, "-o", few.parent / "runs", *options]


def test_a_plan_is_carried_out_once_and_reported(few):
    done = run_job(*user(few), CUDA_VISIBLE_DEVICES="", timeout=600)
    assert done.returncode == 0, done.stderr
    assert "2 runs at scale small on few, 2 to do" in done.stdout
    assert "paper.seed0: 24 iterations in " in done.stdout
    assert "fig4: A TRIAL, NO VERDICT at scale small, few, " in done.stdout
    runs = few.parent / "runs"
    assert (runs / "small-few" / "figures" / "fig4.png").exists()
    assert "real slices" in (runs / "REPORT.rst").read_text()
    again = run_job(*user(few), CUDA_VISIBLE_DEVICES="")
    assert again.returncode == 0, again.stderr
    assert "2 runs at scale small on few, 0 to do" in again.stdout
    assert "iterations in" not in again.stdout


def test_a_signal_ends_every_run_with_a_snapshot(few):
    command = [sys.executable, *map(str, user(few))]
    plan = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env={**os.environ, "CUDA_VISIBLE_DEVICES": ""})
    folder = few.parent / "runs" / "small-few"
    while not list(folder.glob("*/snapshot_iter_*.npz")) and plan.poll() is None:
        time.sleep(0.05)
    plan.send_signal(signal.SIGTERM)
    _, error = plan.communicate(timeout=300)
    assert plan.returncode == 75, error
    assert error.endswith("experiments: error: interrupted; the same command goes on where this one stopped\n")
    assert list(folder.glob("*/snapshot_iter_*.npz"))  # of a run that had not come to its end


def test_runs_that_failed_are_named_and_the_others_are_made(few):
    blocked = few.parent / "runs" / "small-few" / "paper.seed0"
    blocked.parent.mkdir(parents=True)
    blocked.touch()
    failed = run_job(*user(few), CUDA_VISIBLE_DEVICES="", timeout=600)
    assert failed.returncode == 1
    assert failed.stderr.splitlines()[-1].startswith(
        "experiments: error: 1 of 2 runs are not complete, paper.seed0 the first")
    assert (few.parent / "runs" / "small-few" / "dropout-0.0.seed0.json").exists()


def test_arms_that_the_data_is_too_small_for_are_named(few, monkeypatch, capsys):
    monkeypatch.setattr(program, "carry_out", lambda *args: None)
    with pytest.raises(SystemExit):
        program.main(["run", "fw-data", "fig4", "--data", str(few), "-o", str(few.parent / "runs")])
    text = capsys.readouterr().out
    assert "fw-data: arm '30 subjects' is left out; few has 3 training subjects" in text
    assert "2 runs at scale small on few" in text


def test_a_run_with_other_settings_is_refused_before_anything_is_done(few, capsys):
    facts = slice_sets.describe(few, 64).facts()
    record = made(FIG4, "baseline", 0, "small", data=facts, kid=1.0)
    record["settings"]["beta1"] = 0.3
    folder = records.campaign_folder(few.parent / "runs", "small", "few")
    folder.mkdir(parents=True)
    records.write(folder / "paper.seed0.json", record)
    with pytest.raises(SystemExit):
        program.main(["run", "fig4", "--data", str(few), "-o", str(few.parent / "runs")])
    assert "paper.seed0.json: made with other settings" in capsys.readouterr().err


def test_without_snakemake_it_says_how_to_get_it(monkeypatch, capsys):
    monkeypatch.setattr(program.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit):
        program.main(["run", "fig4"])
    assert "pip install -e '.[experiments]'" in capsys.readouterr().err


@pytest.mark.parametrize(("command", "status", "message"), [
    (["run", "fig44"], 2, "unknown experiment 'fig44'; did you mean fig4?"),
    (["run", "fig4", "--jobs", "0"], 2, "--jobs 0: must be at least 1"),
    (["run", "fig4", "--data", "nowhere"], 1, "nowhere: no such folder"),
    (["run", "fig4", "--sclae", "small"], 2, "--sclae"),
    (["report", "-o", "nowhere"], 1, "nowhere: nothing has been run there"),
    (["run", "fig4", "-o", "file/results"], 1, "file/results/data: cannot make the folder"),
    ([], 2, "COMMAND"),
])
def test_what_is_wrong_is_one_line(command, status, message, tmp_path, monkeypatch, capsys):
    pytest.importorskip("snakemake")
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
    assert "run fig4 --scale small" in done.stdout


def test_a_reader_that_has_seen_enough():
    command = f"{shlex.quote(sys.executable)} -m experiments list | head -1"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("fig2")
    assert done.stderr == ""
