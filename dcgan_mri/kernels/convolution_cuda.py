"""Convolution, its transpose and its weight gradient on a GPU by cuDNN 9, through NVIDIA's `nvidia-cudnn-frontend`.

CuPy 14 has no binding to cuDNN, and Chainer without one falls back to columns and matrix products, which move each
image k² times. Here every shape gets a plan from cuDNN's heuristics when it is first seen. Arrays are float32 outside;
what the products are computed in is the precision:

tf32     products of 10 bits of mantissa, summed in float32, on tensor cores: what PyTorch's convolutions do
float32  float32 throughout; on GPUs before compute capability 8.0, which have no TF32, also where tf32 is asked for
fp16     arrays are rounded to 16 bits and back, sums are float32; weights and moments stay float32 outside

For a shape that cuDNN has no plan for, or whose plan fails when it is first run, a function returns None, with a line
in the log: Chainer's code takes over.
"""

import logging
import math

import numpy as np

from dcgan_mri.chainer_compat import chainer

PRECISIONS = ("tf32", "float32", "fp16")
OLDEST_CUDNN = 90000
FIRST_WITH_TF32 = 80

_log = logging.getLogger(__name__)
_state = {"precision": "tf32"}
# What a convolution is, and its plan; None where there is none, or where it failed when it was first run.
_plans = {}
_handles = {}


def computed_in():
    """str: What convolutions are computed in on the current GPU."""
    import cupy

    has_tf32 = int(cupy.cuda.Device().compute_capability) >= FIRST_WITH_TF32
    return "float32" if _state["precision"] == "tf32" and not has_tf32 else _state["precision"]


def use_precision(precision):
    """Choose what convolutions are computed in, for this process.

    Args:
        precision (str): One of `PRECISIONS`.
    """
    _state["precision"] = precision


def why_not():
    """Whether cuDNN can be used by this process.

    Returns:
        str: What is missing, and what to do; None if nothing is.
    """
    try:
        import cudnn
    except ImportError as error:
        return f"nvidia-cudnn-frontend cannot be imported ({error}); `pip install .[gpu]` installs it"
    try:
        version = cudnn.backend_version()
        if version < OLDEST_CUDNN:
            return f"cuDNN {version} is older than 9; `pip install .[gpu]` installs one"
        _handle(_device())
    except Exception as error:  # the frontend raises RuntimeError, CuPy types of its own
        return f"cuDNN cannot be started ({' '.join(str(error).split())[:200]})"
    return None


def convolution(x, weights, bias, stride, pad, out_size):
    """Convolve; arguments and result as for `dcgan_mri.kernels.convolution_cpu.convolution`, on a GPU.

    Returns:
        cupy.ndarray: float32 of shape (B, C_out, H_out, W_out); None if cuDNN has no plan.
    """
    return _biased(_compute("fprop", x, weights, (len(x), len(weights), *out_size), stride, pad), bias)


def transposed_convolution(x, weights, bias, stride, pad, out_size):
    """Convolve the other way round; as `dcgan_mri.kernels.convolution_cpu.transposed_convolution`, on a GPU.

    Returns:
        cupy.ndarray: float32 of shape (B, C_out, H_out, W_out); None if cuDNN has no plan.
    """
    return _biased(_compute("dgrad", x, weights, (len(x), weights.shape[1], *out_size), stride, pad), bias)


def weight_gradient(x, gy, shape, stride, pad):
    """The gradient of the weights; as `dcgan_mri.kernels.convolution_cpu.weight_gradient`, on a GPU.

    Returns:
        cupy.ndarray: float32 of that shape; None if cuDNN has no plan.
    """
    return _compute("wgrad", x, gy, tuple(shape), stride, pad)


def product(a, b, kind):
    """Products of matrices as convolutions of 1×1, in float32.

    CuPy refuses to call cuBLAS while a CUDA graph is captured; cuDNN it does not see.

    Args:
        a, b (cupy.ndarray): float32 matrices; for ``fprop`` of shapes (B, N) and (M, N), giving a bᵀ; for ``dgrad``
            (B, M) and (M, N), giving a b; for ``wgrad`` (B, N) and (B, M), giving bᵀ a.
        kind (str): Which.

    Returns:
        cupy.ndarray: float32, contiguous; None if cuDNN has no plan.
    """
    shape = {"fprop": (len(a), len(b)), "dgrad": (len(a), b.shape[1]), "wgrad": (b.shape[1], a.shape[1])}[kind]
    y = _compute(kind, a[:, :, None, None], b[:, :, None, None], (*shape, 1, 1), 1, 0, "float32")
    return None if y is None else y.reshape(shape)


def _biased(y, bias):
    if y is not None and bias is not None:
        y += bias[:, None, None]
    return y


def _compute(kind, a, b, out_shape, stride, pad, precision=None):
    import cupy

    precision = precision or _state["precision"]
    deterministic = bool(chainer.config.cudnn_deterministic)
    storage = np.float16 if precision == "fp16" else np.float32
    a, b = (cupy.ascontiguousarray(one, storage) for one in (a, b))
    key = (kind, a.shape, b.shape, tuple(out_shape), stride, pad, precision, deterministic, _device())
    if key in _plans and _plans[key] is None:
        return None
    try:
        if key not in _plans:
            _plans[key] = Plan(*key[:-1], {"handle": _handle(key[-1])})
        return _plans[key](a, b, cupy.empty(out_shape, storage)).astype(np.float32, copy=False)
    except Exception as error:  # cudnn.cudnnGraphNotSupportedError is no RuntimeError
        if _plans.get(key) is not None and _plans[key].has_run:
            raise
        _plans[key] = None
        _log.warning("cuDNN has no plan for %s of %s and %s in %s (%s): Chainer's own code computes it",
                     kind, a.shape, b.shape, precision, " ".join(str(error).split())[:200])
        return None


class Plan:
    """A convolution of one shape as cuDNN is to compute it.

    Args:
        kind (str): ``fprop`` (convolution), ``dgrad`` (its transpose) or ``wgrad`` (gradient of its weights).
        a_shape, b_shape, out_shape (tuple of int): Of image and weights, for ``wgrad`` of image and gradient, and of
            the result.
        stride, pad (int): In pixels.
        precision (str): One of `PRECISIONS`.
        deterministic (bool): Whether to leave out algorithms whose sums depend on the order of threads.
        place (dict): Keyword arguments of `cudnn.pygraph` that say what it is for: a ``handle``, or, to make plans
            without a GPU, a ``device_property``.

    Raises:
        RuntimeError: If cuDNN does not support it.
    """

    def __init__(self, kind, a_shape, b_shape, out_shape, stride, pad, precision, deterministic, place):
        import cudnn

        data_type = cudnn.data_type.HALF if precision == "fp16" else cudnn.data_type.FLOAT
        single = cudnn.data_type.FLOAT
        graph = cudnn.pygraph(io_data_type=data_type, intermediate_data_type=single, compute_data_type=single, **place)
        a = graph.tensor(name="a", uid=1, dim=list(a_shape), stride=_strides(a_shape), data_type=data_type)
        b = graph.tensor(name="b", uid=2, dim=list(b_shape), stride=_strides(b_shape), data_type=data_type)
        geometry = {"padding": [pad, pad], "stride": [stride, stride], "dilation": [1, 1]}
        if kind == "fprop":
            y = graph.conv_fprop(image=a, weight=b, **geometry)
        elif kind == "dgrad":
            y = graph.conv_dgrad(loss=a, filter=b, **geometry)
        else:
            y = graph.conv_wgrad(image=a, loss=b, **geometry)
        # Left to itself, cuDNN takes channels last for the output of a convolution.
        y.set_output(True).set_uid(3).set_data_type(data_type).set_dim(list(out_shape)).set_stride(_strides(out_shape))
        graph.validate()
        graph.build_operation_graph()
        graph.create_execution_plans([cudnn.heur_mode.A, cudnn.heur_mode.FALLBACK])
        unwanted = _unwanted_notes(cudnn.numerical_note, precision, deterministic)
        if unwanted:
            graph.deselect_numeric_notes(unwanted)
        graph.check_support()
        graph.build_plans()
        self.graph, self.handle = graph, place.get("handle")
        self.workspace = graph.get_workspace_size()
        self.has_run = False

    def __call__(self, a, b, out):
        """Compute on the current stream.

        Args:
            a, b, out (cupy.ndarray): Contiguous, of the plan's shapes and type; out is overwritten.

        Returns:
            cupy.ndarray: out.
        """
        import cudnn
        import cupy

        workspace = cupy.empty(max(1, self.workspace), np.uint8)
        cudnn.set_stream(handle=self.handle, stream=cupy.cuda.get_current_stream().ptr)
        pointers = {uid: array.data.ptr for uid, array in ((1, a), (2, b), (3, out))}
        self.graph.execute(pointers, workspace.data.ptr, handle=self.handle)
        self.has_run = True
        return out


def _unwanted_notes(notes, precision, deterministic):
    """What cuDNN's algorithms may not do."""
    unwanted = []
    if precision in ("float32", "tf32"):
        unwanted.append(notes.DOWN_CONVERT_INPUTS)
    if precision == "float32":
        unwanted.append(notes.TENSOR_CORE)
    if deterministic:
        unwanted.append(notes.NONDETERMINISTIC)
    return unwanted


def _strides(shape):
    """Of a contiguous array, in values."""
    return [math.prod(shape[i + 1:]) for i in range(len(shape))]


def _device():
    import cupy

    return cupy.cuda.runtime.getDevice()


def _handle(device):
    """cuDNN's handle of this process for a GPU."""
    import cudnn

    if device not in _handles:
        _handles[device] = cudnn.create_handle()
    return _handles[device]
