import errno
import os
import subprocess
import sys

import pytest
from preprocess.errors import OutputError
from preprocess.storage import exclusive, output_errors, sync, write_whole


def test_writes_and_replaces(tmp_path):
    write_whole(tmp_path / "a", b"one", tmp_path)
    write_whole(tmp_path / "a", b"two", tmp_path)
    sync(tmp_path / "a")
    sync(tmp_path)
    assert (tmp_path / "a").read_bytes() == b"two"
    assert os.listdir(tmp_path) == ["a"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    write_whole(tmp_path / "a", b"old", tmp_path)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OutputError, match=r"a: cannot write \(no space left on device\); free some space; the same"):
        write_whole(tmp_path / "a", b"new", tmp_path)
    assert (tmp_path / "a").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


def test_other_errors_have_another_remedy(tmp_path):
    with pytest.raises(OutputError, match="not a directory.*check the folder"), output_errors(tmp_path):
        raise OSError(errno.ENOTDIR, "Not a directory")


def test_a_held_folder_is_refused_to_others_and_free_after_a_kill(tmp_path):
    work = tmp_path / "set" / ".unfinished"
    code = (
        "import pathlib, sys, time; from preprocess.storage import exclusive\n"
        f"with exclusive(pathlib.Path({str(work)!r})):\n"
        f"    pathlib.Path({str(work)!r}, 'begun').touch(); print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(OutputError, match="set: another run is writing into this folder"), exclusive(work):
            raise AssertionError("held twice")
        holder.kill()
    with exclusive(work):
        assert (work / "begun").exists()


def test_a_folder_in_which_nothing_was_begun_is_left_as_it_was(tmp_path):
    with exclusive(tmp_path / ".unfinished"):
        assert os.listdir(tmp_path) == [".unfinished"]
    assert os.listdir(tmp_path) == []
