"""A file is whole or absent, whatever happens while it is written."""

import os

import pytest

from dcgan_mri.errors import DataError
from dcgan_mri.files import remove_leftovers, whole_file


def test_appears_when_complete(tmp_path):
    path = tmp_path / "f"
    with whole_file(path) as file:
        file.write(b"abc")
        assert not path.exists()
    assert path.read_bytes() == b"abc"
    assert [entry.name for entry in tmp_path.iterdir()] == ["f"]


def test_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), whole_file(path) as file:
        file.write(b"new")
        raise ZeroDivisionError
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["f"]


def test_ctrl_c_just_after_the_rename_is_ctrl_c(tmp_path, monkeypatch):
    def replace(*paths, rename=os.replace):
        rename(*paths)
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(KeyboardInterrupt), whole_file(tmp_path / "f") as file:
        file.write(b"abc")
    assert (tmp_path / "f").read_bytes() == b"abc"


def test_what_cannot_be_written_is_named(tmp_path):
    with pytest.raises(DataError, match="none/f: cannot write it .*No such file or directory"), whole_file(
            tmp_path / "none" / "f"):
        pass


def test_leftovers_are_found_below_too(tmp_path):
    (tmp_path / "below").mkdir()
    for name in (".a.xyz.unfinished", "below/.b.xyz.unfinished", "c", "below/d.unfinished"):
        (tmp_path / name).write_bytes(b"")
    remove_leftovers(tmp_path)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["below", "c", "d.unfinished"]


def test_rights_are_those_of_any_new_file(tmp_path):
    (tmp_path / "usual").write_bytes(b"")
    with whole_file(tmp_path / "ours") as file:
        file.write(b"x")
    assert os.stat(tmp_path / "ours").st_mode == os.stat(tmp_path / "usual").st_mode
