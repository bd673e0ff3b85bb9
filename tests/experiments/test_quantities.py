"""The names that a claim may use."""

from experiments import quantities


def test_names_are_unique_and_leave_out_what_needs_held_out_slices():
    all_of_them = quantities.OF_IMAGES + quantities.OF_RUNS
    assert len(quantities.NAMES) == len(all_of_them)
    assert {"kid", "noise.air", "scores.gap"} <= set(quantities.NAMES)
    assert not any(name.startswith("memorisation") for name in quantities.NAMES)
