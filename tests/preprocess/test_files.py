"""A folder is written beside its place; killed at any change to the file system, the next run must end the same."""

import errno
import hashlib
import json
import os
import subprocess
import sys

import pytest
from preprocess.errors import DataError, OutputError
from preprocess.files import built_beside, output_errors, sha256_of

DRIVER = """
import dataclasses, json, os, shutil, sys
from pathlib import Path
from preprocess.build import Plan, build
from preprocess.settings import parse_slices
from preprocess.settings import Settings
from preprocess.slice_set import check_set

data, base, begin = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
out = base / "set"
settings = Settings(slices=parse_slices("4-5"), size=32)
plan = Plan(data, out, "all", settings=settings, overwrite=begin == "other set")
other = dataclasses.replace(plan, settings=dataclasses.replace(settings, size=16))
read = lambda folder: {p.name: p.read_bytes() for p in folder.iterdir()}
build(dataclasses.replace(plan, out=base / "reference" / "set"))
reference = read(base / "reference" / "set")
left = -1

def hook(event, arguments):
    global left
    if left < 0:
        return
    writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
    if writes or event in ("os.rename", "os.remove", "os.rmdir", "os.mkdir"):
        left -= 1
        if left == 0:
            os._exit(9)

sys.addaudithook(hook)
kills, bad = 0, []
while True:
    shutil.rmtree(out, ignore_errors=True)
    if begin == "other set":
        build(other)
    child = os.fork()
    if child == 0:
        left = kills + 1
        build(plan)
        left = -1
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if status == 0:
        break
    kills += 1
    if out.exists() and check_set(out):
        bad.append([kills, "looked whole"])
    try:
        build(plan)
    except Exception as error:
        bad.append([kills, str(error)])
        continue
    if read(out) != reference:
        bad.append([kills, "differs"])
    # What a kill left of the set before is removed by the next run that writes.
    if set(os.listdir(base)) - {".set.old"} != {"data", "reference", "set"}:
        bad.append([kills, "left something behind"])
print(json.dumps([kills, bad]))
"""


@pytest.mark.parametrize("begin", ["nothing", "other set"])
def test_killed_at_any_change_the_next_run_ends_the_same(tmp_path, make, begin):
    brain = make.brain()
    make.subject(tmp_path / "data", "BraTS20_Training_001", brain)
    make.subject(tmp_path / "data", "BraTS20_Training_002", brain[::-1].copy())
    run = subprocess.run(
        [sys.executable, "-c", DRIVER, str(tmp_path / "data"), str(tmp_path), begin],
        capture_output=True, text=True, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"})
    assert run.returncode == 0, run.stderr
    kills, bad = json.loads(run.stdout)
    assert kills >= 9
    assert bad == []


def test_a_folder_appears_whole_and_replaces_the_one_before(tmp_path):
    for text in ("one", "two"):
        with built_beside(tmp_path / "set") as folder:
            assert os.listdir(folder) == []
            (folder / "a").write_text(text)
            assert text == "two" or not (tmp_path / "set").exists()
    assert os.listdir(tmp_path) == ["set"]
    assert (tmp_path / "set" / "a").read_text() == "two"


def test_a_failure_leaves_the_folder_before_and_nothing_else(tmp_path):
    with built_beside(tmp_path / "set") as folder:
        (folder / "a").write_text("old")
    with pytest.raises(OutputError, match=r"set: cannot write \(no space left on device\); free some space"), \
            built_beside(tmp_path / "set") as folder:
        (folder / "a").write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")
    assert os.listdir(tmp_path) == ["set"]
    assert (tmp_path / "set" / "a").read_text() == "old"


def test_a_place_that_is_a_link_keeps_its_link(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "set").symlink_to("disk")
    with built_beside(tmp_path / "set") as folder:
        (folder / "a").touch()
    assert (tmp_path / "set").is_symlink()
    assert os.listdir(tmp_path / "disk") == ["a"]


def test_other_errors_have_another_remedy(tmp_path):
    with pytest.raises(OutputError, match="not a directory.*check the folder"), output_errors(tmp_path):
        raise OSError(errno.ENOTDIR, "Not a directory")


def test_a_held_folder_is_refused_to_others_and_free_after_a_kill(tmp_path):
    code = (
        "import pathlib, time; from preprocess.files import built_beside\n"
        f"with built_beside(pathlib.Path({str(tmp_path / 'set')!r})) as folder:\n"
        "    (folder / 'begun').touch(); print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(OutputError, match="set: another run is making it"), built_beside(tmp_path / "set"):
            raise AssertionError("held twice")
        holder.kill()
    with built_beside(tmp_path / "set") as folder:
        assert os.listdir(folder) == []


def test_hash_of_several_files_goes_on(tmp_path):
    (tmp_path / "a").write_bytes(b"one")
    (tmp_path / "b").write_bytes(b"two")
    assert sha256_of(tmp_path / "a", tmp_path / "b") == hashlib.sha256(b"onetwo").hexdigest()
    with pytest.raises(DataError, match="no such file"):
        sha256_of(tmp_path / "c")
