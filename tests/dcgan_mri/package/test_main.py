"""Packaging as a user starts it, and the package as its receiver uses it."""

import importlib.util
import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from PIL import Image

from dcgan_mri import provenance
from dcgan_mri.package import __main__ as package
from dcgan_mri.run import snapshots
from dcgan_mri.sampling import sample_stack
from tests.dcgan_mri.package.conftest import generator_of


@pytest.fixture
def unpacked(result, tmp_path, capsys):
    """The folder that comes out of the archive, away from everything else."""
    package.main([str(result / "generator.npz"), "-o", str(tmp_path / "flair.zip")])
    assert "flair/README.md" in capsys.readouterr().out
    with zipfile.ZipFile(tmp_path / "flair.zip") as archive:
        archive.extractall(tmp_path / "elsewhere")
    return tmp_path / "elsewhere" / "flair"


def imported(folder):
    """The package as medigan imports it."""
    spec = importlib.util.spec_from_file_location("flair", folder / "__init__.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["flair"] = module
    spec.loader.exec_module(module)
    return module


def refused(capsys, *arguments):
    """Exit status and message of a call that must fail."""
    with pytest.raises(SystemExit) as ended:
        package.main([*map(str, arguments)])
    return ended.value.code, capsys.readouterr().err


def test_images_without_chainer_are_those_of_generate(unpacked, result):
    program = ("import runpy, sys; sys.argv = ['generate.py', '-n', '23', '--seed', '5']; "
               "runpy.run_path('generate.py', run_name='__main__'); "
               "print({'chainer', 'dcgan_mri', 'onnx'} & set(sys.modules))")
    done = subprocess.run([sys.executable, "-c", program], cwd=unpacked, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["23 images in samples", "set()"]
    gen, config = snapshots.load_generator(result / "generator.npz")
    for seed, wanted in zip(range(5, 28), sample_stack(gen, range(5, 28), config), strict=True):
        made = np.array(Image.open(unpacked / "samples" / f"seed{seed:05d}.png")).astype(int)
        assert np.abs(made - wanted).max() <= 1


def test_medigans_calls_go_on_where_the_last_one_ended(unpacked, tmp_path, result):
    flair = imported(unpacked)
    model = str(unpacked / "generator.onnx")
    arrays = flair.generate(model, 3, "unused", False)
    assert flair.generate(model_file=model, num_samples=12, output_path=str(tmp_path / "a"), save_images=True) is None
    flair.generate(model, 0, str(tmp_path / "b"), True)
    assert [path.name for path in sorted((tmp_path / "a").iterdir())] == [f"seed{i:05d}.png" for i in range(3, 15)]
    assert list((tmp_path / "b").iterdir()) == []
    gen, config = snapshots.load_generator(result / "generator.npz")
    assert np.abs(np.stack(arrays).astype(int) - sample_stack(gen, range(3), config)).max() <= 1


def test_what_is_in_the_archive(unpacked, result):
    assert sorted(path.name for path in unpacked.iterdir()) == [
        "README.md", "__init__.py", "config.yaml", "generate.py", "generator.onnx", "metadata.json"]
    entry, = json.loads((unpacked / "metadata.json").read_text()).values()
    assert entry["execution"]["package_name"] == "flair"
    assert "Data and licence: not stated" in (unpacked / "README.md").read_text()


def test_same_run_same_bytes(result, tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        package.main([str(result / "generator.npz"), "-o", str(tmp_path / folder / "flair.zip")])
    assert (tmp_path / "a" / "flair.zip").read_bytes() == (tmp_path / "b" / "flair.zip").read_bytes()


def test_dropout_left_on_is_refused(result, tmp_path, capsys):
    snapshots.save_generator(result / "generator.npz", *generator_of(dropout_when_sampling=True))
    status, message = refused(capsys, result / "generator.npz", "-o", tmp_path / "flair.zip")
    assert status == 1
    assert "dropout_when_sampling: false" in message
    assert not (tmp_path / "flair.zip").exists()


def test_weights_that_are_not_finite_are_refused(result, tmp_path, capsys):
    with np.load(result / "generator.npz") as archive:
        arrays = {name: archive[name] for name in archive.files}
    arrays["dc1/b"][0] = np.nan
    np.savez(result / "generator.npz", **arrays)
    status, message = refused(capsys, result / "generator.npz", "-o", tmp_path / "flair.zip")
    assert status == 1
    assert "generator.npz" in message
    assert "dc1/b has values that are not finite" in message
    assert not (tmp_path / "flair.zip").exists()


def test_evaluation_of_this_generator_only(result, tmp_path, capsys):
    model = result / "generator.npz"
    # The second is of the same file as it was after an earlier epoch.
    for name, judged in (("mine", provenance.sha256(model)), ("other", "0123")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "evaluation.json").write_text(json.dumps(
            {"images": "result/generator.npz", "generator_sha256": judged, "n_images": 50,
             "quantities": [{"name": "kid", "value": 4.25}]}))
    package.main([str(model), "-o", str(tmp_path / "flair.zip"), "--evaluation", str(tmp_path / "mine")])
    with zipfile.ZipFile(tmp_path / "flair.zip") as archive:
        assert "0 is the same distribution): 4.25\n" in archive.read("flair/README.md").decode()
    status, message = refused(capsys, model, "-o", tmp_path / "b.zip", "--evaluation", tmp_path / "other")
    assert status == 1
    assert f"is about result/generator.npz as it was then, not about {model}" in message
    status, message = refused(capsys, model, "-o", tmp_path / "b.zip", "--evaluation", tmp_path)
    assert status == 1
    assert "give the folder that `evaluate` wrote" in message


@pytest.mark.parametrize("name", ["flair", "fl-air.zip", ".zip", "a.b.zip"])
def test_names_that_no_python_package_can_have(result, tmp_path, capsys, name):
    status, message = refused(capsys, result / "generator.npz", "-o", tmp_path / name)
    assert status == 2
    assert "letters, digits and underscores" in message


def test_nothing_is_overwritten(result, tmp_path, capsys):
    (tmp_path / "flair.zip").write_text("mine")
    status, message = refused(capsys, result / "generator.npz", "-o", tmp_path / "flair.zip")
    assert status == 2
    assert "exists already" in message
    assert (tmp_path / "flair.zip").read_text() == "mine"


def test_without_onnx(result, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    status, message = refused(capsys, result / "generator.npz", "-o", tmp_path / "flair.zip")
    assert status == 2
    assert "pip install" in message


def test_the_best_generator_has_the_numbers_of_its_epoch(result, tmp_path):
    (result / "generator_best.json").write_text('{"criterion": "kid", "epoch": 2, "value": 62.5}')
    snapshots.save_generator(result / "generator_best.npz", *generator_of(alpha=0.001))
    package.main([str(result / "generator_best.npz"), "-o", str(tmp_path / "flair.zip")])
    with zipfile.ZipFile(tmp_path / "flair.zip") as archive:
        text = archive.read("flair/README.md").decode()
    assert "8 iterations, to epoch 2 of 100" in text
    assert "62.5, real slices against real ones 0.5 (0.2 to 1), on the 100 images of the sample grid of epoch 2" in text


def test_a_folder_in_place_of_a_generator(result, tmp_path, capsys):
    status, message = refused(capsys, result, "-o", tmp_path / "flair.zip")
    assert status == 1
    assert f"name the generator in it, {result}/generator.npz" in message


def test_a_generator_away_from_its_run(tmp_path, capsys):
    snapshots.save_generator(tmp_path / "generator.npz", *generator_of())
    status, message = refused(capsys, tmp_path / "generator.npz", "-o", tmp_path / "flair.zip")
    assert status == 1
    assert f"{tmp_path}: not a result folder" in message
