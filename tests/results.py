"""Result folders for tests, as a training leaves them."""

import json

import numpy as np

from dcgan_mri.config import Config
from dcgan_mri import grid
from dcgan_mri.pixels import save_png

SCALE = {
    "kid": {"name": "kid", "unit": "squared discrepancy", "range": "", "reading": "above real: another distribution",
            "real": 0.5, "real_low": 0.2, "real_high": 1.0},
    "noise.air": {"name": "noise.air", "unit": "grey levels", "range": "0 to 255", "reading": "0 in real slices",
                  "real": None, "real_low": None, "real_high": None}}


def write_result(folder, epochs, dataset=None, side=16, **settings):
    """A result folder.

    Args:
        folder (Path): New folder.
        epochs (iterable of int): Which to write grids and log entries for; four iterations each.
        dataset (Path): Slice set that the run names.
        side (int): Of each image in pixels.
        **settings: What differs from the paper.

    Returns:
        Path: The folder.
    """
    (folder / "preview").mkdir(parents=True)
    (folder / "config.yaml").write_text(Config(**{"image_size": 16, **settings}).to_yaml(), encoding="utf-8")
    (folder / "environment.json").write_text(json.dumps({"starts": [
        {"time": "2026-01-02T03:04:05+00:00", "ranks": 4, "device": "CPU <b>bold</b> & more", "communicator": "naive",
         "command": ["train.py", "-o", "x"], "packages": {"chainer": "7.8.1", "cupy-cuda12x": None},
         "dataset": str(dataset), "slices": 16}]}), encoding="utf-8")
    (folder / "measures.json").write_text(json.dumps(SCALE))
    log = []
    for epoch in epochs:
        write_grid(folder, epoch, side)
        log.append({"gen/loss": 2.0 * epoch, "dis/loss": -1.0 * epoch, "dis/y_real": 0.5, "dis/y_fake": -0.5,
                    "measure/kid": 1000.0 / epoch ** 4, "measure/noise.air": 3.0 / epoch, "epoch": epoch,
                    "iteration": 4 * epoch, "elapsed_time": 10.0 * epoch})
    (folder / "log").write_text(json.dumps(log))
    return folder


def write_grid(folder, epoch, side=16):
    """The grid of an epoch: cell i has the grey level 2 i, one corner in the colour of the epoch."""
    pictures = np.repeat(np.arange(0, 200, 2, dtype=np.uint8), side * side * 3).reshape(100, side, side, 3)
    pictures[:, : side // 2, : side // 2] = (25 * epoch % 256, 255 - 25 * epoch % 256, 80)
    save_png(folder / "preview" / f"epoch_{epoch:04d}.png", grid.draw(pictures, "title", range(100)))
