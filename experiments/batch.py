"""All runs of a plan at once on one machine, without an engine: for a machine that is available only for minutes.

    python -m experiments.batch --scale medium --data data/real64 --out experiments/runs --workers 12 --time-limit 500

Each worker is a process that trains and measures one run after another. A run's record is written as soon as it is
complete, what decides most first, so that what is finished at the time limit counts. Records that are there are not
made again. Nothing of a run that was cut is kept; `python -m experiments run` goes on where it stopped.
"""

import os

# Before anything loads NumPy: runs are side by side, and sums must not depend on the number of cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import gc
import multiprocessing
import pathlib
import queue
import sys
import time
import traceback

from dcgan_mri.commandline import Parser
from dcgan_mri.distributed.threads import tell_openblas_of_vectors
from dcgan_mri.errors import UsageError, shown_to_user
from dcgan_mri.run.result_folder import git_revision
from experiments import data as slice_sets
from experiments import definition, plan, records
from experiments.scales import SCALES

PROGRAM = "experiments.batch"


def main(argv=None):
    """Carry out a plan.

    Args:
        argv (list of str): Without the program; None takes the process's own.
    """
    start = time.monotonic()
    with shown_to_user(PROGRAM):
        args = parse(argv)
        tell_openblas_of_vectors()
        experiments = definition.chosen(args.ids, definition.read_all())
        data = slice_sets.chosen(args.data, args.out, SCALES[args.scale])
        runs = plan.runs_of(experiments, SCALES[args.scale], data.subjects)
        folder = records.campaign_folder(args.out, args.scale, data.name)
        revision = args.revision or git_revision()
        waiting = records.check_planned(folder, runs, data, revision)
        print(f"{len(runs)} runs, {len(waiting)} to do", flush=True)
        if args.dry_run:
            print(*(f"{run.key}: {run.iterations(data)} iterations" for run in waiting), sep="\n")
            return
        slice_sets.keep_out_of_git(args.out)
        folder.mkdir(exist_ok=True)
        complete = carry_out(waiting, data, folder, args, revision, start + args.time_limit)
        print(f"{complete} of {len(waiting)} runs complete in {time.monotonic() - start:.0f} s", flush=True)
    sys.exit(complete < len(waiting))


def parse(argv):
    """Read the command line.

    Args:
        argv (list of str): Without the program; None takes the process's own.

    Returns:
        argparse.Namespace: The options.

    Raises:
        UsageError: If it is wrong.
    """
    parser = Parser(prog=f"python -m {PROGRAM}", description="Carry out all runs of a plan on this machine.")
    parser.add_argument("ids", nargs="*", default=["all"], metavar="NAME", help="which experiments (default: all)")
    parser.add_argument("--scale", choices=SCALES, default="medium", help="(default %(default)s)")
    parser.add_argument("--data", metavar="DIR", help="slice set (default: the synthetic phantom, made if need be)")
    parser.add_argument("-o", "--out", required=True, type=pathlib.Path, metavar="DIR", help="folder for the records")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="runs at a time (default %(default)s)")
    parser.add_argument("--gpu", choices=("auto", "on", "off"), default="auto", help="(default %(default)s)")
    parser.add_argument("--time-limit", type=float, default=float("inf"), metavar="S",
                        help="seconds after which what is not complete is given up (default: none)")
    parser.add_argument("--revision", metavar="COMMIT", help="commit of the source, where it is no checkout")
    parser.add_argument("--dry-run", action="store_true", help="list the runs, and train nothing")
    args = parser.parse_args(argv)
    if args.workers < 1:
        raise UsageError(f"--workers {args.workers}: must be at least 1")
    return args


def carry_out(runs, data, folder, args, revision, end):
    """Have workers train and measure.

    Args:
        runs (list of experiments.plan.Run): What is to be done, in this order.
        data (experiments.data.Data): The slices.
        folder (Path): Where the records go.
        args (argparse.Namespace): The options.
        revision (str): Commit of the source.
        end (float): When to give up, by `time.monotonic`.

    Returns:
        int: How many are complete.
    """
    context = multiprocessing.get_context("spawn")  # CUDA does not survive a fork
    waiting, done = context.Queue(), context.Queue()
    for run in runs:
        waiting.put(run)
    workers = [context.Process(target=work, args=(waiting, done, data, folder, args.scale, args.gpu, revision))
               for _ in range(min(args.workers, len(runs)))]
    for worker in workers:
        worker.start()
    complete = ended = 0
    while ended < len(runs) and time.monotonic() < end and any(worker.is_alive() for worker in workers):
        try:
            key, outcome, error = done.get(timeout=1)
        except queue.Empty:
            continue
        ended += 1
        complete += not error
        print(f"[{ended}/{len(runs)}] {key}: {outcome}", file=sys.stderr if error else sys.stdout, flush=True)
    for worker in workers:
        worker.kill()
    return complete


def work(waiting, done, data, folder, scale, gpu, revision):
    """Train and measure one run after another, until none waits; in a process of its own.

    Args:
        waiting (multiprocessing.Queue): Gives `experiments.plan.Run`.
        done (multiprocessing.Queue): Takes the key of a run, what came of it, and whether that is an error.
        data (experiments.data.Data): The slices.
        folder (Path): Where the records go.
        scale (str): Name of the scale.
        gpu (str): ``auto``, ``on`` or ``off``.
        revision (str): Commit of the source.
    """
    # What it brings with it is for workers only: Chainer, MPI, CuPy.
    from experiments.training import train

    reference = data.reference()
    while True:
        try:
            run = waiting.get(timeout=1)
        except queue.Empty:
            return
        try:
            trained = train(run, data.folder, gpu)
            record = records.complete(folder, run, scale, data, trained, reference, revision)
            kid = record["diverged"] or f"KID {record['values']['kid']:.3g}"
            done.put((run.key, f"{trained.iterations} iterations in {trained.seconds:.0f} s, {kid}", False))
        except Exception:  # one run that fails must not end those behind it
            done.put((run.key, traceback.format_exc(), True))
        trained = None
        gc.collect()  # networks are rings of references, and hold a GPU's memory


if __name__ == "__main__":
    main()
