"""KID: unbiased, and rising with every harm."""

import numpy as np
import pytest

from dcgan_mri.metrics import kid
from tests.degradations import blurred, repeated, with_noise


def test_mmd_by_the_definition():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((5, 3)), rng.standard_normal((4, 3))

    def k(a, b):
        return (a @ b / 3 + 1) ** 3

    among_x = np.mean([k(a, b) for i, a in enumerate(x) for j, b in enumerate(x) if i != j])
    among_y = np.mean([k(a, b) for i, a in enumerate(y) for j, b in enumerate(y) if i != j])
    between = np.mean([k(a, b) for a in x for b in y])
    expected = among_x + among_y - 2 * between
    assert kid.mmd(kid.kernel(x, x), kid.kernel(x, y), kid.kernel(y, y)) == pytest.approx(expected)


def test_about_zero_for_one_distribution_whatever_the_number():
    rng = np.random.default_rng(1)
    found = np.array([kid.Kid().compare(
        {"features": rng.standard_normal((20, 4))}, {"features": rng.standard_normal((30, 4))}, rng)["kid"]
        for _ in range(200)])
    assert abs(found.mean()) < 3 * found.std() / np.sqrt(len(found))
    assert (found < 0).any()


@pytest.mark.parametrize(("harm", "amounts"), [(with_noise, (3, 8, 20)), (blurred, (0.7, 1.2, 2)),
                                               (repeated, (0.4, 0.7, 1))])
def test_rises_with_harm(value, others, harm, amounts):
    found = [value("kid", others)["kid"], *(value("kid", harm(others, amount))["kid"] for amount in amounts)]
    assert found == sorted(found)
    assert found[-1] > 3 * found[0]


def test_too_few_images_are_nan():
    rows = {"features": np.zeros((1, 4))}
    assert np.isnan(list(kid.Kid().compare(rows, rows, np.random.default_rng(0)).values())).all()
