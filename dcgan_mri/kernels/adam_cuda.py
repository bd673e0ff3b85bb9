"""Adam with weight decay on a GPU: it buys one pass over parameters, gradients and moments in place of two.

The size of a step comes from device memory: Chainer passes it as a number, which a captured CUDA graph would repeat for
ever, and it depends on how many steps there were.
"""

import numpy as np

from dcgan_mri.kernels.cuda import elementwise

ADAM = ("float32 grad, raw float32 step_size, float32 rest1, float32 rest2, float32 eps, float32 decay",
        "float32 param, float32 m, float32 v",
        """const float g = grad + decay * param;
        m += rest1 * (g - m);
        v += rest2 * (g * g - v);
        param -= step_size[0] * m / (sqrtf(v) + eps)""", "adam")


def step(param, grad, m, v, step_size, rest1, rest2, eps, decay):
    """One step of Adam (Kingma and Ba 2015) with weight decay in the gradient; as `elementwise.adam` on a CPU.

    Args:
        param, m, v (cupy.ndarray): Parameters and both moments, float32 of one shape; updated.
        grad (cupy.ndarray): Gradient, float32 of that shape.
        step_size (cupy.ndarray): Corrected for the moments' bias, float32 of shape (1,).
        rest1, rest2 (float): 1 - β1 and 1 - β2.
        eps (float): Added to the root.
        decay (float): Factor of the weight decay.
    """
    numbers = [np.float32(number) for number in (rest1, rest2, eps, decay)]
    elementwise(*ADAM)(grad, step_size, *numbers, param, m, v)
