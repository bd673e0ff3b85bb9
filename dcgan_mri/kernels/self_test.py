"""The fast code on this GPU against Chainer's own, before a training relies on it: about two seconds.

Both make the same few steps of small networks from the same weights and random numbers, and images after them; then the
captured step makes them. What differs, or fails, is not used.
"""

import numpy as np

from dcgan_mri import randomness
from dcgan_mri.chainer_compat import chainer
from dcgan_mri.config import Config
from dcgan_mri.kernels import backends
from dcgan_mri.kernels.graph import WARM_UP, GraphUpdater
from dcgan_mri.networks import Discriminator, Generator
from dcgan_mri.optimizers import OPTIMIZERS
from dcgan_mri.updater import Updater

# Largest error of the weights' way in the steps, over that way, and of images, over their values: float32, and products
# of 10 bits of mantissa.
TOLERANCES = {"float32": 0.02, "tf32": 0.2, "fp16": 0.2}
STEPS = WARM_UP + 2
SETTINGS = {"image_size": 32, "width": 1 / 32, "optimizer": "sgd"}


class Batches(chainer.dataset.Iterator):
    """The same batch over and over."""

    samples = range(4)
    epoch, epoch_detail, previous_epoch_detail, is_new_epoch = 0, 0.0, -1.0, False

    def next(self):
        """uint8 of shape (4, 32, 32)."""
        return np.random.default_rng(0).integers(0, 256, (4, 32, 32), dtype=np.uint8)


def why_not(precision):
    """Try the fast code that `backends.use` has chosen, part by part, each on top of the one before.

    Args:
        precision (str): What convolutions by cuDNN are computed in.

    Returns:
        dict: For ``kernels``, ``cudnn`` and ``graph``, why that part must not be used; empty if all agree.
    """
    with backends.using("plain"):
        start, expected = _made(Updater, 0), _made(Updater, STEPS)
    with backends.using("fast"):
        with_cudnn = backends.cudnn_kernels() is not None
        backends.without_cudnn()
        reason = _difference(Updater, start, expected, TOLERANCES["float32"])
        if reason:
            return {"kernels": reason}
    if not with_cudnn:
        return {}
    reason = _difference(Updater, start, expected, TOLERANCES[precision])
    if reason:
        return {"cudnn": reason}
    reason = _difference(GraphUpdater, start, _made(Updater, STEPS), TOLERANCES[precision])
    return {"graph": reason} if reason else {}


def _to_gpu(network):
    import cupy

    network.to_device(f"@cupy:{cupy.cuda.runtime.getDevice()}")
    return network


def _difference(kind, start, expected, tolerance):
    """Why the steps are not those that are expected; None if they are."""
    try:
        found = _made(kind, STEPS)
    except Exception as error:  # of CuPy, cuDNN, NVRTC and Chainer; whatever it is, the training can do without
        return f"it fails ({' '.join(str(error).split())[:200]})"
    for name, way in (("steps", expected["steps"] - start["steps"]), ("images", expected["images"])):
        error = float(np.linalg.norm(found[name] - expected[name]) / np.linalg.norm(way))
        if not error <= tolerance:
            return f"its {name} are {error:.0%} off Chainer's own"
    return None


def _made(kind, steps):
    """All weights of small networks after some ``steps``, and ``images`` that they make then, both flat."""
    config = Config(**SETTINGS)
    optimizers = [OPTIMIZERS[config.optimizer](config).setup(_to_gpu(network(config)))
                  for network in (Generator, Discriminator)]
    failures = []
    updater = kind(Batches(), *optimizers, config, *([failures.append] if kind is GraphUpdater else []))
    for _ in range(steps):
        updater.update()
    if failures:
        raise RuntimeError(failures[0])
    to_cpu = chainer.backends.cuda.to_cpu
    gen = optimizers[0].target
    with chainer.using_config("train", False), chainer.no_backprop_mode():
        images = gen(randomness.latent(randomness.for_images(range(4), gen.xp), config.n_z))
    return {"images": to_cpu(images.array).ravel(),
            "steps": np.concatenate([to_cpu(param.array).ravel() for optimizer in optimizers
                                     for _, param in sorted(optimizer.target.namedparams())])}
