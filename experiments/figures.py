"""The figures: the paper's Figs. 1 to 6 laid out in rows and columns, and curves, from what the runs left."""

import io

import matplotlib
import numpy as np
from PIL import Image

from dcgan_mri import grid
from dcgan_mri.files import whole_file
from experiments import records

matplotlib.use("Agg")

from matplotlib import pyplot as plt

DPI = 100
# Of an image in a figure, in inches: a pixel of 64 becomes a pixel and a quarter.
CELL = 0.8


def draw(path, finding, runs):
    """Draw the figure of a finding, if there is anything to draw it from.

    Args:
        path (Path): A PNG.
        finding (experiments.findings.Finding): What was found.
        runs (Path): Folder of its campaign's runs, see `records.campaign_folder`.

    Returns:
        bool: Whether there was.
    """
    rows = ROWS[finding.experiment.shows]
    if rows is None:
        figure = CURVES[finding.experiment.shows](finding)
    else:
        labelled = rows(runs, finding)
        slices = runs / records.TEN_SLICES
        if labelled and slices.exists():
            row = np.asarray(Image.open(slices))
            labelled.insert(0, ("training slices", np.stack(np.split(row, row.shape[1] // len(row), axis=1))))
        figure = mosaic(labelled, finding.experiment.shows == "images") if labelled else None
    if figure is None:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    # Without the date and version that would make every file another one.
    figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    plt.close(figure)
    with whole_file(path) as file:
        if rows is None:
            file.write(buffer.getvalue())
        else:
            Image.open(buffer).convert("L").save(file, format="PNG", optimize=True)
    return True


def arm_rows(runs, finding):
    """A row for each arm: images of the same image seeds, after the last epoch of training seed 0.

    Args:
        runs (Path): Folder of the campaign's runs.
        finding (experiments.findings.Finding): What was found.

    Returns:
        list of tuple: Label and pictures, uint8 of shape (10, H, W); empty if those of two arms are not there.
    """
    pictures = {arm: _pictures(runs, by_seed) for arm, by_seed in finding.arms.items()}
    known = [(arm, of_arm[:grid.COLUMNS]) for arm, of_arm in pictures.items() if of_arm is not None]
    return known if len(known) > 1 else []


def extreme_rows(runs, finding):
    """Fig. 1: a row of successes and one of failures, by the rule of `measuring.extremes`.

    Args:
        runs (Path): Folder of the campaign's runs.
        finding (experiments.findings.Finding): What was found.

    Returns:
        list of tuple: As `arm_rows`.
    """
    by_seed = finding.arms["baseline"]
    pictures = _pictures(runs, by_seed)
    return [] if pictures is None else [(label, pictures[by_seed[0][label]]) for label in ("successes", "failures")]


def mosaic(rows, numbered):
    """Lay rows of images out, each with its label.

    Args:
        rows (list of tuple): Label and pictures, uint8 of shape (N, H, W).
        numbered (bool): Whether a column shows one image seed, which is then written above it; slices have none.

    Returns:
        matplotlib.figure.Figure: The figure.
    """
    side, columns = rows[0][1].shape[1], max(len(pictures) for _, pictures in rows)
    picture = np.full((len(rows) * side, columns * side), 255, np.uint8)
    for i, (_, pictures) in enumerate(rows):
        for j, cell in enumerate(pictures):
            picture[i * side:(i + 1) * side, j * side:(j + 1) * side] = cell
    labels = 1.9
    width, height = columns * CELL + labels, len(rows) * CELL + 0.35
    figure = plt.figure(figsize=(width, height))
    axes = figure.add_axes((labels / width, 0, columns * CELL / width, len(rows) * CELL / height))
    axes.imshow(picture, cmap="gray", vmin=0, vmax=255, interpolation="nearest", aspect="auto")
    axes.set_yticks([(i + 0.5) * side for i in range(len(rows))], [label for label, _ in rows])
    axes.xaxis.tick_top()
    axes.set_xticks([(j + 0.5) * side for j in range(columns)],
                    [f"z {j}" if numbered else str(j + 1) for j in range(columns)])
    axes.tick_params(length=0)
    for edge in axes.spines.values():
        edge.set_visible(False)
    return figure


def epoch_curves(finding):
    """How near to real slices and how alike the images are along the longest training, a line for each seed.

    Args:
        finding (experiments.findings.Finding): What was found.

    Returns:
        matplotlib.figure.Figure: The figure; None without measures along the epochs.
    """
    arm = list(finding.arms)[-1]
    runs = {seed: record for seed, record in finding.arms[arm].items() if record["along"]}
    if not runs:
        return None
    figure, panels = plt.subplots(1, 2, figsize=(9, 3), layout="constrained")
    for axes, name in zip(panels, ("kid", "diversity.similarity"), strict=True):
        for seed, record in runs.items():
            points = sorted(record["along"].items())
            axes.plot([epoch for epoch, _ in points], [values[name] for _, values in points], marker=".",
                      label=f"seed {seed}")
        ends = {record["settings"]["epoch"] for record in finding.arms["baseline"].values()}
        for end in ends:
            axes.axvline(end, color="grey", linestyle=":")
        axes.set_xlabel("epoch (dotted: where the baseline ends)")
        axes.set_ylabel(name)
    panels[0].legend(fontsize="small")
    return figure


def score_curves(finding):
    """D's mean score of real minus that of generated images, epoch by epoch; a line for each run.

    Args:
        finding (experiments.findings.Finding): What was found.

    Returns:
        matplotlib.figure.Figure: The figure; None without runs.
    """
    figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
    drawn = False
    for colour, (arm, by_seed) in enumerate(finding.arms.items()):
        for i, record in enumerate(record for record in by_seed.values() if record["scores"]):
            epochs, real, fake = np.array(record["scores"], dtype=float).T
            axes.plot(epochs, real - fake, color=f"C{colour}", label=arm if i == 0 else None)
            drawn = True
    if not drawn:
        plt.close(figure)
        return None
    axes.set_yscale("symlog")
    axes.set_xlabel("epoch")
    axes.set_ylabel("D(real) - D(generated)")
    axes.legend()
    return figure


def value_dots(finding):
    """The deciding measure of every run, arm by arm.

    Args:
        finding (experiments.findings.Finding): What was found.

    Returns:
        matplotlib.figure.Figure: The figure; None without runs.
    """
    part = finding.experiment.decides[0]
    arms = {arm: [value for value in by_seed.values() if isinstance(value, float)]
            for arm, by_seed in finding.values(part.measure).items()}
    if not any(arms.values()):
        return None
    figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
    for i, values in enumerate(arms.values()):
        axes.plot(values, [i] * len(values), "o", color="C0", alpha=0.6)
    axes.set_yticks(range(len(arms)), list(arms))
    axes.invert_yaxis()
    axes.set_xscale("symlog")  # an estimate of KID may be 0 or below
    axes.set_xlabel(f"{part.measure}, a dot for each seed")
    return figure


ROWS = {"images": arm_rows, "extremes": extreme_rows, "epochs": None, "scores": None, "values": None}
CURVES = {"epochs": epoch_curves, "scores": score_curves, "values": value_dots}


def _pictures(runs, by_seed):
    """The images of training seed 0 after its last epoch, grey; None where they are not there."""
    path = runs / f"{by_seed[0]['run']}.seed0.png" if 0 in by_seed else None
    if path is None or by_seed[0]["diverged"] or not path.exists():
        return None
    return grid.cut(np.asarray(Image.open(path)))
