"""Full-size runs: what is kept of each in results/full-size, and their curves.

    python -m experiments.full_size result --name paper-real-seed1 --data "11 BraTS 2021 volumes"
    python -m experiments.full_size

``curves.png`` has the runs that are long enough to show more than the beginning, ``readings.png`` those with one of the
paper's words read literally.
"""

import json
import pathlib

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot, ticker

from dcgan_mri.commandline import Parser
from dcgan_mri.errors import UsageError, shown_to_user
from dcgan_mri.extensions.measures import PREFIX
from dcgan_mri.files import write_text
from dcgan_mri.run import reading

PROGRAM = "experiments.full_size"

FOLDER = pathlib.Path(__file__).parent / "results" / "full-size"
PANELS = {
    "kid": ("KID (real against real about 1)", "log"), "checkerboard.2": ("lattice of 2 pixels (real: 1)", "log"),
    "checkerboard.4": ("lattice of 4 pixels (real: 1)", "log"), "noise.inside": ("noise inside the head", "linear"),
    "diversity.similarity": ("likeness of two images (real: 1)", "linear"),
    "variety.levels": ("variety of levels (real: 1)", "linear"),
    "cast": ("colour cast, grey levels (real: 0)", "linear")}
# Epochs of a run that is in curves.png, at least.
LONG = 50
# Runs with one of the paper's words read literally, and the run of the same seed that they are to be seen beside.
READING, BESIDE = "reading-", "paper-real-seed1"
KEPT = (*PANELS, "noise.air", "sharpness.brain", "variety.centres", "separation.share")


def main(argv=None):
    """Keep the numbers of a run, if one is given, and draw the curves.

    Args:
        argv (list of str): Command line without the program; None takes the process's own.
    """
    with shown_to_user(PROGRAM):
        parser = Parser(prog=f"python -m {PROGRAM}",
                        description="Keep the numbers of a full-size run, and draw curves.png (of all that are kept "
                                    f"with {LONG} epochs or more) and readings.png.")
        parser.add_argument("result", nargs="?", metavar="RESULT", help="folder of a training with --measures on")
        parser.add_argument("--name", help="what to call the run; its file is results/full-size/NAME.json")
        parser.add_argument("--data", metavar="TEXT", help="what slices it was trained on, in words")
        parser.add_argument("--note", default="", metavar="TEXT", help="what else one must know, such as the processor")
        args = parser.parse_args(argv)
        if args.result is not None:
            if not args.name or not args.data:
                raise UsageError("a run needs --name and --data")
            keep(reading.read(args.result), args.name, args.data, args.note)
        runs = read()
        for picture, chosen in (
                ("curves.png", [run for run in runs if run["epochs"][-1] >= LONG]),
                ("readings.png", [run for run in runs if run["name"].startswith(READING) or run["name"] == BESIDE])):
            if chosen:
                draw(chosen, FOLDER / picture)


def keep(run, name, data, note):
    """Write what is kept of a run.

    Args:
        run (dcgan_mri.run.reading.Run): The run.
        name (str): What to call it.
        data (str): Its slices, in words.
        note (str): What else one must know.
    """
    def column(key):
        return [_short(entry["values"].get(key)) for entry in run.entries]

    start = run.starts[-1]
    record = {
        "name": name, "seed": run.config.seed, "data": data, "slices": start["slices"],
        "batchsize": run.config.batchsize, "device": start["device"], "revision": start["git_revision"], "note": note,
        "epochs": [entry["epoch"] for entry in run.entries], "seconds": round(run.entries[-1]["elapsed_time"]),
        "measures": {measure: column(PREFIX + measure) for measure in KEPT},
        "real": {measure: [_short(run.scale[measure][key]) for key in ("real", "real_low", "real_high")]
                 for measure in KEPT if measure in run.scale},
        "scores": {"real": column("dis/y_real"), "generated": column("dis/y_fake")}}
    lines = (f" {json.dumps(key)}: {json.dumps(value)}" for key, value in record.items())
    write_text(FOLDER / f"{name}.json", "{\n" + ",\n".join(lines) + "\n}\n")


def _short(value):
    return None if value is None else float(f"{value:.4g}")


def read():
    """The runs that are kept.

    Returns:
        list of dict: What each file holds, by name.
    """
    return [json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))]


def draw(runs, path):
    """Draw each measure and D's scores over the epochs, a line a run, with the band of real slices.

    Args:
        runs (list of dict): From `read`.
        path (Path): PNG to write.
    """
    figure, axes = pyplot.subplots(2, 4, figsize=(16, 7), layout="constrained")
    axes = list(axes.flat)
    for axis, (measure, (title, scale)) in zip(axes, PANELS.items(), strict=False):
        for number, run in enumerate(runs):
            if measure in run["measures"]:
                values = [float("nan") if value is None else value for value in run["measures"][measure]]
                axis.plot(run["epochs"], values, color=f"C{number}", linewidth=1)
        _, low, high = runs[0]["real"].get(measure, (None, None, None))
        if low is not None:
            axis.axhspan(low, high, color="0.85", zorder=0)
        axis.set(title=title, yscale=scale)
    for number, run in enumerate(runs):
        style = {"color": f"C{number}", "linewidth": 1}
        axes[7].plot(run["epochs"], run["scores"]["real"], label=run["name"], **style)
        axes[7].plot(run["epochs"], run["scores"]["generated"], linestyle=":", **style)
    axes[7].set(title="D's mean scores (generated: dotted)")
    axes[7].set_yscale("symlog", linthresh=10)
    for axis in axes:
        # Most happens in the first of a hundred epochs, and many runs have no more.
        axis.set(xlabel="epoch", xscale="log", xlim=(0.9, 1.1 * max(run["epochs"][-1] for run in runs)))
        axis.xaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
        axis.xaxis.set_major_formatter(ticker.FormatStrFormatter("%g"))
        axis.xaxis.set_minor_locator(ticker.NullLocator())
    figure.legend(loc="outside lower center", ncols=4, fontsize=8)
    figure.savefig(path, dpi=80)
    pyplot.close(figure)


if __name__ == "__main__":
    main()
