"""The benchmark on a GPU: what it prints whatever happens."""

import json
import pathlib
import subprocess
import sys

import pytest

from dcgan_mri.distributed.device import visible_gpus
from tests.helpers import ROOT

FOLDER = pathlib.Path(ROOT, "experiments", "benchmarks")
sys.path.insert(0, str(FOLDER))
import gpu

sys.path.pop(0)

PYTORCH = {"example": {"seconds": 0.006}, "shared": {"seconds": 0.004}, "ceilings": {"tf32": 1e12, "bytes": 1e12},
           "products": {"gen": [[1e6, 10]], "dis": [[1e6, 10]], "parameters": 0}}


def test_ratios_are_ours_over_theirs_in_images_a_second():
    found = gpu.summarised({"graph": {"seconds": 0.002, "captured": True}, "pytorch": PYTORCH,
                            "example": {"seconds": 0.02}, "plain": {"failed": "out of memory"}})
    assert found["ratio_to_pytorch"] == pytest.approx(3)
    assert found["ratio_to_pytorch_same_algorithm"] == pytest.approx(2)
    assert found["ratio_to_chainer_example"] == pytest.approx(10)
    assert found["ratio_to_floor"] == pytest.approx(7e-6 / 0.002)
    assert found["failed"] == ["plain"]


def test_without_a_captured_graph_the_fast_step_counts():
    parts = {"graph": {"seconds": 0.009, "captured": False}, "fast": {"seconds": 0.003}, "pytorch": PYTORCH}
    assert gpu.summarised(parts)["ratio_to_pytorch"] == pytest.approx(2)


def test_ratios_to_what_failed_are_none():
    found = gpu.summarised({"graph": {"failed": "no GPU"}, "fast": {"failed": "no GPU"}, "pytorch": PYTORCH})
    assert found["ratio_to_pytorch"] is None
    assert found["failed"] == ["fast", "graph"]
    assert gpu.summarised({})["ratio_to_floor"] is None


def part_that(monkeypatch, tmp_path, code):
    (tmp_path / "gpu_side.py").write_text(code)
    monkeypatch.setattr(gpu, "HERE", tmp_path)


def test_a_part_gives_what_it_prints_last(monkeypatch, tmp_path):
    part_that(monkeypatch, tmp_path, "print('hello'); print('{\"seconds\": 1.5}')")
    assert gpu.run_part("fast", 60, sys.executable)["seconds"] == 1.5


def test_a_part_that_fails_says_why(monkeypatch, tmp_path):
    part_that(monkeypatch, tmp_path, "raise SystemExit('no GPU here')")
    assert gpu.run_part("fast", 60, sys.executable)["failed"] == "no GPU here"


def test_a_part_that_hangs_is_ended_with_its_children(monkeypatch, tmp_path):
    part_that(monkeypatch, tmp_path, "import subprocess, sys\n"
                                     "subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])")
    found = gpu.run_part("fast", 1, sys.executable)
    assert found["failed"].startswith("not done after 1 s")
    assert found["took"] < 30


@pytest.mark.skipif(visible_gpus()[0] > 0, reason="there is a GPU: the benchmark would measure it")
def test_json_comes_last_without_a_gpu_too(tmp_path):
    done = subprocess.run([sys.executable, FOLDER / "gpu.py", "--parts", "graph", "--out", tmp_path / "gpu.json"],
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert [found[name] for name in ("ratio_to_pytorch", "ratio_to_pytorch_same_algorithm", "ratio_to_chainer_example",
                                     "ratio_to_floor")] == [None] * 4
    assert visible_gpus()[1] in found["parts"]["graph"]["failed"]
    assert not (tmp_path / "gpu.json").exists()
