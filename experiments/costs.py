"""What a plan will cost: by runs of its scale that have been measured, else by the benchmark of the training step."""

import json
import pathlib
import statistics

BENCHMARK = pathlib.Path(__file__).parent / "benchmarks" / "results" / "cpu.json"


def seconds_an_image(scale, found, on_gpu, benchmark=BENCHMARK):
    """Seconds that a run takes for each real image that it sees.

    Args:
        scale (str): Name of the scale.
        found (list of dict): Records of runs.
        on_gpu (bool): Whether the plan is for GPUs.
        benchmark (Path): What ``make bench`` wrote; it is of full networks on a CPU.

    Returns:
        tuple: Seconds (float, None if nothing is known) and where they come from (str).
    """
    device = "GPU" if on_gpu else "CPU"
    known = [record["seconds"] / max(1, record["iterations"] * record["settings"]["batchsize"]) for record in found
             if record["scale"] == scale and record["device"].startswith(device) and not record["diverged"]]
    if known:
        return statistics.median(known), f"by {len(known)} runs that have been measured"
    if scale == "paper" and not on_gpu and benchmark.exists():
        result = json.loads(benchmark.read_text(encoding="utf-8"))
        batch = result["batches"][0]
        # A run has one thread.
        return (batch["seconds"]["ours"] / batch["batchsize"] * result["threads"],
                f"by the benchmark of the training step on {result['processor']}")
    return None, "what a run takes has not been measured here yet, the first ones will tell"
