"""The generator of Table I and the discriminator of Table II, one row of the table a line.

`python -m dcgan_mri.networks` prints both tables as the forward pass really computes them.
"""

import dataclasses
import math

import numpy as np

from dcgan_mri import randomness
from dcgan_mri.chainer_compat import F, L, chainer
from dcgan_mri.kernels.noise import add_noise
from dcgan_mri.kernels.normalization import finish_layer

# Doublings before the image that `mixed` upsampling makes from nearest neighbours (experiments/results/full-size.rst).
NEAREST_IN_MIXED = 3
PREFIXES = {"linear": "l", "conv": "c", "deconv": "dc", "upconv": "uc"}


@dataclasses.dataclass(frozen=True)
class Row:
    """One row of a table, in the order in which its parts are applied.

    Attributes:
        noise_in: Standard deviation of the Gaussian noise on the layer's input, in training.
        kind: ``linear``, ``conv``, ``deconv`` (transposed convolution; its output is `stride` times as wide as its
            input) or ``upconv`` (nearest-neighbour upsampling by 2, then a convolution).
        out: Output channels; for ``linear`` the output shape.
        kernel, stride, pad: In pixels.
        bn: Whether batch normalisation follows.
        noise_out: Standard deviation of the Gaussian noise before the activation, in training.
        dropout: Share of values set to 0 before the activation, in training.
        activation: Name in `kernels.normalization.ACTIVATIONS`.
        slope: Of Leaky ReLU below zero.
        copies: How often the output's channels are repeated.
    """

    kind: str
    out: int | tuple
    kernel: int = 0
    stride: int = 0
    pad: int = 0
    bn: bool = False
    activation: str = "none"
    dropout: float = 0.0
    slope: float = 0.0
    noise_in: float = 0.0
    noise_out: float = 0.0
    copies: int = 1


def generator_rows(config):
    """Table I, for the image size and the factor on the widths that are set.

    Args:
        config (dcgan_mri.config.Config): The settings.

    Returns:
        list of Row: Eight for 256×256 images; for smaller ones the hidden rows nearest the image are left out.
    """
    hidden = {"bn": True, "activation": config.gen_activation, "slope": config.leaky_slope, "dropout": config.dropout}
    channels, copies = (1, 3) if config.grey_output else (3, 1)
    output = {"activation": config.gen_output, "dropout": config.dropout * config.dropout_at_output, "copies": copies}
    rows = [
        Row("linear", (_scaled(1024, config), 4, 4), bn=True, dropout=config.dropout * config.dropout_on_linear),
        Row("deconv", _scaled(512, config), 4, 2, 1, **hidden),
        Row("deconv", _scaled(256, config), 4, 2, 1, **hidden),
        Row("deconv", _scaled(128, config), 4, 2, 1, **hidden),
        Row("deconv", _scaled(64, config), 4, 2, 1, **hidden),
        Row("deconv", _scaled(32, config), 4, 2, 1, **hidden),
        Row("deconv", 3, 4, 2, 1, **hidden),
        Row("deconv", channels, 3, 1, 1, **output),
    ]
    doublings = int(math.log2(config.image_size // 4))
    rows = rows[:doublings] + rows[-2:]
    if not config.last_conv:
        rows[-2:] = [dataclasses.replace(rows[-2], out=channels, bn=False, **output)]
    doubling = [i for i, row in enumerate(rows) if row.stride == 2]
    by_nearest = {"transposed": [], "mixed": doubling[-NEAREST_IN_MIXED:], "nearest": doubling}[config.upsampling]
    first_nearest = min(by_nearest, default=len(rows))
    return [_upsampled_as_set(row, config.deconv_kernel, i >= first_nearest) for i, row in enumerate(rows)]


def _upsampled_as_set(row, deconv_kernel, nearest):
    """A row of Table I with the upsampling or the kernel that the settings ask for."""
    if nearest:
        # A transposed convolution of stride 1 is a convolution with its kernel turned round.
        return dataclasses.replace(row, kind="upconv" if row.stride == 2 else "conv", kernel=3, stride=1, pad=1)
    if row.stride == 2:
        return dataclasses.replace(row, kernel=deconv_kernel, pad=(deconv_kernel - 1) // 2)
    return row


def discriminator_rows(config):
    """Table II, for the image size and the factor on the widths that are set.

    Args:
        config (dcgan_mri.config.Config): The settings.

    Returns:
        list of Row: Ten for 256×256 images; for smaller ones the rows nearest the image are left out.
    """
    middle = config.middle_width
    hidden = {"bn": config.dis_bn, "activation": config.dis_activation, "slope": config.leaky_slope}
    rows = [
        Row("conv", _scaled(32, config), 4, 2, 1, **hidden),
        Row("conv", _scaled(64, config), 4, 2, 1, **hidden),
        Row("conv", _scaled(128, config), 4, 2, 1, **hidden),
        Row("conv", _scaled(middle, config), 4, 2, 1, **hidden),
        Row("conv", _scaled(middle, config), 3, 1, 1, **hidden),
        Row("conv", _scaled(512, config), 4, 2, 1, **hidden),
        Row("conv", _scaled(512, config), 3, 1, 1, **hidden),
        Row("conv", _scaled(1024, config), 4, 2, 1, **hidden),
        Row("conv", _scaled(1024, config), 3, 1, 1, bn=config.dis_bn, activation=config.dis_last_activation),
        Row("linear", (1,)),
    ]
    rows = rows[int(math.log2(256 // config.image_size)):]
    rows[0] = dataclasses.replace(rows[0], bn=False)  # II-B: none at the input
    return _with_noise(rows, config)


def _with_noise(rows, config):
    """Table II's rows with the noise where the settings put it."""
    sigma = config.noise_sigma
    if config.noise_place == "input":
        return [dataclasses.replace(row, noise_in=sigma) for row in rows]
    rows = [dataclasses.replace(row, noise_out=sigma * (row.kind == "conv")) for row in rows]
    return [dataclasses.replace(rows[0], noise_in=sigma), *rows[1:]]


def _scaled(width, config):
    return max(1, round(width * config.width))


def local_batch_normalization(size, use_gamma):
    """Chainer's own batch normalisation; ranks that share a batch take `dcgan_mri.distributed`'s instead.

    Args:
        size (int): Number of channels or features.
        use_gamma (bool): Whether it has a scale.

    Returns:
        chainer.links.BatchNormalization: The link.
    """
    return L.BatchNormalization(size, use_gamma=use_gamma)


class Network(chainer.Chain):
    """A chain of table rows.

    Args:
        rows (list of Row): The layers.
        in_shape (tuple of int): Shape of one sample's input.
        initial_weights (chainer.initializers.Initializer): For all weights; biases start at 0.
        use_gamma (bool): Whether batch normalisation has a scale.
        batch_normalization (callable): Factory of (size, use_gamma).
    """

    def __init__(self, rows, in_shape, initial_weights, use_gamma, batch_normalization):
        super().__init__()
        self.rows = rows
        self.names = [f"{PREFIXES[row.kind]}{i}" for i, row in enumerate(rows)]
        shape = in_shape
        with self.init_scope():
            for i, (name, row) in enumerate(zip(self.names, rows, strict=True)):
                setattr(self, name, _layer(row, shape, initial_weights))
                shape = output_shape(row, shape)
                if row.bn:
                    size = math.prod(shape) if row.kind == "linear" else shape[0]
                    setattr(self, f"bn{i}", batch_normalization(size, use_gamma))

    def forward(self, h, draws=None):
        """Apply all rows.

        Args:
            h (array or chainer.Variable): float32 of shape (B, *in_shape).
            draws (dcgan_mri.randomness.Draws): Noise and dropout come from it; not needed where neither is applied.

        Returns:
            chainer.Variable: float32; what the last row puts out.
        """
        for i in range(len(self.rows)):
            h = self.apply_row(i, h, draws)
        return h

    def apply_row(self, i, h, draws=None):
        """Apply row i: noise, layer, batch normalisation, noise, dropout, activation, each where the row has it."""
        row = self.rows[i]
        h = _add_noise(h, row.noise_in, draws, f"{i}/noise_in")
        if row.kind == "upconv":
            h = F.unpooling_2d(h, 2, cover_all=False)
        h = self[self.names[i]](h)
        kept = draws.kept(f"{i}/dropout", h.shape[1:], row.dropout) if row.dropout and self.drops_out() else None
        h = finish_layer(
            h, self[f"bn{i}"] if row.bn else None, kept, row.dropout, row.activation, row.slope,
            add_noise=(lambda h: _add_noise(h, row.noise_out, draws, f"{i}/noise_out")) if row.noise_out else None)
        if row.copies > 1:
            h = F.tile(h, (1, row.copies, 1, 1))
        return F.reshape(h, (len(h), *row.out)) if row.kind == "linear" else h

    def drops_out(self):
        """bool: Whether dropout is on."""
        return chainer.config.train


class Generator(Network):
    """Table I: z of shape (B, n_z, 1, 1) to images of shape (B, 3, H, W) in [-1, 1].

    Args:
        config (dcgan_mri.config.Config): The settings.
        batch_normalization (callable): Factory of (size, use_gamma).
    """

    def __init__(self, config, batch_normalization=local_batch_normalization):
        weights = _initial_weights(config, "gen")
        super().__init__(generator_rows(config), (config.n_z, 1, 1), weights, True, batch_normalization)
        self.dropout_when_sampling = config.dropout_when_sampling

    def drops_out(self):
        """bool: Whether dropout is on: in training, and when sampling if the settings say so (as in pix2pix)."""
        return chainer.config.train or self.dropout_when_sampling


class Discriminator(Network):
    """Table II: images of shape (B, 3, H, W) to scores of shape (B, 1), any real number; real images score high.

    Args:
        config (dcgan_mri.config.Config): The settings.
        batch_normalization (callable): Factory of (size, use_gamma).
    """

    def __init__(self, config, batch_normalization=local_batch_normalization):
        weights = _initial_weights(config, "dis")
        in_shape = (3, config.image_size, config.image_size)
        super().__init__(discriminator_rows(config), in_shape, weights, False, batch_normalization)


def _initial_weights(config, network):
    return chainer.initializers.Normal(config.init_scale, rng=randomness.weight_generator(config.seed, network))


def _layer(row, in_shape, weights):
    if row.kind == "linear":
        return L.Linear(math.prod(in_shape), math.prod(row.out), initialW=weights)
    if row.kind == "deconv":
        return L.Deconvolution2D(in_shape[0], row.out, row.kernel, row.stride, row.pad,
                                 outsize=output_shape(row, in_shape)[1:], initialW=weights)
    return L.Convolution2D(in_shape[0], row.out, row.kernel, row.stride, row.pad, initialW=weights)


def output_shape(row, in_shape):
    if row.kind == "linear":
        return row.out
    if row.kind == "deconv":
        size = in_shape[1] * row.stride
    else:
        upsampled = in_shape[1] * (2 if row.kind == "upconv" else 1)
        size = (upsampled + 2 * row.pad - row.kernel) // row.stride + 1
    return (row.out, size, size)


def _add_noise(h, sigma, draws, name):
    if not sigma or not chainer.config.train:
        return h
    return add_noise(h, draws, name, sigma)


def table(network, batch):
    """Describe a network by running it.

    Args:
        network (Network): The network.
        batch (numpy.ndarray): Input of shape (B, *in_shape).

    Returns:
        list of tuple: For each row its text, the shape of its output without the batch, and its parameter count.
    """
    lines = []
    h = batch
    with chainer.using_config("train", False), chainer.no_backprop_mode():
        for i, row in enumerate(network.rows):
            h = network.apply_row(i, h, randomness.for_images(range(len(batch))))
            links = [network[network.names[i]]] + ([network[f"bn{i}"]] if row.bn else [])
            lines.append((_describe(row), h.shape[1:], sum(link.count_params() for link in links)))
    return lines


def _describe(row):
    size = f" {row.kernel}×{row.kernel} stride {row.stride} pad {row.pad}" if row.kernel else ""
    parts = [
        f"noise {row.noise_in}, " if row.noise_in else "",
        {"linear": "Linear", "conv": "Conv.", "deconv": "T. Conv.", "upconv": "Nearest ×2, Conv."}[row.kind] + size,
        ", BN" if row.bn else "",
        f", noise {row.noise_out}" if row.noise_out else "",
        f", dropout {row.dropout}" if row.dropout else "",
        {"none": "", "relu": ", ReLU", "leaky_relu": f", Leaky ReLU {row.slope}", "elu": ", ELU",
         "sigmoid": ", Sigmoid", "tanh": ", Tanh"}[row.activation],
        f", repeated {row.copies} times" if row.copies > 1 else "",
    ]
    return "".join(parts)


def _print_table(title, network, batch):
    print(f"{title}\n{'layer':<72} {'output':>14} {'parameters':>12}")
    lines = table(network, batch)
    for text, shape, count in lines:
        print(f"{text:<72} {'×'.join(map(str, shape)):>14} {count:>12,}")
    print(f"{'total':<72} {'':>14} {sum(count for *_, count in lines):>12,}\n")


def main():
    """Print Tables I and II for the settings given."""
    import argparse

    from dcgan_mri import config as settings
    from dcgan_mri.errors import shown_to_user

    parser = argparse.ArgumentParser(
        prog="python -m dcgan_mri.networks",
        description="Print the generator (Table I) and the discriminator (Table II) as the forward pass computes them.")
    parser.add_argument("--preset", default="paper", help="paper (default), released, literal or improved")
    parser.add_argument("--config", metavar="FILE", help="YAML file with settings over the preset")
    args = parser.parse_args()
    with shown_to_user("dcgan_mri.networks"):
        config = settings.build(args.preset, args.config)
    z = np.zeros((1, config.n_z, 1, 1), dtype=np.float32)
    x = np.zeros((1, 3, config.image_size, config.image_size), dtype=np.float32)
    _print_table("Table I, generator", Generator(config), z)
    _print_table("Table II, discriminator", Discriminator(config), x)


if __name__ == "__main__":
    main()
