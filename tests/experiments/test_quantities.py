"""The names that a claim may use."""

from experiments import quantities


def test_names_are_unique_and_those_of_images_and_of_runs():
    all_of_them = quantities.OF_IMAGES + quantities.OF_RUNS
    assert len(quantities.NAMES) == len(all_of_them)
    assert {"kid", "noise.air", "memorisation.copies", "scores.gap"} <= set(quantities.NAMES)
