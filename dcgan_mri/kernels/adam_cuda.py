"""Adam with weight decay on a GPU, in one kernel for each parameter.

The size of a step comes from device memory: Chainer passes it as a number, which a captured CUDA graph would repeat for
ever, and it depends on how many steps there were.
"""

import numpy as np

from dcgan_mri.kernels.cuda import for_each

SOURCE = r"""
extern "C" __global__ void adam(
        float* param, const float* grad, float* m, float* v, const float* step_size, float rest1, float rest2,
        float eps, float decay, long long n) {
    const float rate = step_size[0];
    const long long stride = (long long)gridDim.x * blockDim.x;
    for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += stride) {
        const float p = param[i], g = grad[i] + decay * p;
        const float first = m[i] + rest1 * (g - m[i]), second = v[i] + rest2 * (g * g - v[i]);
        m[i] = first;
        v[i] = second;
        param[i] = p - rate * first / (sqrtf(second) + eps);
    }
}
"""


def step(param, grad, m, v, step_size, rest1, rest2, eps, decay):
    """One step of Adam (Kingma and Ba 2015) with weight decay in the gradient; as `elementwise.adam` on a CPU.

    Args:
        param, m, v (cupy.ndarray): Parameters and both moments, float32, contiguous, of one shape; updated.
        grad (cupy.ndarray): Gradient, float32, contiguous, of that shape.
        step_size (cupy.ndarray): Corrected for the moments' bias, float32 of shape (1,).
        rest1, rest2 (float): 1 - β1 and 1 - β2.
        eps (float): Added to the root.
        decay (float): Factor of the weight decay.
    """
    numbers = [np.float32(number) for number in (rest1, rest2, eps, decay)]
    for_each(SOURCE, "adam", param.size, param, grad, m, v, step_size, *numbers, np.int64(param.size))
