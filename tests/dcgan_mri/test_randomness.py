"""Random numbers: the right distributions, and a function of seed, iteration, name and sample alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcgan_mri import randomness
from dcgan_mri.randomness import Draws

seeds = st.integers(0, 2**63 - 1)


@given(seed=seeds, iteration=st.integers(0, 2**31), n_ranks=st.sampled_from([1, 2, 4, 8]))
def test_shares_of_ranks_are_the_whole(seed, iteration, n_ranks):
    whole = Draws(seed, iteration, range(8)).normal("x", (3,))
    share = 8 // n_ranks
    parts = [Draws(seed, iteration, range(r * share, (r + 1) * share)).normal("x", (3,)) for r in range(n_ranks)]
    assert np.array_equal(np.concatenate(parts), whole)


def test_drawing_in_another_order_changes_nothing():
    first, second = Draws(1, 2, range(3)), Draws(1, 2, range(3))
    a = first.normal("a", (5,))
    first.uniform("b", (5,))
    second.uniform("b", (5,))
    assert np.array_equal(second.normal("a", (5,)), a)


def test_every_part_of_the_key_matters():
    base = Draws(1, 2, [3]).uniform("x", (4,))
    others = [Draws(9, 2, [3]).uniform("x", (4,)), Draws(1, 9, [3]).uniform("x", (4,)),
              Draws(1, 2, [9]).uniform("x", (4,)), Draws(1, 2, [3]).uniform("y", (4,)),
              Draws(1, 2, [3]).named("p").uniform("x", (4,))]
    assert len({values.tobytes() for values in [base, *others]}) == 6


def test_distributions():
    numbers = Draws(0, 0, range(4))
    normal = numbers.normal("n", (100_000,))
    assert normal.dtype == np.float32
    assert abs(normal.mean()) < 0.01
    assert abs(normal.std() - 1) < 0.01
    uniform = numbers.uniform("u", (100_000,))
    assert uniform.dtype == np.float32
    assert 0 <= uniform.min() < 0.001
    assert 0.999 < uniform.max() < 1


def test_dropout_keeps_what_its_ratio_leaves():
    numbers = Draws(0, 0, range(4))
    kept = numbers.kept("m", (100_000,), 0.2)
    assert kept.dtype == bool
    assert kept.mean() == pytest.approx(0.8, abs=0.005)
    np.testing.assert_array_equal(kept, numbers.uniform("m", (100_000,)) >= np.float32(0.2))


@pytest.mark.parametrize("size", [10, 100_000])  # on one thread, on several
def test_noise_is_added_to_each_sample(size):
    numbers = Draws(0, 0, range(3, 6))
    x = np.random.default_rng(0).random((3, size), dtype=np.float32)
    expected = x + np.float32(0.2) * numbers.normal("n", (size,))
    np.testing.assert_allclose(numbers.noisy("n", x, 0.2), expected, rtol=0, atol=1e-6)


def test_latent_is_uniform_from_minus_one_to_one():
    z = randomness.latent(Draws(0, 0, range(100)), 128)
    assert z.shape == (100, 128, 1, 1)
    assert z.dtype == np.float32
    assert -1 <= z.min() < -0.999
    assert 0.999 < z.max() < 1


@given(seed=seeds, epoch=st.integers(0, 10**6), n=st.integers(1, 60))
def test_epoch_order_is_a_permutation_of_its_own(seed, epoch, n):
    order = randomness.epoch_order(seed, epoch, n)
    assert sorted(order) == list(range(n))
    assert np.array_equal(order, randomness.epoch_order(seed, epoch, n))


def test_epochs_have_different_orders():
    assert not np.array_equal(randomness.epoch_order(0, 0, 50), randomness.epoch_order(0, 1, 50))


def test_image_seed_decides_alone():
    together = randomness.latent(randomness.for_images([5, 6, 7]), 4)
    assert np.array_equal(randomness.latent(randomness.for_images([6]), 4)[0], together[1])
