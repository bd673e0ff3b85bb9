"""Features of images: the built-in ones, which need no download, or a network of the user's.

The built-in features are a scattering transform (Bruna and Mallat, "Invariant scattering convolution networks", IEEE
Trans. PAMI 2013): the image in coarse squares; the mean modulus of its response to wavelets of four scales and six
directions in 4×4 places; and how those moduli in turn respond to the coarser wavelets, which tells a fold from a
stroke of the same strength. They are fixed, hence the same on every machine and for every model; they move little when
an image is shifted or bent a little, and keep the strength and direction of texture, which squares of grey alone would
lose. A network trained on photographs sees more, but nothing that was made for FLAIR slices.
"""

import functools
import importlib.util
import pathlib

import numpy as np
from scipy import fft
from skimage.transform import resize

from dcgan_mri.chainer_compat import chainer
from dcgan_mri.errors import DataError, UsageError
from dcgan_mri.metrics.base import Measure
from dcgan_mri.metrics.stack import reduced

SIDE, SECOND_SIDE, DIRECTIONS, PLACES, SQUARES = 128, 64, 6, 4, 8
# ImageNet's colour means and deviations, with which networks trained on it were fed.
_MEAN, _DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


@functools.cache
def wavelets(side):
    """Band-pass filters of a half-plane each, by their Fourier transforms.

    Args:
        side (int): Image side in pixels, 16 or more.

    Returns:
        numpy.ndarray: float32 of shape (scales * directions, side, side): Gaussian bumps, each scale's centre at half
        the frequency of the one before, from 0.35 cycles per pixel on; 0 at frequency 0, so blind to the grey level.
    """
    v, u = np.meshgrid(fft.fftfreq(side), fft.fftfreq(side), indexing="ij")
    filters = []
    for scale in range(max(1, int(np.log2(side)) - 3)):
        frequency = 0.35 / 2 ** scale
        for angle in np.pi * np.arange(DIRECTIONS) / DIRECTIONS:
            along, across = u * np.cos(angle) + v * np.sin(angle), v * np.cos(angle) - u * np.sin(angle)

            def bump(centre, along=along, across=across, frequency=frequency):
                return np.exp(-((along - centre) ** 2 + across ** 2) / (2 * (0.3 * frequency) ** 2))

            filters.append(bump(frequency) - bump(0) * np.exp(-0.5 / 0.3 ** 2))
    return np.array(filters, dtype=np.float32)


def scattering(grey):
    """Order zero and one of the built-in features, on no particular scale.

    Args:
        grey (numpy.ndarray): float32 of shape (N, H, H) in [0, 1].

    Returns:
        numpy.ndarray: float32 of shape (N, D); D is 448 from 128 pixels on.
    """
    small = reduced(grey, SIDE)
    spectrum = fft.fft2(small)
    parts = [reduced(small, SQUARES).reshape(len(grey), -1)]
    for wavelet in wavelets(small.shape[1]):
        parts.append(reduced(np.abs(fft.ifft2(spectrum * wavelet)), PLACES).reshape(len(grey), -1))
    return np.concatenate(parts, axis=1).astype(np.float32)


def second_order(grey):
    """Order two of the built-in features: responses of each modulus to the coarser wavelets, over its own mean.

    Args:
        grey (numpy.ndarray): float32 of shape (N, H, H) in [0, 1].

    Returns:
        numpy.ndarray: Logarithms, float32 of shape (N, D); D is 108 from 64 pixels on, 36 at 32, 0 at 16.
    """
    small = reduced(grey, SECOND_SIDE)
    spectrum, filters = fft.fft2(small), wavelets(small.shape[1])
    ratios = [np.empty((len(grey), 0))]
    for i, fine in enumerate(filters):
        modulus = np.abs(fft.ifft2(spectrum * fine))
        level = modulus.mean(axis=(1, 2))[:, None] + 1e-6
        again = fft.fft2(modulus)
        coarser = filters[(i // DIRECTIONS + 1) * DIRECTIONS:]
        responses = [np.abs(fft.ifft2(again * coarse)).mean(axis=(1, 2)) for coarse in coarser]
        ratios += [response[:, None] / level for response in responses]
    return np.log(np.concatenate(ratios, axis=1) + 1e-6).astype(np.float32)


class Scattering:
    """The built-in features, on a scale that is taken from the real slices.

    A channel is one wavelet, or the squares, or one value of order two. Wavelets' responses r become
    log(1 + r / their mean over real slices), as they range over powers of ten (Andén and Mallat, "Deep scattering
    spectrum", IEEE Trans. Signal Processing 2014); then each channel is divided by the root of its mean variance over
    its places. Single places would not do: a corner that is black in every real slice has none.

    Args:
        grey (numpy.ndarray): The real slices, float32 of shape (N, H, H) in [0, 1].
    """

    name = "scattering transform, built in"

    def __init__(self, grey):
        chunks = [grey[i:i + 16] for i in range(0, len(grey), 16)]
        raw = np.concatenate([scattering(chunk) for chunk in chunks])
        self._level = self._by_channel(raw.mean(axis=0))
        first = self._compressed(raw)
        second = np.concatenate([second_order(chunk) for chunk in chunks])
        self._mean = np.concatenate([first.mean(axis=0), second.mean(axis=0)])
        self._deviation = np.concatenate([np.sqrt(self._by_channel(first.var(axis=0))), second.std(axis=0) + 1e-3])

    def _by_channel(self, values):
        """Each value replaced by the mean over its channel."""
        squares, wavelet_places = values[:SQUARES ** 2], values[SQUARES ** 2:].reshape(-1, PLACES ** 2)
        means = np.repeat(wavelet_places.mean(axis=1), PLACES ** 2)
        return np.concatenate([np.full(len(squares), squares.mean()), means]) + np.float32(1e-6)

    def _compressed(self, raw):
        result = np.log1p(raw / self._level)
        result[:, :SQUARES ** 2] = raw[:, :SQUARES ** 2]
        return result

    def __call__(self, grey):
        """Features of images.

        Args:
            grey (numpy.ndarray): float32 of shape (N, H, H) in [0, 1].

        Returns:
            numpy.ndarray: float32 of shape (N, D).
        """
        found = np.concatenate([self._compressed(scattering(grey)), second_order(grey)], axis=1)
        return (found - self._mean) / self._deviation


class OnnxNetwork:
    """A network in an ONNX file: its first output, flattened, of the image as ImageNet's networks take it.

    Args:
        path (str or Path): The file; one input of shape (N, 3, H, W).

    Raises:
        UsageError: If ONNX Runtime is not installed.
        DataError: If the file cannot be used.
    """

    def __init__(self, path):
        if importlib.util.find_spec("onnxruntime") is None:
            raise UsageError(f"{path}: needs ONNX Runtime; `pip install onnxruntime`, or leave out --features")
        import onnxruntime

        self.name = pathlib.Path(path).name
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4  # what it would print comes as an exception too
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime raises classes of its own without a common base
            raise DataError(f"{path}: not a network that ONNX Runtime reads ({_line(error)}); name another") from None
        wanted = self._session.get_inputs()[0]
        if len(wanted.shape) != 4 or wanted.shape[1] != 3 or wanted.type != "tensor(float)":
            raise DataError(
                f"{path}: its input is {wanted.type} of shape {wanted.shape}, must be float (N, 3, H, W); name another")
        self._path, self._input = path, wanted.name
        # Many exports fix the batch at one image.
        self._singly = wanted.shape[0] == 1
        self._side = wanted.shape[2] if isinstance(wanted.shape[2], int) else None

    def __call__(self, grey):
        """Features of images.

        Args:
            grey (numpy.ndarray): float32 of shape (N, H, H) in [0, 1].

        Returns:
            numpy.ndarray: float32 of shape (N, D).

        Raises:
            DataError: If the network does not take them.
        """
        x = _as_colour(grey, self._side)
        try:
            found = [self._session.run(None, {self._input: part})[0] for part in (x[:, None] if self._singly else [x])]
            return np.concatenate(found).astype(np.float32).reshape(len(grey), -1)
        except Exception as error:  # as above
            raise DataError(
                f"{self._path}: does not take images of shape {x.shape} ({_line(error)}); name another") from None


class ChainerNetwork:
    """GoogLeNet (the first Inception) or ResNet-50 from a Chainer npz: the last layer before the classes.

    Args:
        path (str or Path): Weights as `chainer.serializers.save_npz` writes those of `chainer.links.GoogLeNet` or
            `chainer.links.ResNet50Layers`, for example RadImageNet's.

    Raises:
        DataError: If the file is missing, damaged, or of another network.
    """

    _NETWORKS = {"inc3a/conv1/W": (chainer.links.GoogLeNet, "pool5"),
                 "res2/a/conv1/W": (chainer.links.ResNet50Layers, "pool5")}

    def __init__(self, path):
        self.name = pathlib.Path(path).name
        try:
            with np.load(path, allow_pickle=False) as archive:
                arrays = {key: archive[key] for key in archive.files}
        except Exception as error:  # zipfile, zlib and NumPy each have their own
            raise DataError(f"{path}: not an npz of weights ({_line(error)}); name another file") from None
        known = [key for key in self._NETWORKS if key in arrays]
        if not known:
            raise DataError(f"{path}: neither GoogLeNet's nor ResNet-50's weights in Chainer's names; name another")
        network, self._layer = self._NETWORKS[known[0]]
        self._network = network(pretrained_model=None)
        try:
            chainer.serializers.NpzDeserializer(arrays).load(self._network)
        except (KeyError, ValueError, TypeError) as error:
            raise DataError(f"{path}: weights do not fit ({_line(error)}); name another file") from None

    def __call__(self, grey):
        """Features of images.

        Args:
            grey (numpy.ndarray): float32 of shape (N, H, H) in [0, 1].

        Returns:
            numpy.ndarray: float32 of shape (N, D).
        """
        with chainer.using_config("train", False), chainer.no_backprop_mode():
            x = self._network.forward(_as_colour(grey, 224), layers=[self._layer])[self._layer]
        return x.array.reshape(len(grey), -1)


class FeatureMeasure(Measure):
    """A measure that wants nothing of an image but its features."""

    def describe(self, stack, reference):
        """``features``, shape (N, D)."""
        return {"features": stack.features}


def choose(path, grey):
    """The extractor to use.

    Args:
        path (str or Path): An ``.onnx`` or ``.npz`` file; None takes the built-in features.
        grey (numpy.ndarray): The real slices, float32 of shape (N, H, H) in [0, 1].

    Returns:
        callable: Images to features; ``name`` says which.

    Raises:
        UsageError: If the file is of neither kind.
        DataError: If it cannot be used.
    """
    if path is None:
        return Scattering(grey)
    if pathlib.Path(path).suffix == ".onnx":
        return OnnxNetwork(path)
    if pathlib.Path(path).suffix == ".npz":
        return ChainerNetwork(path)
    raise UsageError(f"--features {path}: must be an .onnx or .npz file")


def _as_colour(grey, side):
    """Images as networks for photographs take them: resized, grey repeated, ImageNet's normalisation."""
    grey = grey[:, None]
    if side is not None and side != grey.shape[2]:
        grey = resize(grey, (len(grey), 1, side, side), order=1, anti_aliasing=grey.shape[2] > side)
    x = (grey - _MEAN[:, None, None]) / _DEVIATION[:, None, None]
    return np.ascontiguousarray(x, dtype=np.float32)


def _line(error):
    return (str(error).strip() or type(error).__name__).splitlines()[0]
