"""Adam's CUDA kernel against the CPU's: by the stand-in, and on a GPU where there is one."""

import numpy as np
import pytest

from dcgan_mri.kernels import adam_cuda, elementwise
from tests import gpu_stand_in


@pytest.mark.parametrize("device", ["stand-in", pytest.param("gpu", marks=pytest.mark.gpu)])
def test_the_same_as_on_a_cpu(monkeypatch, device):
    if device == "stand-in":
        gpu_stand_in.install(monkeypatch)
        send = gpu_stand_in.on_device
    else:
        import cupy

        send = cupy.asarray
    rng = np.random.default_rng(0)
    on_cpu = [rng.normal(size=3001).astype(np.float32) for _ in range(4)]
    on_cpu[3] = np.abs(on_cpu[3])
    param, grad, m, v = map(send, on_cpu)
    rate, numbers = 0.0123, (0.5, 0.001, 1e-8, 0.1)
    elementwise.adam(*on_cpu, np.float32(rate), *map(np.float32, numbers))
    adam_cuda.step(param, grad, m, v, send(np.float32([rate])), *numbers)
    for one, other in zip((param, grad, m, v), on_cpu, strict=True):
        np.testing.assert_allclose(one.get() if device == "gpu" else one, other, rtol=1e-5, atol=1e-7)
