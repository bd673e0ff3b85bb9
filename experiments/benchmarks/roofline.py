"""The least time that a training step can take on a GPU: each product at the speed of arithmetic, or of memory.

Counted are the convolutions and linear layers of the step, each reading its two arrays and writing its result once, and
Adam, which reads four arrays and writes three. Normalisation, noise and activations are taken as free, as if fused into
the convolutions: a bound, not a goal that anything reaches.
"""

import math

FLOAT = 4
ADAM_ARRAYS = 7


def products(rows, in_shape, batchsize):
    """The products of each layer's forward pass.

    Args:
        rows (list of dcgan_mri.networks.Row): The layers.
        in_shape (tuple of int): Shape of one sample's input.
        batchsize (int): Samples.

    Returns:
        list of tuple: Floating-point operations (a multiplication and an addition count 2), and values of input,
        weights and output together. The gradients of input and weights take the same of both.
    """
    found = []
    for row in rows:
        n_in, n_out = math.prod(in_shape), row.out if isinstance(row.out, int) else math.prod(row.out)
        if row.kind == "linear":
            weights, out_shape = n_in * n_out, row.out
            operations = 2 * weights
        else:
            weights = in_shape[0] * row.out * row.kernel ** 2
            size = in_shape[1] // row.stride if row.kind == "conv" else in_shape[1] * row.stride
            out_shape = (row.out, size, size)
            operations = 2 * weights * min(size, in_shape[1]) ** 2
        found.append((batchsize * operations, batchsize * (n_in + math.prod(out_shape)) + weights))
        in_shape = out_shape
    return found


def least_seconds(gen, dis, n_parameters, operations_a_second, bytes_a_second):
    """The least time of a step in which one pass of D(G(z)) serves both losses.

    Args:
        gen, dis (list of tuple): As `products` gives them.
        n_parameters (int): Of both networks.
        operations_a_second, bytes_a_second (float): What the GPU was measured to reach.

    Returns:
        dict: ``seconds``, ``operations``, ``bytes``.
    """
    # G: forward, weights, and input but for z. D: twice each, but the input's gradient of real images.
    passes = [(one, 2 if i == 0 else 3) for i, one in enumerate(gen)]
    passes += [(one, 5 if i == 0 else 6) for i, one in enumerate(dis)]
    adam = ADAM_ARRAYS * FLOAT * n_parameters
    seconds = adam / bytes_a_second
    for (operations, values), times in passes:
        seconds += times * max(operations / operations_a_second, FLOAT * values / bytes_a_second)
    return {"seconds": seconds, "operations": sum(one[0] * times for one, times in passes),
            "bytes": adam + sum(FLOAT * one[1] * times for one, times in passes)}
