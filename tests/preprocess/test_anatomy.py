import numpy as np
import pytest
from preprocess.anatomy import make_brain, smooth_noise, smoothstep


def test_smoothstep_rises_and_falls_softly():
    values = np.linspace(-1, 2, 31)
    rising = smoothstep(0, 1, values)
    assert (np.diff(rising) >= 0).all()
    np.testing.assert_allclose(rising[[0, 15, 30]], [0, 0.5, 1], atol=1e-6)
    np.testing.assert_allclose(smoothstep(1, 0, values), 1 - rising, atol=1e-6)


@pytest.mark.parametrize("scale", [3, 7.5, 20])
def test_noise_is_smooth_and_of_unit_size(scale):
    noise = smooth_noise(np.random.default_rng(0), (60, 64, 56), scale)
    assert noise.shape == (60, 64, 56)
    assert noise.dtype == np.float32
    assert 0.6 < noise.std() < 1.5
    assert np.abs(np.diff(noise, axis=0)).max() < 6 / scale


def test_the_fields_of_a_brain():
    shape = (150, 190, 60)
    brain = make_brain(np.random.default_rng(1), shape, (74.5, 95.0, 0.0))
    inside = brain.depth > 0
    assert 0.3 < inside.mean() < 0.75
    assert not inside[0].any()
    assert not inside[:, 0].any()
    for name in ("grey", "fluid", "rim", "oedema", "core", "necrosis"):
        field = getattr(brain, name)
        assert field.shape == shape
        assert field.dtype == np.float32
        assert field.min() >= -1e-6
        assert field.max() <= 1 + 1e-6
    assert 0.2 < brain.grey[inside].mean() < 0.6
    assert (brain.core <= brain.oedema + brain.fluid + 1e-3).all()
    assert (brain.necrosis <= brain.core + 1e-6).all()
