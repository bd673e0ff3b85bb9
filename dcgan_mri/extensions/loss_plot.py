"""The curves of a run as a picture."""

import pathlib

import matplotlib

from dcgan_mri.chainer_compat import chainer
from dcgan_mri.extensions.triggers import EACH_EPOCH
from dcgan_mri.files import whole_file
from dcgan_mri.run import result_folder

matplotlib.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.ticker import MaxNLocator

EXPECTED = ("Expected: real slices above, generated images below. The nearer the curves are, the better G deceives D;\n"
            "if they keep drifting apart, D wins and G learns little.")


class LossPlot(chainer.training.Extension):
    """Draws ``loss.png`` from the log: both losses above, D's mean scores of real and generated images below."""

    trigger = EACH_EPOCH

    def __call__(self, trainer):
        """Draw all epochs so far."""
        log = trainer.get_extension("LogReport").log
        epochs_an_iteration = trainer.updater.epoch_detail / trainer.updater.iteration
        epochs = [entry["iteration"] * epochs_an_iteration for entry in log]
        figure, (losses, scores) = plt.subplots(2, 1, sharex=True, figsize=(8, 7), layout="constrained")
        for axes, name, key in [(losses, "generator", "gen/loss"), (losses, "discriminator", "dis/loss"),
                                (scores, "real slices", "dis/y_real"), (scores, "generated images", "dis/y_fake")]:
            axes.plot(epochs, [entry[key] for entry in log], marker=".", label=name)
        losses.set_ylabel("loss")
        scores.set_ylabel("D's mean score")
        scores.set_xlabel("epoch")
        scores.set_title(EXPECTED, fontsize=9, loc="left")
        scores.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        for axes in (losses, scores):
            axes.axhline(0, color="black", linewidth=0.8, zorder=1)
            axes.legend()
            axes.grid(alpha=0.3)
        with whole_file(pathlib.Path(trainer.out) / result_folder.CURVES) as file:
            figure.savefig(file, format="png", dpi=120)
        plt.close(figure)
