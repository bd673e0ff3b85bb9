"""`python -m dcgan_mri.evaluate` as a user starts it."""

import csv
import hashlib
import json
import os
import shutil

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from dcgan_mri import evaluate
from dcgan_mri.run import snapshots
from dcgan_mri.config import Config
from dcgan_mri.errors import DataError
from dcgan_mri.networks import Generator
from dcgan_mri.slice_set import Slices
from tests.helpers import SMALL, run_job, write_slice_set
from tests.phantoms import phantom_slices
from tests.results import write_result


def write_phantom_set(folder):
    """A slice set of five phantom subjects, two of them held out."""
    folder.mkdir(parents=True)
    pictures, subjects, levels = phantom_slices(5, 8)
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "subject", "split", "slice", "sha256"])
        for i, picture in enumerate(pictures):
            Image.fromarray(picture).save(folder / f"{i}.png")
            writer.writerow([f"{i}.png", subjects[i], "held-out" if i >= 24 else "train", levels[i],
                             hashlib.sha256((folder / f"{i}.png").read_bytes()).hexdigest()])
    (folder / "dataset.json").write_text(json.dumps(
        {"format": "slice set", "version": 1, "slices": len(pictures), "size": 64}))
    return folder


@pytest.fixture(scope="module")
def phantom_set(tmp_path_factory):
    return write_phantom_set(tmp_path_factory.mktemp("evaluate") / "set")


def test_held_out_slices_as_a_user_measures_them(phantom_set, tmp_path):
    out = tmp_path / "evaluation"
    done = run_job("-m", "dcgan_mri.evaluate", phantom_set, "--split", "held-out", "-i", phantom_set, "-o", out)
    assert (done.returncode, done.stdout[:14]) == (0, "16 images from"), done.stderr
    assert "no guarantee of privacy" in done.stdout
    assert "biased upwards" in done.stdout
    assert "100%" in done.stderr
    written = json.loads((out / "evaluation.json").read_text())
    assert (written["n_images"], written["n_slices"], written["n_held_out"], written["subjects"]) == (16, 24, 16, 3)
    numbers = {entry["name"]: entry for entry in written["quantities"]}
    assert numbers["memorisation.copies"]["value"] < 0.1
    assert numbers["kid"]["real_low"] <= numbers["kid"]["real"] <= numbers["kid"]["real_high"]
    assert numbers["swd.256"]["value"] is None
    assert all(entry["unit"] and entry["range"] and entry["reading"] for entry in written["quantities"])
    with Image.open(out / "closest_pairs.png") as picture:
        assert picture.size == (12 * 64 + 11 * 4, 2 * 64)
        assert np.array(picture)[:, 64:68].min() == 255


def test_copies_are_shown_beside_what_they_copy(phantom_set, tmp_path, capsys):
    out = tmp_path / "evaluation"
    evaluate.main([str(phantom_set), "-i", str(phantom_set), "-o", str(out)])
    copies = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("memorisation.copies"))
    assert copies.split()[1] == "1"
    picture = np.array(Image.open(out / "closest_pairs.png"))
    assert np.array_equal(picture[:64], picture[64:])


def test_a_generator_and_its_images_measure_alike(tmp_path, capsys):
    slices = write_slice_set(tmp_path / "set")
    config = Config(**SMALL)
    gen = Generator(config)
    snapshots.save_generator(tmp_path / "generator.npz", gen, config)
    made = run_job("-m", "dcgan_mri.generate", tmp_path / "generator.npz", "-n", "20", "-o", tmp_path / "samples")
    assert made.returncode == 0, made.stderr
    tables = []
    for images in ("generator.npz", "samples"):
        evaluate.main([str(tmp_path / images), "-n", "20", "-i", str(slices)])
        printed = capsys.readouterr().out
        assert printed.startswith("20 images")
        assert "Copies: not counted" in printed
        assert "nothing of this is kept; -o DIR writes it" in printed
        tables.append([line for line in printed.splitlines() if line.startswith(("kid", "noise", "swd", "memo"))])
    assert tables[0] == tables[1]
    assert any("missing" in line for line in tables[0] if line.startswith("memorisation.copies"))


def test_a_model_is_measured_against_the_slices_of_its_run(tmp_path, capsys):
    slices = write_slice_set(tmp_path / "set", n=12, subjects=("a", "b", "c"))
    config = Config(**SMALL, n_subjects=2)
    run = tmp_path / "run"
    run.mkdir()
    snapshots.save_generator(run / "generator.npz", Generator(config), config)
    start = {"dataset": str(slices), "slices_sha256": Slices(slices).fingerprint}
    (run / "environment.json").write_text(json.dumps({"starts": [start]}))
    evaluate.main([str(run / "generator.npz"), "-n", "4"])
    printed = capsys.readouterr().out
    assert printed.startswith(f"measuring against {slices}, on which {run} was trained; -i names other slices\n")
    assert f"4 images from {run}/generator.npz against 8 slices of 2 subjects in {slices}" in printed

    other = write_slice_set(tmp_path / "other", n=5)
    evaluate.main([str(run / "generator.npz"), "-n", "4", "-i", str(other)])
    assert f"against 5 slices of 1 subjects in {other}" in capsys.readouterr().out

    shutil.rmtree(slices)
    write_slice_set(slices, n=12, seed=1, subjects=("a", "b", "c"))
    with pytest.raises(SystemExit) as exit_:
        evaluate.main([str(run / "generator.npz"), "-n", "4"])
    assert exit_.value.code == 1
    message = f"{slices}: no longer has the slices on which {run} was trained; name slices by -i"
    assert message in capsys.readouterr().err


def test_an_evaluation_is_of_the_file_as_it_was_read(tmp_path, monkeypatch):
    slices, model = write_slice_set(tmp_path / "set"), tmp_path / "generator.npz"
    snapshots.save_generator(model, Generator(Config(**SMALL)), Config(**SMALL))
    before = hashlib.sha256(model.read_bytes()).hexdigest()
    make_samples = evaluate.make_samples

    def while_the_training_goes_on(*args):
        snapshots.save_generator(model, Generator(Config(**SMALL, seed=1)), Config(**SMALL, seed=1))
        return make_samples(*args)

    monkeypatch.setattr(evaluate, "make_samples", while_the_training_goes_on)
    evaluate.main([str(model), "-n", "4", "-i", str(slices), "-o", str(tmp_path / "out")])
    assert json.loads((tmp_path / "out" / "evaluation.json").read_text())["generator_sha256"] == before


def test_slices_of_a_side_that_cannot_be_halved_are_refused(tmp_path, capsys):
    slices = write_slice_set(tmp_path / "set", n=2, size=24)
    with pytest.raises(SystemExit) as exit_:
        evaluate.main([str(slices), "-i", str(slices)])
    assert exit_.value.code == 2
    assert f"{slices}: its slices are 24 pixels wide, which the measures cannot halve" in capsys.readouterr().err


def test_which_generator_of_a_run(tmp_path):
    run = write_result(tmp_path / "run", [1, 2, 3], epoch=4)
    (run / "generator_best.json").write_text('{"criterion": "kid", "epoch": 2, "value": 9.0}')
    files = [run / "generator.npz", run / "generator_best.npz", run / "snapshot_iter_4.npz",
             run / "snapshot_iter_5.npz", tmp_path / "generator.npz"]
    assert [evaluate.origin(file) for file in files] == [
        'the newest of the run "run", after epoch 3 of 4', 'the best of the run "run", after epoch 2 of 4',
        'a snapshot of the run "run", after epoch 1 of 4', "", ""]


def test_ctrl_c_is_one_line_and_leaves_no_folder(phantom_set, tmp_path, capsys, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("dcgan_mri.review.evaluation.write", interrupt)
    with pytest.raises(SystemExit) as exit_:
        evaluate.main([str(phantom_set), "-i", str(phantom_set), "-o", str(tmp_path / "evaluation")])
    assert exit_.value.code == 130
    assert capsys.readouterr().err.endswith("\ndcgan_mri.evaluate: interrupted; the same command begins again\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("arguments", "status", "message"), [
    (["nowhere"], 1, "nowhere: no such file or folder"),
    (["{tmp}/empty"], 1, "has 0 PNG images"),
    (["{tmp}/other"], 1, "is 8×8, the slices are 16×16; resize it"),
    (["{tmp}/text.npz"], 1, "text.npz"),
    (["{tmp}/run"], 1, "run: is the folder of a training, not one of images; give "),
    (["{tmp}/deep"], 1, "0.png: has 16 bits for each pixel; save it as 8-bit grey or RGB"),
    (["{tmp}/pipe"], 1, "0.png: cannot read the picture (it is not a regular file); leave it out"),
    (["{set}", "-n", "1"], 2, "-n 1: must be from 2 to"),
    (["{set}", "-n", "10000000000000"], 2, "-n 10000000000000: must be from 2 to"),
    (["{set}", "--split", "held-out"], 1, "no slice for held-out"),
    (["{set}", "--features", "{tmp}/text.npz"], 1, "not an npz of weights"),
    (["{set}", "-o", "{tmp}/other"], 2, "other: exists already; give another folder by -o"),
])
def test_errors_are_one_line(tmp_path, slices16, capsys, arguments, status, message):
    (tmp_path / "empty").mkdir()
    for name in ("other", "deep", "pipe"):
        (tmp_path / name).mkdir()
    for i in range(3):
        Image.new("L", (8, 8)).save(tmp_path / "other" / f"{i}.png")
        Image.fromarray(np.full((16, 16), 4000, np.uint16)).save(tmp_path / "deep" / f"{i}.png")
        os.mkfifo(tmp_path / "pipe" / f"{i}.png")
    (tmp_path / "text.npz").write_text("no weights")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "generator.npz").touch()
    arguments = [text.format(tmp=tmp_path, set=slices16) for text in arguments]
    with pytest.raises(SystemExit) as exit_:
        evaluate.main([*arguments, "-i", str(slices16)])
    printed = capsys.readouterr()
    assert exit_.value.code == status
    assert printed.err.count("\n") == 1
    assert message in printed.err


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200), signed=st.booleans())
def test_any_file_for_a_picture_is_read_or_refused(tmp_path, content, signed):
    file = tmp_path / "image.png"
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + content if signed else content)
    try:
        picture = evaluate.decode(file, 16)
    except DataError as error:
        picture, message = None, str(error)
    assert message.startswith(f"{file}: ") if picture is None else picture.shape == (16, 16, 3)
