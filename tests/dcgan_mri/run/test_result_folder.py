"""The result folder: never overwritten, and it says what made it."""

import json
import os
import subprocess

import pytest

from dcgan_mri.run import result_folder
from dcgan_mri.errors import DataError, UsageError


def test_new_folder_and_empty_folder_are_taken(tmp_path):
    result_folder.open_new(tmp_path / "a" / "b")
    result_folder.open_new(tmp_path / "a" / "b")
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_folder_with_anything_in_it_is_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="exists already; go on with that run by -r"):
        result_folder.open_new(tmp_path, "go on with that run by -r, or ")
    with pytest.raises(UsageError, match="exists already"):
        result_folder.open_new(tmp_path / "file")


def test_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError, match="cannot make the folder"):
        result_folder.open_new(tmp_path / "file" / "below")


def test_nothing_is_seen_of_a_folder_before_it_is_whole(tmp_path):
    result_folder.open_new(tmp_path / "samples")
    with result_folder.whole_folder(tmp_path / "samples") as folder:
        (folder / "pages").mkdir()
        (folder / "pages" / "1.png").write_text("one")
        (folder / "table").write_text("two")
        assert [path.name for path in (tmp_path / "samples").iterdir()] == [".unfinished"]
    assert sorted(path.name for path in (tmp_path / "samples").rglob("*")) == ["1.png", "pages", "table"]


def test_what_a_killed_process_left_unfinished_is_in_nobodys_way(tmp_path):
    (tmp_path / ".unfinished").mkdir()
    (tmp_path / ".unfinished" / "1.png").write_text("half")
    result_folder.open_new(tmp_path)
    with result_folder.whole_folder(tmp_path) as folder:
        (folder / "2.png").write_text("whole")
    assert [path.name for path in tmp_path.rglob("*")] == ["2.png"]


@pytest.mark.parametrize("error", [DataError, KeyboardInterrupt])
def test_nothing_stays_of_a_folder_that_could_not_be_filled(tmp_path, error):
    result_folder.open_new(tmp_path / "samples")
    with pytest.raises(error), result_folder.whole_folder(tmp_path / "samples") as folder:
        (folder / "1.png").write_text("one")
        raise error("as it may")
    assert list(tmp_path.iterdir()) == []


def test_unwritable_folder_is_named():
    with pytest.raises(DataError, match="/proc/self: cannot write into it"):
        result_folder.claim("/proc/self")


def test_claim_keeps_others_out_and_clears_what_was_left_half_written(tmp_path):
    (tmp_path / "preview").mkdir()
    (tmp_path / "preview" / ".epoch_0001.png.abc.unfinished").write_bytes(b"half")
    (tmp_path / "loss.png").write_bytes(b"whole")
    claim = result_folder.claim(tmp_path)
    assert sorted(path.name for path in tmp_path.rglob("*")) == [".lock", "loss.png", "preview"]
    with pytest.raises(DataError, match="another run is writing there"):
        result_folder.claim(tmp_path)
    claim.close()
    result_folder.claim(tmp_path).close()


def test_folder_of_a_run_that_never_began_is_taken(tmp_path):
    result_folder.claim(tmp_path).close()
    result_folder.open_new(tmp_path)


def test_environment_lists_every_start_and_no_variables(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "do-not-write-me")
    result_folder.record_start(tmp_path, {"ranks": 2})
    result_folder.record_start(tmp_path, {"ranks": 1})
    text = (tmp_path / "environment.json").read_text()
    starts = json.loads(text)["starts"]
    assert [start["ranks"] for start in starts] == [2, 1]
    assert starts[0]["packages"]["chainer"] == "7.8.1"
    assert starts[0]["cores"] == os.cpu_count()
    assert "do-not-write-me" not in text


def test_the_revision_is_marked_when_the_package_was_changed_and_not_for_results(tmp_path, monkeypatch):
    def git(*command):
        subprocess.run(["git", "-C", tmp_path, "-c", "user.name=n", "-c", "user.email=e", *command], check=True)

    source = tmp_path / "package" / "networks.py"
    (tmp_path / "package" / "run").mkdir(parents=True)
    source.write_text("1\n")
    (tmp_path / "report").write_text("1\n")
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "one")
    monkeypatch.setattr(result_folder, "__file__", str(source.parent / "run" / "result_folder.py"))
    clean = result_folder.git_revision()
    assert len(clean) == 40
    (tmp_path / "report").write_text("2\n")
    assert result_folder.git_revision() == clean
    source.write_text("2\n")
    assert result_folder.git_revision() == f"{clean}-dirty"


@pytest.mark.parametrize("text", ["", "[", "[]", "{}", '{"starts": 5}', '{"starts": [5]}', "[" * 100_000])
def test_an_odd_environment_is_begun_anew(tmp_path, text):
    (tmp_path / "environment.json").write_text(text)
    assert result_folder.last_start(tmp_path) == {}
    result_folder.record_start(tmp_path, {"ranks": 1})
    assert result_folder.last_start(tmp_path)["ranks"] == 1


def test_programs_that_cannot_go_on_do_not_name_the_option(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="exists already; give another folder by -o"):
        result_folder.open_new(tmp_path)
