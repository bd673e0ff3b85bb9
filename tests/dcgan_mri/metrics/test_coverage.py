"""Collapse leaves real slices uncovered."""

from tests.degradations import repeated


def test_falls_as_one_image_takes_over(value, others):
    found = [value("coverage", repeated(others, share))["coverage.share"] for share in (0, 0.4, 0.7, 1)]
    assert found == sorted(found, reverse=True)
    assert found[-1] == 1 / 60
    assert found[0] > 0.25


def test_the_real_slices_themselves_cover_all(value, training):
    assert value("coverage", (training.grey * 255).astype("uint8"))["coverage.share"] > 0.95
