"""Answers that cannot be counted are named with the reason, and left out."""

import json

import pytest

from dcgan_mri.errors import DataError
from dcgan_mri.reader_study.answers import collect, read_key


def reasons(paths, key):
    counted, left_out = collect(paths, key)
    assert counted == {}
    return [reason for _, reason in left_out]


def test_answers_of_two_readers(write_answers, key):
    paths = [write_answers("b.json", reader=3), write_answers("a.json", reader=1)]
    counted, left_out = collect(paths, key)
    assert list(counted) == [1, 3]
    assert left_out == []
    practice = {trial["name"] for trial in key["readers"][0] if trial["kind"] == "practice"}
    assert len(counted[1]) == 13
    assert not practice & set(counted[1])


def test_truncated(write_answers, tmp_path, key):
    path = write_answers("a.json")
    (tmp_path / "a.json").write_text((tmp_path / "a.json").read_text()[:200])
    assert reasons([path], key) == ["is not whole, or no JSON"]


def test_missing(tmp_path, key):
    assert reasons([str(tmp_path / "none.json")], key) == ["cannot be read (No such file or directory)"]


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"[]", b"3", b"{}", b'{"format": "another"}'])
def test_other_files(tmp_path, key, content):
    (tmp_path / "a.json").write_bytes(content)
    assert len(reasons([str(tmp_path / "a.json")], key)) == 1


def test_of_another_study(write_answers, key):
    assert reasons([write_answers("a.json", study="1234")], key) == ["is of another study (1234)"]


@pytest.mark.parametrize("reader", [0, 4, "1", True, None])
def test_of_no_reader(tmp_path, key, reader):
    (tmp_path / "a.json").write_text(json.dumps(
        {"format": "reader study answers", "study": key["study"], "reader": reader, "answers": {}}))
    assert reasons([str(tmp_path / "a.json")], key) == ["is not as this study's pages write it"]


def test_incomplete(write_answers, key):
    scored = [trial["name"] for trial in key["readers"][0] if trial["kind"] != "practice"]
    path = write_answers("a.json", change=lambda answers: [answers.pop(name) for name in scored[:3]])
    assert reasons([path], key) == ["is incomplete: 3 of 13 images have no answer"]


def test_practice_need_not_be_answered(write_answers, key):
    practice = [trial["name"] for trial in key["readers"][0] if trial["kind"] == "practice"]
    path = write_answers("a.json", change=lambda answers: [answers.pop(name) for name in practice])
    assert list(collect([path], key)[0]) == [1]


@pytest.mark.parametrize("rating", [0, 7, 2.5, "3", True, None])
def test_ratings_that_no_page_writes(write_answers, key, rating):
    path = write_answers("a.json", change=lambda answers: answers.update(dict.fromkeys(answers, rating)))
    assert reasons([path], key) == ["has ratings that are not from 1 to 6"]


def test_the_same_file_twice_counts_once(write_answers, key):
    paths = [write_answers("a.json"), write_answers("copy.json")]
    counted, left_out = collect(paths, key)
    assert list(counted) == [1]
    assert left_out == [(paths[1], f"the same answers as {paths[0]}, which are counted")]


def test_a_reader_who_answered_twice_is_not_counted_at_all(write_answers, key):
    paths = [write_answers("a.json"), write_answers("b.json", change=lambda answers: answers.update(
        dict.fromkeys(answers, 2)))]
    found = reasons(paths, key)
    assert found == ["reader 1 answered more than once, and differently; none of it is counted"] * 2


@pytest.mark.parametrize("content", [None, "{", "[]", '{"format": "another"}'])
def test_no_key(tmp_path, content):
    if content is not None:
        (tmp_path / "key.json").write_text(content)
    with pytest.raises(DataError, match=r"key.json: cannot read the key"):
        read_key(tmp_path)
