"""Measures of generated images against real slices, one a file; `MEASURES` lists them."""

from dcgan_mri.metrics.cast import Cast
from dcgan_mri.metrics.checkerboard import Checkerboard
from dcgan_mri.metrics.coverage import Coverage
from dcgan_mri.metrics.diversity import Diversity
from dcgan_mri.metrics.fid import Fid
from dcgan_mri.metrics.kid import Kid
from dcgan_mri.metrics.memorisation import Memorisation
from dcgan_mri.metrics.noise import Noise
from dcgan_mri.metrics.separation import Separation
from dcgan_mri.metrics.sharpness import Sharpness
from dcgan_mri.metrics.swd import Swd
from dcgan_mri.metrics.variety import Variety

MEASURES = (
    Cast(), Checkerboard(), Coverage(), Diversity(), Fid(), Kid(), Memorisation(), Noise(), Separation(), Sharpness(),
    Swd(), Variety())
