"""Put the paper's claims to the test.

    python -m experiments list
    python -m experiments run fig4 --scale small
    python -m experiments report
"""

import importlib.util
import os
import pathlib
import signal
import subprocess
import sys

from dcgan_mri.commandline import Parser
from dcgan_mri.distributed.threads import cores
from dcgan_mri.errors import INTERRUPTED, DataError, UsageError, UserError, shown_to_user
from dcgan_mri.run.result_folder import git_revision
from experiments import data as slice_sets
from experiments import definition, findings, plan, records, report, verdicts, wording
from experiments.scales import SCALES

PROGRAM = "experiments"
HERE = pathlib.Path(__file__).parent
RUNS = HERE / "runs"
RESULTS = HERE / "results"


class InterruptedPlanError(UserError):
    """A signal came; the same command goes on."""

    status = INTERRUPTED


def main(argv=None):
    """Do what the command line asks for.

    Args:
        argv (list of str): Without the program; None takes the process's own.
    """
    with shown_to_user(PROGRAM):
        args = parse(argv)
        try:
            args.command(args, definition.read_all())
            sys.stdout.flush()
        except BrokenPipeError:  # a reader such as `head` has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except KeyboardInterrupt:
            raise InterruptedPlanError("interrupted; the same command goes on where this one stopped") from None


def parse(argv):
    """Read the command line.

    Args:
        argv (list of str): Without the program; None takes the process's own.

    Returns:
        argparse.Namespace: The options; ``command`` is the function that carries them out.

    Raises:
        UsageError: If it is wrong.
    """
    parser = Parser(
        prog="python -m experiments",
        description="The claims of the paper as experiments, each with a verdict that is measured: holds, does not\n"
                    "hold, or undecided. Each claim is a file in experiments/claims; experiments/README.rst has the\n"
                    "rules, and says how the same plan runs on a cluster.",
        epilog="examples:\n"
               "  python -m experiments list\n"
               "  python -m experiments run fig4 --scale small          a trial of minutes: figure and numbers\n"
               "  python -m experiments run fig4 fig5 --scale medium --data data/slices64\n"
               "                                                        verdicts, on slices of your own\n"
               "  python -m experiments report                          REPORT.rst from the published numbers\n\n"
               "exit status: 0 done, 1 data, machine or a run that failed, 2 usage, 75 interrupted by a signal; the\n"
               "same command goes on where it stopped")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    listing = commands.add_parser("list", help="every claim, its arms, and what has come of it")
    listing.set_defaults(command=show_list)
    running = commands.add_parser(
        "run", help="train and measure what experiments need, then write the report",
        description="Train every arm of the experiments with every seed, measure, judge, and write the report beside\n"
                    "the runs. What is complete is not run again; a run that was stopped goes on from its snapshot.\n"
                    "Arms that experiments share are run once. Needs Snakemake: pip install -e '.[experiments]'.")
    running.set_defaults(command=run)
    running.add_argument("ids", nargs="+", metavar="ID", help="which experiments, or `all`")
    running.add_argument("--scale", choices=SCALES, default="small",
                         help="; ".join(f"{scale.name}: {scale.meaning}" for scale in SCALES.values())
                              + " (default %(default)s)")
    running.add_argument("--data", metavar="DIR",
                         help="slice set to train on, of the scale's image size (default: the synthetic phantom, made "
                              "here if need be)")
    running.add_argument("-j", "--jobs", type=int, default=cores(), metavar="N",
                         help="runs at a time (default: one for each core, here %(default)s)")
    reporting = commands.add_parser(
        "report", help="write REPORT.rst from the published numbers",
        description="Write experiments/results/REPORT.rst from the published numbers; with -o, the report of runs\n"
                    "beside them; with --publish, add the numbers of runs to the published ones first.")
    reporting.set_defaults(command=write_report)
    for command, default in ((listing, None), (running, RUNS), (reporting, None)):
        command.add_argument("-o", "--out", default=default, type=pathlib.Path, metavar="DIR",
                             help="folder for runs" + (" (default experiments/runs)" if default else ""))
    for command in (running, reporting):
        command.add_argument("--publish", action="store_true",
                             help="add the numbers to experiments/results, with figures of the phantom only")
    args = parser.parse_args(argv)
    if getattr(args, "jobs", 1) < 1:
        raise UsageError(f"--jobs {args.jobs}: must be at least 1")
    return args


def show_list(args, experiments):
    """Print every claim with what has come of it: published, or in a folder of runs.

    Args:
        args (argparse.Namespace): The options.
        experiments (dict): Identifier to `Experiment`.
    """
    campaigns = findings.campaigns(*(records.of_runs(args.out) if args.out else records.collected(RESULTS)))
    for experiment in experiments.values():
        figure = f"  [{experiment.figure}]" if experiment.figure else ""
        print(f"{experiment.id:<12} {experiment.claim}{figure}")
        print(f"{'':<12} arms: {', '.join(experiment.arms)}")
        for campaign in campaigns:
            finding = findings.find(experiment, campaign)
            if finding.judged:
                print(f"{'':<12} {wording.title(campaign)}: {len(finding.used)} runs, {wording.verdict(finding)}")
    if not campaigns:
        print("\nNothing has been run there; `python -m experiments run fig4` takes some minutes.")


def run(args, experiments):
    """Carry a plan out and write the report.

    Args:
        args (argparse.Namespace): The options.
        experiments (dict): Identifier to `Experiment`.

    Raises:
        UsageError: If an option is wrong, or Snakemake is missing.
        DataError: If a run failed.
        KeyboardInterrupt: If a signal came.
    """
    if importlib.util.find_spec("snakemake") is None:
        raise UsageError("Snakemake is missing; pip install -e '.[experiments]' (Python 3.11 or later)")
    chosen = definition.chosen(args.ids, experiments)
    scale = SCALES[args.scale]
    data = slice_sets.chosen(args.data, args.out, scale)
    runs = plan.runs_of(chosen, scale, data.subjects)
    for experiment in chosen:
        for arm in plan.missing_arms(experiment, data.subjects):
            print(f"{experiment.id}: arm {arm!r} is left out; {data.name} has {data.subjects} training subjects")
    folder = records.campaign_folder(args.out, scale.name, data.name)
    waiting = records.check_planned(folder, runs, data, git_revision())
    print(f"{len(runs)} runs at scale {scale.name} on {data.name}, {len(waiting)} to do, {args.jobs} at a time",
          flush=True)
    slice_sets.keep_out_of_git(args.out)
    carry_out(args, scale, data)
    failed = [run for run in runs if not (folder / f"{run.key}.json").exists()]
    if args.publish:
        report.published(RESULTS, experiments, args.out)
    for finding in report.of_runs(args.out, experiments):
        campaign = finding.campaign
        if finding.experiment in chosen and campaign.scale == scale and campaign.data == data.facts():
            print_finding(finding, args.out)
    print(f"report: {(RESULTS if args.publish else args.out) / report.NAME}")
    if failed:
        raise DataError(f"{len(failed)} of {len(runs)} runs are not complete, {failed[0].key} the first; see above for "
                        "the reason; the same command goes on")


def carry_out(args, scale, data):
    """Have Snakemake do what is to be done; a signal to this process reaches it and every run.

    Args:
        args (argparse.Namespace): The options.
        scale (experiments.scales.Scale): The scale.
        data (experiments.data.Data): The slices.

    Raises:
        KeyboardInterrupt: If a signal came; all runs have ended then, with a snapshot.
    """
    out = args.out.resolve()
    # Records are whole whenever they are there, and a run has a lock of its own.
    command = [sys.executable, "-m", "snakemake", "--snakefile", HERE / "Snakefile", "--directory", out,
               "--cores", args.jobs, "--keep-going", "--ignore-incomplete", "--nolock", "--rerun-triggers", "mtime",
               "--quiet", "all", "--config", f"ids={' '.join(args.ids)}", f"scale={scale.name}",
               f"out={out}", *([f"data={data.folder}"] if args.data else [])]
    signals = []
    process = subprocess.Popen([str(word) for word in command], start_new_session=True)

    def pass_on(number, frame):
        if not signals:  # a second one would end the runs without their snapshots
            os.killpg(process.pid, signal.SIGINT)
        signals.append(number)

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    process.wait()
    for number, handler in before.items():
        signal.signal(number, handler)
    if signals:
        raise KeyboardInterrupt


def write_report(args, experiments):
    """Write a report from what has been run.

    Args:
        args (argparse.Namespace): The options.
        experiments (dict): Identifier to `Experiment`.

    Raises:
        DataError: If there is nothing yet.
    """
    if args.out is not None and not args.publish:
        folder, found = args.out, report.of_runs(args.out, experiments)
    else:
        folder, found = RESULTS, report.published(RESULTS, experiments, (args.out or RUNS) if args.publish else None)
    judged = sum(finding.verdict not in (verdicts.NOT_RUN, verdicts.TRIAL) for finding in found)
    print(f"{folder / report.NAME}: {judged} verdicts on {len(experiments)} claims")


def print_finding(finding, out):
    """Print what came of a claim.

    Args:
        finding (experiments.findings.Finding): The finding.
        out (Path): Folder for runs.
    """
    experiment = finding.experiment
    print(f"\n{experiment.id}: {wording.verdict(finding).upper()} at scale {wording.title(finding.campaign)}\n"
          f"  {experiment.claim}")
    for word, parts in (("decides", finding.decides), ("also", finding.also)):
        for part, outcome in parts:
            judged = f"{outcome.verdict} " if finding.campaign.scale.decides else ""
            print(f"  {word:<8} {wording.measured(part, outcome):<52} {judged}({wording.claimed(part)})")
    path = report.figure_of_runs(out, finding)
    if path.exists():
        print(f"  figure   {path}")


if __name__ == "__main__":
    main()
