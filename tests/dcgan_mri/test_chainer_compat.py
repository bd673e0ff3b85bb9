"""Each mend of Chainer does what it says."""

import numpy as np

from dcgan_mri.chainer_compat import F, chainer
from tests.helpers import run_job


def test_import_leaves_no_warning():
    done = run_job("-W", "error::FutureWarning", "-c", "from dcgan_mri.chainer_compat import chainermn")
    assert (done.returncode, done.stderr) == (0, "")


def test_chainer_imported_first_is_refused():
    done = run_job("-c", "import sys; sys.modules['chainer'] = object(); import dcgan_mri.chainer_compat")
    assert done.returncode == 1
    assert "chainer was imported before dcgan_mri.chainer_compat" in done.stderr


def test_deconvolution_of_data_has_a_backward_pass():
    weight = chainer.Parameter(np.ones((2, 3, 4, 4), np.float32))
    y = F.deconvolution_2d(np.ones((1, 2, 5, 5), np.float32), weight, stride=2, pad=1)
    F.sum(y).backward()
    assert weight.grad.shape == weight.shape
    # Padding cuts the outermost row and column of the output: a corner of the kernel loses 9 of its 25 positions.
    assert weight.grad[0, 0].min() == 16
    assert weight.grad[0, 0].max() == 25
