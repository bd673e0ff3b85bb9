"""Which settings a run may go on with."""

import argparse
import dataclasses
import json
import pathlib
import types

import numpy as np
import pytest

from dcgan_mri.config import Config
from dcgan_mri.errors import DataError, UsageError
from dcgan_mri.run.resume import MAY_CHANGE, choose_config, restore

CHANGES = {
    "n_subjects": 5, "gen_activation": "relu", "gen_output": "sigmoid", "last_conv": False, "upsampling": "nearest",
    "deconv_kernel": 6, "dis_activation": "elu", "dis_last_activation": "tanh", "dis_bn": False, "optimizer": "sgd",
    "weight_clip": 0.01, "critic_steps": 5, "loss": "mse", "n_z": 100}


def go_on(out, snapshot=None, **asked):
    args = {"config": None, "preset": None, "out": out, "resume": "auto", **asked}
    return choose_config(argparse.Namespace(**args), snapshot)


def choose(before, **asked):
    return go_on("nowhere", ("snapshot.npz", before, {}), **asked)


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


@pytest.fixture
def begun(tmp_path):
    """The folder of a run of --loss mse --seed 7 that ended before its first snapshot."""
    (tmp_path / "config.yaml").write_text(Config(loss="mse", seed=7).to_yaml())
    return tmp_path


def test_before_the_first_snapshot_the_settings_are_those_of_the_run(begun, capsys):
    assert go_on(begun) == Config(loss="mse", seed=7)
    assert go_on(begun, epoch=5) == Config(loss="mse", seed=7, epoch=5)
    assert f"changed: epoch is 100 in {begun}/config.yaml, 5 was asked for by the options" in capsys.readouterr().out


@pytest.mark.parametrize(("asked", "by"), [({"seed": 8}, "the options"), ({"preset": "released"}, "--preset")])
def test_before_the_first_snapshot_what_makes_another_run_is_refused(begun, asked, by):
    with pytest.raises(UsageError, match=f"was asked for by {by}; a run goes on with the"):
        go_on(begun, **asked)


def test_an_edited_config_is_noticed(begun, capsys):
    snapshot = ("snapshot.npz", Config(loss="mse", seed=7), {})
    (begun / "config.yaml").write_text("alpha: 1.0e-4\n")
    assert go_on(begun, snapshot).alpha == 1e-4
    assert f"alpha is 0.0002 in snapshot.npz, 0.0001 was asked for by {begun}/config.yaml" in capsys.readouterr().out
    (begun / "config.yaml").write_text("n_z: 64\n")
    with pytest.raises(UsageError, match="n_z is 128 in snapshot.npz, 64 was asked for by .*config.yaml"):
        go_on(begun, snapshot)
    (begun / "config.yaml").write_text("n_zz: 64\n")
    with pytest.raises(UsageError, match="unknown setting 'n_zz'; did you mean n_z"):
        go_on(begun, snapshot)


def test_other_slices_are_refused_and_both_sets_are_named(tmp_path):
    (tmp_path / "environment.json").write_text(json.dumps({"starts": [{"dataset": "data/first"}]}))
    snapshot = ("snapshot.npz", Config(), {"updater/iterator:main/slices": np.array("0123456789abcdef")})
    slices = types.SimpleNamespace(folder=pathlib.Path("data/second"), fingerprint="other")
    with pytest.raises(DataError, match="data/second: not the slices that this run began with, which were data/first, "
                                        "those with manifest 0123456789ab…; name them with -i"):
        restore(snapshot, types.SimpleNamespace(out=tmp_path), slices)
