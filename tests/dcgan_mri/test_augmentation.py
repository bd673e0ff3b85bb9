"""What D sees in place of an image: shifts and squares by hand, their gradients, and where draws come from."""

import numpy as np
import pytest

from dcgan_mri.augmentation import Shift, augment, outside_squares
from dcgan_mri.chainer_compat import F
from chainer import gradient_check
from dcgan_mri.randomness import Draws


def random_images(n=3, side=8, seed=0):
    return np.random.default_rng(seed).random((n, 2, side, side), dtype=np.float32)


def test_each_image_is_shifted_by_its_own_pixels():
    x = random_images()
    y = Shift(np.array([2, -3, 0]), np.array([-1, 0, 9])).apply((x,))[0].array
    expected = np.zeros_like(x)
    expected[0, :, 2:, :-1] = x[0, :, :-2, 1:]
    expected[1, :, :-3] = x[1, :, 3:]
    assert y.dtype == np.float32
    assert np.array_equal(y, expected)


def test_squares_are_cut_out_up_to_the_edge():
    kept = outside_squares(np.array([4, 0]), np.array([3, 8]), 8)
    expected = np.ones((2, 8, 8), np.float32)
    expected[0, 2:6, 1:5] = 0
    expected[1, :2, 6:] = 0
    assert np.array_equal(kept, expected)


def test_gradients_are_those_of_differences():
    draws = Draws(1, 0, range(3))
    x, gy, ggx = np.random.default_rng(0).standard_normal((3, 3, 2, 8, 8)).astype(np.float32)
    tolerance = {"eps": 0.1, "atol": 1e-3, "rtol": 1e-3}  # differences of polynomials of degree 2 are exact
    gradient_check.check_backward(lambda h: augment(h, draws, 0.0), x, gy, **tolerance)
    gradient_check.check_double_backward(lambda h: F.square(augment(h, draws, 0.0)), x, gy, ggx, **tolerance)


@pytest.mark.parametrize("pixel_low", [0.0, -1.0])
def test_what_happens_to_an_image_is_as_large_as_in_the_publication(pixel_low):
    n, side = 400, 32
    x = np.full((n, 1, side, side), 10.0, np.float32)
    y = augment(x, Draws(0, 0, range(n)), pixel_low).array[:, 0]
    brightness = y.max(axis=(1, 2)) - 10
    half = (1 - pixel_low) / 4
    assert np.abs(brightness).max() <= half
    assert brightness.max() - brightness.min() > 1.9 * half
    assert abs(brightness.mean()) < 0.1 * half
    shifted_down = (y[:, 0] == 0).all(axis=1)  # or cut out, which no row is as a whole
    assert 0.3 < shifted_down.mean() < 0.6
    # A square that is seen as a whole takes a quarter; shifts of up to an eighth take at most 15/64.
    assert 0 < (y == 0).mean(axis=(1, 2)).min() < (y == 0).mean(axis=(1, 2)).max() <= 1 / 4 + 15 / 64


def test_it_hangs_on_seed_iteration_sample_and_name_alone():
    x = np.broadcast_to(random_images(1), (4, 2, 8, 8))

    def seen(draws, images=x):
        return augment(images, draws, 0.0).array

    whole = seen(Draws(5, 7, range(4)))
    shares = [seen(Draws(5, 7, share), x[:2]) for share in (range(2), range(2, 4))]
    assert np.array_equal(np.concatenate(shares), whole)
    for other in (Draws(6, 7, range(4)), Draws(5, 8, range(4)), Draws(5, 7, range(4, 8)),
                  Draws(5, 7, range(4)).named("dis/fake")):
        assert not np.array_equal(seen(other), whole)
    assert len({image.tobytes() for image in whole}) == 4
