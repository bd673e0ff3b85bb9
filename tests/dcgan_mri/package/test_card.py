"""The model card says what was measured, and what was not."""

import dataclasses

from dcgan_mri.config import Config
from dcgan_mri.package import card
from dcgan_mri.run import reading
from dcgan_mri.slice_set import Slices

KID = {"name": "kid", "value": 12.3456, "low": 10.0, "high": 15.0, "real": 0.5, "real_low": 0.25, "real_high": 1.0}
COPIES = {"name": "memorisation.copies", "value": 0.02, "low": 0.0, "high": 0.03, "real": 0.01, "real_low": 0.0,
          "real_high": 0.02}


def test_card_of_a_run(result, slices16):
    run = reading.read(result)
    text = card.model_card(run, run.entries[-1], Slices(slices16), None, "phantom, MIT")
    assert "Data and licence: phantom, MIT" in text
    assert "Slices: 16\n" in text
    assert "Subjects: 1 (phantom)" in text
    assert "| alpha | 0.001 | 0.0002 |" in text
    assert "12 iterations, to epoch 3 of 100" in text
    assert "real slices against real ones 0.5 (0.2 to 1), on the 100 images of the sample grid of epoch 3" in text
    assert "Copies of training slices: not measured" in text
    assert "Not for diagnosis" in text
    assert "If you pass images on, say that they are synthetic." in text


def test_what_an_evaluation_found_goes_before_the_log(result):
    evaluation = {"n_images": 1000, "quantities": [KID, COPIES]}
    run = reading.read(result)
    text = card.model_card(run, run.entries[-1], None, evaluation, "")
    assert "12.35 (95 % interval 10 to 15), real slices against real ones 0.5 (0.25 to 1)\n" in text
    assert "of 1000 images the share that lies nearer to a training slice" in text
    assert "do is 0.02 (95 % interval 0 to 0.03), real slices against real ones 0.01 (0 to 0.02)\n" in text
    assert "Subjects: not recorded" in text


def test_an_evaluation_without_held_out_subjects_did_not_look_for_copies(result):
    evaluation = {"n_images": 1000, "quantities": [KID, {**COPIES, "value": None, "real": None, "low": None}]}
    text = card.model_card(reading.read(result), None, None, evaluation, "")
    assert "Copies of training slices: not measured" in text


def test_a_generator_of_an_epoch_that_was_not_measured(result):
    run = reading.read(result)
    text = card.model_card(run, {"epoch": 2, "iteration": 8, "values": {}}, None, None, "")
    assert "8 iterations, to epoch 2 of 100" in text
    assert "0 is the same distribution): not measured" in text


def test_a_generator_of_an_unknown_epoch(result):
    run = dataclasses.replace(reading.read(result), starts=[], config=Config())
    text = card.model_card(run, None, None, None, "not stated")
    assert "For how many epochs is not recorded" in text
    assert "0 is the same distribution): not measured" in text
    assert "All are the paper's." in text


def test_metadata_has_medigans_keys(result):
    run = reading.read(result)
    (name, entry), = card.metadata("flair", run, run.entries[1], "phantom").items()
    assert name == card.MODEL_ID
    execution = entry["execution"]
    assert (execution["package_name"], execution["model_name"] + execution["extension"]) == ("flair", "generator.onnx")
    assert execution["generate_method"] == {"name": "generate", "args": {
        "base": ["model_file", "num_samples", "output_path", "save_images"], "custom": {}}}
    assert entry["description"]["provided_after_epoch"] == 2
    assert entry["description"]["trained_date"] == "2026-01-02"
