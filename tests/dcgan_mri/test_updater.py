"""One update of both networks against gradients worked out by hand, and against plain back-propagation."""

import numpy as np
import pytest
from mpi4py import MPI

from dcgan_mri import config as settings
from dcgan_mri.augmentation import augment
from dcgan_mri.chainer_compat import F, chainer
from dcgan_mri.config import Config
from dcgan_mri.pixels import to_network
from dcgan_mri.distributed import communicator
from dcgan_mri.distributed.batch_normalization import GlobalBatchNormalization
from dcgan_mri.randomness import Draws, latent
from dcgan_mri.kernels import backends
from dcgan_mri.losses import LOSSES
from dcgan_mri.networks import Discriminator, Generator
from dcgan_mri.optimizers import make_optimizer
from dcgan_mri.updater import Updater, average, between
from tests.helpers import SMALL

GREY = np.array([[[51]], [[153]]], np.uint8)  # two images of one pixel: 0.2 and 0.6
RATE, DECAY = 0.1, 0.5


class OneWeightGenerator(chainer.Chain):
    """x = w · z, the same in all three channels."""

    def __init__(self, w):
        super().__init__()
        with self.init_scope():
            self.w = chainer.Parameter(np.array([[[[w]]]], np.float32))

    def forward(self, z, draws):
        return F.broadcast_to(z * F.broadcast_to(self.w, z.shape), (2, 3, 1, 1))


class OneWeightDiscriminator(chainer.Chain):
    """y = v · (mean of the image)², so that D's gradient at the image depends on D's weight and the image."""

    def __init__(self, v):
        super().__init__()
        with self.init_scope():
            self.v = chainer.Parameter(np.array([[v]], np.float32))

    def forward(self, x, draws):
        mean = F.reshape(F.average(x, axis=(1, 2, 3)), (2, 1))
        return F.matmul(mean ** 2, self.v)


class FixedBatches(chainer.dataset.Iterator):
    """The same batch over and over."""

    samples = range(2)
    epoch, epoch_detail, previous_epoch_detail, is_new_epoch = 0, 0.0, -1.0, False

    def __init__(self, images):
        self.images = images

    def next(self):
        return self.images


def set_up(optimizer, model):
    optimizer.setup(model)
    optimizer.add_hook(chainer.optimizer_hooks.WeightDecay(DECAY))
    return optimizer


def sigmoid(y):
    return 1 / (1 + np.exp(-y))


# What each loss does to scores, worked out by hand: derivatives of D's loss by y_real and y_fake, and of G's by y_fake.
SLOPES = {
    "wasserstein": (lambda y: -np.ones_like(y), np.ones_like, lambda y: -np.ones_like(y)),
    "softplus": (lambda y: -sigmoid(-y), sigmoid, lambda y: -sigmoid(-y)),
    "mse": (lambda y: 2 * (y - 1), lambda y: 2 * y, lambda y: 2 * (y - 1)),
}


@pytest.mark.parametrize("order", ["simultaneous", "alternating"])
@pytest.mark.parametrize("loss", SLOPES)
def test_one_update_by_hand(loss, order):
    w, v = 0.7, -0.4
    gen, dis = OneWeightGenerator(w), OneWeightDiscriminator(v)
    config = Config(n_z=1, loss=loss, update=order, seed=5)
    sgd = chainer.optimizers.SGD
    Updater(FixedBatches(GREY), set_up(sgd(RATE), gen), set_up(sgd(RATE), dis), config).update()

    z = latent(Draws(5, 0, range(2)), 1).ravel().astype(float)
    x_real, x_fake = np.array([0.2, 0.6]), w * z
    y_real, y_fake = v * x_real ** 2, v * x_fake ** 2
    by_real, by_fake, gen_by_fake = SLOPES[loss]
    v_gradient = np.mean(by_real(y_real) * x_real ** 2) + np.mean(by_fake(y_fake) * x_fake ** 2)
    v_after = v - RATE * (v_gradient + DECAY * v)
    v_seen_by_gen = v_after if order == "alternating" else v
    w_gradient = np.mean(gen_by_fake(y_fake) * v_seen_by_gen * 2 * x_fake * z)
    w_after = w - RATE * (w_gradient + DECAY * w)
    assert dis.v.array.item() == pytest.approx(v_after, rel=1e-5)
    assert gen.w.array.item() == pytest.approx(w_after, rel=1e-5)


class KeepsGradients:
    """An optimizer that leaves the weights as they are."""

    def __init__(self, target):
        self.target = target

    def update(self):
        pass


@pytest.mark.parametrize("loss", LOSSES)
def test_gradients_are_those_of_plain_back_propagation(loss):
    config = Config(**SMALL, loss=loss)
    images = np.random.default_rng(0).integers(0, 256, (2, 16, 16), dtype=np.uint8)
    gen, dis = Generator(config), Discriminator(config)
    updater = Updater(FixedBatches(images), KeepsGradients(gen), KeepsGradients(dis), config)
    updater.update_core()
    ours = {name: param.grad.copy() for name, param in [*gen.namedparams(), *dis.namedparams()]}

    draws = Draws(config.seed, 0, range(2))
    x_fake = gen(latent(draws, config.n_z), draws.named("gen"))
    y_fake = dis(x_fake, draws.named("dis/fake"))
    y_real = dis(to_network(images, 0.0), draws.named("dis/real"))
    gen.cleargrads()
    LOSSES[loss].gen(y_fake).backward()
    plain = {name: param.grad.copy() for name, param in gen.namedparams()}
    dis.cleargrads()
    LOSSES[loss].dis(y_real, y_fake).backward()
    plain.update({name: param.grad.copy() for name, param in dis.namedparams()})

    assert ours.keys() == plain.keys()
    for name, gradient in plain.items():
        scale = np.linalg.norm(gradient) + 1e-6
        assert np.linalg.norm(ours[name] - gradient) / scale < 1e-4, name


def test_reports_losses_and_scores():
    config = Config(**SMALL, loss="wasserstein", update="simultaneous")
    images = np.zeros((2, 16, 16), np.uint8)
    gen, dis = Generator(config), Discriminator(config)
    updater = Updater(FixedBatches(images), set_up(chainer.optimizers.SGD(0.0), gen),
                      set_up(chainer.optimizers.SGD(0.0), dis), config)
    reporter = chainer.Reporter()
    reporter.add_observer("gen", gen)
    reporter.add_observer("dis", dis)
    with reporter:
        updater.update()
    seen = {name: float(value.array) for name, value in reporter.observation.items()}
    assert seen["dis/loss"] == pytest.approx(seen["dis/y_fake"] - seen["dis/y_real"], abs=1e-6)
    assert seen["gen/loss"] == pytest.approx(-seen["dis/y_fake"], abs=1e-6)


class CountsSteps(KeepsGradients):
    """An optimizer that notes in which iterations it steps."""

    def __init__(self, target):
        super().__init__(target)
        self.stepped = []

    def update(self):
        self.stepped.append(self.iteration())


@pytest.mark.parametrize("order", ["simultaneous", "alternating"])
def test_g_steps_in_every_third_iteration_wherever_the_run_was_taken_up(order):
    config = Config(**SMALL, critic_steps=3, update=order)
    for begin in (0, 4):
        gen, dis = (CountsSteps(network(config)) for network in (Generator, Discriminator))
        updater = Updater(FixedBatches(np.zeros((2, 16, 16), np.uint8)), gen, dis, config)
        updater.iteration = begin
        gen.iteration = dis.iteration = lambda updater=updater: updater.iteration
        while updater.iteration < 9:
            updater.update()
        assert gen.stepped == [i for i in (2, 5, 8) if i >= begin]
        assert dis.stepped == list(range(begin, 9))


def test_d_steps_without_g_as_it_does_with_it():
    images = np.random.default_rng(0).integers(0, 256, (2, 16, 16), dtype=np.uint8)
    gradients = []
    for critic_steps in (1, 2):
        config = Config(**SMALL, critic_steps=critic_steps)
        gen, dis = Generator(config), Discriminator(config)
        gen.cleargrads()
        Updater(FixedBatches(images), KeepsGradients(gen), KeepsGradients(dis), config).update()
        gradients.append({name: param.grad for name, param in dis.namedparams()})
        has_gradients = [param.grad is not None for param in gen.params()]
        assert all(has_gradients) if critic_steps == 1 else not any(has_gradients)
    for name, gradient in gradients[0].items():
        assert np.array_equal(gradient, gradients[1][name]), name


@pytest.mark.parametrize("order", ["simultaneous", "alternating"])
def test_gradient_penalty_is_added_to_the_loss_of_d_alone(order):
    w, v, factor = 0.7, -0.4, 10.0
    updated = []
    for penalty in (0.0, factor):
        gen, dis = OneWeightGenerator(w), OneWeightDiscriminator(v)
        config = Config(n_z=1, seed=5, update=order, dis_bn=False, gradient_penalty=penalty)
        sgd = chainer.optimizers.SGD
        Updater(FixedBatches(GREY), set_up(sgd(RATE), gen), set_up(sgd(RATE), dis), config).update()
        updated.append((dis.v.array.item(), gen.w.array.item()))

    draws = Draws(5, 0, range(2))
    x_fake = w * latent(draws, 1).ravel()
    share = draws.uniform("between", (1, 1, 1)).ravel()
    x_hat = share * np.array([0.2, 0.6]) + (1 - share) * x_fake
    # y = v m², m the mean of three equal channels: the gradient at each channel is 2 v m / 3, of length 2 |v m| / √3.
    length = 2 * np.abs(v * x_hat) / np.sqrt(3)
    by_v = np.mean(2 * (length - 1) * 2 * np.abs(x_hat) / np.sqrt(3)) * np.sign(v)
    assert updated[1][0] - updated[0][0] == pytest.approx(-RATE * factor * by_v, rel=1e-4)
    if order == "simultaneous":
        assert updated[1][1] == updated[0][1]


def test_r1_is_added_to_the_loss_of_d_at_real_images():
    v, factor = -0.4, 10.0
    updated = []
    for r1 in (0.0, factor):
        gen, dis = OneWeightGenerator(0.7), OneWeightDiscriminator(v)
        config = Config(n_z=1, seed=5, dis_bn=False, r1=r1)
        sgd = chainer.optimizers.SGD
        Updater(FixedBatches(GREY), set_up(sgd(RATE), gen), set_up(sgd(RATE), dis), config).update()
        updated.append(dis.v.array.item())
    # y = v m² as above: half the squared length is 2 v² m² / 3.
    by_v = np.mean(4 * v * np.array([0.2, 0.6]) ** 2 / 3)
    assert updated[1] - updated[0] == pytest.approx(-RATE * factor * by_v, rel=1e-4)


class OnePixelDiscriminator(chainer.Chain):
    """Notes the images that it scores."""

    def __init__(self):
        super().__init__()
        self.seen = []
        with self.init_scope():
            self.v = chainer.Parameter(np.array([[0.5]], np.float32))

    def forward(self, x, draws):
        self.seen.append(x.array)
        return F.matmul(F.reshape(F.sum(x * x, axis=(1, 2, 3)), (len(x), 1)), self.v)


@pytest.mark.parametrize("order", ["simultaneous", "alternating"])
def test_d_sees_augmented_images_and_g_learns_through_the_augmentation(order):
    config = Config(**SMALL, augment=True, update=order)
    images = np.random.default_rng(0).integers(0, 256, (2, 16, 16), dtype=np.uint8)
    gen, dis = Generator(config), OnePixelDiscriminator()
    Updater(FixedBatches(images), KeepsGradients(gen), KeepsGradients(dis), config).update_core()
    ours = {name: param.grad.copy() for name, param in gen.namedparams()}

    draws = Draws(config.seed, 0, range(2))
    x_fake = gen(latent(draws, config.n_z), draws.named("gen"))
    for seen, x, name in zip(dis.seen, (to_network(images, 0.0), x_fake), ("dis/real", "dis/fake"), strict=True):
        assert np.array_equal(seen, augment(x, draws.named(name), 0.0).array)
    gen.cleargrads()
    LOSSES["softplus"].gen(dis(augment(x_fake, draws.named("dis/fake"), 0.0), None)).backward()
    for name, param in gen.namedparams():
        np.testing.assert_allclose(ours[name], param.grad, rtol=1e-4, atol=1e-6, err_msg=name)


def test_average_of_two_steps_by_hand():
    config = Config(**SMALL, ema=0.25)
    gen, dis = Generator(config), Discriminator(config)
    images = np.random.default_rng(0).integers(0, 256, (2, 16, 16), dtype=np.uint8)
    updater = Updater(FixedBatches(images), chainer.optimizers.SGD(0.1).setup(gen),
                      chainer.optimizers.SGD(0.1).setup(dis), config)
    numbers = {"weights": lambda network: network.dc1.W.array, "gamma": lambda network: network.bn1.gamma.array,
               "mean": lambda network: network.bn1.avg_mean, "variance": lambda network: network.bn1.avg_var}
    states = [{name: get(gen).copy() for name, get in numbers.items()}]
    for name, get in numbers.items():
        assert np.array_equal(get(updater.sampled), states[0][name])
    for _ in range(2):
        updater.update()
        states.append({name: get(gen).copy() for name, get in numbers.items()})
    # (1 + t) / (10 + t) is 1/10 and 2/11, below the decay.
    for name, get in numbers.items():
        begin, first, second = (state[name] for state in states)
        assert not np.array_equal(first, second)
        expected = 2 / 11 * (begin / 10 + 9 / 10 * first) + 9 / 11 * second
        np.testing.assert_allclose(get(updater.sampled), expected, rtol=1e-5, atol=1e-7, err_msg=name)
    before = updater.sampled.dc1.W.array.copy()
    average(updater.sampled, gen, config.ema, 1000)
    np.testing.assert_allclose(updater.sampled.dc1.W.array, before / 4 + gen.dc1.W.array * 3 / 4, rtol=1e-5, atol=1e-7)


def test_the_average_has_no_part_in_the_training():
    weights = []
    for ema in (0.0, 0.9):
        config = Config(**SMALL, ema=ema)
        gen, dis = Generator(config), Discriminator(config)
        updater = Updater(FixedBatches(np.zeros((2, 16, 16), np.uint8)), chainer.optimizers.SGD(0.1).setup(gen),
                          chainer.optimizers.SGD(0.1).setup(dis), config)
        updater.update()
        assert (updater.sampled is gen) == (ema == 0)
        weights.append([param.array for network in (gen, dis) for _, param in sorted(network.namedparams())])
    assert all(np.array_equal(one, other) for one, other in zip(*weights, strict=True))


def test_images_between_lie_on_the_straight_line():
    x_real, x_fake = np.ones((3, 3, 4, 4), np.float32), np.zeros((3, 3, 4, 4), np.float32)
    x_hat = between(x_real, x_fake, Draws(0, 0, range(3)))
    assert x_hat.dtype == np.float32
    shares = x_hat[:, 0, 0, 0]
    assert np.array_equal(x_hat, np.broadcast_to(shares[:, None, None, None], x_hat.shape))
    assert len(set(shares)) == 3
    assert ((shares >= 0) & (shares < 1)).all()


def weights_after(iterations, kernels, nudge=0.0):
    """Both networks' parameters after training on small images with noise and dropout, Adam and weight decay."""
    config = settings.build("literal", image_size=16, width=1 / 32)
    comm = communicator.create("naive", MPI.COMM_SELF)
    images = np.random.default_rng(0).integers(0, 256, (8, 16, 16), dtype=np.uint8)
    found = {}
    with backends.using(kernels):
        gen, dis = (network(config, lambda size, use_gamma: GlobalBatchNormalization(size, comm, use_gamma))
                    for network in (Generator, Discriminator))
        optimizers = [make_optimizer(model, config, comm) for model in (gen, dis)]
        for optimizer in optimizers:
            optimizer.is_changed(optimizer.target)
            for param in optimizer.target.params():
                param.array *= np.float32(1 + nudge)
        batches = FixedBatches(images)
        batches.samples = range(8)
        updater = Updater(batches, *optimizers, config)
        for iteration in range(1, max(iterations) + 1):
            batches.images = np.roll(images, iteration, axis=1)
            updater.update()
            if iteration in iterations:
                found[iteration] = [np.concatenate([param.array.ravel() for _, param in sorted(model.namedparams())])
                                    for model in (gen, dis)]
    return found


def distances(ones, others):
    """How far two states of both networks are apart."""
    return np.array([np.linalg.norm(one - other) for one, other in zip(ones, others, strict=True)])


def test_200_iterations_on_fast_and_on_plain_kernels_stay_together():
    # Adam turns rounding in near-zero gradients into whole steps, and training carries them on: the yardstick is what
    # a change of the first weights in their last digit makes of 200 iterations, and the way that they go in these.
    fast, plain = (weights_after((1, 200), kernels) for kernels in ("fast", "plain"))
    nudged = weights_after((200,), "plain", nudge=2e-7)
    assert (distances(fast[1], plain[1]) < 2e-3 * distances(plain[1], [0, 0])).all()
    way = distances(plain[200], plain[1])
    apart, by_rounding = distances(fast[200], plain[200]) / way, distances(nudged[200], plain[200]) / way
    assert (apart < np.maximum(0.1, 2 * by_rounding)).all()
    assert (apart < 0.5).all()
