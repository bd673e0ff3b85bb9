"""What is kept of the runs."""

import contextlib
import dataclasses
import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


@pytest.mark.parametrize("text", ["", "{", "[]", '{"run": 1}', "[1]", "null", "5"])
def test_what_is_no_record_is_named(tmp_path, text):
    (tmp_path / NAME).write_text(text)
    with pytest.raises(DataError, match=r"seed0\.json.*run the experiments again"):
        records.read(tmp_path / NAME)


@pytest.mark.parametrize("text", ["", "{", "{}", '""', "null", "[]", '{"runs": [{}], "real": []}',
                                  '{"runs": [], "real": [{"scale": "medium", "data": {}, "values": {}}]}'])
def test_a_collection_that_is_none_is_left_as_it_is(tmp_path, text):
    path = records.published_folder(tmp_path, made(FIG4, "baseline", 0)) / records.COLLECTED
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(DataError, match=r"results\.json.*restore it"):
        records.publish(tmp_path, [made(FIG4, "baseline", 0)], [])
    assert path.read_text() == text


RECORD = json.loads(json.dumps(made(FIG4, "baseline", 0, kid=1.5)))
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=5), inside, max_size=3),
    max_leaves=5)


@pytest.mark.parametrize(("field", "value"), [
    ("scores", [5]), ("scores", [[1, 2, "3"]]), ("successes", [-1]), ("failures", ["1"]), ("settings", {"epoch": 8}),
    ("values", {"kid": "low"}), ("along", {"x": {}}), ("along", {"1": 2}),
    ("data", {**RECORD["data"], "held_out": "?"}), ("twin", 1), ("seed", True)])
def test_what_a_field_holds_is_looked_at_too(tmp_path, field, value):
    (tmp_path / NAME).write_text(json.dumps({**RECORD, field: value}))
    with pytest.raises(DataError, match=r"seed0\.json"):
        records.read(tmp_path / NAME)


@settings(max_examples=300)
@given(st.sampled_from(sorted(RECORD)), ANYTHING)
def test_a_record_with_any_field_spoiled_is_read_or_refused_by_name(tmp_path_factory, field, value):
    folder = tmp_path_factory.mktemp("spoiled")
    (folder / NAME).write_text(json.dumps({**RECORD, field: value}))
    kind = records.FIELDS[field]
    alike = isinstance(value, kind) and isinstance(value, bool) == (kind is bool)
    refused = contextlib.nullcontext() if alike else pytest.raises(DataError, match=r"seed0\.json")
    with refused, contextlib.suppress(DataError) if alike else contextlib.nullcontext():
        hash(records.key(records.read(folder / NAME)))
