"""What is kept of a full-size run, and its curves."""

import json

import pytest
from PIL import Image

from experiments import full_size
from tests.helpers import run_job


def test_keeps_the_numbers_of_a_run_and_draws_them(slices16, tmp_path, monkeypatch):
    done = run_job("-m", "dcgan_mri.train", "-i", slices16, "-o", tmp_path / "run", "--image-size", 16, "--width",
                   1 / 64, "-g", "off", "--measures", "on", "--page", "off", "-e", 2, "--seed", 3)
    assert done.returncode == 0, done.stderr
    monkeypatch.setattr(full_size, "FOLDER", tmp_path)
    monkeypatch.setattr(full_size, "LONG", 2)
    full_size.main([str(tmp_path / "run"), "--name", "tiny", "--data", "made slices", "--note", "one thread"])
    kept = json.loads((tmp_path / "tiny.json").read_text())
    log = json.loads((tmp_path / "run" / "log").read_text())
    assert (kept["name"], kept["seed"], kept["data"], kept["epochs"]) == ("tiny", 3, "made slices", [1, 2])
    assert kept["measures"]["kid"] == pytest.approx([entry["measure/kid"] for entry in log], rel=1e-3)
    assert kept["scores"]["generated"] == pytest.approx([entry["dis/y_fake"] for entry in log], rel=1e-3)
    scale = json.loads((tmp_path / "run" / "measures.json").read_text())
    assert kept["real"]["kid"] == [scale["kid"][key] for key in ("real", "real_low", "real_high")]
    with Image.open(tmp_path / "curves.png") as curves:
        assert curves.width > 1000
    assert not (tmp_path / "readings.png").exists()


def test_a_run_without_a_name_is_refused(tmp_path, capsys):
    with pytest.raises(SystemExit) as exit_:
        full_size.main([str(tmp_path)])
    assert exit_.value.code == 2
    assert capsys.readouterr().err == "experiments.full_size: error: a run needs --name and --data\n"
