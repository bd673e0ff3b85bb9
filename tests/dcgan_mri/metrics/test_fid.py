"""FID against the formula, and rising with harm."""

import numpy as np
import pytest
from scipy.linalg import sqrtm

from dcgan_mri.metrics import fid
from tests.degradations import blurred, with_noise


def test_is_the_formula():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((50, 6)), 2 * rng.standard_normal((40, 6)) + 1
    c, d = np.cov(x.T), np.cov(y.T)
    expected = ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(c + d - 2 * sqrtm(c @ d).real)
    assert fid.Fid().compare({"features": x}, {"features": y}, rng)["fid"] == pytest.approx(expected)
    assert fid.Fid().compare({"features": x}, {"features": x}, rng)["fid"] == pytest.approx(0, abs=1e-9)
    assert np.isnan(fid.Fid().compare({"features": x[:1]}, {"features": y}, rng)["fid"])


@pytest.mark.parametrize(("harm", "amounts"), [(with_noise, (3, 8, 20)), (blurred, (0.7, 1.2, 2))])
def test_rises_with_harm(value, others, harm, amounts):
    found = [value("fid", others)["fid"], *(value("fid", harm(others, amount))["fid"] for amount in amounts)]
    assert found == sorted(found)


def test_is_biased_as_its_warning_says():
    rng = np.random.default_rng(0)
    few, many = ({"features": rng.standard_normal((n, 30))} for n in (40, 400))
    others = {"features": rng.standard_normal((400, 30))}
    assert fid.Fid().compare(few, others, rng)["fid"] > 3 * fid.Fid().compare(many, others, rng)["fid"]
    assert "biased" in fid.WARNING
