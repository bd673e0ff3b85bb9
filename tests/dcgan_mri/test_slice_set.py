"""Slice sets: what is read, and what is refused by name."""

import csv
import hashlib
import json
import os
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dcgan_mri.slice_set import Slices
from dcgan_mri.errors import DataError, UsageError
from tests.helpers import write_slice_set


def test_reads_the_training_slices_only(tmp_path):
    slices = Slices(write_slice_set(tmp_path / "set", n=3, held_out=2), 16)
    assert len(slices) == 3
    assert slices.files == [f"phantom_img_{i:05d}.png" for i in range(3)]
    batch = slices.batch([2, 0, 2])
    assert batch.shape == (3, 16, 16)
    assert batch.dtype == np.uint8
    assert np.array_equal(batch[0], np.array(Image.open(tmp_path / "set" / slices.files[2])))


def test_reads_the_held_out_slices_by_themselves(tmp_path):
    folder = write_slice_set(tmp_path / "set", n=3, held_out=2)
    held_out = Slices(folder, split="held-out")
    assert held_out.image_size == 16
    assert (held_out.files, held_out.levels) == ([f"phantom_img_{i:05d}.png" for i in (3, 4)], [3, 4])
    assert held_out.subjects == ["phantom", "phantom"]


def test_a_set_without_held_out_slices_says_how_to_get_them(tmp_path):
    with pytest.raises(DataError, match="no slice for held-out; make the slices with --split"):
        Slices(write_slice_set(tmp_path / "set", n=3), split="held-out")


SUBJECTS = ("010", "002", "001")


@pytest.mark.parametrize(("n_subjects", "expected"), [
    (0, set(SUBJECTS)), (1, {"001"}), (2, {"001", "002"}), (3, set(SUBJECTS))])
def test_takes_the_first_subjects_by_name(tmp_path, n_subjects, expected):
    slices = Slices(write_slice_set(tmp_path / "set", n=7, subjects=SUBJECTS), 16, n_subjects=n_subjects)
    assert set(slices.subjects) == expected
    assert slices.levels == [level for level in range(7) if SUBJECTS[level % 3] in expected]
    assert slices.files == [f"phantom_img_{level:05d}.png" for level in slices.levels]


def test_more_subjects_than_there_are_is_refused(tmp_path):
    folder = write_slice_set(tmp_path / "set", n=6, held_out=1, subjects=SUBJECTS)
    with pytest.raises(UsageError, match="set: n_subjects is 4, its slices are of 3 subjects; use at most 3"):
        Slices(folder, n_subjects=4)


def test_decodes_each_slice_once(tmp_path):
    folder = write_slice_set(tmp_path / "set", n=2)
    slices = Slices(folder, 16)
    before = slices.image(1)
    (folder / slices.files[1]).unlink()
    assert slices.image(1) is before


def damage_nothing_there(folder):
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()


def damage_no_description(folder):
    (folder / "dataset.json").unlink()


def damage_half_description(folder):
    (folder / "dataset.json").write_text('{"format": "sli')


def damage_foreign_description(folder):
    (folder / "dataset.json").write_text('{"format": "other"}')


def damage_no_manifest(folder):
    (folder / "manifest.csv").unlink()


def damage_short_manifest(folder):
    lines = (folder / "manifest.csv").read_text().splitlines()
    (folder / "manifest.csv").write_text("\n".join(lines[:-1]))


def damage_manifest_without_columns(folder):
    (folder / "manifest.csv").write_text("a,b\n1,2\n")


def damage_manifest_leaves_the_folder(folder):
    text = (folder / "manifest.csv").read_text().replace("phantom_img_00000.png", "../secret.png")
    (folder / "manifest.csv").write_text(text)


def damage_all_held_out(folder):
    (folder / "manifest.csv").write_text((folder / "manifest.csv").read_text().replace("train", "held-out"))


@pytest.mark.parametrize(("damage", "message"), [
    (damage_nothing_there, "no such folder"),
    (damage_no_description, "dataset.json is missing"),
    (damage_half_description, "dataset.json: cannot read"),
    (damage_foreign_description, "not that of a slice set"),
    (damage_no_manifest, "manifest.csv: cannot read"),
    (damage_short_manifest, "lists 1 slices, dataset.json says 2"),
    (damage_manifest_without_columns, "manifest.csv: cannot read"),
    (damage_manifest_leaves_the_folder, "'../secret.png' is not a file name"),
    (damage_all_held_out, "no slice for training"),
])
def test_damaged_set_is_refused(tmp_path, damage, message):
    folder = write_slice_set(tmp_path / "set", n=2)
    damage(folder)
    with pytest.raises(DataError) as caught:
        Slices(folder, 16)
    assert message in str(caught.value)
    assert str(folder) in str(caught.value)
    assert "make" in str(caught.value)


def test_other_size_is_refused(tmp_path):
    with pytest.raises(UsageError, match="16 pixels wide, the networks take 256"):
        Slices(write_slice_set(tmp_path / "set", n=2), 256)


def put(folder, name, content):
    """Replace a file of a set, and its SHA-256 in the manifest too: as a set that was never right."""
    before = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    (folder / name).write_bytes(content)
    manifest = folder / "manifest.csv"
    manifest.write_text(manifest.read_text().replace(before, hashlib.sha256(content).hexdigest()))


@pytest.mark.parametrize("content", [b"", b"<html>", None, "RGB", "small"])
def test_damaged_picture_is_refused(tmp_path, content):
    folder = write_slice_set(tmp_path / "set", n=2)
    path = folder / "phantom_img_00001.png"
    if content is None:
        content = path.read_bytes()[:-40]
    elif isinstance(content, str):
        wrong = tmp_path / "wrong.png"
        Image.new("RGB" if content == "RGB" else "L", (16, 16) if content == "RGB" else (8, 8)).save(wrong)
        content = wrong.read_bytes()
    put(folder, path.name, content)
    slices = Slices(folder, 16)
    slices.image(0)
    with pytest.raises(DataError, match="phantom_img_00001.png.*make the slices again"):
        slices.image(1)


def test_picture_that_claims_to_be_huge_is_refused(tmp_path):
    folder = write_slice_set(tmp_path / "set", n=1)
    path = folder / "phantom_img_00000.png"
    header = b"IHDR" + (100_000).to_bytes(4, "big") * 2 + b"\x08\x00\x00\x00\x00"
    content = path.read_bytes()
    put(folder, path.name, content[:12] + header + zlib.crc32(header).to_bytes(4, "big") + content[33:])
    with pytest.raises(DataError, match="phantom_img_00000.png.*make the slices again"):
        Slices(folder, 16).image(0)


def test_picture_that_was_replaced_is_noticed(tmp_path):
    folder = write_slice_set(tmp_path / "set", n=2)
    (folder / "phantom_img_00001.png").write_bytes((folder / "phantom_img_00000.png").read_bytes())
    slices = Slices(folder, 16)
    slices.image(0)
    with pytest.raises(DataError, match="phantom_img_00001.png: is not the picture that the set was made with"):
        slices.image(1)


@pytest.mark.parametrize("name", ["phantom_img_00000.png", "manifest.csv", "dataset.json"])
def test_pipe_in_place_of_a_file_is_refused(tmp_path, name):
    folder = write_slice_set(tmp_path / "set", n=2)
    (folder / name).unlink()
    os.mkfifo(folder / name)
    with pytest.raises(DataError, match=f"{name}: cannot read .*not a regular file"):
        Slices(folder, 16).image(0)


def test_deep_description_is_refused(tmp_path):
    folder = write_slice_set(tmp_path / "set", n=2)
    (folder / "dataset.json").write_text("[" * 100_000)
    with pytest.raises(DataError, match="dataset.json: cannot read it"):
        Slices(folder, 16)


@settings(max_examples=60)
@given(position=st.floats(0, 1, exclude_max=True), value=st.integers(0, 255))
def test_any_changed_byte_is_an_image_or_a_data_error(tmp_path_factory, position, value):
    folder = write_slice_set(tmp_path_factory.mktemp("fuzz") / "set", n=1)
    path = folder / "phantom_img_00000.png"
    content = bytearray(path.read_bytes())
    content[int(position * len(content))] = value
    put(folder, path.name, bytes(content))
    try:
        image = Slices(folder, 16).image(0)
    except DataError as error:
        image = None
        named = str(error)
    assert image is not None and image.shape == (16, 16) or str(path) in named


@given(rows=st.lists(st.lists(st.text(max_size=6), max_size=5), max_size=4), description=st.dictionaries(
    st.sampled_from(["format", "size", "slices"]), st.one_of(st.just("slice set"), st.integers(0, 20), st.none())))
def test_any_manifest_is_a_set_or_a_named_error(tmp_path_factory, rows, description):
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "dataset.json").write_text(json.dumps(description))
    with (folder / "manifest.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["file", "split"], *rows])
    with pytest.raises((DataError, UsageError)) as caught:
        slices = Slices(folder, 16)
        slices.image(0)
    assert str(folder) in str(caught.value)
