"""cuDNN, the real one, has a plan for each shape of a step on GPUs that are not there."""

import importlib.util
import json
import pathlib
import subprocess

import pytest

from tests.helpers import missing, run_job

# What cuDNN's libraries ask of the driver's when they are loaded; without a GPU nothing calls it.
DRIVER = ("cuGetErrorString", "cuModuleGetFunction", "cuModuleLoadData", "cuModuleUnload", "cuTensorMapEncodeIm2col",
          "cuTensorMapEncodeTiled")


@pytest.fixture(scope="module")
def stub(tmp_path_factory):
    """Folder with a library that passes for the driver's."""
    if importlib.util.find_spec("cudnn") is None:
        missing("cuDNN's frontend is not installed; `pip install .[test-gpu]` brings it")
    folder = tmp_path_factory.mktemp("driver")
    (folder / "stub.c").write_text("".join(f"int {name}(void) {{ return 100; }}\n" for name in DRIVER))
    subprocess.run(["cc", "-shared", "-fPIC", "-Wl,-soname,libcuda.so.1", "-o", folder / "libcuda.so.1",
                    folder / "stub.c"], check=True)
    return folder


@pytest.mark.parametrize("gpu", ["sm_75", "sm_90"])
@pytest.mark.parametrize("preset", ["paper", "released", "improved"])
def test_there_is_a_plan_for_every_shape(stub, gpu, preset):
    script = pathlib.Path(__file__).with_name("plans_without_gpu.py")
    done = run_job(script, gpu, preset, LD_LIBRARY_PATH=str(stub), timeout=600)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["plans"] > 100
    assert not found["failed"]
