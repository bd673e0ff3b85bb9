"""MS-SSIM, and what collapse does to it."""

import numpy as np
import pytest
from skimage.metrics import structural_similarity

from dcgan_mri.metrics.diversity import Diversity, ms_ssim, pyramid, scales
from tests.degradations import repeated, with_noise


def test_number_of_scales():
    assert [scales(side) for side in (16, 32, 64, 128, 256, 512)] == [1, 2, 3, 4, 5, 5]


def test_one_scale_is_scikit_images_ssim():
    rng = np.random.default_rng(0)
    one = rng.random((16, 16)).astype(np.float32)
    other = (0.7 * one + 0.3 * rng.random((16, 16))).astype(np.float32)
    _, full = structural_similarity(one, other, gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
                                    data_range=1.0, full=True)
    assert ms_ssim(pyramid(one), pyramid(other)) == pytest.approx(full.mean(), abs=1e-4)


def test_same_image_is_one_and_order_does_not_matter(others):
    one, other = (pyramid(picture / np.float32(255)) for picture in others[[0, 25]])
    assert ms_ssim(one, one) == pytest.approx(1, abs=1e-6)
    assert ms_ssim(one, other) == pytest.approx(ms_ssim(other, one))
    assert 0 < ms_ssim(one, other) < 1


def test_rises_as_one_image_takes_over(value, others):
    found = [value("diversity", repeated(others, share))["diversity.similarity"] for share in (0, 0.3, 0.6, 1)]
    assert found == sorted(found)
    assert found[-1] > 1.3 * found[0]


def test_a_little_noise_moves_it_little(value, others):
    before, after = value("diversity", others), value("diversity", with_noise(others, 3))
    assert after["diversity.similarity"] == pytest.approx(before["diversity.similarity"], rel=0.03)


def test_each_image_has_partners_other_than_itself(reference, others):
    rows = Diversity().describe(reference.stack(others), reference.real)
    assert (rows["partner"] != rows["self"][:, None]).all()
    assert not np.isnan(rows["similarity"]).any()
    alone = Diversity().describe(reference.stack(others[:1]), reference.real)
    assert np.isnan(alone["similarity"]).all()
