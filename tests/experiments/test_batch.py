"""All runs of a plan on one machine."""

import dataclasses

import pytest

from experiments import batch, records
from experiments.scales import SCALES
from tests.dcgan_mri.test_evaluate import write_phantom_set


@pytest.fixture
def command(tmp_path, monkeypatch):
    """A plan of two runs of two epochs; workers get the runs as they are planned here."""
    small = dataclasses.replace(
        SCALES["small"], epochs=0.02, settings={**SCALES["small"].settings, "width": 0.03125})
    monkeypatch.setitem(SCALES, "small", small)
    slices = write_phantom_set(tmp_path / "made")
    return ["fig4", "--scale", "small", "--data", str(slices), "--out", str(tmp_path / "runs"), "--gpu", "off",
            "--workers", "2"]


def finished(command):
    with pytest.raises(SystemExit) as end:
        batch.main(command)
    return end.value.code


def test_every_run_is_made_and_measured_once(command, tmp_path, capfd):
    assert finished(command) == 0
    found, _ = records.of_runs(tmp_path / "runs")
    assert [(record["run"], record["seed"]) for record in found] == [("dropout-0.0", 0), ("paper", 0)]
    for record in found:
        assert set(record["along"]) == {1, 2}
        assert record["values"]["kid"] == pytest.approx(
            sum(values["kid"] for values in record["along"].values()) / 2, rel=1e-4)
        assert record["data"]["name"] == "made"
    assert "2 of 2 runs complete" in capfd.readouterr().out
    assert (tmp_path / "runs" / "small-made" / "paper.seed0.png").exists()
    assert finished(command) == 0
    assert "2 runs, 0 to do" in capfd.readouterr().out


def test_at_the_time_limit_what_is_not_complete_is_given_up(command, tmp_path, capfd):
    assert finished([*command, "--time-limit", "0"]) == 1
    assert records.of_runs(tmp_path / "runs") == ([], [])
    assert "0 of 2 runs complete" in capfd.readouterr().out


def test_a_dry_run_lists_the_runs(command, capsys):
    batch.main([*command, "--dry-run"])
    assert capsys.readouterr().out.splitlines() == [
        "2 runs, 2 to do", "paper.seed0: 6 iterations", "dropout-0.0.seed0: 6 iterations"]


def test_without_a_slice_set_it_is_the_phantom(command, tmp_path, capsys):
    write_phantom_set(tmp_path / "runs" / "data" / "phantom-small")
    place = command.index("--data")
    batch.main([*command[:place], *command[place + 2:], "--dry-run"])
    assert "paper.seed0: 6 iterations" in capsys.readouterr().out
