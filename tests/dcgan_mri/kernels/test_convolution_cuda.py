"""Convolutions by cuDNN: what it is asked for, with a stand-in that computes; on a GPU the real thing."""

import types

import numpy as np
import pytest

from dcgan_mri.chainer_compat import chainer
from dcgan_mri.kernels import convolution_cpu, convolution_cuda
from tests import gpu_stand_in
from tests.gpu_stand_in import on_device

# Samples, channels in and out, side, kernel, stride, pad.
CASES = [(2, 3, 5, 8, 4, 2, 1), (1, 4, 3, 7, 3, 1, 1), (3, 2, 2, 9, 3, 2, 0)]
TOLERANCE = {"tf32": 2e-3, "float32": 1e-5, "fp16": 2e-3}


@pytest.fixture
def modules(monkeypatch):
    monkeypatch.setitem(convolution_cuda._state, "precision", "tf32")
    return gpu_stand_in.install(monkeypatch)


def make(case):
    """An input, weights, a bias, a gradient of the output, and stride and pad."""
    n, n_in, n_out, size, kernel, stride, pad = case
    out = (size + 2 * pad - kernel) // stride + 1
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=shape).astype(np.float32) for shape in
              ((n, n_in, size, size), (n_out, n_in, kernel, kernel), (n_out,), (n, n_out, out, out))]
    return *arrays, stride, pad


def close(one, other, tolerance):
    assert one.dtype == np.float32
    assert one.shape == other.shape
    assert np.linalg.norm(one - other) <= tolerance * np.linalg.norm(other)


def all_three(x, weights, bias, gy, stride, pad, send, receive):
    """Both codes' results: of convolution, of its transpose with its bias, and of its weight gradient."""
    there = [send(one) for one in (x, weights, bias, gy)]
    bias_in = np.ones(x.shape[1], np.float32)
    size = x.shape[2:]
    yield (receive(convolution_cuda.convolution(*there[:3], stride, pad, gy.shape[2:])),
           convolution_cpu.convolution(x, weights, bias, stride, pad, gy.shape[2:]))
    yield (receive(convolution_cuda.transposed_convolution(there[3], there[1], send(bias_in), stride, pad, size)),
           convolution_cpu.transposed_convolution(gy, weights, bias_in, stride, pad, size))
    yield (receive(convolution_cuda.weight_gradient(there[0], there[3], weights.shape, stride, pad)),
           convolution_cpu.weight_gradient(x, gy, weights.shape, stride, pad))


@pytest.mark.parametrize("precision", convolution_cuda.PRECISIONS)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_same_as_on_a_cpu(modules, case, precision):
    convolution_cuda.use_precision(precision)
    for got, expected in all_three(*make(case), on_device, np.asarray):
        close(got, expected, TOLERANCE[precision])
    data_type = "HALF" if precision == "fp16" else "FLOAT"
    for graph in modules[1].graphs:
        assert graph.options == {"io_data_type": data_type, "intermediate_data_type": "FLOAT",
                                 "compute_data_type": "FLOAT", "handle": "handle"}


def test_a_plan_for_each_shape_and_no_more(modules):
    x, weights, bias, gy, stride, pad = make(CASES[0])
    for _ in range(3):
        convolution_cuda.convolution(on_device(x), on_device(weights), None, stride, pad, gy.shape[2:])
    convolution_cuda.convolution(on_device(x[:1]), on_device(weights), None, stride, pad, gy.shape[2:])
    assert [graph.tensors[1].dim[0] for graph in modules[1].graphs] == [2, 1]
    assert modules[1].graphs[0].steps == [
        "validate", "build_operation_graph", "create_execution_plans", "check_support", "build_plans"]


@pytest.mark.parametrize(("precision", "deterministic", "notes"), [
    ("tf32", False, {"DOWN_CONVERT_INPUTS"}), ("float32", False, {"DOWN_CONVERT_INPUTS", "TENSOR_CORE"}),
    ("fp16", False, set()), ("tf32", True, {"DOWN_CONVERT_INPUTS", "NONDETERMINISTIC"})])
def test_what_cudnn_may_not_do(modules, precision, deterministic, notes):
    x, weights, _, gy, stride, pad = make(CASES[0])
    convolution_cuda.use_precision(precision)
    with chainer.using_config("cudnn_deterministic", deterministic):
        convolution_cuda.convolution(on_device(x), on_device(weights), None, stride, pad, gy.shape[2:])
    assert set(modules[1].graphs[0].deselected) == notes


@pytest.mark.parametrize("fault", ["supports_nothing", "fails_to_run"])
def test_without_a_plan_there_is_no_result_and_one_line_in_the_log(modules, caplog, fault):
    x, weights, bias, gy, stride, pad = make(CASES[0])
    setattr(modules[1], fault, True)
    there = [on_device(one) for one in (x, weights, bias)]
    for _ in range(2):
        assert convolution_cuda.convolution(*there, stride, pad, gy.shape[2:]) is None
    assert len(caplog.records) == 1
    assert "no plan for fprop of (2, 3, 8, 8)" in caplog.text


def test_a_plan_that_has_run_before_and_fails_is_an_error(modules):
    x, weights, bias, gy, stride, pad = make(CASES[0])
    there = [on_device(one) for one in (x, weights, bias)]
    convolution_cuda.convolution(*there, stride, pad, gy.shape[2:])
    modules[1].fails_to_run = True
    with pytest.raises(RuntimeError, match="EXECUTION_FAILED"):
        convolution_cuda.convolution(*there, stride, pad, gy.shape[2:])


@pytest.mark.parametrize(("capability", "precision", "expected"), [
    ("75", "tf32", "float32"), ("75", "fp16", "fp16"), ("80", "tf32", "tf32"), ("120", "tf32", "tf32")])
def test_the_log_says_what_is_computed(modules, capability, precision, expected):
    modules[0].cuda.Device = lambda: types.SimpleNamespace(compute_capability=capability)
    convolution_cuda.use_precision(precision)
    assert convolution_cuda.computed_in() == expected


def test_products_of_matrices(modules):
    rng = np.random.default_rng(0)
    x, weights, gy = (rng.normal(size=shape).astype(np.float32) for shape in ((4, 7), (5, 7), (4, 5)))
    there = [on_device(one) for one in (x, weights, gy)]
    close(convolution_cuda.product(there[0], there[1], "fprop"), x @ weights.T, 1e-5)
    close(convolution_cuda.product(there[2], there[1], "dgrad"), gy @ weights, 1e-5)
    close(convolution_cuda.product(there[0], there[2], "wgrad"), gy.T @ x, 1e-5)
    # In float32 whatever the convolutions are in.
    assert all("TENSOR_CORE" in graph.deselected for graph in modules[1].graphs)


def test_why_not(modules, monkeypatch):
    assert convolution_cuda.why_not() is None
    modules[1].version = 8900
    assert "older than 9" in convolution_cuda.why_not()
    modules[1].version = 91000
    convolution_cuda._handles.clear()

    def fail():
        raise RuntimeError("cudnnHandle Create failed")

    modules[1].create_handle = fail
    assert "cannot be started (cudnnHandle Create failed)" in convolution_cuda.why_not()
    import sys

    monkeypatch.setitem(sys.modules, "cudnn", None)
    assert "pip install .[gpu]" in convolution_cuda.why_not()


@pytest.mark.gpu
@pytest.mark.parametrize("precision", convolution_cuda.PRECISIONS)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_on_the_gpu(case, precision, monkeypatch):
    import cupy

    if convolution_cuda.why_not():
        pytest.skip(convolution_cuda.why_not())
    monkeypatch.setitem(convolution_cuda._state, "precision", precision)
    for got, expected in all_three(*make(case), cupy.asarray, cupy.asnumpy):
        close(got, expected, TOLERANCE[precision])
