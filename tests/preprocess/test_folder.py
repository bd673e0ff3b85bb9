"""A run is killed at each change that it makes to the file system; the next one must end as if it had not been."""

import json
import os
import subprocess
import sys

import pytest

DRIVER = """
import dataclasses, json, os, shutil, sys
from pathlib import Path
from preprocess.dataset import Plan, build
from preprocess.selection import parse_slices
from preprocess.subject import Settings
from preprocess.verify import check_set

data, base, begin = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
out = base / "set"
settings = Settings(slices=parse_slices("4-5"), size=32)
plan = Plan(data, out, "all", settings=settings, overwrite=begin == "other set")
other = dataclasses.replace(plan, settings=dataclasses.replace(settings, size=16))
read = lambda folder: {p.name: p.read_bytes() for p in folder.iterdir()}
build(dataclasses.replace(plan, out=base / "reference"))
reference = read(base / "reference")
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
    if (out / "dataset.json").exists() and [p for p in check_set(out) if not p.startswith(".unfinished")]:
        bad.append([kills, "looked whole"])
    try:
        build(plan)
    except Exception as error:
        bad.append([kills, str(error)])
        continue
    if read(out) != reference:
        bad.append([kills, "differs"])
print(json.dumps([kills, bad]))
"""


@pytest.mark.parametrize("begin", ["nothing", "other set"])
def test_killed_at_any_change_the_next_run_ends_the_same(tmp_path, make, begin):
    brain = make.brain()
    make.subject(tmp_path / "data", "BraTS20_Training_001", brain)
    make.subject(tmp_path / "data", "BraTS20_Training_002", brain[::-1].copy())
    run = subprocess.run(
        [sys.executable, "-c", DRIVER, str(tmp_path / "data"), str(tmp_path), begin],
        capture_output=True, text=True, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"})  # fmt: skip
    assert run.returncode == 0, run.stderr
    kills, bad = json.loads(run.stdout)
    assert kills > 25
    assert bad == []
