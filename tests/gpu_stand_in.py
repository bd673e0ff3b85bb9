"""A GPU for tests on machines without one: CUDA kernels run on the CPU, cuDNN's plans by Chainer's CPU functions.

`install` puts modules with the few names of CuPy and of cuDNN's frontend that this project uses in their places, over
NumPy arrays. What is checked so are the kernels' arithmetic and synchronisation, and what is handed to the libraries;
not speed, and nothing that only a driver does.
"""

import ctypes
import functools
import hashlib
import math
import pathlib
import re
import shutil
import subprocess
import tempfile
import types

import numpy as np
import pytest

SHIM = r"""
#include <math.h>
struct Index { unsigned int x, y, z; };
static Index threadIdx, blockIdx, blockDim, gridDim;
#define __global__
#define __device__ static inline
static inline void sincospif(float x, float* s, float* c) {
    *s = (float)sin(M_PI * (double)x);
    *c = (float)cos(M_PI * (double)x);
}
"""

LAUNCH = r"""
extern "C" void launch_NAME(Index blocks, Index threads, PARAMETERS) {
    gridDim = blocks;
    blockDim = threads;
    for (blockIdx.y = 0; blockIdx.y < blocks.y; ++blockIdx.y)
        for (blockIdx.x = 0; blockIdx.x < blocks.x; ++blockIdx.x) {
            for (unsigned int i = 0; i < threads.x; ++i) { threadIdx = {i, 0, 0}; NAME(ARGUMENTS); }
        }
}
"""

DECLARATION = re.compile(r'extern "C" __global__ void (\w+)\(([^)]*)\)\s*{(.*?)\n}', re.DOTALL)
_libraries = {}


class _Index(ctypes.Structure):
    _fields_ = [("x", ctypes.c_uint), ("y", ctypes.c_uint), ("z", ctypes.c_uint)]


class Array(np.ndarray):
    """A NumPy array with the pointer that a CuPy array has."""

    device = None

    @property
    def data(self):
        return types.SimpleNamespace(ptr=self.ctypes.data)

    def set(self, array):
        """Take values from the host."""
        self[...] = array

    def get(self, out=None, blocking=True):
        """Send values to the host, which may look at them when the stream has come so far, or waits for that here."""
        out = np.empty(self.shape, self.dtype) if out is None else out
        copy = functools.partial(np.copyto, out, self.copy())
        if blocking:
            copy()
        else:
            Stream.late.append(copy)
        return out


class Stream:
    """`cupy.cuda.Stream` that does everything at once, but for copies to the host, which wait to be waited for."""

    ptr = 77
    late = []

    def __init__(self, non_blocking=False):
        pass

    def record(self):
        late, Stream.late = Stream.late, []
        return Event(late)

    def wait_event(self, event):
        assert isinstance(event, Event)

    def synchronize(self):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass


Stream.null = Stream()


class Event:
    """`cupy.cuda.Event`: what was left to do when it was recorded."""

    def __init__(self, late):
        self.late = late

    def synchronize(self):
        for copy in self.late:
            copy()


class Replay:
    """A captured graph: launched, it computes anew, but kernels are given the numbers that the capture gave them.

    Args:
        compute (callable): Takes nothing; what it returns, a launch returns. The first launch is the capture.
    """

    playing = None

    def __init__(self, compute):
        self.compute = compute
        self.numbers = []
        self.is_captured = False

    def launch(self, stream=None):
        """Compute; Python's counts are made once more, too."""
        self._left = iter(self.numbers)
        Replay.playing = self
        try:
            return self.compute()
        finally:
            Replay.playing = None
            self.is_captured = True

    def given(self, name, arguments):
        """A kernel's arguments, with the numbers among them those of the capture."""
        if not self.is_captured:
            self.numbers.append((name, [None if isinstance(one, Array) else one for one in arguments]))
            return arguments
        captured, numbers = next(self._left)
        assert captured == name
        return [one if number is None else number for one, number in zip(arguments, numbers, strict=True)]


def _arguments(kernel, arguments):
    return Replay.playing.given(kernel.name, arguments) if Replay.playing else arguments


class ElementwiseKernel:
    """`cupy.ElementwiseKernel`, on the CPU."""

    def __init__(self, inputs, outputs, operation, name):
        self.name = name
        self.inputs, self.outputs = (_parameters(text) for text in (inputs, outputs))
        self.function = _compiled(SHIM + loop(inputs, outputs, operation)).loop

    def __call__(self, *arguments):
        arguments = _arguments(self, arguments)
        given = arguments[:len(self.inputs)]
        shape = np.broadcast_shapes(*(np.shape(one) for one, (*_, is_raw) in zip(given, self.inputs, strict=True)
                                      if not is_raw))
        out = list(arguments[len(self.inputs):]) or [np.empty(shape, NUMPY_TYPES[kind]).view(Array)
                                                     for kind, *_ in self.outputs]
        assert all(isinstance(one, Array) and one.flags.c_contiguous for one in out)
        _run_loop(self.function, _spread(given, self.inputs, shape) + out, out[0].size)
        return out[0]


class ReductionKernel:
    """`cupy.ReductionKernel` that sums, on the CPU."""

    def __init__(self, inputs, output, operation, reduce, post, identity, name):
        assert (output, reduce, post, identity) == ("float32 y", "a + b", "y = a", "0")
        self.inputs = _parameters(inputs)
        self.mapped = ElementwiseKernel(inputs, "float32 y", f"y = {operation}", name)

    def __call__(self, *arguments, axis):
        return self.mapped(*arguments).sum(axis=axis, dtype=np.float64).astype(np.float32).view(Array)


NUMPY_TYPES = {"float": np.float32, "bool": np.bool_}


def _parameters(text):
    """Type in C, name, and whether it is raw, of each parameter."""
    found = []
    for one in text.split(","):
        *raw, kind, name = one.split()
        found.append(({"float32": "float", "bool": "bool"}[kind], name, raw == ["raw"]))
    return found


def _spread(given, parameters, shape):
    """Each argument as an array of the kernel's shape; what is raw stays as it is."""
    arrays = []
    for one, (kind, name, is_raw) in zip(given, parameters, strict=True):
        assert isinstance(one, Array | bool | np.float32 | float), (name, type(one))
        assert not isinstance(one, Array) or one.dtype == NUMPY_TYPES[kind], (name, one.dtype)
        arrays.append(one if is_raw else np.ascontiguousarray(np.broadcast_to(one, shape), NUMPY_TYPES[kind]))
    return arrays


def loop(inputs, outputs, operation, qualifier=""):
    """The source of a function that does what an elementwise kernel does, on arrays of one shape.

    Args:
        inputs, outputs, operation (str): As `cupy.ElementwiseKernel` takes them.
        qualifier (str): What stands before the function.

    Returns:
        str: C++, or CUDA C with ``__global__``.
    """
    inputs, outputs = _parameters(inputs), _parameters(outputs)
    declared = ", ".join(f"{kind}* {name}{'' if is_raw else '_'}" for kind, name, is_raw in inputs + outputs)
    reads = "".join(f"const {kind} {name} = {name}_[i];" for kind, name, is_raw in inputs if not is_raw)
    refers = "".join(f"{kind}& {name} = {name}_[i];" for kind, name, _ in outputs)
    return (f'extern "C" {qualifier} void loop({declared}, long long n) '
            f"{{ for (long long i = 0; i < n; ++i) {{ {reads}{refers}{operation}; }} }}")


def _run_loop(function, arrays, n):
    function(*(ctypes.c_void_p(array.ctypes.data) for array in arrays), ctypes.c_longlong(n))


class RawKernel:
    """`cupy.RawKernel`, on the CPU."""

    def __init__(self, source, name):
        self.name = name
        declarations = {match[1]: match[2] for match in DECLARATION.finditer(source)}
        self.types = [" ".join(one.split()[:-1]) for one in declarations[name].split(",")]
        self.function = getattr(_library(source), f"launch_{name}")

    def __call__(self, blocks, threads, arguments):
        blocks, threads, *arguments = _arguments(self, (blocks, threads, *arguments))
        assert len(arguments) == len(self.types), (len(arguments), self.types)
        given = [_argument(*pair) for pair in zip(self.types, arguments, strict=True)]
        self.function(_Index(*blocks, *[1] * (3 - len(blocks))), _Index(*threads, *[1] * (3 - len(threads))), *given)


C_TYPES = {"float": (np.float32, ctypes.c_float), "long long": (np.int64, ctypes.c_longlong),
           "unsigned int": (np.uint32, ctypes.c_uint)}
ARRAY_TYPES = {"float*": np.float32, "bool*": np.bool_, "long long*": np.int64,
               "unsigned int*": np.uint32}


def _argument(declared, given):
    """What goes to a parameter, if it is what CUDA would take there."""
    declared = declared.replace("const ", "")
    if not declared.endswith("*"):
        numpy_type, c_type = C_TYPES[declared]
        assert type(given) is numpy_type, (declared, type(given))
        return c_type(given.item())
    if type(given) is np.uintp:
        assert given == 0
        return ctypes.c_void_p(None)
    assert isinstance(given, Array), (declared, type(given))
    assert given.dtype == ARRAY_TYPES[declared], (declared, given.dtype)
    assert given.flags.c_contiguous, declared
    return ctypes.c_void_p(given.ctypes.data)


def _library(source):
    launches = []
    for name, parameters, _ in DECLARATION.findall(source):
        names = ", ".join(one.split()[-1].lstrip("*") for one in parameters.split(","))
        launches.append(LAUNCH.replace("NAME", name).replace("PARAMETERS", parameters).replace("ARGUMENTS", names))
    return _compiled(SHIM + source + "".join(launches))


def _compiled(source):
    if source not in _libraries:
        folder = pathlib.Path(tempfile.mkdtemp(prefix="dcgan_mri_kernels_"))
        file = folder / f"{hashlib.sha1(source.encode()).hexdigest()}.cpp"
        file.write_text(source)
        library = file.with_suffix(".so")
        subprocess.run(["g++", "-std=c++17", "-O1", "-shared", "-fPIC", "-o", library, file], check=True)
        _libraries[source] = ctypes.CDLL(str(library))
        shutil.rmtree(folder)
    return _libraries[source]


def _viewing(function):
    """A NumPy function whose result has a pointer."""
    return lambda *args, **kwargs: np.asanyarray(function(*args, **kwargs)).view(Array)


def _cupy():
    module = types.ModuleType("cupy")
    for name in ("array", "asarray", "ascontiguousarray", "broadcast_to", "empty", "empty_like", "full", "stack"):
        setattr(module, name, _viewing(getattr(np, name)))
    module.ndarray = Array
    module.RawKernel, module.ElementwiseKernel, module.ReductionKernel = RawKernel, ElementwiseKernel, ReductionKernel
    module.cuda = types.SimpleNamespace(
        runtime=types.SimpleNamespace(getDevice=lambda: 0, getDeviceCount=lambda: 1), Stream=Stream,
        Device=lambda: types.SimpleNamespace(compute_capability="90"), get_current_stream=lambda: Stream.null)
    return module


def _cupyx():
    module = types.ModuleType("cupyx")
    module.empty_pinned = np.empty
    return module


class _Tensor:
    def __init__(self, **kwargs):
        self.__dict__.update(kwargs)

    def _set(self, name, value):
        setattr(self, name, value)
        return self

    def set_output(self, value):
        return self._set("output", value)

    def set_uid(self, value):
        return self._set("uid", value)

    def set_data_type(self, value):
        return self._set("data_type", value)

    def set_dim(self, value):
        return self._set("dim", value)

    def set_stride(self, value):
        return self._set("stride", value)


class _Graph:
    """`cudnn.pygraph` with one convolution."""

    def __init__(self, module, **kwargs):
        self.module, self.options, self.tensors, self.steps, self.deselected = module, kwargs, {}, [], []
        module.graphs.append(self)

    def tensor(self, **kwargs):
        self.tensors[kwargs["uid"]] = _Tensor(**kwargs)
        return self.tensors[kwargs["uid"]]

    def _convolution(self, kind, a, b, geometry):
        assert (a.uid, b.uid) == (1, 2)
        self.kind, self.geometry = kind, geometry
        self.result = _Tensor()
        return self.result

    def conv_fprop(self, image, weight, **geometry):
        return self._convolution("fprop", image, weight, geometry)

    def conv_dgrad(self, loss, filter, **geometry):  # noqa: A002  (cuDNN's name)
        return self._convolution("dgrad", loss, filter, geometry)

    def conv_wgrad(self, image, loss, **geometry):
        return self._convolution("wgrad", image, loss, geometry)

    def deselect_numeric_notes(self, notes):
        assert self.steps[-1] == "create_execution_plans"
        self.deselected = notes

    def validate(self):
        self.steps.append("validate")

    def build_operation_graph(self):
        self.steps.append("build_operation_graph")

    def create_execution_plans(self, modes):
        self.steps.append("create_execution_plans")

    def check_support(self):
        self.steps.append("check_support")
        if self.module.supports_nothing:
            raise self.module.cudnnGraphNotSupportedError("No valid execution plans built.")

    def build_plans(self):
        self.steps.append("build_plans")

    def get_workspace_size(self):
        return 12

    def execute(self, pointers, workspace, handle):
        assert (self.module.stream, handle) == (77, "handle")
        arrays = []
        for uid, tensor in ((1, self.tensors[1]), (2, self.tensors[2]), (3, self.result)):
            assert tensor.stride == [math.prod(tensor.dim[i + 1:]) for i in range(4)]
            storage = {"FLOAT": np.float32, "HALF": np.float16}[tensor.data_type]
            n_bytes = math.prod(tensor.dim) * np.dtype(storage).itemsize
            raw = (ctypes.c_char * n_bytes).from_address(pointers[uid])
            arrays.append(np.frombuffer(raw, storage).reshape(tensor.dim))
        a, b, out = arrays
        if self.module.fails_to_run:
            raise RuntimeError("CUDNN_STATUS_EXECUTION_FAILED")
        a, b = a.astype(np.float32), b.astype(np.float32)
        out[...] = _convolve(self.kind, a, b, tuple(self.result.dim), self.geometry)


def _convolve(kind, a, b, out_shape, geometry):
    """What cuDNN is asked for, by Chainer on the CPU."""
    from dcgan_mri.chainer_compat import F, chainer
    from dcgan_mri.kernels import backends

    (pad, _), (stride, _) = geometry["padding"], geometry["stride"]
    with backends.using("plain"), chainer.force_backprop_mode():
        if kind == "fprop":
            return F.convolution_2d(a, b, None, stride, pad).array
        if kind == "dgrad":
            return F.deconvolution_2d(a, b, None, stride, pad, outsize=out_shape[2:]).array
        weights = chainer.Variable(np.zeros(out_shape, np.float32))
        y = F.convolution_2d(a, weights, None, stride, pad)
        y.grad = b
        y.backward()
        return weights.grad


def _cudnn():
    module = types.ModuleType("cudnn")
    module.graphs, module.version, module.stream = [], 91000, None
    module.supports_nothing = module.fails_to_run = False
    module.cudnnGraphNotSupportedError = type("cudnnGraphNotSupportedError", (Exception,), {})
    module.backend_version = lambda: module.version
    module.create_handle = lambda: "handle"
    module.pygraph = lambda **kwargs: _Graph(module, **kwargs)
    module.data_type = types.SimpleNamespace(FLOAT="FLOAT", HALF="HALF")
    module.heur_mode = types.SimpleNamespace(A="A", FALLBACK="FALLBACK")
    module.numerical_note = types.SimpleNamespace(
        TENSOR_CORE="TENSOR_CORE", DOWN_CONVERT_INPUTS="DOWN_CONVERT_INPUTS", NONDETERMINISTIC="NONDETERMINISTIC")

    def set_stream(handle, stream):
        module.stream = stream

    module.set_stream = set_stream
    return module


def install(monkeypatch):
    """Put the stand-ins in place for a test, with nothing cached from before.

    Args:
        monkeypatch (pytest.MonkeyPatch): The test's.

    Returns:
        tuple: The modules that pass for ``cupy`` and ``cudnn``.
    """
    if shutil.which("g++") is None:
        pytest.skip("no g++ on this machine, which compiles CUDA kernels for the CPU")
    import sys

    from dcgan_mri.kernels import convolution_cuda, cuda

    cupy, cudnn = _cupy(), _cudnn()
    for name, module in (("cupy", cupy), ("cupyx", _cupyx()), ("cudnn", cudnn)):
        monkeypatch.setitem(sys.modules, name, module)
    for module, name in ((convolution_cuda, "_plans"), (convolution_cuda, "_handles"), (cuda, "_made")):
        monkeypatch.setattr(module, name, {})
    return cupy, cudnn


def on_device(array):
    """An array as the stand-in for CuPy has it.

    Args:
        array (numpy.ndarray): Anything.

    Returns:
        Array: A contiguous copy.
    """
    return np.array(array, order="C").view(Array)


def pass_for_cuda(monkeypatch):
    """Have Chainer's functions take the stand-in's arrays for those of a GPU; to be called after `install`.

    Args:
        monkeypatch (pytest.MonkeyPatch): The test's.
    """
    import sys

    from dcgan_mri.chainer_compat import chainer

    monkeypatch.setattr(chainer.backends.cuda, "cupy", sys.modules["cupy"])
    monkeypatch.setattr(chainer.backends.cuda, "ndarray", Array)

    def update_core(self, param):
        self.state.update({name: value.view(Array) for name, value in self.state.items()})
        param.grad = np.ascontiguousarray(param.grad).view(Array)
        self.update_core_gpu(param)

    monkeypatch.setattr(chainer.optimizers.adam.AdamRule, "update_core", update_core)
    # What Chainer makes by itself, such as a scale of ones, is of NumPy here.
    monkeypatch.setattr(chainer, "is_arrays_compatible", lambda arrays: True)
    functions = chainer.functions.activation
    for module in (functions.relu, functions.leaky_relu, functions.sigmoid, functions.tanh):
        for name in dir(module):
            kind = getattr(module, name)
            if isinstance(kind, type) and issubclass(kind, chainer.FunctionNode) and hasattr(kind, "forward_cpu"):
                monkeypatch.setattr(kind, "forward_gpu", kind.forward_cpu)


def to_stand_in(link):
    """Send a network to the stand-in.

    Args:
        link (chainer.Link): Changed.

    Returns:
        chainer.Link: The same.
    """
    for one in link.links():
        for param in one.params(include_uninit=False):
            param.array = on_device(param.array)
        for name in one._persistent:
            if isinstance(getattr(one, name), np.ndarray):
                setattr(one, name, on_device(getattr(one, name)))
    return link
