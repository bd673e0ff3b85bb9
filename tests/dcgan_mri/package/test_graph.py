"""The ONNX graph computes what the generator computes, whatever the settings."""

import numpy as np
import onnxruntime
import pytest

from dcgan_mri.kernels import normalization
from dcgan_mri.package import graph
from dcgan_mri.randomness import for_images, latent
from dcgan_mri.sampling import sample_stack
from tests.dcgan_mri.package.conftest import generator_of

ARMS = [
    {}, {"image_size": 64}, {"n_z": 100}, {"pixel_range": "-1..1"}, {"upsampling": "nearest"},
    {"image_size": 64, "upsampling": "mixed"},
    {"upsampling": "nearest", "last_conv": False}, {"last_conv": False, "gen_output": "sigmoid"},
    {"deconv_kernel": 3}, {"deconv_kernel": 6}, {"gen_activation": "relu"}, {"gen_activation": "elu"},
    {"leaky_slope": 0.0}, {"grey_output": True}]


def run(model, z):
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"z": z})[0]


@pytest.mark.parametrize("arm", ARMS, ids=str)
def test_same_pictures_within_one_grey_level(arm):
    gen, config = generator_of(**arm)
    made = run(graph.model_of(gen, config), latent(for_images(range(12)), config.n_z)[:, :, 0, 0])
    wanted = sample_stack(gen, range(12), config)
    assert wanted.std() > 30
    assert (made.dtype, made.shape) == (np.uint8, wanted.shape)
    assert np.abs(made.astype(int) - wanted).max() <= 1


def test_every_activation_has_its_operator():
    assert {*graph.ACTIVATIONS, "none"} == set(normalization.ACTIVATIONS)


def test_opset_is_17():
    model = graph.model_of(*generator_of())
    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 17)]
