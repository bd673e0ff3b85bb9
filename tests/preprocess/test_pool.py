import hashlib
import os
import signal

import pytest
from preprocess.errors import DataError
from preprocess.pool import default_workers, run_all
from preprocess.files import sha256_of


def test_default_workers():
    assert 1 <= default_workers() <= (os.cpu_count() or 1)


@pytest.mark.parametrize("workers", [1, 2])
def test_results_and_errors_come_by_name(workers, tmp_path):
    (tmp_path / "a").write_bytes(b"")
    found = dict(run_all(sha256_of, {"a": (tmp_path / "a",), "b": (tmp_path / "b",)}, workers))
    assert found["a"] == hashlib.sha256(b"").hexdigest()
    assert isinstance(found["b"], DataError)
    assert "no such file" in str(found["b"])


def test_a_worker_that_is_killed_is_one_clear_line():
    with pytest.raises(DataError, match=r"a worker process was killed .*; run again with fewer workers"):
        list(run_all(signal.raise_signal, {"a": (signal.SIGKILL,), "b": (signal.SIGKILL,)}, 2))


def test_too_little_memory_is_one_clear_line():
    ((_, error),) = run_all(bytearray, {"a": (1 << 60,)}, 1)
    assert "not enough memory" in str(error)


def test_the_bar_names_the_subject(capsys):
    list(run_all(str, {"BraTS20_Training_002": (1,), "BraTS20_Training_003": (2,)}, 1, "slicing"))
    error = capsys.readouterr().err
    assert "slicing: 100%" in error
    assert "2/2" in error
    assert "BraTS20_Training_003" in error
    list(run_all(str, {"BraTS20_Training_002": (1,)}, 1))
    assert capsys.readouterr().err == ""
