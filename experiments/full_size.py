"""The curves of full-size runs, from the numbers that are kept in results/full-size.

    python -m experiments.full_size
"""

import json
import pathlib

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot

FOLDER = pathlib.Path(__file__).parent / "results" / "full-size"
PANELS = {
    "kid": ("KID (real against real about 1)", "log"), "checkerboard.2": ("lattice of 2 pixels (real: 1)", "log"),
    "checkerboard.4": ("lattice of 4 pixels (real: 1)", "log"), "noise.inside": ("noise inside the head", "linear"),
    "diversity.similarity": ("diversity (real: 1)", "linear"),
    "variety.levels": ("variety of levels (real: 1)", "linear"),
    "cast": ("colour cast, grey levels (real: 0)", "linear")}


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
    axes = axes.flat
    for axis, (measure, (title, scale)) in zip(axes, PANELS.items(), strict=False):
        for run in runs:
            values = [float("nan") if value is None else value for value in run["measures"][measure]]
            axis.plot(run["epochs"], values, label=run["name"], linewidth=1)
        _, low, high = runs[0]["real"].get(measure, (None, None, None))
        if low is not None:
            axis.axhspan(low, high, color="0.85", zorder=0)
        axis.set(title=title, xlabel="epoch", yscale=scale)
    for run in runs:
        line, = axes[7].plot(run["epochs"], run["scores"]["real"], linewidth=1, label=run["name"])
        axes[7].plot(run["epochs"], run["scores"]["generated"], linewidth=1, color=line.get_color(), linestyle=":")
    axes[7].set(title="D's mean scores: real, and generated (dotted)", xlabel="epoch")
    axes[7].legend(fontsize=8)
    figure.savefig(path, dpi=80)
    pyplot.close(figure)


if __name__ == "__main__":
    draw(read(), FOLDER / "curves.png")
