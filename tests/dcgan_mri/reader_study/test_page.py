"""A page holds nothing that tells real from generated but the pixels."""

import base64
import csv
import io
import json
import re

import pytest
from PIL import Image


@pytest.fixture(scope="module")
def pages(study):
    return [path.read_text() for path in sorted((study / "pages").iterdir())]


def data_of(page):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)[1])


def test_a_page_for_each_reader(pages, key):
    assert [(data["study"], data["reader"], data["practice"]) for data in map(data_of, pages)] == [
        (key["study"], reader, 4) for reader in (1, 2, 3)]


def test_beside_pictures_and_meaningless_names_there_is_nothing(pages, key):
    for page, trials in zip(pages, key["readers"], strict=True):
        shown = data_of(page)["trials"]
        assert [set(trial) for trial in shown] == [{"name", "image"}] * len(trials)
        assert [trial["name"] for trial in shown] == [trial["name"] for trial in trials]
        assert all(re.fullmatch("[0-9a-f]{16}", trial["name"]) for trial in shown)
    frames = {re.sub(r'(id="data">).*?(</script>)', r"\1\2", page, flags=re.S) for page in pages}
    assert len(frames) == 1


def test_no_word_of_the_truth(pages, key, slices_and_held_out):
    with (slices_and_held_out / "manifest.csv").open() as file:
        rows = list(csv.DictReader(file))
    words = {*(row["file"] for row in rows), *(row["subject"] for row in rows),
             *(image["source"] for image in key["images"]), *(image["source"][5:] for image in key["images"]),
             key["generator_sha256"], key["slices_sha256"], "held-out", "repeat\"", "scored", "generator"}
    for page in pages:
        assert [word for word in words if word in page] == []


def test_names_are_not_made_of_what_they_stand_for(key):
    """The same image has other names for other readers and for its second showing."""
    names = [trial["name"] for trials in key["readers"] for trial in trials]
    assert len(set(names)) == len(names) == 3 * 17


def test_files_are_alike_in_all_but_pixels(pages, key, study, slices_and_held_out):
    for page, trials in zip(pages, key["readers"], strict=True):
        files = [base64.b64decode(trial["image"]) for trial in data_of(page)["trials"]]
        assert len({len(file) for file in files}) == 1
        assert len({file[:33] for file in files}) == 1
        assert {tuple(re.findall(rb"IHDR|IDAT|IEND|tEXt|pHYs|gAMA|tIME", file)) for file in files} == {
            (b"IHDR", b"IDAT", b"IEND")}
        pictures = [Image.open(io.BytesIO(file)) for file in files]
        assert {(picture.mode, picture.size, str(picture.info)) for picture in pictures} == {("L", (16, 16), "{}")}
        for picture, trial in zip(pictures, trials, strict=True):
            image = key["images"][trial["image"]]
            if image["real"]:
                assert picture.tobytes() == Image.open(slices_and_held_out / image["source"]).tobytes()
    assert len({len(page) for page in pages}) == 1


def test_real_slices_are_of_held_out_subjects(key, slices_and_held_out):
    with (slices_and_held_out / "manifest.csv").open() as file:
        split = {row["file"]: row["split"] for row in csv.DictReader(file)}
    assert {split[image["source"]] for image in key["images"] if image["real"]} == {"held-out"}


def test_needs_no_network(pages):
    assert not re.findall(r'(?:src|href)="(?!data:)|https?://|url\(', pages[0])
    assert "default-src 'none'" in pages[0]
