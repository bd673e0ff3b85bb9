"""`python -m dcgan_mri.review` as a user starts it."""

import json
import shutil

import pytest

from dcgan_mri.review import __main__ as review
from dcgan_mri.slice_set import Slices
from tests.helpers import run_job, write_slice_set
from tests.results import write_result


def test_one_run(tmp_path, slices16):
    folder = write_result(tmp_path / "run", [1, 2], slices16)
    done = run_job("-m", "dcgan_mri.review", folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{folder}/index.html is written, 0.")
    assert "treat it as you treat the data" in done.stdout
    assert "2/2" in done.stderr
    assert '"nearest":[' in (folder / "index.html").read_text(encoding="utf-8")


def test_public(tmp_path, slices16):
    folder = write_result(tmp_path / "run", [1], slices16)
    review.main([str(folder), "--public", "-o", str(tmp_path / "page.html")])
    assert str(tmp_path) not in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_several_runs(tmp_path, slices16, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in "ab":
        write_result(tmp_path / name, [1], slices16)
    review.main(["a", "b"])
    assert capsys.readouterr().out.startswith("comparison.html is written")
    assert '"name":"b"' in (tmp_path / "comparison.html").read_text(encoding="utf-8")


def test_without_slices_the_page_goes_without(tmp_path, capsys):
    folder = write_result(tmp_path / "run", [1], tmp_path / "moved away")
    review.main([str(folder)])
    assert '"nearest":[' not in (folder / "index.html").read_text(encoding="utf-8")


def test_slices_that_were_made_anew_are_not_those_of_the_run(tmp_path):
    slices = write_slice_set(tmp_path / "set")
    folder = write_result(tmp_path / "run", [1], slices)
    start = {"dataset": str(slices), "slices_sha256": Slices(slices).fingerprint}
    (folder / "environment.json").write_text(json.dumps({"starts": [start]}))
    assert len(review.slices_of(str(folder), None)) == 16
    shutil.rmtree(slices)
    write_slice_set(slices, seed=1)
    assert review.slices_of(str(folder), None) is None


def test_slices_by_name(tmp_path, slices16):
    folder = write_result(tmp_path / "run", [1], tmp_path / "moved away")
    review.main([str(folder), "--dataset", str(slices16), "-o", str(tmp_path / "page.html")])
    assert '"nearest":[' in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_slices_are_those_of_the_subjects_that_the_run_trained_on(tmp_path):
    slices = write_slice_set(tmp_path / "set", n=6, subjects=("003", "001", "002"))
    folder = write_result(tmp_path / "run", [1], slices, n_subjects=2)
    for dataset in (None, str(slices)):
        assert set(review.slices_of(str(folder), dataset).subjects) == {"001", "002"}


@pytest.mark.parametrize(("arguments", "status", "message"), [
    (["{tmp}/none"], 1, "none: not a result folder"),
    (["{tmp}/run", "{tmp}/../{name}/run"], 2, "a folder is named twice"),
    (["{tmp}/run", "-i", "{tmp}/none"], 1, "none: no such folder"),
    (["{tmp}/run", "-i", "{tmp}/set32"], 2, "its slices are 32 pixels wide"),
    (["{tmp}/run", "-o", "{tmp}/none/page.html"], 1,
     "cannot write it (No such file or directory); make {tmp}/none first"),
    ([], 2, "required"),
])
def test_errors_are_one_line(tmp_path, capsys, arguments, status, message):
    write_result(tmp_path / "run", [1])
    write_slice_set(tmp_path / "set32", n=2, size=32)
    with pytest.raises(SystemExit) as exit_:
        review.main([text.format(tmp=tmp_path, name=tmp_path.name) for text in arguments])
    errors = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
    assert exit_.value.code == status
    assert len(errors) == 1
    assert message.format(tmp=tmp_path) in errors[0]
