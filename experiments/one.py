"""One run of a plan, from its first iteration to its record: what a job of the Snakefile does.

    python -m experiments.one paper.seed0 --scale small --out experiments/runs
"""

import os

# Before anything loads NumPy: runs are side by side, and sums must not depend on the number of cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pathlib
import shutil

from mpi4py import MPI

from dcgan_mri.commandline import Parser
from dcgan_mri.distributed.interruption import Interruption
from dcgan_mri.distributed.threads import tell_openblas_of_vectors
from dcgan_mri.errors import INTERRUPTED, UsageError, UserError, shown_to_user
from dcgan_mri.run.result_folder import claim, git_revision
from experiments import data as slice_sets
from experiments import definition, plan, records
from experiments.scales import SCALES
from experiments.training import train

PROGRAM = "experiments.one"
REAL = "real"


class InterruptedRunError(UserError):
    """A signal came; the same command goes on."""

    status = INTERRUPTED


def main(argv=None):
    """Make a run, or go on with it.

    Args:
        argv (list of str): Without the program; None takes the process's own.
    """
    with shown_to_user(PROGRAM):
        args = parse(argv)
        tell_openblas_of_vectors()
        scale = SCALES[args.scale]
        data = slice_sets.chosen(args.data, args.out, scale)
        folder = records.campaign_folder(args.out, scale.name, data.name)
        slice_sets.keep_out_of_git(args.out)
        folder.mkdir(exist_ok=True)
        if args.run == REAL:
            records.complete_real(folder, scale.name, data, data.reference())
            return
        known = {run.key: run for run in plan.runs_of(definition.read_all().values(), scale, data.subjects)}
        if args.run not in known:
            raise UsageError(f"{args.run}: no run of the plan; `{REAL}` or one of {', '.join(known)}")
        record = make(known[args.run], folder, scale.name, data)
        quality = record["diverged"] or f"KID {record['values']['kid']:.3g}"
        print(f"{args.run}: {record['iterations']} iterations in {record['seconds']:.0f} s, {quality}", flush=True)


def parse(argv):
    """Read the command line.

    Args:
        argv (list of str): Without the program; None takes the process's own.

    Returns:
        argparse.Namespace: The options.
    """
    parser = Parser(prog=f"python -m {PROGRAM}", description="Make one run of the plan, or go on with it.")
    parser.add_argument("run", metavar="RUN", help=f"its name in the plan, or `{REAL}` to measure real slices")
    parser.add_argument("--scale", choices=SCALES, required=True)
    parser.add_argument("--data", metavar="DIR", help="slice set (default: the phantom)")
    parser.add_argument("-o", "--out", required=True, type=pathlib.Path, metavar="DIR", help="folder for the records")
    return parser.parse_args(argv)


def make(run, folder, scale, data):
    """Train from the newest snapshot on, measure, write the record.

    Args:
        run (experiments.plan.Run): The run.
        folder (Path): Where the record goes; snapshots are in a folder of the run's name there until it is complete.
        scale (str): Name of the scale.
        data (experiments.data.Data): The slices.

    Returns:
        dict: The record.

    Raises:
        InterruptedRunError: If a signal came.
        DataError: If another process is at this run.
        UsageError: If it was begun with other settings, slices or source.
    """
    revision = git_revision()  # of what was loaded, whatever is committed meanwhile
    unfinished = folder / run.key
    unfinished.mkdir(exist_ok=True)
    with claim(unfinished):
        records.note_made_of(unfinished, run, data, revision)
        interruption = Interruption(MPI.COMM_SELF)
        interruption.listen()
        trained = train(run, data.folder, out=unfinished, interruption=interruption)
        if trained is None:
            raise InterruptedRunError(f"{run.key}: interrupted; {unfinished} has a snapshot, the same command goes on")
        record = records.complete(folder, run, scale, data, trained, data.reference(), revision)
        shutil.rmtree(unfinished)
    return record


if __name__ == "__main__":
    main()
