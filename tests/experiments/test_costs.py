"""What a plan will cost."""

import json

import pytest

from experiments import costs, definition
from tests.experiments.records import made

FIG4 = definition.read_all()["fig4"]


def records(**changes):
    return [{**made(FIG4, "baseline", seed), "seconds": seconds, **changes}
            for seed, seconds in enumerate((36, 72, 144))]


def test_runs_that_have_been_measured_tell_best(tmp_path):
    each, source = costs.seconds_an_image("small", records(), on_gpu=False, benchmark=tmp_path / "none")
    assert each == pytest.approx(72 / 2880)
    assert source == "by 3 runs that have been measured"


@pytest.mark.parametrize(("scale", "on_gpu", "changes"), [
    ("paper", False, {}), ("small", True, {}), ("small", False, {"diverged": "the loss is nan"})])
def test_other_scales_other_devices_and_diverged_runs_tell_nothing(tmp_path, scale, on_gpu, changes):
    each, source = costs.seconds_an_image(scale, records(**changes), on_gpu, tmp_path / "none")
    assert each is None
    assert "has not been measured" in source


def test_the_benchmark_tells_of_the_papers_scale_on_a_cpu(tmp_path):
    benchmark = tmp_path / "cpu.json"
    benchmark.write_text(json.dumps({
        "processor": "a processor", "threads": 2, "batches": [{"batchsize": 8, "seconds": {"ours": 1.6}}]}))
    assert costs.seconds_an_image("paper", [], False, benchmark) == (
        pytest.approx(0.4), "by the benchmark of the training step on a processor")
    assert costs.seconds_an_image("small", [], False, benchmark)[0] is None
    assert costs.seconds_an_image("paper", [], True, benchmark)[0] is None
