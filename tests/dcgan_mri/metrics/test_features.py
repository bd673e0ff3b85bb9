"""The built-in features, and networks of the user's."""

import numpy as np
import pytest

from dcgan_mri.chainer_compat import chainer
from dcgan_mri.errors import DataError, UsageError
from dcgan_mri.metrics import features
from dcgan_mri.metrics.stack import reduced


def field(number, payload):
    """A length-delimited field of Protocol Buffers."""
    payload = payload.encode() if isinstance(payload, str) else payload
    return bytes([number << 3 | 2, len(payload)]) + payload


def tensor(name, *sides):
    """ONNX's ValueInfoProto of a float tensor; a side is a number or a name."""
    shape = b"".join(field(1, field(2, side) if isinstance(side, str) else bytes([1 << 3, side])) for side in sides)
    return field(1, name) + field(2, field(1, bytes([1 << 3, 1]) + field(2, shape)))


def node(kind, *inputs, output="y"):
    """ONNX's NodeProto."""
    return field(1, b"".join(field(1, name) for name in inputs) + field(2, output) + field(4, kind))


def network(*nodes, x, y):
    """An ONNX file with these nodes and the shapes of its input and its output."""
    graph = b"".join(nodes) + field(2, "graph") + field(11, tensor("x", *x)) + field(12, tensor("y", *y))
    return bytes([1 << 3, 8]) + field(7, graph) + field(8, bytes([2 << 3, 13]))


def pooling_network(channels, batch="n"):
    """An ONNX file whose network takes the mean over each channel."""
    return network(node("GlobalAveragePool", "x"), x=(batch, channels, 8, 8), y=(batch, channels, 1, 1))


@pytest.fixture(scope="module")
def grey(others):
    return others / np.float32(255)


def test_reduced_takes_means():
    grey = np.arange(32.0).reshape(2, 4, 4)
    assert np.array_equal(reduced(grey, 2)[0], [[2.5, 4.5], [10.5, 12.5]])
    assert reduced(grey, 8) is not None
    assert np.array_equal(reduced(grey, 8), grey)


def test_wavelets_are_blind_to_a_constant_and_see_their_own_direction():
    filters = features.wavelets(64)
    assert np.allclose(filters[:, 0, 0], 0, atol=1e-6)
    wave = np.cos(2 * np.pi * 22 / 64 * np.arange(64))
    responses = features.scattering(np.stack([np.tile(wave, (64, 1)), np.tile(wave, (64, 1)).T]).astype(np.float32))
    finest = responses[:, 64:].reshape(2, -1, features.DIRECTIONS, 16).mean(axis=3)[:, 0]
    assert finest.argmax(axis=1).tolist() == [0, features.DIRECTIONS // 2]


def test_order_two_tells_textures_of_equal_strength_apart():
    noise = np.random.default_rng(0).standard_normal((2, 64, 64)).astype(np.float32)
    # The same spectrum, hence the same responses to the wavelets, but gathered in a few places.
    gathered = np.fft.ifft2(np.abs(np.fft.fft2(noise))).real.astype(np.float32)
    first = features.scattering(noise)[:, 64:].mean(axis=1) / features.scattering(gathered)[:, 64:].mean(axis=1)
    second = features.second_order(gathered) - features.second_order(noise)
    assert (first < 3).all()
    assert second.mean() > 0.5
    assert features.second_order(noise[:, ::4, ::4]).shape == (2, 0)


def test_scale_is_that_of_the_real_slices(grey):
    extract = features.choose(None, grey)
    found = extract(grey)
    assert found.shape == (40, 64 + 3 * features.DIRECTIONS * 16 + 3 * features.DIRECTIONS ** 2)
    assert np.allclose(found.mean(axis=0), 0, atol=1e-3)
    assert np.allclose((found ** 2).mean(), 1, atol=0.01)


def test_a_small_shift_moves_features_less_than_another_slice_does(grey):
    extract = features.choose(None, grey)
    here, shifted = extract(grey), extract(np.roll(grey, 1, axis=2))
    own = np.linalg.norm(here - shifted, axis=1)
    strangers = np.linalg.norm(here[:, None] - here[None], axis=2)
    assert (own < np.median(strangers, axis=1) / 2).all()


def test_an_onnx_network(tmp_path, grey):
    pytest.importorskip("onnxruntime")
    path = tmp_path / "mean.onnx"
    path.write_bytes(pooling_network(3))
    extract = features.choose(path, grey)
    # Resized to what the network takes, then ImageNet's normalisation; resizing keeps a constant image.
    found = extract(np.full((2, 16, 16), 0.5, np.float32))
    assert extract.name == "mean.onnx"
    assert np.allclose(found, (0.5 - np.array([0.485, 0.456, 0.406])) / [0.229, 0.224, 0.225], atol=1e-5)


def test_an_onnx_network_for_one_image_at_a_time(tmp_path, grey):
    pytest.importorskip("onnxruntime")
    (tmp_path / "many.onnx").write_bytes(pooling_network(3))
    (tmp_path / "one.onnx").write_bytes(pooling_network(3, batch=1))
    one, many = (features.choose(tmp_path / name, grey)(grey[:5]) for name in ("one.onnx", "many.onnx"))
    assert one.shape == (5, 3)
    assert np.allclose(one, many, atol=1e-6)


@pytest.mark.parametrize("content", [
    network(node("GlobalAveragePool", "x"), x=(4, 3, 8, 8), y=(4, 3, 1, 1)),
    network(node("GlobalAveragePool", "x"), x=("n", 3, 8, 4), y=("n", 3, 1, 1)),
    # Adds an image and its transpose, whose sides do not go together; found out as it runs.
    network(node("Transpose", "x", output="t"), node("Add", "x", "t"), x=("n", 3, "h", "w"), y=("a", "b", "c", "d")),
])
def test_what_the_onnx_runtime_refuses_is_one_line(tmp_path, grey, content, capfd):
    pytest.importorskip("onnxruntime")
    path = tmp_path / "net.onnx"
    path.write_bytes(content)
    extract = features.choose(path, grey)
    with pytest.raises(DataError, match="net.onnx: does not take images of shape") as caught:
        extract(grey[:2])
    assert len(str(caught.value).splitlines()) == 1
    assert capfd.readouterr() == ("", "")


def test_an_onnx_network_that_does_not_fit(tmp_path, grey):
    pytest.importorskip("onnxruntime")
    (tmp_path / "grey.onnx").write_bytes(pooling_network(1))
    with pytest.raises(DataError, match=r"grey.onnx: its input is .* must be float \(N, 3, H, W\)"):
        features.choose(tmp_path / "grey.onnx", grey)
    (tmp_path / "text.onnx").write_text("no network")
    with pytest.raises(DataError, match="text.onnx: not a network that ONNX Runtime reads"):
        features.choose(tmp_path / "text.onnx", grey)


def test_onnx_without_its_runtime_says_what_to_install(tmp_path, grey, monkeypatch):
    monkeypatch.setattr(features.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="pip install onnxruntime"):
        features.choose(tmp_path / "net.onnx", grey)


def test_a_chainer_network(tmp_path, grey):
    network = chainer.links.GoogLeNet(pretrained_model=None)
    path = tmp_path / "googlenet.npz"
    chainer.serializers.save_npz(path, network, compression=False)
    extract = features.choose(path, grey)
    found = extract(grey[:2])
    assert found.shape == (2, 1024)
    assert not np.array_equal(found[0], found[1])
    with np.load(path) as archive:
        arrays = dict(archive)
    arrays.pop("inc3a/conv1/W")
    np.savez(tmp_path / "other.npz", **arrays)
    with pytest.raises(DataError, match="other.npz: neither GoogLeNet's nor ResNet-50's"):
        features.choose(tmp_path / "other.npz", grey)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x80\x04N."])
def test_damaged_npz_is_refused(tmp_path, grey, content):
    (tmp_path / "bad.npz").write_bytes(content)
    with pytest.raises(DataError, match="bad.npz: not an npz of weights"):
        features.choose(tmp_path / "bad.npz", grey)


def test_other_kinds_of_files_are_refused(grey):
    with pytest.raises(UsageError, match="must be an .onnx or .npz file"):
        features.choose("weights.pth", grey)
