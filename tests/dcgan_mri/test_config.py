"""The paper's numbers, the presets, YAML in and out, and what is refused."""

import dataclasses

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dcgan_mri import config as settings
from dcgan_mri.config import Config
from dcgan_mri.errors import DataError, UsageError
from dcgan_mri.losses import LOSSES


def test_defaults_are_what_the_paper_prints():
    config = Config()
    assert (config.n_z, config.batchsize, config.epoch, config.image_size) == (128, 8, 100, 256)
    assert (config.alpha, config.beta1, config.init_scale) == (2e-4, 0.5, 0.02)
    assert (config.loss, config.middle_width, config.dropout_on_linear) == ("wasserstein", 156, True)


def test_released_preset_differs_where_the_code_does():
    paper, released = settings.build("paper"), settings.build("released")
    differing = {
        field.name: getattr(released, field.name) for field in dataclasses.fields(Config)
        if getattr(paper, field.name) != getattr(released, field.name)}
    assert differing == {
        "n_z": 100, "batchsize": 16, "middle_width": 256, "dropout_on_linear": False, "noise_place": "activation",
        "loss": "softplus", "update": "alternating"}


def test_every_loss_can_be_chosen():
    field = next(field for field in dataclasses.fields(Config) if field.name == "loss")
    assert set(field.metadata["choices"]) == set(LOSSES)


def test_every_setting_names_meaning_and_source():
    for field in dataclasses.fields(Config):
        assert field.metadata["help"]
        assert field.metadata["source"]


configs = st.builds(
    Config, n_z=st.integers(1, 10**6), dropout=st.floats(0, 0.9), alpha=st.floats(0, 1e3),
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


@pytest.mark.parametrize(("text", "parts"), [
    ("batchsise: 8", ["'batchsise'", "did you mean batchsize?"]),
    ("colour: red", ["'colour'", "known are"]),
    ("batchsize: 8.5", ["batchsize", "8.5", "float", "must be int"]),
    ("batchsize: true", ["batchsize", "True", "bool"]),
    ("batchsize: 1", ["batchsize", "at least 2"]),
    ("alpha: 2e-4", ["alpha", "'2e-4'", "2.0e-4"]),
    ("alpha: .nan", ["alpha", "nan", "out of range"]),
    ("alpha: .inf", ["alpha", "inf", "finite"]),
    ("dropout: 1.0", ["dropout", "from 0 to 0.9"]),
    ("loss: hinge", ["loss", "'hinge'", "wasserstein, softplus, mse"]),
    ("image_size: 100", ["image_size", "100", "256"]),
    ("- a\n- b", ["list", "setting: value"]),
    ("a: [", ["not valid YAML", "line"]),
])
def test_wrong_file_is_refused_by_name(tmp_path, text, parts):
    file = tmp_path / "c.yaml"
    file.write_text(text)
    with pytest.raises(UsageError) as caught:
        settings.build(file=file)
    for part in [str(file), *parts]:
        assert part in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_file_is_a_data_error(tmp_path):
    with pytest.raises(DataError, match="cannot read the configuration"):
        settings.build(file=tmp_path / "none.yaml")


def test_unknown_preset_is_refused():
    with pytest.raises(UsageError, match="choose from paper, released"):
        settings.build("papper")


@given(st.dictionaries(st.text(max_size=8), st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5))))
def test_any_mapping_is_settings_or_refused(mapping):
    known = {field.name for field in dataclasses.fields(Config)}
    if set(mapping) - known:
        with pytest.raises(UsageError, match="unknown setting"):
            settings.from_dict(yaml.safe_load(yaml.safe_dump(mapping)))
    else:
        assert settings.from_dict(mapping) == dataclasses.replace(Config(), **mapping)
