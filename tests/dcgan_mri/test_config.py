"""The paper's numbers, the presets, YAML in and out, and what is refused."""

import dataclasses
import typing

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dcgan_mri import config as settings
from dcgan_mri.config import Config
from dcgan_mri.errors import DataError, UsageError
from dcgan_mri.losses import LOSSES
from dcgan_mri.kernels.normalization import ACTIVATIONS
from dcgan_mri.optimizers import OPTIMIZERS


def test_defaults_are_what_the_paper_prints():
    config = Config()
    assert (config.n_z, config.batchsize, config.epoch, config.image_size) == (128, 8, 100, 256)
    assert (config.alpha, config.beta1, config.init_scale) == (2e-4, 0.5, 0.02)
    assert config.middle_width == 156


@pytest.mark.parametrize(("preset", "expected"), [
    ("released", {"n_z": 100, "batchsize": 16, "middle_width": 256}),
    ("literal", {"loss": "wasserstein", "update": "simultaneous", "noise_place": "input", "dropout_on_linear": True}),
])
def test_a_preset_differs_from_the_paper_in_what_it_is_for(preset, expected):
    paper, other = settings.build("paper"), settings.build(preset)
    assert expected == {
        field.name: getattr(other, field.name) for field in dataclasses.fields(Config)
        if getattr(paper, field.name) != getattr(other, field.name)}


def test_the_papers_words_are_read_as_the_released_code_does():
    config = Config()
    assert (config.loss, config.update, config.noise_place, config.dropout_on_linear) == (
        "softplus", "alternating", "activation", False)


def choices_of(name):
    return set(typing.get_args(settings.SETTINGS[name].annotation))


def test_every_loss_and_every_optimizer_can_be_chosen():
    assert choices_of("loss") == set(LOSSES)
    assert choices_of("optimizer") == set(OPTIMIZERS)


@pytest.mark.parametrize("name", ["gen_activation", "gen_output", "dis_activation", "dis_last_activation"])
def test_every_activation_that_can_be_chosen_is_there(name):
    assert choices_of(name) < set(ACTIVATIONS)


def test_every_setting_names_meaning_and_source():
    for setting in settings.SETTINGS.values():
        assert setting.description
        assert setting.json_schema_extra["source"]


configs = st.builds(
    Config, n_z=st.integers(1, 10**4), dropout=st.floats(0, 0.9), alpha=st.floats(0, 1e3),
    seed=st.integers(0, 2**63 - 1), loss=st.sampled_from(sorted(LOSSES)), dropout_on_linear=st.booleans(),
    pixel_range=st.sampled_from(["0..1", "-1..1"]), width=st.floats(1 / 128, 4))


@given(config=configs)
def test_yaml_round_trip(config, tmp_path_factory):
    file = tmp_path_factory.mktemp("yaml") / "config.yaml"
    file.write_text(config.to_yaml())
    assert settings.build(file=file) == config


def test_file_goes_over_preset_and_option_over_file(tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text("n_z: 7\nbatchsize: 4\n")
    config = settings.build("released", file, batchsize=2)
    assert (config.n_z, config.batchsize, config.loss) == (7, 2, "softplus")


# Each a list of ten of the one before: written out, the last would fill 40 GB.
ANCHORS = "[&i0 [1], " + ", ".join(f"&i{i} [{', '.join([f'*i{i - 1}'] * 10)}]" for i in range(1, 10)) + "]"


@pytest.mark.parametrize(("text", "parts"), [
    ("batchsise: 8", ["'batchsise'", "did you mean batchsize?"]),
    ("colour: red", ["'colour'", "known are"]),
    ("batchsize: 8.5", ["batchsize", "8.5", "must be a valid integer"]),
    ("batchsize: true", ["batchsize", "True", "must be a valid integer"]),
    ("batchsize: 1", ["batchsize", "1 must be greater than or equal to 2"]),
    ("alpha: 2e-4", ["alpha", "'2e-4'", "2.0e-4"]),
    ("alpha: .nan", ["alpha", "nan", "must be a finite number"]),
    ("alpha: .inf", ["alpha", "inf", "must be a finite number"]),
    ("dropout: 1.0", ["dropout", "1.0 must be less than or equal to 0.9"]),
    ("beta1: 1.0", ["beta1", "1.0 must be less than or equal to 0.9999"]),
    ("loss: hinge", ["loss", "'hinge'", "must be 'softplus', 'wasserstein' or 'mse'"]),
    ("image_size: 100", ["image_size", "100", "256"]),
    ("gen_activation: tanh", ["gen_activation", "'tanh'", "'leaky_relu', 'relu' or 'elu'"]),
    ("gen_output: relu", ["gen_output", "'relu'", "'tanh' or 'sigmoid'"]),
    ("last_conv: 0", ["last_conv", "0 must be a valid boolean"]),
    ("upsampling: bilinear", ["upsampling", "'bilinear'", "'transposed', 'nearest' or 'mixed'"]),
    ("deconv_kernel: 5", ["deconv_kernel", "5 must be 3, 4 or 6"]),
    ("dis_activation: tanh", ["dis_activation", "'tanh'", "'relu', 'leaky_relu' or 'elu'"]),
    ("dis_last_activation: relu", ["dis_last_activation", "'relu'", "'sigmoid' or 'tanh'"]),
    ("dis_bn: 1", ["dis_bn", "1 must be a valid boolean"]),
    ("optimizer: adagrad", ["optimizer", "'adagrad'", "'adam', 'sgd' or 'rmsprop'"]),
    ("learning_rate: -1", ["learning_rate", "-1 must be greater than or equal to 0"]),
    ("weight_clip: -0.01", ["weight_clip", "-0.01 must be greater than or equal to 0"]),
    ("gradient_penalty: -10", ["gradient_penalty", "-10 must be greater than or equal to 0"]),
    ("critic_steps: 0", ["critic_steps", "0 must be greater than or equal to 1"]),
    ("n_subjects: -1", ["n_subjects", "-1 must be greater than or equal to 0"]),
    ("- a\n- b", ["list", "setting: value"]),
    ("a: [", ["not valid YAML", "line"]),
    ("seed: 2026-13-45", ["not valid YAML"]),
    ("seed: !!bool perhaps", ["not valid YAML"]),
    ("seed: !!timestamp soon", ["not valid YAML"]),
    (f"seed: {'9' * 5000}", ["not valid YAML"]),
    (f"seed: 0x{'f' * 5000}", ["seed", "thousands of digits must be less than or equal to"]),
    (f"? 0x{'f' * 5000}\n: 1", ["unknown setting a number of thousands of digits"]),
    (f"seed: {'[' * 2000}", ["not valid YAML"]),
    (f"seed: {ANCHORS}", ["seed", "[[1], ", "must be a valid integer"]),
    ("n_z: 1000000000", ["n_z", "must be less than or equal to 10000"]),
    ("middle_width: 1000000000", ["middle_width", "must be less than or equal to 4096"]),
    ("batchsize: 10000000000000", ["batchsize", "must be less than or equal to 65536"]),
    ("epoch: 1000000000", ["epoch", "must be less than or equal to 1000000"]),
    ("critic_steps: 1000000000", ["critic_steps", "must be less than or equal to 1000"]),
    ("n_subjects: 1000000000", ["n_subjects", "must be less than or equal to 100000"]),
])
def test_wrong_file_is_refused_by_name(tmp_path, text, parts):
    file = tmp_path / "c.yaml"
    file.write_text(text)
    with pytest.raises(UsageError) as caught:
        settings.build(file=file)
    for part in [str(file), *parts]:
        assert part in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(("given", "parts"), [
    ({"upsampling": "nearest", "deconv_kernel": 6},
     ["deconv_kernel: 6", "upsampling nearest", "set deconv_kernel to 4, or upsampling to transposed"]),
    ({"gradient_penalty": 10}, ["gradient_penalty: 10.0", "dis_bn", "set dis_bn to false, or gradient_penalty to 0"]),
    ({"gen_output": "sigmoid", "pixel_range": "-1..1"},
     ["gen_output: sigmoid", "pixel_range -1..1", "set pixel_range to 0..1, or gen_output to tanh"]),
    ({"learning_rate": 0.1},
     ["learning_rate: 0.1", "optimizer adam", "leave learning_rate at 0.01, or set optimizer to sgd"]),
    ({"optimizer": "sgd", "alpha": 0.1}, ["alpha: 0.1", "optimizer sgd", "or set optimizer to adam or rmsprop"]),
    ({"optimizer": "rmsprop", "beta1": 0.9}, ["beta1: 0.9", "optimizer rmsprop", "or set optimizer to adam"]),
])
def test_settings_that_do_not_go_together_are_refused_by_both_names(given, parts):
    with pytest.raises(UsageError) as caught:
        settings.build(**given)
    for part in parts:
        assert part in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("given", [
    {"upsampling": "nearest"}, {"upsampling": "mixed", "deconv_kernel": 6},
    {"gradient_penalty": 10, "dis_bn": False}, {"gen_output": "sigmoid"},
    {"optimizer": "sgd", "learning_rate": 0.1}, {"optimizer": "rmsprop", "alpha": 5e-5, "weight_clip": 0.01},
])
def test_settings_that_do_go_together(given):
    config = settings.build(**given)
    assert {name: getattr(config, name) for name in given} == given


def test_file_and_options_are_judged_together(tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text("gradient_penalty: 10\n")
    assert settings.build(file=file, dis_bn=False).gradient_penalty == 10
    with pytest.raises(UsageError, match="set dis_bn to false"):
        settings.build(file=file)


def test_missing_file_is_a_data_error(tmp_path):
    with pytest.raises(DataError, match="cannot read the configuration"):
        settings.build(file=tmp_path / "none.yaml")


def test_unknown_preset_is_refused():
    with pytest.raises(UsageError, match="choose from paper, released"):
        settings.build("papper")


@given(st.dictionaries(st.text(max_size=8), st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5))))
def test_any_mapping_is_settings_or_refused(mapping):
    if set(mapping) - set(settings.SETTINGS):
        with pytest.raises(UsageError, match="unknown setting"):
            settings.from_dict(yaml.safe_load(yaml.safe_dump(mapping)))
    else:
        assert settings.from_dict(mapping) == dataclasses.replace(Config(), **mapping)
