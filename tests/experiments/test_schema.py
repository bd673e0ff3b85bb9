"""What is read from a file of measured numbers, and what is refused."""

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcgan_mri.errors import DataError
from experiments import definition, records, schema
from tests.experiments.records import made

NAME = "paper.seed0.json"
RECORD = json.loads(json.dumps(made(definition.read_all()["fig4"], "baseline", 0, kid=1.5)))
KINDS = {"revision": (str, type(None)), "diverged": (str, type(None)), "seconds": (int, float)}
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=5), inside, max_size=3),
    max_leaves=5)


def read(folder):
    return schema.read(folder / NAME, schema.RunRecord, "make it again")


@pytest.mark.parametrize(("field", "value"), [
    ("scores", [5]), ("scores", [[1, 2, "3"]]), ("successes", [-1]), ("failures", ["1"]), ("settings", {"epoch": 8}),
    ("values", {"kid": "low"}), ("along", {"x": {}}), ("along", {"1": 2}),
    ("data", {**RECORD["data"], "held_out": "?"}), ("twin", 1), ("seed", True)])
def test_what_a_field_holds_is_looked_at_too(tmp_path, field, value):
    (tmp_path / NAME).write_text(json.dumps({**RECORD, field: value}))
    with pytest.raises(DataError, match=r"seed0\.json"):
        read(tmp_path)


@settings(max_examples=300)
@given(st.sampled_from(sorted(RECORD)), ANYTHING)
def test_a_record_with_any_field_spoiled_is_read_or_refused_by_name(tmp_path_factory, field, value):
    folder = tmp_path_factory.mktemp("spoiled")
    (folder / NAME).write_text(json.dumps({**RECORD, field: value}))
    kind = KINDS.get(field, type(RECORD[field]))
    alike = isinstance(value, kind) and isinstance(value, bool) == (kind is bool)
    refused = contextlib.nullcontext() if alike else pytest.raises(DataError, match=r"seed0\.json")
    with refused, contextlib.suppress(DataError) if alike else contextlib.nullcontext():
        hash(records.key(read(folder)))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"run": 1}', "[1]", "null", "5"])
def test_what_is_no_record_is_named(tmp_path, text):
    (tmp_path / NAME).write_text(text)
    with pytest.raises(DataError, match=r"seed0\.json.*make it again"):
        read(tmp_path)
