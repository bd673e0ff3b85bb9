"""Random numbers that are a function of (seed, iteration, name, global sample) and of nothing else.

z, noise and dropout masks come from a counter-based generator (Philox, Salmon et al. 2011), one key per name and one
counter per sample. So n ranks draw what one draws, a resumed run draws what the uninterrupted one would have drawn,
and there is no generator state to save. On CUDA the same scheme runs in a kernel of its own (`philox_cuda`); its
numbers have the same distribution but differ from the CPU's.
"""

import copy
import hashlib

import numpy as np

from dcgan_mri.kernels.workers import each

SAMPLING_SEED = 0
# Numbers below which one thread is quicker than several.
SMALL = 1 << 15


class Draws:
    """The random numbers of one iteration, for the samples that this process holds.

    Args:
        seed (int): Seed of the run, 0 to 2**63 - 1.
        iteration (int): Iteration that the numbers are for, counted from 0; or an array with it, uint32 of shape
            (), which is read when the numbers are drawn, so that a captured CUDA graph draws anew at every replay.
        samples (sequence of int): Index of each local sample in the global batch, shape (B,).
        xp (module): ``numpy`` or ``cupy``; where the arrays are made.
        prefix (str): Put before every name; see `named`.
    """

    def __init__(self, seed, iteration, samples, xp=np, prefix=""):
        self.seed = seed
        self.iteration = iteration
        self.samples = [int(sample) for sample in samples]
        self.xp = xp
        self.prefix = prefix
        if xp is not np:
            self._samples_there = xp.asarray(self.samples, dtype=np.int64)
            self._iteration_there = (iteration if isinstance(iteration, xp.ndarray)
                                     else xp.full((), iteration, dtype=np.uint32))

    def named(self, part):
        """The same draws under another name, for example ``draws.named("dis/real")``; different names are independent.

        Args:
            part (str): Goes behind the present prefix.

        Returns:
            Draws: A view with a longer prefix.
        """
        renamed = copy.copy(self)
        renamed.prefix = f"{self.prefix}{part}/"
        return renamed

    def uniform(self, name, shape):
        """Draw from U(0, 1).

        Args:
            name (str): What the numbers are for.
            shape (tuple of int): Shape of one sample's numbers.

        Returns:
            array: float32 of shape (B, *shape), in [0, 1).
        """
        if self.xp is not np:
            return self._on_device("uniform", name, shape)
        return self._each_sample(
            name, shape, np.float32, lambda generator, row, _: generator.random(out=row, dtype=np.float32))

    def normal(self, name, shape):
        """Draw from N(0, 1).

        Args:
            name (str): What the numbers are for.
            shape (tuple of int): Shape of one sample's numbers.

        Returns:
            array: float32 of shape (B, *shape).
        """
        if self.xp is not np:
            return self._on_device("normal", name, shape)
        return self._each_sample(
            name, shape, np.float32, lambda generator, row, _: generator.standard_normal(out=row, dtype=np.float32))

    def noisy(self, name, x, sigma):
        """Add draws from N(0, sigma²).

        Args:
            name (str): What the noise is for.
            x (array): Shape (B, ...).
            sigma (float): Standard deviation.

        Returns:
            array: Of x's shape and type.
        """
        sigma = np.float32(sigma)
        if x.dtype != np.float32:
            return self.normal(name, x.shape[1:]) * sigma + x
        if self.xp is not np:
            return self._on_device("noisy", name, x.shape[1:], x, sigma)

        def add_noise(generator, row, i):
            generator.standard_normal(out=row, dtype=np.float32)
            row *= sigma
            row += x[i]

        return self._each_sample(name, x.shape[1:], np.float32, add_noise)

    def kept(self, name, shape, ratio):
        """Draw what dropout keeps.

        Args:
            name (str): What the mask is for.
            shape (tuple of int): Shape of one sample's mask.
            ratio (float): Probability of False, 0 to below 1.

        Returns:
            array: bool of shape (B, *shape).
        """
        ratio = np.float32(ratio)
        if self.xp is not np:
            return self._on_device("kept", name, shape, number=ratio)
        return self._each_sample(name, shape, np.bool_, lambda generator, row, _: np.greater_equal(
            generator.random(row.shape, dtype=np.float32), ratio, out=row))

    def _each_sample(self, name, shape, dtype, fill):
        """An array whose row for each sample is filled by a function of the sample's generator, the row and its index.

        One key for each name, one counter for each sample: Philox counts blocks in its first word; the others are free
        to name them.
        """
        key = np.array([self.seed, _stream(self.prefix + name)], dtype=np.uint64)
        out = np.empty((len(self.samples), *shape), dtype=dtype)

        def fill_row(i):
            counter = np.array([0, 0, self.samples[i], self.iteration], dtype=np.uint64)
            fill(np.random.Generator(np.random.Philox(key=key, counter=counter)), out[i], i)

        if out.size < SMALL:
            for i in range(len(out)):
                fill_row(i)
        else:
            each(fill_row, range(len(out)))
        return out

    def _on_device(self, what, name, shape, x=None, number=0.0):
        from dcgan_mri.kernels import philox_cuda

        stream = _stream(self.prefix + name)
        return philox_cuda.draw(
            what, self.seed, stream, self._iteration_there, self._samples_there, shape, x, number)


def latent(draws, n_z):
    """Draw z from U(-1, 1), the paper's II-B with the released code's distribution.

    Args:
        draws (Draws): Where the numbers come from.
        n_z (int): Number of values for each image.

    Returns:
        array: float32 of shape (B, n_z, 1, 1), in [-1, 1).
    """
    return draws.uniform("z", (n_z, 1, 1)) * np.float32(2) - np.float32(1)


def for_images(image_seeds, xp=np):
    """The draws of images that are made outside training: image seed s gives the same z in every run and batch.

    Args:
        image_seeds (sequence of int): One seed for each image.
        xp (module): ``numpy`` or ``cupy``.

    Returns:
        Draws: For `latent` (by NumPy on a GPU too: a seed is the same z everywhere) and, if dropout stays on when
        sampling, for the masks.
    """
    return Draws(SAMPLING_SEED, 0, image_seeds, xp, "sample/")


def epoch_order(seed, epoch, n_slices):
    """The order in which an epoch visits the slices.

    Args:
        seed (int): Seed of the run.
        epoch (int): Epoch, counted from 0.
        n_slices (int): Number of slices.

    Returns:
        numpy.ndarray: A permutation of 0 … n_slices - 1, int64.
    """
    return _single(seed, "order", epoch).permutation(n_slices)


def weight_generator(seed, network):
    """The generator that initial weights come from, in the form that Chainer's initializers take.

    Args:
        seed (int): Seed of the run.
        network (str): ``gen`` or ``dis``.

    Returns:
        numpy.random.RandomState: The same on every rank.
    """
    key = np.array([seed, _stream(f"weights/{network}")], dtype=np.uint64)
    return np.random.RandomState(np.random.Philox(key=key))


def _single(seed, name, index):
    key = np.array([seed, _stream(name)], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=np.array([0, 0, 0, index], dtype=np.uint64)))


def _stream(name):
    """A 64-bit number that stands for a name."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little")
