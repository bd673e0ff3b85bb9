"""What is kept of the runs."""

import dataclasses
import json
import math

import pytest

from dcgan_mri.errors import DataError
from experiments import definition, records
from experiments.plan import arm_config
from experiments.scales import SCALES
from tests.experiments.records import made

FIG4 = definition.read_all()["fig4"]


def test_a_record_comes_back_as_it_was(tmp_path):
    record = {**made(FIG4, "baseline", 0, kid=1.5, noise__air=math.nan), "along": {5: {"kid": 2.0}}}
    records.write(tmp_path, record)
    back = records.read(tmp_path)
    assert math.isnan(back["values"].pop("noise.air"))
    record["values"].pop("noise.air")
    assert back == record


def test_no_record_yet(tmp_path):
    assert records.read(tmp_path) is None


def test_records_beside_runs_replace_those_collected_before_which_stay_when_their_folders_are_gone(tmp_path):
    old, kept = made(FIG4, "baseline", 0, kid=1.0), made(FIG4, "baseline", 1, kid=2.0)
    records.write_collected(tmp_path, [old, kept])
    folder = tmp_path / "runs" / "small-phantom" / "paper" / "seed0"
    folder.mkdir(parents=True)
    records.write(folder, made(FIG4, "baseline", 0, kid=9.0))
    assert [record["values"]["kid"] for record in records.collect(tmp_path)] == [9.0, 2.0]


def test_collected_records_are_a_line_each(tmp_path):
    records.write_collected(tmp_path, [made(FIG4, "baseline", seed, kid=1 / 3) for seed in range(3)])
    text = (tmp_path / records.COLLECTED).read_text()
    assert len(text.splitlines()) == 5
    assert json.loads(text)[0]["values"]["kid"] == 0.333333


def test_a_record_fits_only_the_settings_it_was_made_with():
    record = made(FIG4, "baseline", 0)
    config = arm_config(FIG4, "baseline", SCALES["small"], 30, 0)
    assert records.fits(record, config)
    assert not records.fits(record, dataclasses.replace(config, epoch=config.epoch + 1))


def test_settings_that_came_later_count_as_their_defaults():
    record = made(FIG4, "baseline", 0)
    del record["settings"]["gradient_penalty"]
    assert records.fits(record, arm_config(FIG4, "baseline", SCALES["small"], 30, 0))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"run": 1}', "[1]"])
def test_what_is_no_record_is_named(tmp_path, text):
    (tmp_path / records.MEASURED).write_text(text)
    with pytest.raises(DataError, match=r"measured\.json"):
        records.read(tmp_path)
