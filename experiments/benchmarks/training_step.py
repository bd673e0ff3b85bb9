"""Time our training step against that of Chainer's own DCGAN example, side by side, with the same networks.

    python experiments/benchmarks/training_step.py

Both run the `paper` preset's networks on the same batch, one process. The other side does what the updater of
Chainer's ChainerMN DCGAN example does: it draws noise and masks from `numpy.random`, back-propagates D's loss through
G as well, and then G's loss through D's weights again.
"""

import argparse
import statistics
import time

import numpy as np

from dcgan_mri import config as settings
from dcgan_mri.chainer_compat import chainer
from dcgan_mri.dataset import to_network
from dcgan_mri.losses import LOSSES
from dcgan_mri.networks import Discriminator, Generator
from dcgan_mri.updater import Updater


class NumpyDraws:
    """Noise and dropout masks as the example takes them: from NumPy's global generator."""

    def __init__(self, batchsize):
        self.batchsize = batchsize

    def named(self, part):
        """The same: this generator knows no names."""
        return self

    def normal(self, name, shape):
        """Gaussian noise, float32."""
        return np.random.randn(self.batchsize, *shape).astype(np.float32)

    def dropout_mask(self, name, shape, ratio):
        """A mask as `chainer.functions.dropout` draws it."""
        return (np.random.rand(self.batchsize, *shape) >= ratio) * np.float32(1 / (1 - ratio))


class SameBatch(chainer.dataset.Iterator):
    """One batch over and over, so that the step is timed and not the reading."""

    def __init__(self, images):
        self.images = images
        self.samples = range(len(images))

    def next(self):
        """The batch."""
        return self.images


def optimizer_for(model, config):
    """Adam with weight decay, as both sides use it."""
    optimizer = chainer.optimizers.Adam(alpha=config.alpha, beta1=config.beta1)
    optimizer.setup(model)
    optimizer.add_hook(chainer.optimizer_hooks.WeightDecay(config.weight_decay))
    return optimizer


def our_step(config, images):
    """A function that makes one of our training steps."""
    gen, dis = Generator(config), Discriminator(config)
    return Updater(SameBatch(images), optimizer_for(gen, config), optimizer_for(dis, config), config).update


def example_step(config, images):
    """A function that makes one training step in the way of Chainer's example."""
    gen, dis = Generator(config), Discriminator(config)
    gen_optimizer, dis_optimizer = optimizer_for(gen, config), optimizer_for(dis, config)
    draws = NumpyDraws(len(images))
    loss = LOSSES[config.loss]

    def step():
        y_real = dis(chainer.Variable(to_network(images, config.pixel_low)), draws)
        z = np.random.uniform(-1, 1, (len(images), config.n_z, 1, 1)).astype(np.float32)
        y_fake = dis(gen(z, draws), draws)
        dis_optimizer.update(loss.dis, y_real, y_fake)
        gen_optimizer.update(loss.gen, y_fake)

    return step


def seconds(step):
    """Time one call."""
    begin = time.perf_counter()
    step()
    return time.perf_counter() - begin


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-b", "--batchsize", type=int, default=8, help="images in a batch (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=7, help="steps of each side (default %(default)s)")
    args = parser.parse_args()
    config = settings.build("paper", batchsize=args.batchsize)
    images = np.random.default_rng(0).integers(0, 256, (args.batchsize, 256, 256), dtype=np.uint8)
    sides = {"ours": our_step(config, images), "Chainer's example": example_step(config, images)}
    for step in sides.values():
        step()
    rounds = [{name: seconds(step) for name, step in sides.items()} for _ in range(args.rounds)]
    for name in sides:
        times = [one[name] for one in rounds]
        print(f"{name:<18} median {statistics.median(times):.2f} s a step (from {min(times):.2f} to {max(times):.2f})")
    ratios = [one["Chainer's example"] / one["ours"] for one in rounds]
    print(f"ours makes {statistics.median(ratios):.2f} times the images per second of Chainer's example "
          f"(median of {args.rounds} paired rounds, {min(ratios):.2f} to {max(ratios):.2f}; batch {args.batchsize})")


if __name__ == "__main__":
    main()
