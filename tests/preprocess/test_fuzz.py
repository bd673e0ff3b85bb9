"""Corrupted files: what comes out is a named error, or what nibabel reads from the same bytes; never anything else."""

import gzip
import resource
import struct
import warnings

import nibabel as nib
import numpy as np
import pytest
from preprocess.errors import DataError
from preprocess.subjects import Subject
from preprocess.settings import SliceChoice
from preprocess.build import load_subject, make_slices
from preprocess.settings import Settings
from preprocess.volumes import affine_of, read_header, read_voxels

CASES = 2400
SETTINGS = Settings(slices=SliceChoice("all"), size=8)
# Offset and struct format of the NIfTI-1 fields that decide how voxels are read and turned.
FIELDS = [(0, "i"), *((40 + 2 * place, "h") for place in range(8)), (70, "h"), (72, "h"),
          *((76 + 4 * place, "f") for place in range(8)), (108, "f"), (112, "f"), (116, "f"), (252, "h"), (254, "h"),
          *((256 + 4 * place, "f") for place in range(18)), (344, "4s")]
NUMBERS = {
    "i": (0, 1, -1, 540, 2**31 - 1, -(2**31)),
    "h": (0, 1, -1, 2, 4, 7, 8, 16, 64, 128, 512, 768, 1280, 255, 32767, -32768),
    "f": (0.0, -0.0, 1.0, -1.0, 352.0, 1e-30, 1e30, -3e38, float("nan"), float("inf"), 0.5),
    "4s": (b"ni1\0", b"n+2\0", b"\0\0\0\0", b"abcd"),
}


@pytest.fixture(scope="module", autouse=True)
def _no_allocation_above_2_gib():
    with open("/proc/self/statm") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + (2 << 30), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


def corrupt(rng, data):
    """One way in which a file can be wrong."""
    data = bytearray(data)
    kind = rng.integers(6)
    if kind <= 1:
        for _ in range(rng.integers(1, 4)):
            place, form = FIELDS[rng.integers(len(FIELDS))]
            choices = NUMBERS[form]
            struct.pack_into("<" + form, data, place, choices[rng.integers(len(choices))])
    elif kind == 2:
        for _ in range(rng.integers(1, 9)):
            data[rng.integers(352)] = rng.integers(256)
    elif kind == 3:
        for _ in range(rng.integers(1, 9)):
            data[rng.integers(len(data))] ^= 1 << rng.integers(8)
    elif kind == 4:
        del data[rng.integers(len(data)) :]
    else:
        place, count = rng.integers(len(data)), rng.integers(1, 400)
        data[place : place + (count if rng.integers(2) else 0)] = rng.bytes(count)
    return bytes(data)


def run(path):
    """Slices and volume of a file; None if it was refused by name."""
    try:
        loaded = load_subject(Subject("fuzz", path), SETTINGS, path.parent)
        slices = list(make_slices(loaded, SETTINGS))
    except DataError as caught:
        error = caught
    else:
        error = None
    if error:
        assert str(error).startswith(f"{path}")
        assert "\n" not in str(error)
        assert len(error.args[2]) > 5
        return None
    for row, image in slices:
        assert row["brain_pixels"] >= 0
        assert image.size == (8, 8)
    return loaded.volume


def oracle(data):
    """What nibabel reads from the same bytes: voxels in 3-D, raw units, and the affine."""
    if len(data) >= 112 and struct.unpack_from("<f", data, 108)[0] == 0:
        # nibabel would take the header itself for voxels; 352 is what other readers assume.
        data = data[:108] + struct.pack("<f", 352) + data[112:]
    sizes = struct.unpack("<i", data[:4]) + struct.unpack(">i", data[:4])
    image = (nib.Nifti2Image if 540 in sizes else nib.Nifti1Image).from_bytes(data)
    values = np.asarray(image.dataobj, dtype=np.float64)
    return values.reshape(values.shape[:3]), image.affine


@pytest.mark.parametrize("packed", [False, True])
def test_corrupted_headers_and_bodies(tmp_path, make, packed):
    rng = np.random.default_rng(20 + packed)
    whole = make.nifti_bytes(make.brain((5, 6, 7)), slope=2.0, inter=-3.0)
    path = tmp_path / "fuzz.nii.gz"
    refused = compared = 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(CASES // 3):
            data = corrupt(rng, whole)
            path.write_bytes(gzip.compress(data, 1) if packed else data)
            volume = run(path)
            if volume is None:
                refused += 1
                continue
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    expected, affine = oracle(data)
                except Exception:  # nibabel is stricter in places, with errors of many types
                    continue
            compared += 1
            header = read_header(path)
            np.testing.assert_allclose(read_voxels(path, header), expected, rtol=1e-6)
            np.testing.assert_allclose(affine_of(header, path), affine, rtol=1e-6)
    assert refused > 200
    assert compared > 200


def test_corrupted_compressed_data(tmp_path, make):
    """A damaged gzip stream is refused or gives the very voxels; a checksum decides, not luck."""
    rng = np.random.default_rng(7)
    voxels = make.brain((5, 6, 7))
    whole = gzip.compress(make.nifti_bytes(voxels), 6, mtime=0)
    path = tmp_path / "fuzz.nii.gz"
    refused = same = 0
    for _ in range(CASES // 3):
        data = bytearray(whole)
        if rng.integers(3):
            for _ in range(rng.integers(1, 4)):
                data[rng.integers(len(data))] ^= 1 << rng.integers(8)
        else:
            del data[rng.integers(len(data)) :]
        path.write_bytes(data)
        volume = run(path)
        if volume is None:
            refused += 1
        else:
            same += 1
            np.testing.assert_array_equal(volume.voxels, voxels)
    assert refused > 600
    assert same > 0
