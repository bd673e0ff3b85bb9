"""Every layer that the forward pass runs, against Tables I and II copied out by hand."""

import numpy as np
import pytest

from dcgan_mri import config as settings
from dcgan_mri.chainer_compat import chainer
from dcgan_mri.config import Config
from dcgan_mri.randomness import Draws, latent
from dcgan_mri.networks import Discriminator, Generator, Row, table
from tests.helpers import SMALL, run_job

BATCH = 2
FULL = Config()


LABELS = {
    "_AddNoise": "noise", "LinearFunction": "linear", "Convolution2DFunction": "conv",
    "Deconvolution2DFunction": "deconv", "BatchNormalization": "bn",
    "Dropout": "dropout", "LeakyReLU": "leaky", "ReLU": "relu", "Tanh": "tanh",
    "Sigmoid": "sigmoid", "Reshape": "reshape", "ELU": "elu", "Unpooling2D": "nearest"}


def steps_of(network, batch):
    """What a training pass runs, read off its graph: name, output shape of a sample, and geometry of convolutions."""
    steps = []
    with chainer.using_config("train", True):
        y = network(chainer.Variable(batch), Draws(0, 0, range(BATCH)))
    function = y.creator_node
    while function is not None:
        geometry = ()
        if "onvolution" in function.label:
            geometry = (function.inputs[1].shape[2], function.sy, function.ph)
        shape = y.shape[1:]
        steps.append((LABELS[function.label], shape, *geometry))
        y = function.inputs[0]
        function = y.creator_node
    return steps[::-1]


def deconv_row(channels, size):
    shape = (channels, size, size)
    return [("deconv", shape, 4, 2, 1), ("bn", shape), ("dropout", shape), ("leaky", shape)]


def conv_row(channels, size, kernel, stride, activation="relu", bn=True):
    shape = (channels, size, size)
    return [("conv", shape, kernel, stride, 1), *([("bn", shape)] if bn else []), ("noise", shape), (activation, shape)]


TABLE_I = [
    ("linear", (16384,)), ("bn", (16384,)), ("reshape", (1024, 4, 4)),
    *deconv_row(512, 8), *deconv_row(256, 16), *deconv_row(128, 32), *deconv_row(64, 64), *deconv_row(32, 128),
    *deconv_row(3, 256),
    ("deconv", (3, 256, 256), 3, 1, 1), ("dropout", (3, 256, 256)), ("tanh", (3, 256, 256)),
]
TABLE_II = [
    ("noise", (3, 256, 256)),
    *conv_row(32, 128, 4, 2, bn=False),
    *conv_row(64, 64, 4, 2),
    *conv_row(128, 32, 4, 2),
    *conv_row(156, 16, 4, 2),
    *conv_row(156, 16, 3, 1),
    *conv_row(512, 8, 4, 2),
    *conv_row(512, 8, 3, 1),
    *conv_row(1024, 4, 4, 2),
    *conv_row(1024, 4, 3, 1, activation="sigmoid"),
    ("linear", (1,)),
]


@pytest.fixture(scope="module")
def generator():
    return Generator(FULL)


@pytest.fixture(scope="module")
def discriminator():
    return Discriminator(FULL)


def z_batch(config):
    return latent(Draws(0, 0, range(BATCH)), config.n_z)


def image_batch(size=256):
    return np.random.default_rng(0).random((BATCH, 3, size, size), dtype=np.float32)


def without_reshapes_to_vectors(steps):
    """Chainer flattens by a reshape of its own what goes into and comes out of a linear layer."""
    return [step for step in steps if step[0] != "reshape" or len(step[1]) > 1]


def test_generator_is_table_i(generator):
    assert without_reshapes_to_vectors(steps_of(generator, z_batch(FULL))) == TABLE_I


def test_discriminator_is_table_ii(discriminator):
    assert without_reshapes_to_vectors(steps_of(discriminator, image_batch())) == TABLE_II


def test_parameter_counts_are_those_counted_by_hand(generator, discriminator):
    assert generator.count_params() == 13_324_797
    assert discriminator.count_params() == 22_190_497
    assert Discriminator(settings.build("released")).c3.W.shape[0] == 256


def test_numbers_of_the_layers(generator, discriminator):
    assert {row.slope for row in generator.rows[1:-1]} == {0.2}
    assert [row.dropout for row in generator.rows] == [0.0] + 7 * [0.2]
    assert [row.noise_in for row in discriminator.rows] == [0.2] + 9 * [0.0]
    assert [row.noise_out for row in discriminator.rows] == 9 * [0.2] + [0.0]
    assert not hasattr(discriminator.bn1, "gamma") or discriminator.bn1.gamma is None
    assert generator.bn1.gamma is not None


def test_initial_weights(generator, discriminator):
    for weight in (generator.l0.W, generator.dc1.W, discriminator.c8.W):
        assert weight.array.mean() == pytest.approx(0, abs=1e-4)
        assert weight.array.std() == pytest.approx(0.02, rel=0.01)
    assert not generator.dc1.b.array.any()
    assert not np.array_equal(generator.dc1.W.array.ravel()[:9], discriminator.c5.W.array.ravel()[:9])


def test_no_noise_and_no_dropout_outside_training(generator, discriminator):
    for network, batch in ((generator, z_batch(FULL)), (discriminator, image_batch())):
        with chainer.using_config("train", False):
            first, second = (network(batch, Draws(seed, 0, range(BATCH))).array for seed in (1, 2))
        assert np.array_equal(first, second)


def test_dropout_stays_on_when_sampling_if_asked_for():
    config = Config(**SMALL, dropout_when_sampling=True)
    gen = Generator(config)
    with chainer.using_config("train", False):
        first, second = (gen(z_batch(config), Draws(seed, 0, range(BATCH))).array for seed in (1, 2))
    assert not np.array_equal(first, second)


def test_noise_has_its_deviation_and_lies_before_the_layer():
    config = Config(**SMALL, noise_place="input")
    dis = Discriminator(config)
    dis.c0.W.array[...] = 0
    dis.c0.W.array[0, 0, 1, 1] = 1  # lets the first channel of the image through
    with chainer.using_config("train", True):
        passed = dis.apply_row(0, np.full((BATCH, 3, 16, 16), 9, np.float32), Draws(0, 0, range(BATCH))).array[:, 0]
    assert passed.mean() == pytest.approx(9, abs=0.05)
    assert passed.std() == pytest.approx(0.2, rel=0.1)


def test_literal_preset_puts_noise_on_every_input_and_dropout_in_every_layer():
    config = settings.build("literal", **SMALL)
    assert labels_of(Discriminator(config), image_batch(16)) == [
        "noise", "conv", "relu", *["noise", "conv", "bn", "relu"] * 3, "noise", "conv", "bn", "sigmoid",
        "noise", "linear"]
    assert labels_of(Generator(config), z_batch(config))[:4] == ["linear", "bn", "dropout", "deconv"]


@pytest.mark.parametrize("size", [16, 32, 64, 128])
def test_smaller_images_keep_the_rows_at_the_four_by_four_end(size):
    config = Config(image_size=size, width=1 / 64)
    gen, dis = Generator(config), Discriminator(config)
    with chainer.using_config("train", False):
        x = gen(z_batch(config))
        assert x.shape == (BATCH, 3, size, size)
        assert dis(x).shape == (BATCH, 1)
    assert [row.kernel for row in dis.rows[-3:]] == [4, 3, 0]
    assert not dis.rows[0].bn


def labels_of(network, batch):
    return [step[0] for step in steps_of(network, batch) if step[0] != "reshape"]


@pytest.mark.parametrize("name", ["leaky_relu", "relu", "elu"])
@pytest.mark.parametrize("last", ["tanh", "sigmoid"])
def test_activations_of_the_generator(name, last):
    config = Config(**SMALL, gen_activation=name, gen_output=last)
    hidden = ["deconv", "bn", "dropout", {"leaky_relu": "leaky"}.get(name, name)]
    assert labels_of(Generator(config), z_batch(config)) == [
        "linear", "bn", *hidden, *hidden, "deconv", "dropout", last]


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "elu"])
@pytest.mark.parametrize("last", ["sigmoid", "tanh"])
def test_activations_of_the_discriminator(name, last):
    config = Config(**SMALL, noise_sigma=0, dis_activation=name, dis_last_activation=last)
    activation = {"leaky_relu": "leaky"}.get(name, name)
    assert labels_of(Discriminator(config), image_batch(16)) == [
        "conv", activation, *["conv", "bn", activation] * 3, "conv", "bn", last, "linear"]


def test_discriminator_without_batch_normalisation():
    config = Config(**SMALL, noise_sigma=0, dis_bn=False)
    dis = Discriminator(config)
    assert labels_of(dis, image_batch(16)) == [*["conv", "relu"] * 4, "conv", "sigmoid", "linear"]
    images = image_batch(16)
    with chainer.using_config("train", True):
        together, alone = dis(images).array, np.concatenate([dis(image[None]).array for image in images])
    np.testing.assert_allclose(together, alone, rtol=1e-6)


def test_generator_without_the_last_convolution_ends_with_the_row_before_it():
    gen = Generator(Config(last_conv=False))
    assert without_reshapes_to_vectors(steps_of(gen, z_batch(FULL))) == [
        *TABLE_I[:-7], ("deconv", (3, 256, 256), 4, 2, 1), ("dropout", (3, 256, 256)), ("tanh", (3, 256, 256))]


@pytest.mark.parametrize("last_conv", [True, False])
def test_nearest_upsampling_leaves_no_transposed_convolution(last_conv):
    config = Config(**SMALL, upsampling="nearest", last_conv=last_conv)
    steps = [step for step in steps_of(Generator(config), z_batch(config)) if step[0] in ("nearest", "conv", "deconv")]
    shapes = [(8, 8, 8), (3, 16, 16)]
    assert steps == [
        ("nearest", (16, 8, 8)), ("conv", shapes[0], 3, 1, 1), ("nearest", (8, 16, 16)), ("conv", shapes[1], 3, 1, 1),
        *([("conv", shapes[1], 3, 1, 1)] if last_conv else [])]


def test_mixed_upsampling_is_nearest_in_the_last_three_doublings():
    gen = Generator(Config(**{**SMALL, "image_size": 64}, upsampling="mixed"))
    assert [row.kind for row in gen.rows] == ["linear", "deconv", "upconv", "upconv", "upconv", "conv"]


def test_nearest_upsampling_repeats_each_pixel():
    gen = Generator(Config(**SMALL, upsampling="nearest"))
    gen.uc1.W.array[...] = 0
    gen.uc1.W.array[:, 0, 1, 1] = 1  # lets the first channel through
    gen.rows[1] = Row("upconv", 8, 3, 1, 1)
    h = np.random.default_rng(0).random((1, 16, 4, 4), dtype=np.float32)
    assert np.array_equal(gen.apply_row(1, h).array[0, 0], h[0, 0].repeat(2, axis=0).repeat(2, axis=1))


@pytest.mark.parametrize(("kernel", "pad"), [(3, 1), (4, 1), (6, 2)])
def test_kernel_of_the_transposed_convolutions(kernel, pad):
    config = Config(**SMALL, deconv_kernel=kernel)
    steps = [step[1:] for step in steps_of(Generator(config), z_batch(config)) if step[0] == "deconv"]
    assert steps == [((8, 8, 8), kernel, 2, pad), ((3, 16, 16), kernel, 2, pad), ((3, 16, 16), 3, 1, 1)]


ARMS = [
    {}, {"gen_activation": "relu"}, {"gen_activation": "elu"}, {"gen_output": "sigmoid"}, {"last_conv": False},
    {"upsampling": "nearest"}, {"upsampling": "nearest", "last_conv": False}, {"upsampling": "mixed"},
    {"upsampling": "mixed", "last_conv": False, "deconv_kernel": 6}, {"deconv_kernel": 3},
    {"deconv_kernel": 6}, {"deconv_kernel": 3, "last_conv": False}, {"dis_activation": "leaky_relu"},
    {"dis_activation": "elu"}, {"dis_last_activation": "tanh"}, {"dis_bn": False},
    {"grey_output": True}, {"grey_output": True, "last_conv": False}, {"dropout_at_output": False}]


@pytest.mark.parametrize("arm", ARMS, ids=str)
def test_every_arm_makes_and_scores_small_images(arm):
    config = Config(image_size=64, width=0.25, **arm)
    gen, dis = Generator(config), Discriminator(config)
    draws = Draws(0, 0, range(BATCH))
    with chainer.using_config("train", True):
        x = gen(z_batch(config), draws.named("gen"))
        y = dis(x, draws.named("dis"))
    assert (x.shape, y.shape) == ((BATCH, 3, 64, 64), (BATCH, 1))
    for network in (gen, dis):
        network.cleargrads()
    y.grad = np.ones_like(y.array)
    y.backward()
    assert all(np.isfinite(param.grad).all() for network in (gen, dis) for param in network.params())
    assert [shape for _, shape, _ in table(gen, z_batch(config))][-1] == (3, 64, 64)


@pytest.mark.parametrize("last_conv", [True, False])
def test_grey_output_is_one_channel_three_times(last_conv):
    config = Config(**SMALL, grey_output=True, last_conv=last_conv)
    gen = Generator(config)
    x = gen(z_batch(config), Draws(0, 0, range(BATCH)))
    assert np.array_equal(x.array, np.broadcast_to(x.array[:, :1], x.shape))
    assert gen[gen.names[-1]].W.shape[1] == 1
    assert table(gen, z_batch(config))[-1][0].endswith(", Tanh, repeated 3 times")


@pytest.mark.parametrize("last_conv", [True, False])
def test_dropout_is_left_out_of_the_last_row_alone(last_conv):
    gen = Generator(Config(**SMALL, dropout_at_output=False, last_conv=last_conv))
    assert [row.dropout for row in gen.rows] == [0.0, *[0.2] * (len(gen.rows) - 2), 0.0]


def test_nearest_upsampling_is_in_the_printed_table():
    config = Config(**SMALL, upsampling="nearest", gen_activation="elu")
    texts = [text for text, _, _ in table(Generator(config), z_batch(config))]
    assert texts[1] == "Nearest ×2, Conv. 3×3 stride 1 pad 1, BN, dropout 0.2, ELU"


def test_printed_tables():
    done = run_job("-m", "dcgan_mri.networks")
    assert done.returncode == 0, done.stderr
    assert "13,324,797" in done.stdout
    assert "22,190,497" in done.stdout
    assert "T. Conv. 4×4 stride 2 pad 1, BN, dropout 0.2, Leaky ReLU 0.2" in done.stdout
    assert done.stdout.count("156×16×16") == 2


def test_printed_tables_refuse_a_wrong_preset():
    done = run_job("-m", "dcgan_mri.networks", "--preset", "papper")
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "dcgan_mri.networks: error: preset 'papper' is not known; choose from paper, released, literal, improved"]
