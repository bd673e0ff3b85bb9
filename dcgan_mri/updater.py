"""One training step: the paper's section III on one global batch."""

from dcgan_mri import randomness
from dcgan_mri.chainer_compat import F, chainer
from dcgan_mri.pixels import to_network
from dcgan_mri.losses import LOSSES, gradient_penalty


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

    Reports ``gen/loss``, ``dis/loss`` (the gradient penalty included) and D's mean scores ``dis/y_real`` and
    ``dis/y_fake`` of this share of the batch.
    """

    def __init__(self, batches, gen_optimizer, dis_optimizer, config):
        super().__init__(batches, {"gen": gen_optimizer, "dis": dis_optimizer})
        self.config = config
        self.gen, self.dis = gen_optimizer.target, dis_optimizer.target

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
        y_real = self.dis(x_real, draws.named("dis/real"))
        y_fake = self.dis(x_seen, draws.named("dis/fake"))
        loss_dis = loss.dis(y_real, y_fake)
        if self.config.gradient_penalty:
            x_hat = between(x_real, x_fake.array, draws)
            loss_dis += self.config.gradient_penalty * gradient_penalty(self.dis, x_hat, draws.named("dis/penalty"))
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
        if not alternating:
            dis_optimizer.update()

        return {"gen": {"loss": loss_gen},
                "dis": {"loss": loss_dis, "y_real": F.average(y_real), "y_fake": F.average(y_fake)}}


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
