"""A file is whole or absent, whatever happens while it is written."""

import os

import pytest

from dcgan_mri.files import whole_file


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


def test_rights_are_those_of_any_new_file(tmp_path):
    (tmp_path / "usual").write_bytes(b"")
    with whole_file(tmp_path / "ours") as file:
        file.write(b"x")
    assert os.stat(tmp_path / "ours").st_mode == os.stat(tmp_path / "usual").st_mode
