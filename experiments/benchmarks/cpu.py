"""Our training step on a CPU beside what a user would pick instead: PyTorch's DCGAN example, and Chainer's.

    make bench
    python experiments/benchmarks/cpu.py --pytorch PYTHON     PYTHON is one that has PyTorch

The same networks on the same batch, each side in a process of its own, in turns; medians of the rounds. Before anything
is timed, both sides compute the same output from the same weights.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile

import numpy as np
from sides import Side, seconds

HERE = pathlib.Path(__file__).parent
BATCHES = (8, 16, 64)


def start_chainer(kind, batchsize, threads):
    """A process with our step, or with that of Chainer's example, and what it says of its networks."""
    untuned = ["--untuned"] if kind == "example" else []
    side = Side([sys.executable, str(HERE / "chainer_side.py"), *untuned], threads)
    return side, side.ask("build", kind=kind, batchsize=batchsize)


def start_pytorch(python, built, threads, channels_last):
    """A process with PyTorch's networks, built from the tables' rows."""
    side = Side([python, str(HERE / "pytorch_side.py"), "--threads", str(threads)], threads)
    counts = side.ask("build", **built["for_pytorch"], channels_last=channels_last)
    for name in ("gen", "dis"):
        if counts[name] != built[name]:
            sys.exit(f"unequal networks: {name} has {counts[name]} parameters in PyTorch, {built[name]} in Chainer")
    return side


def largest_difference(chainer_side, pytorch_side):
    """Largest difference between the outputs of both sides' networks from the same weights, over their spread."""
    with tempfile.TemporaryDirectory() as folder:
        given, found = f"{folder}/given.npz", f"{folder}/found.npz"
        chainer_side.ask("outputs", file=given)
        pytorch_side.ask("outputs", file=given, out=found)
        ours, theirs = np.load(given), np.load(found)
        return {name: float(np.abs(ours[f"{name}/output"] - theirs[name]).max() / np.std(theirs[name]))
                for name in ("gen", "dis")}


def rounds_of(steps, n_rounds, rarely=()):
    """Time every step once in each round, after one round that does not count.

    Args:
        steps (dict): Name to a function that makes a step and returns its seconds.
        n_rounds (int): Rounds that count.
        rarely (collection of str): Those that are timed in every third round only.

    Returns:
        dict: Name to a list of (round, seconds).
    """
    times = {name: [] for name in steps}
    for i in range(n_rounds + 1):
        for name, step in steps.items():
            if name in rarely and i % 3 > 1:
                continue
            value = step()
            if i:
                times[name].append((i, value))
    return times


def better_format(python, built, threads):
    """Whether PyTorch's step is quicker with channels last."""
    sides = {one: start_pytorch(python, built, threads, one) for one in (False, True)}
    steps = {one: (lambda side=side: side.ask("step", algorithm="example")) for one, side in sides.items()}
    times = rounds_of(steps, 3)
    for side in sides.values():
        side.close()
    medians = {one: statistics.median(value for _, value in values) for one, values in times.items()}
    return medians[True] < medians[False]


def measure_batch(python, batchsize, threads, n_rounds, channels_last, with_chainers_own):
    """Sides at one batch size: seconds, peak memory, ratios in images per second (medians; ratios round by round)."""
    ours, built = start_chainer("fast", batchsize, threads)
    if channels_last is None:
        channels_last = better_format(python, built, threads)
    pytorch, shared = (start_pytorch(python, built, threads, channels_last) for _ in range(2))
    difference = largest_difference(ours, shared)
    if max(difference.values()) > 1e-2:
        sys.exit(f"unequal networks: from the same weights outputs differ by {difference}")
    sides = {"ours": ours, "pytorch": pytorch, "pytorch_same_algorithm": shared}
    if with_chainers_own:
        sides["ours_plain"], _ = start_chainer("plain", batchsize, threads)
        sides["chainer_example"], _ = start_chainer("example", batchsize, threads)
    algorithms = {"pytorch": {"algorithm": "example"}, "pytorch_same_algorithm": {"algorithm": "shared"}}
    flops = ours.ask("flops")
    steps = {name: (lambda side=side, name=name: side.ask("step", **algorithms.get(name, {})))
             for name, side in sides.items()}
    times = rounds_of({**steps, "floor": lambda: flops / ours.ask("sgemm_rate")}, n_rounds,
                      rarely=("ours_plain", "chainer_example"))
    mine = dict(times["ours"])
    result = {
        "batchsize": batchsize, "rounds": n_rounds, "pytorch_channels_last": channels_last,
        "output_difference": difference, "gflop": flops / 1e9,
        "seconds": {name: statistics.median(value for _, value in values) for name, values in times.items()},
        "ratios": {name: statistics.median(value / mine[i] for i, value in values)
                   for name, values in times.items() if name != "ours"},
        "ratios_from_to": {name: [pick(value / mine[i] for i, value in values) for pick in (min, max)]
                           for name, values in times.items() if name != "ours"},
        "peak_memory": {name: side.ask("memory") for name, side in sides.items()},
        "versions": [ours.ask("version"), shared.ask("version")],
    }
    for side in sides.values():
        side.close()
    return result


def measure_alone(threads):
    """What concerns our side alone: shares of the step, sampling, start-up, data loading."""
    side, _ = start_chainer("fast", 8, threads)
    side.ask("step")
    shares = side.ask("shares", steps=3)
    sampling = {number: side.ask("sampling", number=number) for number in (10, 100)}
    side.close()
    loading = run_json(LOADING)
    return {
        "shares_of_the_step": {name: value / shares["step"] for name, value in shares.items() if name != "step"},
        "sampling_100_images_seconds": sampling[100],
        "start_up_seconds": statistics.median(
            seconds(lambda: run([sys.executable, "-c", START_UP], threads)) for _ in range(3)),
        "loading_share_of_the_step": loading["seconds_a_batch"] / shares["step"],
        "decoding_720_slices_seconds": loading["seconds_to_decode_720"],
    }


START_UP = f"""
import sys; sys.path.insert(0, {str(HERE)!r})
from chainer_side import Training
Training("fast", 8).step()
"""
LOADING = """
import json, pathlib, tempfile, time
import numpy as np
from mpi4py import MPI
from tests.helpers import write_slice_set
from dcgan_mri.chainer_compat import chainermn
from dcgan_mri.pixels import to_network
from dcgan_mri.slice_set import Slices
from dcgan_mri.distributed import communicator
from dcgan_mri.distributed.batches import GlobalBatches
folder = write_slice_set(pathlib.Path(tempfile.mkdtemp()) / "set", n=720, size=256)
begin = time.perf_counter()
slices = Slices(folder)
batches = GlobalBatches(communicator.create("naive", MPI.COMM_SELF), slices, 8, 0, chainermn.scatter_dataset)
batches.deal()
batches.decode_first_epoch()
decoded = time.perf_counter()
for _ in range(90):
    to_network(batches.next(), 0.0, np)
print(json.dumps({"seconds_to_decode_720": decoded - begin, "seconds_a_batch": (time.perf_counter() - decoded) / 90}))
"""


def run(command, threads=1):
    """Run a command in the repository; its standard output."""
    root = HERE.parents[1]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONPATH": str(root)}
    return subprocess.run(command, check=True, cwd=root, env=environment, stdout=subprocess.PIPE, text=True).stdout


def run_json(code):
    """Run Python code; the JSON that it prints last."""
    return json.loads(run([sys.executable, "-c", code]).splitlines()[-1])


def processor():
    """The processor's name, as Linux gives it."""
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def print_batch(result):
    """Print a table of one batch size."""
    theirs = "channels last" if result["pytorch_channels_last"] else "channels first"
    print(f"\nbatch {result['batchsize']} ({result['gflop']:.0f} GFLOP a step; PyTorch with {theirs}, the quicker)")
    print(f"{'':<26} {'s a step':>9} {'images/s':>9} {'ours over it':>22} {'peak memory':>12}")
    for name, value in result["seconds"].items():
        ratio = ""
        if name in result["ratios"]:
            low, high = result["ratios_from_to"][name]
            ratio = f"{result['ratios'][name]:.2f} ({low:.2f} to {high:.2f})"
        memory = f"{result['peak_memory'][name] / 1e6:.0f} MB" if name in result["peak_memory"] else ""
        print(f"{name:<26} {value:>9.2f} {result['batchsize'] / value:>9.2f} {ratio:>22} {memory:>12}", flush=True)


def main():
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pytorch", required=True, metavar="PYTHON", help="a Python that has PyTorch and NumPy")
    parser.add_argument("--rounds", type=int, default=12, help="steps of each side at batch 8 (default %(default)s)")
    parser.add_argument("--batches", type=int, nargs="+", default=BATCHES, metavar="B",
                        help="batch sizes; the first gives the ratios (default 8 16 64)")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)),
                        help="threads of each side (default: the cores, %(default)s)")
    parser.add_argument("--out", type=pathlib.Path, default=HERE / "results" / "cpu.json",
                        help="where the numbers go (default %(default)s)")
    args = parser.parse_args()
    batches = []
    for i, batchsize in enumerate(args.batches):
        chosen = batches[0]["pytorch_channels_last"] if batches else None
        rounds = args.rounds if i == 0 else 3
        batches.append(measure_batch(args.pytorch, batchsize, args.threads, rounds, chosen, with_chainers_own=i == 0))
        print_batch(batches[-1])
    ratios = batches[0]["ratios"]
    result = {
        "ratio_to_pytorch": ratios["pytorch"],
        "ratio_to_pytorch_same_algorithm": ratios["pytorch_same_algorithm"],
        "ratio_to_chainer_example": ratios["chainer_example"],
        "ratio_to_floor": ratios["floor"],
        "date": datetime.date.today().isoformat(), "processor": processor(), "threads": args.threads,
        "python": platform.python_version(), **measure_alone(args.threads), "batches": batches,
    }
    shares = ", ".join(f"{name} {share:.0%}" for name, share in result["shares_of_the_step"].items())
    print(f"\nshares of our step at batch 8: {shares}\n"
          f"100 images sampled in {result['sampling_100_images_seconds']:.2f} s; from the start of Python to the end "
          f"of the first step {result['start_up_seconds']:.1f} s; "
          f"loading {result['loading_share_of_the_step']:.2%} of a step")
    args.out.parent.mkdir(exist_ok=True)
    args.out.write_text(json.dumps(result, indent=1) + "\n")
    print(f"written to {args.out}")


if __name__ == "__main__":
    main()
