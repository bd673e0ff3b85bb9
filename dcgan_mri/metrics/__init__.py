"""Measures of generated images against real slices, one a file; importing the package fills `registry.MEASURES`."""

from dcgan_mri.metrics import (  # noqa: F401
    checkerboard,
    coverage,
    diversity,
    fid,
    kid,
    memorisation,
    noise,
    separation,
    sharpness,
    swd,
    variety,
)
from dcgan_mri.metrics.registry import MEASURES  # noqa: F401
