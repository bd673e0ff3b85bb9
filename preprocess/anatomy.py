"""A synthetic brain: fields over a box of voxels, from which ``phantom`` makes FLAIR-like volumes.

Lengths are in mm (one voxel is 1 mm): x to the patient's left, y to the front, z up, from the middle of the brain.
Everything is elementwise float32 arithmetic, so that the number of threads or the BLAS does not change a bit.
"""

from dataclasses import dataclass

import numpy as np


def smoothstep(edge0, edge1, values):
    """A soft step from 0 to 1.

    Args:
        edge0 (float): Where it begins.
        edge1 (float): Where it ends; less than ``edge0`` for a step down.
        values (numpy.ndarray): Any shape.

    Returns:
        numpy.ndarray: 0 to 1, same shape.
    """
    t = np.clip((values - edge0) / (edge1 - edge0), 0, 1)
    return t * t * (3 - 2 * t)


def _upsample(grid, axis, step, length):
    """Cubic B-spline interpolation along one axis of a coarse grid."""
    places = np.arange(length, dtype=np.float32) / np.float32(step)
    base = places.astype(np.int64)
    t = places - base
    weights = ((1 - t) ** 3 / 6, (3 * t**3 - 6 * t**2 + 4) / 6, (-3 * t**3 + 3 * t**2 + 3 * t + 1) / 6, t**3 / 6)
    shape = [1, 1, 1]
    shape[axis] = length
    total = None
    for offset, weight in enumerate(weights):
        part = np.take(grid, base + offset, axis=axis) * weight.reshape(shape).astype(np.float32)
        total = part if total is None else total + part
    return total


def smooth_noise(rng, shape, scale):
    """A smooth random field.

    Args:
        rng (numpy.random.Generator): Source of randomness.
        shape (tuple of int): Voxels.
        scale (float): Size of its bumps in voxels.

    Returns:
        numpy.ndarray: float32, mean about 0, standard deviation about 1.
    """
    grid = rng.standard_normal([int(length / scale) + 5 for length in shape], dtype=np.float32)
    # Longest axis last: the earlier ones then work on less.
    for axis in range(3):
        grid = _upsample(grid, axis, scale, shape[axis])
    # A cubic B-spline keeps (0.479)^(3/2) of the standard deviation of independent grid values, on the average.
    return grid / np.float32(0.33)


@dataclass(frozen=True)
class Brain:
    """Fields of one brain over its box; each 0 to 1 unless said otherwise.

    Attributes:
        depth (numpy.ndarray): Distance below the surface in mm, about; negative outside.
        grey (numpy.ndarray): Cortex and deep grey matter.
        fluid (numpy.ndarray): Cerebrospinal fluid: sulci, fissures, ventricles (dark in FLAIR).
        rim (numpy.ndarray): The bright seam along the ventricles.
        oedema (numpy.ndarray): Swelling around the tumour (bright).
        core (numpy.ndarray): The tumour itself.
        necrosis (numpy.ndarray): Its dead middle.
    """

    depth: np.ndarray
    grey: np.ndarray
    fluid: np.ndarray
    rim: np.ndarray
    oedema: np.ndarray
    core: np.ndarray
    necrosis: np.ndarray


def _coordinates(rng, shape, middle):
    """x, y, z of every voxel for a head tilted by a few degrees."""
    grid = [np.arange(length, dtype=np.float32) - offset for length, offset in zip(shape, middle, strict=True)]
    # Stored as BraTS: columns to the left, rows to the back, slices up.
    x, y, z = grid[0][:, None, None], -grid[1][None, :, None], grid[2][None, None, :]
    yaw, roll, pitch = (np.float32(angle) for angle in np.radians(rng.uniform(-4, 4, 3)))
    x, y = x * np.cos(yaw) - y * np.sin(yaw), x * np.sin(yaw) + y * np.cos(yaw)
    x, z = x * np.cos(roll) - z * np.sin(roll), x * np.sin(roll) + z * np.cos(roll)
    y, z = y * np.cos(pitch) - z * np.sin(pitch), y * np.sin(pitch) + z * np.cos(pitch)
    return x, y, z


def _tumour_place(rng):
    """Middle and radius (mm) of a tumour, away from the midline and inside the slices that are usually taken."""
    side = rng.choice((-1.0, 1.0))
    angle = rng.uniform(-0.8, 0.8) * np.pi / 1.3
    place = (side * (24 + 14 * np.cos(angle)), 46 * np.sin(angle), rng.uniform(4, 26))
    return [np.float32(value) for value in place], np.float32(rng.uniform(9, 18))


def _surface_depth(rng, shape, x, y, z):
    """Distance below the brain's surface, in mm."""
    half_width, half_length, half_height = rng.uniform(62, 69), rng.uniform(80, 89), rng.uniform(62, 68)
    # Narrower in front than behind; flatter below than above.
    width = half_width * (1 - 0.13 * np.clip(y / half_length, -1, 1) - 0.05 * np.clip(y / half_length, 0, 1) ** 2)
    height = np.where(z > 0, np.float32(half_height), np.float32(half_height * 0.95))
    power = np.float32(2.2)
    radius = sum(np.abs(axis) ** power for axis in (x / width, y / half_length, z / height)) ** (1 / power)
    return (1 - radius) * np.float32(66) + 0.8 * smooth_noise(rng, shape, 24) + 0.45 * smooth_noise(rng, shape, 7)


def _sulci(rng, shape, depth, x, y, z):
    """Distance from the nearest sulcus wall in mm: sulci are where a smooth field changes its sign."""
    field = smooth_noise(rng, shape, rng.uniform(7.2, 8.6))
    slopes = np.gradient(field)
    steepness = np.sqrt(slopes[0] ** 2 + slopes[1] ** 2 + slopes[2] ** 2)
    reach = np.clip(11 + 4 * smooth_noise(rng, shape, 20), 4, 20)
    folds = np.hypot(np.abs(field) / (steepness + 0.02), np.maximum(depth - reach, 0))
    # The Sylvian fissure: one deep cleft at each side.
    lateral = np.abs(x)
    cleft = z + 4 - 0.5 * y + 2 * smooth_noise(rng, shape, 16)
    sylvian = np.hypot(np.abs(cleft) * 0.8, np.maximum(38 - lateral, 0) + np.maximum(np.abs(y - 6) - 24, 0))
    return np.minimum(folds, sylvian)


def _ventricles(rng, shape, x, y, z):
    """Distance outside the ventricles in mm (negative inside), about."""
    size = np.float32(rng.uniform(0.75, 1.5))
    lateral = np.abs(x) + 0.7 * smooth_noise(rng, shape, 11)
    along = np.clip((y - 2) / 34, -1.6, 1.6)
    middle = 2.2 + 3 * size + np.where(along > 0, np.float32(9), np.float32(17)) * np.abs(along) ** 1.7
    level = 12 - 14 * np.where(along < 0, along, 0 * along) ** 2 - 4 * np.clip(along, 0, 2) ** 2
    taper = np.sqrt(np.clip(1.25 - along**2, 0.001, None))
    radius = np.hypot((lateral - middle) / (3.4 * size * taper), (z - level) / (11 * taper))
    horns = (radius - 1) * 3.4 * size
    third = (np.sqrt((lateral / (1.9 * size)) ** 2 + ((y + 4) / 12) ** 2 + ((z + 9) / 12) ** 2) - 1) * 1.9 * size
    return np.minimum(horns, third)


def _deep_grey(x, y, z):
    """Thalamus and striatum, 0 to 1."""
    lateral = np.abs(x)
    thalamus = ((lateral - 11) / 8) ** 2 + ((y + 9) / 13) ** 2 + ((z - 2) / 10) ** 2
    putamen = ((lateral - 25 + 0.2 * y) / 5) ** 2 + ((y - 6) / 16) ** 2 + ((z - 2) / 11) ** 2
    return smoothstep(1.25, 0.75, np.minimum(thalamus, putamen))


def _tumour(rng, shape, distance, size, white):
    """Oedema, core and necrosis of a tumour."""
    # Bounded, or distant bumps would count as tumour.
    lobes = np.clip(0.24 * smooth_noise(rng, shape, 13) + 0.1 * smooth_noise(rng, shape, 5), -0.45, 0.6)
    reach = distance / size
    spread = rng.uniform(1.45, 2.1)
    # Oedema follows white matter in fingers and stops at the cortex.
    fingers = np.clip(0.25 * smooth_noise(rng, shape, 8), -0.4, 0.6)
    swollen = reach * (1 + 0.8 * lobes) + 0.5 * (1 - white) + fingers
    oedema = smoothstep(spread + 0.12, spread - 0.22, swollen)
    core = smoothstep(1.06, 0.94, reach * (1 + lobes))
    rotten = rng.uniform(0.3, 0.78)
    necrosis = smoothstep(rotten + 0.08, rotten - 0.08, reach * (1 - 0.9 * lobes))
    return np.maximum(oedema, core), core, necrosis * core


def make_brain(rng, shape, middle):
    """Make one brain.

    Args:
        rng (numpy.random.Generator): Decides the anatomy.
        shape (tuple of int): Voxels of the box.
        middle (tuple of float): Where in it the brain's middle lies.

    Returns:
        Brain: Its fields.
    """
    x, y, z = _coordinates(rng, shape, middle)
    depth = _surface_depth(rng, shape, x, y, z)
    place, size = _tumour_place(rng)
    offsets = [axis - origin for axis, origin in zip((x, y, z), place, strict=True)]
    distance = np.sqrt(offsets[0] ** 2 + offsets[1] ** 2 + offsets[2] ** 2)
    # Mass effect: tissue gives way to the tumour, the midline and the ventricles with it; the skull does not.
    push = np.float32(rng.uniform(0.15, 0.5)) * size * np.exp(-((distance / (2.6 * size)) ** 2)) / (distance + 3)
    x, y, z = (axis - push * offset for axis, offset in zip((x, y, z), offsets, strict=True))
    wobble = x + 0.8 * smooth_noise(rng, shape, 24)
    bridge = smoothstep(1.15, 0.9, np.hypot((y - 1) / 44, (z - 4) / 26))
    midline = np.abs(wobble) + 12 * bridge
    folds = np.minimum(_sulci(rng, shape, depth, x, y, z), np.maximum(midline - 0.6, 0))
    walls = np.minimum(folds, np.maximum(depth, 0))
    thickness = np.float32(rng.uniform(2.6, 3.3))
    cortex = smoothstep(thickness + 1.0, thickness - 1.0, walls)
    outside = _ventricles(rng, shape, x, y, z)
    deep = 0.75 * _deep_grey(x, y, z)
    ventricles = smoothstep(0.7, -0.7, outside)
    grey = np.maximum(cortex * smoothstep(0, 4, outside), deep) * (1 - ventricles)
    width = np.float32(rng.uniform(0.35, 0.8))
    gaps = smoothstep(width + 0.7, width - 0.5, folds) * (0.35 + 0.65 * smoothstep(14, 0, depth))
    rim = smoothstep(3.0, 0.6, outside) * (1 - ventricles)
    oedema, core, necrosis = _tumour(rng, shape, distance, size, 1 - grey)
    open_space = np.maximum(gaps * smoothstep(0, 6, outside), ventricles)
    return Brain(depth, grey, open_space * (1 - core), rim, oedema * (1 - ventricles), core, necrosis)
