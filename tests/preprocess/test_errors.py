import pickle

import pytest
from preprocess.errors import DataError, OutputError, UsageError, reason_of


@pytest.mark.parametrize("kind", [DataError, OutputError])
def test_one_line_that_survives_a_worker_process(kind):
    error = kind("a\nb.nii.gz", "cannot read\n  voxel data", "copy it again")
    assert str(error) == "a b.nii.gz: cannot read voxel data; copy it again"
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert str(again) == str(error)


def test_exit_statuses():
    assert (DataError("a", "b", "c").exit_status, UsageError("a").exit_status) == (1, 2)


def test_reason_of_an_operating_system_error(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        (tmp_path / "none").read_bytes()
    assert reason_of(caught.value) == "no such file or directory"
    assert reason_of(OSError("odd")) == "odd"
