"""The GPU path on one GPU: does it compute what the CPU computes, how quick is it beside PyTorch, and does it train.

    make bench-gpu
    python experiments/benchmarks/gpu.py --pytorch PYTHON     PYTHON is one that has PyTorch for this GPU

Each part runs in a process of its own with a limit on its time, so that one that fails costs the others nothing. All of
it takes less than five minutes, and prints JSON last whatever happens.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import signal
import subprocess
import sys
import time

from roofline import least_seconds
from sides import Side

HERE = pathlib.Path(__file__).parent
# In the order of what one wants to know first, with seconds at most.
PARTS = {"parity": 120, "graph": 50, "pytorch": 120, "fast": 40, "example": 40, "training": 60, "plain": 40,
         "graph_fp16": 40, "graph_float32": 40, "graph_64": 40}
TOTAL = 285


def start_pytorch(built, channels_last):
    """A process with PyTorch's networks on the GPU, built from the tables' rows."""
    python = os.environ.get("DCGAN_MRI_PYTORCH", sys.executable)
    side = Side([python, str(HERE / "pytorch_side.py"), "--threads", "4", "--device", "cuda"], 4)
    counts = side.ask("build", **built["for_pytorch"], channels_last=channels_last)
    for name in ("gen", "dis"):
        if counts[name] != built[name]:
            sys.exit(f"unequal networks: {name} has {counts[name]} parameters in PyTorch, {built[name]} in Chainer")
    return side


def run_part(name, limit, python):
    """Run a part with its children in a session of their own, and end all of it at its limit.

    Args:
        name (str): One of `PARTS`.
        limit (float): Seconds.
        python (str): One that has PyTorch.

    Returns:
        dict: What the part found, or ``failed`` with the reason; ``took`` is in seconds.
    """
    root = HERE.parents[1]
    environment = {**os.environ, "DCGAN_MRI_PYTORCH": python,
                   "PYTHONPATH": os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH")]))}
    begin = time.monotonic()
    process = subprocess.Popen([sys.executable, str(HERE / "gpu_side.py"), name], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True)
    try:
        out, err = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        return {"failed": f"not done after {limit:.0f} s; it said: {err[-1000:]}", "took": time.monotonic() - begin}
    took = time.monotonic() - begin
    try:
        return {**json.loads(out.splitlines()[-1]), "took": took}
    except (IndexError, ValueError):
        return {"failed": (err or out).strip()[-2000:] or f"ended with status {process.returncode}", "took": took}


def summarised(parts):
    """The four ratios in images a second, ours over theirs, and what part of the roofline the step reaches.

    Args:
        parts (dict): Name of each part and what it found.

    Returns:
        dict: None where a part that it takes has failed.
    """
    ours = parts.get("graph", {}).get("seconds")
    if ours is None or not parts["graph"].get("captured"):
        ours = parts.get("fast", {}).get("seconds")
    pytorch = parts.get("pytorch", {})
    floor = None
    if "ceilings" in pytorch:
        floor = least_seconds(pytorch["products"]["gen"], pytorch["products"]["dis"], pytorch["products"]["parameters"],
                              pytorch["ceilings"]["tf32"], pytorch["ceilings"]["bytes"])

    def ratio(theirs):
        return theirs / ours if ours and theirs else None

    return {
        "ratio_to_pytorch": ratio(pytorch.get("example", {}).get("seconds")),
        "ratio_to_pytorch_same_algorithm": ratio(pytorch.get("shared", {}).get("seconds")),
        "ratio_to_chainer_example": ratio(parts.get("example", {}).get("seconds")),
        "ratio_to_floor": ratio(floor and floor["seconds"]),
        "floor": floor,
        "failed": sorted(name for name, found in parts.items() if "failed" in found),
    }


def gpu_name():
    """The GPU and its driver, as nvidia-smi tells them."""
    try:
        return subprocess.run(["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"],
                              capture_output=True, text=True, timeout=30).stdout.strip()
    except (OSError, subprocess.SubprocessError) as error:
        return f"nvidia-smi does not answer ({error})"


def main():
    """Run the parts, print, write; status 1 if one failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pytorch", default=sys.executable, metavar="PYTHON",
                        help="a Python that has PyTorch (default: this one)")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS), help="which ones (default: all)")
    parser.add_argument("--total", type=float, default=TOTAL, help="seconds in all (default %(default)s)")
    parser.add_argument("--out", type=pathlib.Path, default=HERE / "results" / "gpu.json",
                        help="where the numbers go (default %(default)s)")
    args = parser.parse_args()
    end = time.monotonic() + args.total
    parts = {}
    for name in args.parts:
        left = end - time.monotonic()
        if left < 10:
            parts[name] = {"failed": "no time left"}
            continue
        parts[name] = run_part(name, min(left, PARTS[name]), args.pytorch)
        found = parts[name].get("failed") or parts[name].get("seconds") or "done"
        print(f"{name}: {found}", file=sys.stderr, flush=True)
    result = {**summarised(parts), "batchsize": 8, "date": datetime.date.today().isoformat(), "gpu": gpu_name(),
              "python": platform.python_version(), "parts": parts}
    text = json.dumps(result, indent=1)
    if len(result["failed"]) < len(parts):
        args.out.parent.mkdir(exist_ok=True)
        args.out.write_text(text + "\n")
    print(text)
    sys.exit(1 if result["failed"] else 0)


if __name__ == "__main__":
    main()
