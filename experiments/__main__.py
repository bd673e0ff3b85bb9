"""Put the paper's claims to the test.

    python -m experiments list
    python -m experiments run fig4 --scale small
    python -m experiments report
"""

import os

# Before anything loads NumPy: runs are side by side, and sums must not depend on the number of cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import datetime
import pathlib
import sys

from dcgan_mri.commandline import Parser
from dcgan_mri.distributed.device import visible_gpus
from dcgan_mri.distributed.threads import cores
from dcgan_mri.errors import DataError, UsageError, shown_to_user
from experiments import data as slice_sets
from experiments import costs, definition, figures, findings, plan, records, report, verdicts
from experiments.runner import PlanInterruptedError, Runner
from experiments.scales import SCALES

PROGRAM = "experiments"
OUT = pathlib.Path(__file__).parent / "results"


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
            raise PlanInterruptedError("interrupted; the same command goes on where this one stopped") from None


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
                    "hold, or undecided. Each claim is a file experiments/ID.yaml; PROTOCOL.rst has the rules.",
        epilog="examples:\n"
               "  python -m experiments list\n"
               "  python -m experiments run fig4 --scale small          dropout or not: figure and verdict in minutes\n"
               "  python -m experiments run all --dry-run               the whole plan, and what it costs\n"
               "  python -m experiments run all --scale paper --data data/slices --share 1/4\n"
               "                                                        a quarter of it, on this machine\n"
               "  python -m experiments report                          write REPORT.rst from what has been run\n\n"
               "exit status: 0 done, 1 data, machine or a run that failed, 2 usage, 75 interrupted by a signal; the\n"
               "same command goes on where it stopped")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    listing = commands.add_parser("list", help="every claim, its arms, and what has come of it so far")
    listing.set_defaults(command=show_list)
    running = commands.add_parser(
        "run", help="train and measure what experiments need, then write the report",
        description="Train every arm of the experiments with every seed, measure, judge, and write the report. What\n"
                    "is complete is not run again; a run that was stopped or killed goes on from its snapshot. Arms\n"
                    "that experiments share are run once.")
    running.set_defaults(command=run)
    running.add_argument("ids", nargs="+", metavar="ID", help="which experiments, or `all`")
    running.add_argument("--scale", choices=SCALES, default="small",
                         help="; ".join(f"{scale.name}: {scale.meaning}" for scale in SCALES.values())
                              + " (default %(default)s)")
    running.add_argument("--data", metavar="DIR",
                         help="slice set to train on, of the scale's image size (default: the synthetic phantom, made "
                              "here if need be)")
    running.add_argument("--seeds", type=int, metavar="N",
                         help="runs of each arm, with the seeds 0 to N - 1 (default: "
                              + ", ".join(f"{scale.seeds} at {scale.name}" for scale in SCALES.values()) + ")")
    running.add_argument("--workers", type=int, metavar="N",
                         help="runs at a time (default: one for each GPU, else one for each core)")
    running.add_argument("--share", type=_share, default=(1, 1), metavar="K/N",
                         help="only every N-th run of the plan, beginning with the K-th: to divide it among machines")
    running.add_argument("--dry-run", action="store_true", help="print the plan and its cost, and do nothing")
    reporting = commands.add_parser("report", help="write REPORT.rst and the figures from what has been run")
    reporting.set_defaults(command=write_report)
    for command in (listing, running, reporting):
        command.add_argument("-o", "--out", default=OUT, type=pathlib.Path, metavar="DIR",
                             help="results folder (default experiments/results)")
    args = parser.parse_args(argv)
    for name in ("seeds", "workers"):
        value = getattr(args, name, None)
        if value is not None and value < 1:
            raise UsageError(f"--{name} {value}: must be at least 1")
    return args


def show_list(args, experiments):
    """Print every claim with what has come of it.

    Args:
        args (argparse.Namespace): The options.
        experiments (dict): Identifier to `Experiment`.
    """
    campaigns = findings.campaigns(records.collect(args.out))
    for experiment in experiments.values():
        figure = f"  [{experiment.figure}]" if experiment.figure else ""
        print(f"{experiment.id:<12} {experiment.claim}{figure}")
        print(f"{'':<12} arms: {', '.join(experiment.arms)}")
        for campaign in campaigns:
            finding = findings.find(experiment, campaign)
            if finding.used:
                print(f"{'':<12} {campaign.scale.name}, {campaign.name}: {len(finding.used)} runs, "
                      f"{report.verdict(finding)}")
    if not campaigns:
        print(f"\nNothing has been run in {args.out}; `python -m experiments run fig4` takes some minutes.")


def run(args, experiments):
    """Carry a plan out and write the report.

    Args:
        args (argparse.Namespace): The options.
        experiments (dict): Identifier to `Experiment`.

    Raises:
        UsageError: If an option is wrong.
        DataError: If a run failed.
    """
    chosen = definition.chosen(args.ids, experiments)
    scale = SCALES[args.scale]
    gpus = visible_gpu_names()
    workers = args.workers or len(gpus) or cores()
    if args.data is not None:
        data = slice_sets.describe(args.data, scale.image_size)
    elif args.dry_run and not slice_sets.phantom_is_there(args.out, scale):
        data = slice_sets.planned_phantom(scale)
    else:
        data = slice_sets.phantom(args.out, scale)
    first, step = args.share
    runs = plan.runs_of(chosen, scale, data.subjects, args.seeds or scale.seeds)[first - 1::step]
    for experiment in chosen:
        for arm in plan.missing_arms(experiment, data.subjects):
            print(f"{experiment.id}: arm {arm!r} is left out; {data.name} has {data.subjects} training subjects")
    runner = Runner(scale, data, args.out, workers, gpus, lambda line: print(line, flush=True))
    if args.dry_run:
        print_plan(runs, data)
    print(cost_line(runs, runner.waiting(runs), scale, data, args.out, workers, gpus), flush=True)
    if args.dry_run:
        return
    failures = runner.carry_out(runs)
    runner.measure_real()
    for finding in report.write(args.out, experiments):
        campaign = finding.campaign
        if finding.experiment in chosen and campaign.scale == scale and campaign.data == data.facts():
            print_finding(finding, args.out)
    print(f"report: {args.out / report.NAME}")
    if failures:
        raise DataError(f"{len(failures)} of {len(runs)} runs failed, named above; the first: {failures[0]}")


def write_report(args, experiments):
    """Write the report from what has been run.

    Args:
        args (argparse.Namespace): The options.
        experiments (dict): Identifier to `Experiment`.

    Raises:
        DataError: If there is nothing yet.
    """
    found = report.write(args.out, experiments)
    judged = sum(finding.verdict != verdicts.NOT_RUN for finding in found)
    print(f"{args.out / report.NAME}: {judged} verdicts on {len(experiments)} claims")


def print_finding(finding, out):
    """Print what came of a claim.

    Args:
        finding (experiments.findings.Finding): The finding.
        out (Path): Results folder.
    """
    experiment = finding.experiment
    print(f"\n{experiment.id}: {report.verdict(finding).upper()} at scale {finding.campaign.scale.name} on "
          f"{finding.campaign.name}\n  {experiment.claim}")
    for word, parts in (("decides", finding.decides), ("also", finding.also)):
        for part, outcome in parts:
            print(f"  {word:<8} {report.measured(part, outcome):<52} {outcome.verdict} ({report.claimed(part)})")
    path = figures.path_of(out, finding)
    if path.exists():
        print(f"  figure   {path}")


def print_plan(runs, data):
    """Print every run of a plan.

    Args:
        runs (list of experiments.plan.Run): The plan.
        data (experiments.data.Data): The slices.
    """
    by_name = {}
    for one in runs:
        by_name.setdefault(one.name, []).append(one)
    for name, group in by_name.items():
        seeds = ",".join(str(one.config.seed) for one in group)
        print(f"{name}: seeds {seeds}; {group[0].iterations(data)} iterations, batch {group[0].config.batchsize}")


def cost_line(runs, left, scale, data, out, workers, gpus):
    """What is left of a plan, and what it costs.

    Args:
        runs (list of experiments.plan.Run): The plan.
        left (list of experiments.plan.Run): What of it is to be done.
        scale (experiments.scales.Scale): The scale.
        data (experiments.data.Data): The slices.
        out (Path): Results folder.
        workers (int): Runs at a time.
        gpus (list of str): The GPUs; empty on a CPU.

    Returns:
        str: A line.
    """
    line = f"{len(runs)} runs at scale {scale.name} on {data.name}, {len(left)} to do, {workers} at a time"
    if not left:
        return line
    each, source = costs.seconds_an_image(scale.name, records.collect(out), bool(gpus))
    if each is None:
        return f"{line}; {source}"
    whole = datetime.timedelta(seconds=round(each * sum(one.images(data) for one in left) / workers))
    return f"{line}; about {whole} {source}, {each * 1000:.0f} ms an image"


def visible_gpu_names():
    """The GPUs that runs may be dealt to, as CUDA_VISIBLE_DEVICES takes them.

    Returns:
        list of str: Numbers, or what the variable holds already; empty without a GPU.
    """
    count, _ = visible_gpus()
    asked = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = asked.split(",") if asked else [str(i) for i in range(count)]
    return names[:count]


def _share(text):
    """``2/4``, the second of four shares, as numbers."""
    k, slash, n = text.partition("/")
    if not (slash and k.isdecimal() and n.isdecimal() and 1 <= int(k) <= int(n)):
        raise argparse.ArgumentTypeError(f"{text!r} must be such as 2/4, the second of four shares")
    return int(k), int(n)


if __name__ == "__main__":
    main()
