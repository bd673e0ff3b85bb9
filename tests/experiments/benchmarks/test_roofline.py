"""The bound on the time of a step, against small layers counted by hand."""

import pathlib
import sys

import pytest

from dcgan_mri.config import Config
from dcgan_mri.networks import Row, discriminator_rows, generator_rows
from tests.helpers import ROOT

sys.path.insert(0, str(pathlib.Path(ROOT, "experiments", "benchmarks")))
from roofline import least_seconds, products

sys.path.pop(0)


def test_products_by_hand():
    rows = [Row("linear", (4, 4, 4)), Row("deconv", 2, 4, 2, 1), Row("conv", 3, 3, 1, 1)]
    linear, deconv, conv = products(rows, (5, 1, 1), 10)
    assert linear == (10 * 2 * 5 * 64, 10 * (5 + 64) + 5 * 64)
    assert deconv == (10 * 2 * 4 * 2 * 16 * 4 * 4, 10 * (64 + 2 * 8 * 8) + 4 * 2 * 16)
    assert conv == (10 * 2 * 2 * 3 * 9 * 8 * 8, 10 * (2 * 8 * 8 + 3 * 8 * 8) + 2 * 3 * 9)


def test_the_bound_takes_the_slower_of_arithmetic_and_memory():
    quick_memory = least_seconds([(100, 1)], [(10, 1)], 0, 10, 1e9)
    assert quick_memory["seconds"] == pytest.approx((2 * 100 + 5 * 10) / 10)
    quick_arithmetic = least_seconds([(100, 1)], [(10, 3)], 2, 1e9, 4)
    assert quick_arithmetic["seconds"] == pytest.approx(2 * 1 + 5 * 3 + 7 * 2)
    assert quick_arithmetic["bytes"] == 4 * (2 * 1 + 5 * 3 + 7 * 2)
    assert quick_arithmetic["operations"] == 250


def test_the_papers_step():
    config = Config()
    gen = products(generator_rows(config), (config.n_z, 1, 1), 8)
    dis = products(discriminator_rows(config), (3, 256, 256), 8)
    assert (len(gen), len(dis)) == (8, 10)
    # D's sixth convolution: 156 to 512 channels, 4×4, onto 8×8.
    assert dis[5] == (8 * 2 * 156 * 512 * 16 * 8 * 8, 8 * (156 * 16 * 16 + 512 * 8 * 8) + 156 * 512 * 16)
    assert dis[9][0] == 8 * 2 * 1024 * 4 * 4
