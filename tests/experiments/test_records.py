"""What is kept of the runs."""

import contextlib
import dataclasses
import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


@pytest.mark.parametrize("text", ["", "{", "[]", '{"run": 1}', "[1]", "null", "5"])
def test_what_is_no_record_is_named(tmp_path, text):
    (tmp_path / records.MEASURED).write_text(text)
    with pytest.raises(DataError, match=r"measured\.json.*run the experiments again"):
        records.read(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "{}", '""', "null", "5", "[1]", "[{}]"])
def test_a_collection_that_is_none_is_left_as_it_is(tmp_path, text):
    path = tmp_path / records.COLLECTED
    path.write_text(text)
    with pytest.raises(DataError, match=r"results\.json.*restore it"):
        records.collect(tmp_path)
    assert path.read_text() == text


def test_what_real_slices_give_is_kept_by_scale_and_slice_set(tmp_path):
    assert records.read_real(tmp_path) == {}
    records.write_real(tmp_path, {"small a 1": {"kid": 0.5, "noise.air": math.nan}})
    records.write_real(tmp_path, {**records.read_real(tmp_path), "small b 2": {"kid": 1.0}})
    found = records.read_real(tmp_path)
    assert found["small b 2"] == {"kid": 1.0}
    assert math.isnan(found["small a 1"]["noise.air"])
    for text in ("[]", '{"x": 1}', '{"x": {"kid": "low"}}', "{"):
        (tmp_path / records.REAL).write_text(text)
        with pytest.raises(DataError, match=r"real\.json"):
            records.read_real(tmp_path)


RECORD = json.loads(json.dumps(made(FIG4, "baseline", 0, kid=1.5)))
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=5), inside, max_size=3),
    max_leaves=5)


@pytest.mark.parametrize(("field", "value"), [
    ("scores", [5]), ("scores", [[1, 2, "3"]]), ("successes", [-1]), ("failures", ["1"]), ("settings", {"epoch": 8}),
    ("values", {"kid": "low"}), ("along", {"x": {}}), ("along", {"1": 2}),
    ("data", {**RECORD["data"], "reference": "?"})])
def test_what_a_field_holds_is_looked_at_too(tmp_path, field, value):
    (tmp_path / records.MEASURED).write_text(json.dumps({**RECORD, field: value}))
    with pytest.raises(DataError, match=r"measured\.json"):
        records.read(tmp_path)


@settings(max_examples=300)
@given(st.sampled_from(sorted(RECORD)), ANYTHING)
def test_a_record_with_any_field_spoiled_is_read_or_refused_by_name(tmp_path_factory, field, value):
    folder = tmp_path_factory.mktemp("spoiled")
    (folder / records.MEASURED).write_text(json.dumps({**RECORD, field: value}))
    alike = isinstance(value, records.FIELDS[field]) and not isinstance(value, bool)
    refused = contextlib.nullcontext() if alike else pytest.raises(DataError, match=r"measured\.json")
    with refused, contextlib.suppress(DataError) if alike else contextlib.nullcontext():
        hash(records.key(records.read(folder)))
