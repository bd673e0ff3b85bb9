"""The report says what was found and no more."""

import numpy as np
import pytest

from dcgan_mri.reader_study import report
from dcgan_mri.reader_study.scores import Sheet

NONE = np.zeros((4, 0), dtype=int)


def sheet_with(accuracy, n=400):
    """Four readers with this share of right answers."""
    rng = np.random.default_rng(0)
    real = np.arange(n) < n // 2
    right = np.stack([rng.permutation(n // 2) < accuracy * n / 2 for _ in range(8)]).reshape(4, n)
    return Sheet(real, np.where(right == real, 5, 2), NONE, NONE)


@pytest.mark.parametrize(("accuracy", "n", "said"), [
    (0.5, 400, "Equivalent to guessing within the margin"), (0.9, 400, "better than by guessing"),
    (0.1, 400, "more often than guessing would"), (0.5, 12, "Undecided")])
def test_verdicts(accuracy, n, said):
    assert said in report.verdict(sheet_with(accuracy, n), 0.1, np.random.default_rng(0))


def test_no_difference_shown_is_not_called_indistinguishable():
    text = report.verdict(sheet_with(0.5, 12), 0.1, np.random.default_rng(0))
    assert "no evidence that the images cannot be told apart" in text


def test_a_narrower_margin_is_harder_to_keep():
    sheet = sheet_with(0.53)
    assert "Equivalent" in report.verdict(sheet, 0.1, np.random.default_rng(0))
    assert "Equivalent" not in report.verdict(sheet, 0.02, np.random.default_rng(0))


def test_what_100_images_can_tell():
    assert "±9.6 points" in report.what_it_can_tell(100, 5)
    assert "that reader alone" not in report.what_it_can_tell(100, 5)
    assert "that reader alone" in report.what_it_can_tell(100, 1)


def test_the_whole_report():
    key = {"study": "abc", "margin": 0.1, "readers": [[]] * 6}
    text = report.report(key, sheet_with(0.5), [1, 2, 4, 6], [("x.json", "is not whole, or no JSON")],
                         np.random.default_rng(0))
    assert "Readers counted: 4 of 6. Files left out: 1.\n  x.json: is not whole, or no JSON" in text
    assert [line.split()[0] for line in text.splitlines() if " (0." in line and "kappa" not in line][:5] == [
        "1", "2", "4", "6", "all"]
    assert "Realism says nothing of diversity" in text
    assert "Fleiss' kappa between readers: " in text
    assert "p >" not in text


def test_where_nothing_varies_there_is_no_interval():
    key = {"study": "abc", "margin": 0.1, "readers": [[]] * 4}
    text = report.report(key, sheet_with(1.0), [1, 2, 3, 4], [], np.random.default_rng(0))
    assert "all      1.00 (no interval)" in text
    assert "1        1.00 (0.99 to 1.00)" in text
