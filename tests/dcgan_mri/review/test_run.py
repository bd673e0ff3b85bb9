"""What the page says of a run."""

from dcgan_mri.config import Config
from dcgan_mri.review import run
from dcgan_mri.run import reading
from dcgan_mri.slice_set import Slices
from tests.results import write_result


def test_differences_from_the_paper():
    settings = run.differences(Config(dropout=0.0))
    assert [setting["plain"] for setting in settings[:1] + settings[-3:]] == [
        "step size (alpha)", "image size", "width of the layers", "number of epochs"]
    found = {setting["name"]: setting for setting in settings}
    assert [name for name, setting in found.items() if setting["differs"]] == ["dropout"]
    assert (found["dropout"]["value"], found["dropout"]["paper"]) == (0.0, 0.2)


def test_facts(tmp_path, slices16):
    read = reading.read(write_result(tmp_path / "run", range(1, 4), slices16))
    facts = dict(run.facts(read, Slices(slices16)))
    assert facts["Slice set"] == str(slices16)
    assert facts["Speed"] == "2.5 s an iteration, 3.2 images a second, 30 s in all"
    assert facts["Processes"] == "4"
    assert facts["Packages"] == "chainer 7.8.1"
    assert "not found from here" in dict(run.facts(read, None))["Slice set"]


def test_facts_of_a_training_that_has_only_begun(tmp_path):
    folder = write_result(tmp_path / "run", [])
    for name in ("log", "measures.json", "environment.json"):
        (folder / name).unlink()
    assert run.facts(reading.read(folder), None) == [["Result folder", str(folder)]]
