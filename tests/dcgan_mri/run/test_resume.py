"""Which settings a run may go on with."""

import argparse
import dataclasses

import pytest

from dcgan_mri.config import Config
from dcgan_mri.errors import UsageError
from dcgan_mri.run.resume import MAY_CHANGE, choose_config

CHANGES = {
    "n_subjects": 5, "gen_activation": "relu", "gen_output": "sigmoid", "last_conv": False, "upsampling": "nearest",
    "deconv_kernel": 6, "dis_activation": "elu", "dis_last_activation": "tanh", "dis_bn": False, "optimizer": "sgd",
    "weight_clip": 0.01, "critic_steps": 5, "loss": "mse", "n_z": 100}


def choose(before, **asked):
    return choose_config(argparse.Namespace(config=None, **asked), ("snapshot.npz", before, {}))


@pytest.mark.parametrize("name", CHANGES)
def test_what_makes_another_run_is_refused_by_name(name):
    with pytest.raises(UsageError, match=f"^{name} is .* in snapshot.npz, {CHANGES[name]} was asked for"):
        choose(Config(), **{name: CHANGES[name]})


def test_gradient_penalty_is_refused_where_it_would_be_possible():
    with pytest.raises(UsageError, match=r"^gradient_penalty is 0.0 in snapshot.npz, 10.0 was asked for"):
        choose(Config(dis_bn=False), gradient_penalty=10.0)


@pytest.mark.parametrize(("before", "asked"), [
    (Config(optimizer="sgd"), {"learning_rate": 0.1}), (Config(optimizer="rmsprop"), {"alpha": 5e-5}),
    (Config(), {"beta1": 0.9}), (Config(), {"epoch": 150})])
def test_step_sizes_and_epochs_may_change(before, asked, capsys):
    assert choose(before, **asked) == dataclasses.replace(before, **asked)
    name, value = next(iter(asked.items()))
    said = capsys.readouterr().out
    assert f"changed: {name} is {getattr(before, name)} in snapshot.npz, {value} was asked for" in said


def test_step_size_of_another_optimizer_is_refused():
    with pytest.raises(UsageError, match="learning_rate: 0.1 is without effect with optimizer adam"):
        choose(Config(), learning_rate=0.1)


def test_what_may_change_are_settings():
    assert set(MAY_CHANGE) < {field.name for field in dataclasses.fields(Config)}
