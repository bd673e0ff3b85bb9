"""The fast code on this GPU against Chainer's own, before a training relies on it: a few seconds.

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

# Largest error of a network's way in the steps, over that way, and of images, over their values.
TOLERANCE = 0.02
STEPS = WARM_UP + 2
SETTINGS = {"image_size": 32, "width": 1 / 32, "optimizer": "sgd"}
# A slope of 1 below zero is none. Where values near a bend change sides, products of 10 bits of mantissa alone move the
# steps by 13 to 30 %; without nonlinearities by less than 1 %.
WITHOUT_BENDS = {"gen_activation": "leaky_relu", "dis_activation": "leaky_relu", "leaky_slope": 1.0}


class Batches(chainer.dataset.Iterator):
    """The same batch over and over."""

    samples = range(4)
    epoch, epoch_detail, previous_epoch_detail, is_new_epoch = 0, 0.0, -1.0, False

    def next(self):
        """uint8 of shape (4, 32, 32)."""
        return np.random.default_rng(0).integers(0, 256, (4, 32, 32), dtype=np.uint8)


def why_not(captures=True):
    """Try the fast code that `backends.use` has chosen, part by part, each on top of the one before.

    Args:
        captures (bool): Whether the training step is to be captured.

    Returns:
        dict: For ``kernels``, ``cudnn`` and ``graph``, why that part must not be used; empty if all agree.
    """
    with backends.using("fast"):
        with_cudnn = backends.cudnn_kernels() is not None
        backends.without_cudnn()
        reason = _difference(Updater, _plain({}))
        if reason:
            return {"kernels": reason}
    if not with_cudnn:
        return {}
    reason = _difference(Updater, _plain(WITHOUT_BENDS), WITHOUT_BENDS)
    if reason:
        return {"cudnn": reason}
    if not captures:
        return {}
    # The same code, captured and not.
    reason = _difference(GraphUpdater, _way(Updater, {}))
    return {"graph": reason} if reason else {}


def _to_gpu(network):
    import cupy

    network.to_device(f"@cupy:{cupy.cuda.runtime.getDevice()}")
    return network


def _plain(settings):
    with backends.using("plain"):
        return _way(Updater, settings)


def _difference(kind, expected, settings=None):
    """Why the steps are not those that are expected; None if they are."""
    try:
        found = _way(kind, settings or {})
    except Exception as error:  # of CuPy, cuDNN, NVRTC and Chainer; whatever it is, the training can do without
        return f"it fails ({' '.join(str(error).split())[:200]})"
    for name, values in expected.items():
        error = float(np.linalg.norm(found[name] - values) / np.linalg.norm(values))
        if not error <= TOLERANCE:
            return f"its {name} are {error:.0%} off"
    return None


def _way(kind, settings):
    """How far steps move the weights of each of two small networks, and the images made then, all flat."""
    config = Config(**{**SETTINGS, **settings})
    optimizers = [OPTIMIZERS[config.optimizer](config).setup(_to_gpu(network(config)))
                  for network in (Generator, Discriminator)]
    gen, dis = (optimizer.target for optimizer in optimizers)
    failures = []
    updater = kind(Batches(), *optimizers, config, *([failures.append] if kind is GraphUpdater else []))
    start = [_weights(network) for network in (gen, dis)]
    for _ in range(STEPS):
        updater.update()
    if failures:
        raise RuntimeError(failures[0])
    with chainer.using_config("train", False), chainer.no_backprop_mode():
        images = gen(randomness.latent(randomness.for_images(range(4), gen.xp), config.n_z))
    return {"steps of G": _weights(gen) - start[0], "steps of D": _weights(dis) - start[1],
            "images": chainer.backends.cuda.to_cpu(images.array).ravel()}


def _weights(network):
    return np.concatenate([chainer.backends.cuda.to_cpu(param.array).ravel()
                           for _, param in sorted(network.namedparams())])
