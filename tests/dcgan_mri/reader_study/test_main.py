"""Making and scoring a study as a user does."""

import importlib.util
import json

import pytest

from dcgan_mri.reader_study import __main__ as reader_study
from dcgan_mri.reader_study.scores import PATIENT
from dcgan_mri.slice_set import Slices
from tests.helpers import write_slice_set


def run(*arguments):
    reader_study.main([*map(str, arguments)])


def refused(capsys, *arguments):
    """Exit status and message of a call that must fail."""
    with pytest.raises(SystemExit) as ended:
        run(*arguments)
    return ended.value.code, capsys.readouterr().err


def test_what_make_writes(study, key):
    assert sorted(path.name for path in study.iterdir()) == ["key.json", "pages"]
    assert sorted(path.name for path in (study / "pages").iterdir()) == [f"reader_{i}.html" for i in (1, 2, 3)]
    assert [image["real"] for image in key["images"]].count(True) == 6 + 2
    assert [image["real"] for image in key["images"]].count(False) == 5 + 2
    assert key["margin"] == 0.1


def test_same_seed_same_study_another_seed_another(generator_file, slices_and_held_out, tmp_path, key):
    options = ("make", generator_file, "-i", slices_and_held_out, "--real", 6, "--synthetic", 5, "--repeats", 2,
               "--readers", 3)
    run(*options, "-o", tmp_path / "same")
    run(*options, "-o", tmp_path / "other", "--seed", 2)
    same, other = (json.loads((tmp_path / name / "key.json").read_text()) for name in ("same", "other"))
    assert same == key
    assert other["study"] != key["study"]
    assert [image["source"] for image in other["images"]] != [image["source"] for image in key["images"]]


@pytest.mark.parametrize(("subject", "warned"), [("phantom", False), ("BraTS20_001", True)])
def test_what_make_says_of_the_pages(generator_file, tmp_path, capsys, subject, warned):
    slices = write_slice_set(tmp_path / "set", held_out=24, subjects=(subject,))
    run("make", generator_file, "-i", slices, "-o", tmp_path / "study", "--real", 6, "--synthetic", 5, "--repeats", 2)
    text = capsys.readouterr().out
    assert "key.json says which images are real: do not pass it on." in text
    assert ("slices of patients" in text) == warned


def test_score(study, write_answers, tmp_path, capsys):
    (tmp_path / "cut.json").write_text('{"format": "reader st')
    run("score", study, write_answers("a.json", 1), write_answers("b.json", 2), tmp_path / "cut.json")
    text = capsys.readouterr().out
    assert "Readers counted: 2 of 3. Files left out: 1." in text
    assert f"{tmp_path}/cut.json: is not whole, or no JSON" in text
    assert "better than by guessing" in text


def test_score_of_readers_who_take_everything_for_real(study, write_answers, capsys):
    def trusting(answers):
        answers.update(dict.fromkeys(answers, PATIENT))

    run("score", study, write_answers("a.json", 1, trusting), write_answers("b.json", 2, trusting))
    lines = capsys.readouterr().out.splitlines()
    assert next(line for line in lines if line.startswith("1 ")).split() == [
        "1", "0.55", "(0.28", "to", "0.79)", "0.00", "(0.00", "to", "0.43)", "1.00", "(0.61", "to", "1.00)", "0.50",
        "undefined"]


def test_nothing_to_count(study, tmp_path, capsys):
    status, message = refused(capsys, "score", study, tmp_path / "none.json")
    assert status == 1
    assert "none.json cannot be read" in message


def test_score_of_a_folder_that_is_not_there(tmp_path, capsys):
    status, message = refused(capsys, "score", tmp_path / "none", "a.json")
    assert status == 1
    assert message == (f"dcgan_mri.reader_study: error: {tmp_path}/none/key.json: cannot read the key (No such file or "
                       f"directory); name the folder that `make` wrote\n")


def test_a_set_without_held_out_subjects(generator_file, slices16, tmp_path, capsys):
    status, message = refused(capsys, "make", generator_file, "-i", slices16, "-o", tmp_path / "study")
    assert status == 1
    assert "--split" in message
    assert not (tmp_path / "study").exists()


def test_another_set_than_that_of_the_training(generator_file, slices_and_held_out, tmp_path, capsys):
    (tmp_path / "generator.npz").write_bytes(generator_file.read_bytes())
    options = ("make", tmp_path / "generator.npz", "-i", slices_and_held_out, "-o", tmp_path / "study", "--real", 3,
               "--synthetic", 3, "--repeats", 1)
    (tmp_path / "environment.json").write_text('{"starts": [{"slices_sha256": "0123"}]}')
    status, message = refused(capsys, *options)
    assert status == 1
    assert f"{slices_and_held_out}: not the slices that {tmp_path}/generator.npz was trained on" in message
    assert not (tmp_path / "study").exists()
    fingerprint = Slices(slices_and_held_out).fingerprint
    (tmp_path / "environment.json").write_text(json.dumps({"starts": [{"slices_sha256": fingerprint}]}))
    run(*options)


def test_more_real_slices_than_there_are(generator_file, slices_and_held_out, tmp_path, capsys):
    status, message = refused(capsys, "make", generator_file, "-i", slices_and_held_out, "-o", tmp_path / "study")
    assert status == 2
    assert "has 24 slices of held-out subjects, the study needs 52" in message


def test_a_study_is_not_overwritten(generator_file, slices_and_held_out, study, capsys):
    before = (study / "key.json").read_text()
    status, _ = refused(capsys, "make", generator_file, "-i", slices_and_held_out, "-o", study, "--real", 3,
                        "--synthetic", 3, "--repeats", 1)
    assert status == 2
    assert (study / "key.json").read_text() == before


@pytest.mark.parametrize(("option", "value"), [
    ("--real", 1), ("--synthetic", 0), ("--repeats", -1), ("--repeats", 51), ("--readers", 0), ("--margin", 0),
    ("--margin", "nan"), ("--seed", -1)])
def test_numbers_that_make_no_study(generator_file, tmp_path, capsys, option, value):
    status, message = refused(capsys, "make", generator_file, "-o", tmp_path / "study", option, value)
    assert status == 2
    assert option in message


def test_without_statsmodels(study, capsys, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    status, message = refused(capsys, "score", study, "a.json")
    assert status == 2
    assert "pip install statsmodels" in message
