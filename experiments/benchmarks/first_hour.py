"""Everything there is to find out on a GPU machine, in stages that do not depend on one another.

    python experiments/benchmarks/first_hour.py --slices data/slices --out found
    python experiments/benchmarks/first_hour.py --stage tests parity --out found

Each stage has a limit on its time and a log of its own; one that fails costs the others nothing. Status 1 if one
failed.
"""

import argparse
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[1]
ENVIRONMENT = """
import cupy, numpy
from dcgan_mri.distributed import communicator, device
from dcgan_mri.kernels import backends, convolution_cuda
print(device.choose("on", 0), "compute capability", cupy.cuda.Device().compute_capability)
print("CuPy", cupy.__version__, "NumPy", numpy.__version__, "NCCL", communicator.nccl_is_there())
cupy.zeros(1)
print(backends.use("fast", on_gpu=True))
"""


def stages(slices, out, python):
    """What is run, in the order of what one wants to know first.

    Args:
        slices (str): Slice set to train on.
        out (Path): Folder for results.
        python (str): One that has PyTorch.

    Returns:
        dict: Name to the seconds that it may take and its command.
    """
    def short(name, *options, ranks=None):
        launcher = [shutil.which("mpiexec") or "mpiexec", "-n", str(ranks)] if ranks else []
        return 60, [*launcher, sys.executable, "-m", "dcgan_mri.train", "-g", "on", "-i", slices, "-o", out / name,
                    "--max-iterations", "24", "--measures", "off", "--page", "off", "--progress", "lines", *options]

    nccl = ("--communicator", "pure_nccl")
    return {
        "environment": (30, [sys.executable, "-c", ENVIRONMENT]),
        "tests": (240, [sys.executable, "-m", "pytest", "-q", "-m", "gpu", "tests/dcgan_mri"]),
        "plain": short("plain", "--kernels", "plain"),
        "fast": short("fast", "--graph", "off"),
        "graph": short("graph", "--graph", "on"),
        "parity": (120, [sys.executable, HERE / "gpu_side.py", "parity"]),
        "host": short("host", ranks=4),
        "nccl32": short("nccl32", *nccl),
        "nccl16": short("nccl16", *nccl, "--allreduce-dtype", "float16"),
        "fp16": short("fp16", "--precision", "fp16"),
        "bench": (300, [sys.executable, HERE / "gpu.py", "--pytorch", python, "--out", out / "gpu.json"]),
        "training": (540, [sys.executable, "-m", "dcgan_mri.train", "-g", "on", "-i", slices, "-o", out / "training",
                           "--measures", "on", "--progress", "lines"]),
    }


def run(command, limit, log):
    """Run a command with its children in a session of their own, and end all of it at its limit.

    Args:
        command (list): Program and arguments.
        limit (float): Seconds.
        log (Path): Where its output goes.

    Returns:
        str: How it ended.
    """
    environment = {**os.environ, "PYTHONUNBUFFERED": "1",
                   "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))}
    with log.open("w") as file:
        process = subprocess.Popen(list(map(str, command)), stdout=file, stderr=subprocess.STDOUT, cwd=ROOT,
                                   env=environment, start_new_session=True)
        try:
            status = process.wait(limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return f"not done after {limit:g} s"
    return "passed" if status == 0 else f"failed with status {status}"


def main():
    """Run the stages that are asked for; status 1 if one failed."""
    names = list(stages("", pathlib.Path(), ""))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stage", nargs="+", choices=names, default=names, help="which ones (default: all)")
    parser.add_argument("--slices", default="data/slices", help="slice set to train on (default %(default)s)")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("first_hour"),
                        help="where logs and results go (default %(default)s)")
    parser.add_argument("--pytorch", default=sys.executable, metavar="PYTHON",
                        help="a Python that has PyTorch (default: this one)")
    args = parser.parse_args()
    out = args.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    found = {}
    for name in args.stage:
        limit, command = stages(str(pathlib.Path(args.slices).resolve()), out, args.pytorch)[name]
        begin = time.monotonic()
        found[name] = run(command, limit, out / f"{name}.log")
        print(f"{name}: {found[name]}, {time.monotonic() - begin:.0f} s", flush=True)
    sys.exit(any(end != "passed" for end in found.values()))


if __name__ == "__main__":
    main()
