"""One training step: the paper's section III on one global batch."""

import numpy as np

from dcgan_mri import randomness
from dcgan_mri.augmentation import augment
from dcgan_mri.chainer_compat import F, chainer
from dcgan_mri.pixels import to_network
from dcgan_mri.losses import LOSSES, gradient_penalty, r1_penalty
from dcgan_mri.networks import Generator


class Updater(chainer.training.updaters.StandardUpdater):
    """Updates D once from one batch, and G from the same batch in every `critic_steps`-th iteration.

    So an iteration is one batch whatever `critic_steps` is, and epochs, resuming and the shares of ranks do not know of
    it: from the first iteration on, D takes `critic_steps` steps, each from its own batch, noise and z, and G takes one
    together with the last of them, as in Arjovsky et al. (2017).

    Args:
        batches (chainer.dataset.Iterator): Yields uint8 of shape (B, H, W); knows in ``samples`` which of the global
            batch's samples these are.
        gen_optimizer, dis_optimizer (chainer.Optimizer): Set up with G and D; averaging over ranks is theirs.
        config (dcgan_mri.config.Config): The settings.

    Images are made with ``sampled``: G, or with `ema` its average, which has no part in the training.

    Reports ``gen/loss``, ``dis/loss`` (penalties included) and D's mean scores ``dis/y_real`` and
    ``dis/y_fake`` of this share of the batch.
    """

    def __init__(self, batches, gen_optimizer, dis_optimizer, config):
        super().__init__(batches, {"gen": gen_optimizer, "dis": dis_optimizer})
        self.config = config
        self.gen, self.dis = gen_optimizer.target, dis_optimizer.target
        self.sampled = averaged_copy(self.gen, config) if config.ema else self.gen

    def serialize(self, serializer):
        """Save or restore the state, that of the average too."""
        super().serialize(serializer)
        if self.config.ema:
            self.sampled.serialize(serializer["averaged"])

    def update_core(self):
        """Draw a batch, compute both losses, step D, and G if it is due."""
        batches = self.get_iterator("main")
        images = batches.next()
        draws = randomness.Draws(self.config.seed, self.iteration, batches.samples, self.gen.xp)
        self.report(self.step(images, draws))

    def report(self, observed):
        """Report what `step` returns."""
        chainer.report(observed["gen"], self.gen)
        chainer.report(observed["dis"], self.dis)

    def step(self, images, draws):
        """Make one step; with arrays of a GPU nothing in it waits for the GPU or depends on its results.

        Args:
            images (array): uint8 of shape (B, H, W).
            draws (dcgan_mri.randomness.Draws): The iteration's random numbers.

        Returns:
            dict: For ``gen`` and ``dis``, names and values (chainer.Variable, scalars) to report.
        """
        x_real = to_network(images, self.config.pixel_low, self.gen.xp)
        gen_optimizer, dis_optimizer = self.get_optimizer("gen"), self.get_optimizer("dis")
        loss = LOSSES[self.config.loss]
        alternating = self.config.update == "alternating"
        gen_is_due = (self.iteration + 1) % self.config.critic_steps == 0

        z = randomness.latent(draws, self.config.n_z)
        with chainer.using_config("enable_backprop", gen_is_due):
            x_fake = self.gen(z, draws.named("gen"))
        # D sees the generated images as data, so that its backward pass ends there.
        x_seen = chainer.Variable(x_fake.array)
        y_real = self.scores(x_real, draws.named("dis/real"))
        y_fake = self.scores(x_seen, draws.named("dis/fake"))
        loss_dis = loss.dis(y_real, y_fake)
        if self.config.gradient_penalty:
            x_hat = between(x_real, x_fake.array, draws)
            loss_dis += self.config.gradient_penalty * gradient_penalty(self.scores, x_hat, draws.named("dis/penalty"))
        if self.config.r1:
            loss_dis += self.config.r1 * r1_penalty(self.scores, x_real, draws.named("dis/r1"))
        loss_gen = loss.gen(y_fake)

        self.dis.cleargrads()
        loss_dis.backward()
        if alternating:
            dis_optimizer.update()
        if gen_is_due:
            if loss.zero_sum and not alternating:
                x_fake.grad = -x_seen.grad
            else:
                # Only the path to the image: weight gradients of D are of no use to G.
                x_fake.grad = chainer.grad([loss_gen], [x_seen])[0].array
            self.gen.cleargrads()
            x_fake.backward()
            gen_optimizer.update()
            if self.config.ema:
                average(self.sampled, self.gen, self.config.ema, draws.iteration)
        if not alternating:
            dis_optimizer.update()

        return {"gen": {"loss": loss_gen},
                "dis": {"loss": loss_dis, "y_real": F.average(y_real), "y_fake": F.average(y_fake)}}

    def scores(self, x, draws):
        """D's scores of images, which it sees augmented if the settings say so.

        Args:
            x (array or chainer.Variable): float32 of shape (B, 3, H, W).
            draws (dcgan_mri.randomness.Draws): For the augmentation and D's noise.

        Returns:
            chainer.Variable: float32 of shape (B, 1).
        """
        return self.dis(augment(x, draws, self.config.pixel_low) if self.config.augment else x, draws)


def averaged_copy(gen, config):
    """A generator to average G in, with G's weights to begin with.

    Args:
        gen (dcgan_mri.networks.Generator): G.
        config (dcgan_mri.config.Config): The settings.

    Returns:
        dcgan_mri.networks.Generator: On G's device.
    """
    copied = Generator(config)
    copied.to_device(gen.device)
    copied.copyparams(gen)
    return copied


def average(averaged, gen, decay, iteration):
    """Move an average of G's weights and running statistics towards G (Karras et al. 2018, section 4.1).

    The first iterations count less, so that the average soon forgets the first weights. The running statistics of batch
    normalisation are averaged like the weights that they belong to: recomputed, they would depend on draws of their own
    and cost passes before every grid.

    Args:
        averaged (dcgan_mri.networks.Generator): The average; changed.
        gen (dcgan_mri.networks.Generator): G.
        decay (float): Of the average, once 9 / (10 + iteration) is below 1 - decay.
        iteration (int or array): As in `dcgan_mri.randomness.Draws`.
    """
    share = np.maximum(1 - decay, 9 / (10 + iteration)).astype(np.float32)
    new = dict(_weights_and_statistics(gen))
    for name, old in _weights_and_statistics(averaged):
        old += share * (new[name] - old)


def _weights_and_statistics(network):
    """Name and array of every parameter, and of the statistics of batch normalisation."""
    for name, param in network.namedparams():
        yield name, param.array
    for name, link in network.namedlinks():
        for statistic in ("avg_mean", "avg_var"):
            if hasattr(link, statistic):
                yield f"{name}/{statistic}", getattr(link, statistic)


def between(x_real, x_fake, draws):
    """Draw images on the straight lines between real and generated ones (Gulrajani et al. 2017, Algorithm 1).

    Args:
        x_real, x_fake (array): float32 of shape (B, 3, H, W).
        draws (dcgan_mri.randomness.Draws): The place on each line, from U(0, 1), comes from it.

    Returns:
        array: float32 of shape (B, 3, H, W).
    """
    share = draws.uniform("between", (1, 1, 1))
    return share * x_real + (1 - share) * x_fake
