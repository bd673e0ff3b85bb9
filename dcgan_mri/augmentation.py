"""Differentiable augmentation (Zhao et al. 2020): D sees no image as it is, so that it cannot learn few by heart.

Brightness, translation and cutout with the sizes of that paper, whose images lie in [-1, 1]. Nothing waits for a GPU:
what is drawn are indices and masks on the device.
"""

import numpy as np

from dcgan_mri.chainer_compat import chainer

# Largest change of brightness as a share of the pixels' range; largest shift, and side of the square, as shares of the
# image's side.
BRIGHTNESS = 1 / 4
TRANSLATION = 1 / 8
CUTOUT = 1 / 2


def augment(x, draws, pixel_low):
    """Change each image at random: brighter or darker, then shifted, then with a square of it cut out.

    What is shifted in or cut out is 0. Gradients pass.

    Args:
        x (array or chainer.Variable): float32 of shape (B, C, H, W).
        draws (dcgan_mri.randomness.Draws): What happens to each image is drawn from it.
        pixel_low (float): What black is, 0 or -1; white is 1.

    Returns:
        chainer.Variable: float32 of shape (B, C, H, W).
    """
    side = x.shape[-1]
    u = draws.uniform("augment", (5,))
    brightness = (2 * u[:, 0] - 1) * np.float32(BRIGHTNESS * (1 - pixel_low))
    furthest = round(TRANSLATION * side)
    down, right = (_whole(u[:, i], -furthest, furthest) for i in (1, 2))
    kept = outside_squares(_whole(u[:, 3], 0, side), _whole(u[:, 4], 0, side), side)
    h = chainer.as_variable(x) + brightness[:, None, None, None]
    return Shift(down, right).apply((h,))[0] * kept[:, None]


class Shift(chainer.FunctionNode):
    """Shifts each image of a batch by whole pixels; what comes in from outside is 0.

    Args:
        down, right (array): int64 of shape (B,), in pixels.
    """

    def __init__(self, down, right):
        self.down, self.right = down, right

    def forward(self, inputs):
        x, = inputs
        xp = chainer.backend.get_array_module(x)
        n, channels, height, width = x.shape
        rows = (xp.arange(height) - self.down[:, None])[:, None, :, None]
        columns = (xp.arange(width) - self.right[:, None])[:, None, None, :]
        is_inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        maps = xp.arange(n * channels).reshape(n, channels, 1, 1)
        places = (maps * height + rows.clip(0, height - 1)) * width + columns.clip(0, width - 1)
        return x.ravel().take(places) * is_inside,

    def backward(self, indexes, grad_outputs):
        return Shift(-self.down, -self.right).apply(grad_outputs)


def outside_squares(rows, columns, side):
    """Masks that cut a square out of each image; its side is `CUTOUT` of the image's.

    Args:
        rows, columns (array): int64 of shape (B,), the squares' centres; a square may reach over the edge.
        side (int): Of the images, in pixels.

    Returns:
        array: float32 of shape (B, side, side): 0 in the square, 1 elsewhere.
    """
    pixels = chainer.backend.get_array_module(rows).arange(side)
    half = side * CUTOUT / 2
    in_rows, in_columns = ((pixels >= centres[:, None] - half) & (pixels < centres[:, None] + half)
                           for centres in (rows, columns))
    return 1 - (in_rows[:, :, None] & in_columns[:, None, :]).astype(np.float32)


def _whole(u, low, high):
    """Whole numbers from low to high of draws from U(0, 1)."""
    return (u * np.float32(high - low + 1)).astype(np.int64) + low
