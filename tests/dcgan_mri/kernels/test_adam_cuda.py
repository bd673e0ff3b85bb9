"""Adam's CUDA kernel against the CPU's, on the CPU."""

import numpy as np

from dcgan_mri.kernels import adam_cuda, elementwise
from tests import gpu_stand_in
from tests.gpu_stand_in import on_device


def test_the_same_as_on_a_cpu(monkeypatch):
    gpu_stand_in.install(monkeypatch)
    rng = np.random.default_rng(0)
    on_cpu = [rng.normal(size=3001).astype(np.float32) for _ in range(4)]
    on_cpu[3] = np.abs(on_cpu[3])
    there = [on_device(one) for one in on_cpu]
    rate, numbers = 0.0123, (0.5, 0.001, 1e-8, 0.1)
    elementwise.adam(*on_cpu, np.float32(rate), *map(np.float32, numbers))
    adam_cuda.step(*there, on_device(np.float32([rate])), *numbers)
    for one, other in zip(there, on_cpu, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)
