"""Every number of the paper, with its source: the settings of a run, their presets, YAML in and out.

"Paper" is Cepa, Brito and Sousa, "Generative Adversarial Networks in Healthcare: A Case Study on MRI Image Generation";
"released code" is the training script that its authors published. Numbers and tables that the paper prints stand; what
it describes in words means what the released code does.
"""

import contextlib
import difflib
import pathlib
import reprlib
from typing import Literal

import pydantic
import yaml
from pydantic.dataclasses import dataclass

from dcgan_mri.errors import DataError, UsageError


class ContradictionError(UsageError):
    """Two settings do not go together."""


def _setting(default, help_text, source, **bounds):
    """A field that knows what it is for, where its default comes from, and which values it takes (ge, le)."""
    return pydantic.Field(default, description=help_text, json_schema_extra={"source": source}, **bounds)


@dataclass(frozen=True, config=pydantic.ConfigDict(strict=True, allow_inf_nan=False))
class Config:
    """The settings of one training run; the defaults are the paper's.

    Raises:
        pydantic.ValidationError: If a value has the wrong type or lies outside what the setting takes.
        ContradictionError: If two settings do not go together; the message names both.
    """

    # The data
    image_size: Literal[16, 32, 64, 128, 256] = _setting(
        256, "side of the square images in pixels; below 256 some layers of Tables I and II are left out",
        "paper, II-A")
    pixel_range: Literal["0..1", "-1..1"] = _setting(
        "0..1", "range that grey 0 to 255 is mapped to for the networks",
        "released code (divides by 255); the paper is silent")
    n_subjects: int = _setting(
        0, "train on the first N subjects of the slice set by name; 0 takes all", "paper, II-A: all 15",
        ge=0, le=100_000)

    # The generator, Table I
    n_z: int = _setting(128, "number of values in z, drawn from U(-1, 1)", "paper, II-B", ge=1, le=10_000)
    width: float = _setting(
        1.0, "factor on every hidden width of Tables I and II; 1 is the paper's", "paper, Tables I and II",
        ge=1 / 128, le=4)
    gen_activation: Literal["leaky_relu", "relu", "elu"] = _setting(
        "leaky_relu", "activation of G's hidden transposed convolutions", "paper, Table I; others: Fig. 3")
    leaky_slope: float = _setting(
        0.2, "slope of Leaky ReLU below zero, in both networks", "released code", ge=0, le=1)
    gen_output: Literal["tanh", "sigmoid"] = _setting("tanh", "activation of G's last layer", "paper, Table I")
    last_conv: bool = _setting(
        True, "G ends with Table I's 3×3 stride 1 row; without it the last row that doubles the size is the output",
        "paper, Table I")
    upsampling: Literal["transposed", "nearest", "mixed"] = _setting(
        "transposed", "how G doubles the size: by transposed convolutions of stride 2; by nearest-neighbour upsampling "
        "and a 3×3 convolution; mixed: the last three times by the latter, which leaves no visible lattice",
        "paper, Table I; nearest: its future work, Odena et al. 2016; mixed: ours")
    deconv_kernel: Literal[3, 4, 6] = _setting(
        4, "kernel of G's transposed convolutions of stride 2; 3 does not divide by the stride", "paper, Table I")
    dropout: float = _setting(
        0.2, "share of values that dropout sets to 0 in every layer of G; 0 turns it off",
        "paper, II-B (every layer); released code (ratio)", ge=0, le=0.9)
    dropout_on_linear: bool = _setting(
        False, "apply dropout to G's linear layer too", "released code; the paper says every layer of G")
    dropout_when_sampling: bool = _setting(
        False, "keep G's dropout on when images are made", "released code (off); on is the way of pix2pix")
    dropout_at_output: bool = _setting(
        True, "apply dropout to G's last layer too", "paper, II-B (every layer); without it: ours")
    grey_output: bool = _setting(
        False, "G's last layer makes one channel, which is repeated to three: no image has a colour cast",
        "paper, Table I (three); one: ours")

    # The discriminator, Table II
    middle_width: int = _setting(
        156, "width of D's fourth and fifth convolution", "paper, Table II; 256 in the released code",
        ge=1, le=4096)
    dis_activation: Literal["relu", "leaky_relu", "elu"] = _setting(
        "relu", "activation of D's hidden convolutions", "paper, Table II")
    dis_last_activation: Literal["sigmoid", "tanh"] = _setting(
        "sigmoid", "activation of D's last convolution", "paper, Table II")
    dis_bn: bool = _setting(True, "batch normalisation in D, on every convolution but the first", "paper, II-B")
    noise_sigma: float = _setting(
        0.2, "standard deviation of the Gaussian noise in D during training; 0 turns it off", "released code", ge=0)
    noise_place: Literal["activation", "input"] = _setting(
        "activation", "where D's noise is added: to the image and before every activation, or to every layer's input",
        "released code; the paper says \"added as input in every layer\"")

    # The training, II-C and III
    loss: Literal["softplus", "wasserstein", "mse"] = _setting(
        "softplus", "loss of both networks: of signed scores, of their means, or of their squared errors",
        "paper, III (real x -1, generated x 1); softplus of these: released code")
    weight_clip: float = _setting(
        0.0, "bound that all of D's parameters are clamped to after each of its steps; 0 leaves them free",
        "the paper names none; Arjovsky et al. 2017: 0.01", ge=0)
    gradient_penalty: float = _setting(
        0.0, "factor of the gradient penalty in D's loss, which needs dis_bn false; 0 leaves it out",
        "the paper names none; Gulrajani et al. 2017: 10", ge=0)
    r1: float = _setting(
        0.0, "factor of the R1 penalty in D's loss, which needs dis_bn false; 0 leaves it out",
        "the paper names none; Mescheder et al. 2018: 10", ge=0)
    augment: bool = _setting(
        False, "D sees real and generated images shifted, brighter or darker, and with a square cut out, at random",
        "the paper has none; Zhao et al. 2020")
    ema: float = _setting(
        0.0, "decay of an average of G's weights over the iterations, which images are made with; 0 takes G as it is",
        "the paper has none; Karras et al. 2018: 0.999", ge=0, le=0.99999)
    update: Literal["alternating", "simultaneous"] = _setting(
        "alternating", "D's step first and G's gradient through the new D, or both gradients from the same weights",
        "released code; the paper is silent")
    critic_steps: int = _setting(
        1, "G steps in every N-th iteration, D in each", "paper, III; Arjovsky et al. 2017: 5", ge=1, le=1000)
    batchsize: int = _setting(8, "images per iteration, over all ranks together", "paper, II-C", ge=2, le=65_536)
    epoch: int = _setting(100, "number of passes over the slices", "paper, III", ge=1, le=1_000_000)
    optimizer: Literal["adam", "sgd", "rmsprop"] = _setting(
        "adam", "optimizer of both networks", "paper, II-C; Arjovsky et al. 2017: rmsprop")
    alpha: float = _setting(
        2e-4, "step size of adam and rmsprop, both networks; sgd takes learning_rate", "paper, II-C", ge=0)
    learning_rate: float = _setting(
        0.01, "step size of sgd, both networks; adam and rmsprop take alpha",
        "Chainer's default; the paper gives none", ge=0)
    beta1: float = _setting(0.5, "Adam's decay of the first moment", "paper, II-C", ge=0, le=0.9999)
    weight_decay: float = _setting(1e-3, "factor of the weight decay added to the gradients", "released code", ge=0)
    init_scale: float = _setting(0.02, "standard deviation of the initial weights", "paper, II-C", ge=0)
    seed: int = _setting(0, "seed of weights, order of slices, z, noise and dropout", "ours", ge=0, le=2**63 - 1)

    def __post_init__(self):
        # Neither what contradicts another setting, nor a kernel or step size that nothing would take.
        if self.upsampling == "nearest" and self.deconv_kernel != Config.deconv_kernel:
            raise ContradictionError(
                f"deconv_kernel: {self.deconv_kernel} is without effect with upsampling nearest, which has no "
                f"transposed convolution; set deconv_kernel to {Config.deconv_kernel}, or upsampling to transposed")
        for name in ("gradient_penalty", "r1"):
            if getattr(self, name) > 0 and self.dis_bn:
                raise ContradictionError(
                    f"{name}: {getattr(self, name)} needs dis_bn false, since the penalty is on each sample's own "
                    f"gradient and batch normalisation couples the samples; set dis_bn to false, or {name} to 0")
        if self.gen_output == "sigmoid" and self.pixel_low < 0:
            raise ContradictionError(
                f"gen_output: sigmoid puts out 0 to 1, which does not reach pixel_range {self.pixel_range}; set "
                f"pixel_range to 0..1, or gen_output to tanh")
        for name, optimizers in STEP_SETTINGS.items():
            value, default = getattr(self, name), getattr(Config, name)
            if self.optimizer not in optimizers and value != default:
                raise ContradictionError(
                    f"{name}: {value} is without effect with optimizer {self.optimizer}; leave {name} at {default}, or "
                    f"set optimizer to {' or '.join(optimizers)}")

    @property
    def pixel_low(self):
        """float: What grey 0 becomes for the networks; grey 255 becomes 1."""
        return {"0..1": 0.0, "-1..1": -1.0}[self.pixel_range]

    def to_yaml(self):
        """The settings as YAML text, each with a comment that gives its meaning and source."""
        lines = []
        for name, setting in SETTINGS.items():
            value = yaml.safe_dump(getattr(self, name)).removesuffix("...\n").strip()
            lines.append(f"# {setting.description} [{setting.json_schema_extra['source']}]\n{name}: {value}\n")
        return "".join(lines)


# Name to `pydantic.fields.FieldInfo`: default, annotation, description, json_schema_extra["source"].
SETTINGS = Config.__pydantic_fields__

# Which optimizers take which settings.
STEP_SETTINGS = {"alpha": ("adam", "rmsprop"), "learning_rate": ("sgd",), "beta1": ("adam",)}

# `paper`: its numbers, with its words read as the released code does; `released`: that code's numbers too; `literal`:
# the paper's words taken as they stand; `improved`: beyond the paper, for images without grid and cast.
PRESETS = {
    "paper": {},
    "released": {"n_z": 100, "middle_width": 256, "batchsize": 16},
    "literal": {
        "dropout_on_linear": True,
        "noise_place": "input",
        "loss": "wasserstein",
        "update": "simultaneous",
    },
    "improved": {
        "upsampling": "mixed",
        "dropout_at_output": False,
        "grey_output": True,
        "ema": 0.995,
    },
}


def build(preset="paper", file=None, **overrides):
    """Put a configuration together: the preset, then the file, then single settings, each over the one before.

    Args:
        preset (str): Name in `PRESETS`.
        file (str or Path): YAML file with settings, for example a run's ``config.yaml``.
        **overrides: Single settings by name.

    Returns:
        Config: The settings.

    Raises:
        UsageError: If a name or a value is wrong.
        DataError: If the file cannot be read.
    """
    if preset not in PRESETS:
        raise UsageError(f"preset {preset!r} is not known; choose from {', '.join(PRESETS)}")
    return from_dict({**PRESETS[preset], **(read_yaml(file) if file else {}), **overrides})


def from_dict(settings, origin=None):
    """Make a `Config` of a mapping from names to values; what is not given keeps the paper's value.

    Args:
        settings (dict): Names and values.
        origin (str): What the error message begins with; None if only the command line's options can be wrong.

    Returns:
        Config: The settings.

    Raises:
        UsageError: If a name is unknown, a value has the wrong type or range, or two do not go together.
    """
    begin = f"{origin}: " if origin else ""
    for name in settings:
        if name not in SETTINGS:
            near = difflib.get_close_matches(name, SETTINGS, n=1) if isinstance(name, str) else []
            hint = f"did you mean {near[0]}?" if near else f"known are: {', '.join(SETTINGS)}"
            raise UsageError(f"{begin}unknown setting {_shown(name)}; {hint}")
    try:
        return Config(**settings)
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False)[0]
        name, value = first["loc"][0], first["input"]
        hint = " (YAML reads 2e-4 as text; write 2.0e-4)" if first["type"] == "float_type" else ""
        what = f"{begin}{name}: {_shown(value)}" if origin else f"--{name.replace('_', '-')} {_shown(value)}:"
        raise UsageError(f"{what} {first['msg'].replace('Input should', 'must')}{hint}") from None
    except ContradictionError as error:
        raise ContradictionError(f"{begin}{error}") from None


def read_yaml(file):
    """Read settings from a YAML file and check them by name, type and range.

    Args:
        file (str or Path): The file; a mapping from setting to value.

    Returns:
        dict: Names and values, only those that the file gives.

    Raises:
        DataError: If the file cannot be read.
        UsageError: If it is not YAML, or a name or value in it is wrong.
    """
    try:
        text = pathlib.Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise DataError(f"{file}: cannot read the configuration ({reason}); give a YAML file") from None
    try:
        settings = yaml.safe_load(text)
    except Exception as error:  # what PyYAML's constructors raise at a date or number that is none has no common base
        where = f", line {error.problem_mark.line + 1}" if getattr(error, "problem_mark", None) else ""
        raise UsageError(f"{file}: not valid YAML{where}; write one `setting: value` a line") from None
    settings = {} if settings is None else settings
    if not isinstance(settings, dict):
        raise UsageError(f"{file}: holds a {type(settings).__name__}, not settings; write one `setting: value` a line")
    # What a setting goes together with may come from the preset or the command line.
    with contextlib.suppress(ContradictionError):
        from_dict(settings, origin=str(file))
    return settings


def _shown(value):
    """A value for a message: cut short, since nested anchors of YAML can stand for gigabytes."""
    try:
        return reprlib.repr(value)[:60]
    except ValueError:  # Python's limit of 4300 digits
        return "a number of thousands of digits"
