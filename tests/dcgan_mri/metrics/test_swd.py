"""Each scale of the sliced Wasserstein distance sees harm of its own size."""

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from dcgan_mri.metrics import swd
from tests.degradations import blurred, with_noise


def test_pyramid_sums_to_the_image():
    grey = np.random.default_rng(0).random((64, 64)).astype(np.float32)
    levels = swd.laplacian_pyramid(grey)
    assert [len(level) for level in levels] == [64, 32, 16]
    whole = levels[-1]
    for level in levels[-2::-1]:
        spread = np.zeros_like(level)
        spread[::2, ::2] = 4 * whole
        whole = level + swd._smooth(spread)
    assert np.allclose(whole, grey, atol=1e-6)


def test_distance_is_that_of_scipy_for_each_projection():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((5, 64, 16)), 1 + rng.standard_normal((5, 64, 16))
    expected = np.mean([wasserstein_distance(x[:, i].ravel(), y[:, i].ravel()) for i in range(64)])
    deviation = y.transpose(1, 0, 2).reshape(64, -1).std(axis=1).mean()
    assert swd._distance(x, y) == pytest.approx(expected / deviation)
    assert swd._distance(np.concatenate([y, y]), y) == pytest.approx(0, abs=1e-12)


def test_any_two_sets_have_the_same_positions(reference, others):
    same = np.repeat(others[:1], 4 * swd.ROUND, axis=0)
    found = swd.Swd().describe(reference.stack(same), reference.real)
    first, last = ({side: values[part] for side, values in found.items()}
                   for part in (slice(0, 2 * swd.ROUND), slice(2 * swd.ROUND, None)))
    distances = swd.Swd().compare(first, last, None)
    assert [distances[f"swd.{side}"] for side in (64, 32, 16)] == [0, 0, 0]


@pytest.mark.parametrize(("harm", "amounts"), [(with_noise, (4, 10, 25)), (blurred, (0.7, 1.2, 2))])
def test_finest_scale_rises_most(value, others, harm, amounts):
    found = [value("swd", others), *(value("swd", harm(others, amount)) for amount in amounts)]
    finest = [numbers["swd.64"] for numbers in found]
    assert finest == sorted(finest)
    assert finest[-1] > 3 * finest[0]
    assert finest[-1] - finest[0] > 3 * abs(found[-1]["swd.16"] - found[0]["swd.16"])
    assert np.isnan(found[0]["swd.256"])
