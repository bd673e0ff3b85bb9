"""Chainer 7.8.1 on NumPy 2, Python 3.12+ and CuPy 14: import Chainer from here, never directly.

Chainer's last release is older than these. Each fix below names what breaks, and since when; there is one for each
thing that this project touches, and none for the rest of Chainer.

    from dcgan_mri.chainer_compat import F, L, chainer, chainermn
"""

import importlib
import os
import sys
import types

import numpy as np

if "chainer" in sys.modules and not hasattr(sys.modules["chainer"], "_mended_by_dcgan_mri"):
    raise ImportError("chainer was imported before dcgan_mri.chainer_compat; import it from there instead")


def _skip_environment_check():
    """Its check imports numpy.distutils (gone with Python 3.12) and pkg_resources (gone with setuptools 82)."""
    stub = types.ModuleType("chainer._environment_check")
    stub.check = lambda: None
    sys.modules["chainer._environment_check"] = stub


def _restore_sctypes():
    """F.as_strided lists NumPy's scalar types by `numpy.sctypes` when it is imported (gone with NumPy 2.0)."""
    if not hasattr(np, "sctypes"):
        np.sctypes = {
            "int": [np.int8, np.int16, np.int32, np.int64],
            "uint": [np.uint8, np.uint16, np.uint32, np.uint64],
            "float": [np.float16, np.float32, np.float64],
            "complex": [np.complex64, np.complex128],
            "others": [bool, object, bytes, str, np.void],
        }


def _mend_deconvolution_backward(deconvolution_2d):
    """On CPU, the backward pass of a deconvolution whose input needs no gradient fails: arrays pass for shapes."""
    function = deconvolution_2d.Deconvolution2DFunction
    original = function._set_cover_all

    def set_cover_all(self, x_shape, w_shape):
        return original(self, getattr(x_shape, "shape", x_shape), getattr(w_shape, "shape", w_shape))

    function._set_cover_all = set_cover_all


def _mend_half_kernels(cuda):
    """ChainerMN's packing kernels use `half`, whose header CuPy 14 no longer includes by itself."""
    original = cuda.raw

    def raw(code, name, *args, **kwargs):
        return original("#include <cuda_fp16.h>\n" + code, name, *args, **kwargs)

    cuda.raw = raw


_skip_environment_check()
_restore_sctypes()
# CuPy 14 has no cuDNN binding. Chainer falls back to im2col + GEMM by itself; this only spares the user its warning.
os.environ.setdefault("CHAINER_CUDNN", "0")

import chainer
import chainer.functions as F
import chainer.links as L
import chainermn

if not hasattr(chainer, "_mended_by_dcgan_mri"):
    _mend_deconvolution_backward(importlib.import_module("chainer.functions.connection.deconvolution_2d"))
    if chainer.backends.cuda.available:
        _mend_half_kernels(chainer.backends.cuda)
    # ChainerMN marks its links as experimental, with a warning; nothing about them will change any more.
    chainer.disable_experimental_feature_warning = True
    chainer._mended_by_dcgan_mri = True

__all__ = ["F", "L", "chainer", "chainermn"]
