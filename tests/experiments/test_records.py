"""What is kept of the runs."""

import dataclasses
import json
import math

import pytest

from dcgan_mri.errors import DataError, UsageError
from experiments import data, definition, records
from experiments.plan import Run, arm_config
from experiments.scales import SCALES
from tests.experiments.records import DATA, made

FIG4 = definition.read_all()["fig4"]
NAME = "paper.seed0.json"


def test_a_record_comes_back_as_it_was(tmp_path):
    record = {**made(FIG4, "baseline", 0, kid=1.5, noise__air=math.nan), "along": {5: {"kid": 2.0}}}
    records.write(tmp_path / NAME, record)
    back = records.read(tmp_path / NAME)
    assert math.isnan(back["values"].pop("noise.air"))
    record["values"].pop("noise.air")
    assert back == record


def real_of(data=DATA, **values):
    return {"scale": "medium", "data": data, "values": values}


def test_records_of_a_folder_are_those_of_its_runs_and_of_real_slices(tmp_path):
    assert records.of_runs(tmp_path) == ([], [])
    folder = records.campaign_folder(tmp_path, "medium", "phantom")
    folder.mkdir()
    for seed in (1, 0):
        records.write(folder / f"paper.seed{seed}.json", made(FIG4, "baseline", seed, kid=1.0))
    records.write(folder / records.REAL, real_of(kid=0.5))
    runs, real = records.of_runs(tmp_path)
    assert [record["seed"] for record in runs] == [0, 1]
    assert real == [real_of(kid=0.5)]


def test_what_is_published_again_takes_the_place_of_what_was_and_the_rest_stays(tmp_path):
    records.publish(tmp_path, [made(FIG4, "baseline", seed, kid=float(seed)) for seed in (0, 1)], [real_of(kid=0.5)])
    records.publish(tmp_path, [made(FIG4, "baseline", 0, kid=9.0)], [])
    runs, real = records.collected(tmp_path)
    assert [record["values"]["kid"] for record in runs] == [9.0, 1.0]
    assert real == [real_of(kid=0.5)]


def test_there_is_a_file_for_each_slice_set_and_processor_a_line_for_each_run(tmp_path):
    one = [made(FIG4, "baseline", seed, kid=1 / 3) for seed in range(3)]
    records.publish(tmp_path, [*one, {**one[0], "device": "NVIDIA H100 80GB HBM3"},
                               made(FIG4, "baseline", 0, data={**DATA, "name": "real64"})], [real_of(kid=0.5)])
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.glob("*/*/*")) == [
        "medium-phantom/cpu/results.json", "medium-phantom/nvidia-h100-80gb-hbm3/results.json",
        "medium-real64/cpu/results.json"]
    text = (tmp_path / "medium-phantom" / "cpu" / records.COLLECTED).read_text()
    assert len(text.splitlines()) == 8
    assert json.loads(text)["runs"][0]["values"]["kid"] == 0.333333


def test_twins_processors_and_revisions_are_records_of_their_own():
    record = made(FIG4, "baseline", 0)
    others = [made(FIG4, "baseline", 0, twin=True), {**record, "device": "GPU"}, {**record, "revision": None}]
    assert len({records.key(one) for one in (record, *others)}) == 4


SLICES = data.Data("", "phantom", DATA["fingerprint"], (48,) * 30, DATA["held_out"])


def test_runs_that_are_complete_are_not_made_again(tmp_path):
    runs = [Run("paper", arm_config(FIG4, "baseline", SCALES["medium"], 30, seed)) for seed in (0, 1)]
    record = made(FIG4, "baseline", 0)
    records.write(tmp_path / NAME, record)
    assert records.check_planned(tmp_path, runs, SLICES, record["revision"]) == runs[1:]


@pytest.mark.parametrize(("field", "value", "what"), [
    ("settings", {**made(FIG4, "baseline", 0)["settings"], "beta1": 0.3}, "settings"),
    ("data", {**DATA, "fingerprint": "f"}, "slices"), ("revision", "fedcba", "source")])
def test_runs_that_do_not_belong_together_are_not_gone_on_with(tmp_path, field, value, what):
    runs = [Run("paper", arm_config(FIG4, "baseline", SCALES["medium"], 30, 0))]
    record = made(FIG4, "baseline", 0)
    records.write(tmp_path / NAME, {**record, field: value})
    with pytest.raises(UsageError, match=f"other {what}.*another folder by -o"):
        records.check_planned(tmp_path, runs, SLICES, record["revision"])


def test_a_record_fits_only_the_settings_it_was_made_with():
    record = made(FIG4, "baseline", 0)
    config = arm_config(FIG4, "baseline", SCALES["medium"], 30, 0)
    assert records.fits(record, config)
    assert not records.fits(record, dataclasses.replace(config, epoch=config.epoch + 1))


def test_settings_that_came_later_count_as_their_defaults():
    record = made(FIG4, "baseline", 0)
    del record["settings"]["gradient_penalty"]
    assert records.fits(record, arm_config(FIG4, "baseline", SCALES["medium"], 30, 0))


@pytest.mark.parametrize("text", ["", "{", "{}", '""', "null", "[]", '{"runs": [{}], "real": []}',
                                  '{"runs": [], "real": [{"scale": "medium", "data": {}, "values": {}}]}'])
def test_a_collection_that_is_none_is_left_as_it_is(tmp_path, text):
    path = records.published_folder(tmp_path, made(FIG4, "baseline", 0)) / records.COLLECTED
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(DataError, match=r"results\.json.*restore it"):
        records.publish(tmp_path, [made(FIG4, "baseline", 0)], [])
    assert path.read_text() == text


def test_a_run_that_was_begun_is_not_gone_on_with_if_what_it_began_with_is_damaged(tmp_path):
    (tmp_path / records.MADE_OF).write_text('{"settings": {}}')
    run = Run("paper", arm_config(FIG4, "baseline", SCALES["medium"], 30, 0))
    with pytest.raises(DataError, match=r"made_of\.json.*data: Field required.*delete"):
        records.note_made_of(tmp_path, run, SLICES, None)
