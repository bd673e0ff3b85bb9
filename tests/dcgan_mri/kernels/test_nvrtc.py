"""Every kernel is compiled by NVIDIA's compiler for the GPUs of four generations; no driver is needed."""

import ctypes
import importlib.util
import pathlib

import pytest

from dcgan_mri.kernels import adam_cuda, normalization_cuda, philox_cuda
from tests.gpu_stand_in import loop
from tests.helpers import missing

ARCHITECTURES = ("sm_75", "sm_80", "sm_90", "sm_120")
ELEMENTWISE = [adam_cuda.ADAM, normalization_cuda.ACTIVATE, normalization_cuda.BEHIND,
               normalization_cuda.INPUT_GRADIENT]
SUMMING = [normalization_cuda.SUM, normalization_cuda.SUM_OF_SQUARES, normalization_cuda.SUM_OF_PRODUCTS]
SOURCES = {
    **{name: philox_cuda.source(name) for name in philox_cuda.OUTPUTS},
    **{name: loop(inputs, outputs, operation, "__global__") for inputs, outputs, operation, name in ELEMENTWISE},
    **{name: loop(inputs, "float32 y", f"y = {operation}", "__global__") for inputs, operation, name in SUMMING}}


@pytest.fixture(scope="module")
def nvrtc():
    spec = importlib.util.find_spec("nvidia")
    found = [path for folder in (spec.submodule_search_locations if spec else [])
             for path in pathlib.Path(folder).glob("cuda_nvrtc/lib/libnvrtc.so.*")]
    if not found:
        missing("NVIDIA's compiler is not installed; `pip install .[test-gpu]` brings it")
    return ctypes.CDLL(str(found[0]))


def test_there_is_nothing_else_to_compile():
    in_modules = {value for module in (adam_cuda, normalization_cuda) for value in vars(module).values()
                  if isinstance(value, tuple)}
    assert in_modules == {*ELEMENTWISE, *SUMMING}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("name", SOURCES)
def test_compiles(nvrtc, name, architecture):
    program = ctypes.c_void_p()
    assert nvrtc.nvrtcCreateProgram(ctypes.byref(program), SOURCES[name].encode(), b"kernel.cu", 0, None, None) == 0
    options = (ctypes.c_char_p * 1)(f"--gpu-architecture={architecture}".encode())
    status = nvrtc.nvrtcCompileProgram(program, 1, options)
    size = ctypes.c_size_t()
    nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    log = ctypes.create_string_buffer(size.value)
    nvrtc.nvrtcGetProgramLog(program, log)
    assert status == 0, log.value.decode()
    nvrtc.nvrtcGetCUBINSize(program, ctypes.byref(size))
    assert size.value > 1000
