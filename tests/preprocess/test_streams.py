import gzip
import hashlib
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from preprocess.errors import DataError
from preprocess.streams import ByteStream, sha256_of


def read_all(path, count, allowance=0):
    with ByteStream(path) as stream:
        data = bytearray(count)
        got = stream.readinto(memoryview(data))
        return bytes(data[:got]), stream.finish(allowance)


@given(
    st.binary(min_size=1, max_size=4000), st.integers(1, 50), st.integers(0, 9), st.integers(1, 4), st.booleans()
)
def test_gives_the_bytes_and_the_hash_however_packed(tmp_path_factory, data, repeats, level, members, padded):
    data = data * repeats
    path = tmp_path_factory.mktemp("s") / "x.nii.gz"
    cut = -(-len(data) // members)
    parts = [data[start : start + cut] for start in range(0, len(data), cut)]
    packed = b"".join(gzip.compress(part, level, mtime=0) for part in parts) + bytes(512 * padded)
    path.write_bytes(packed)
    assert read_all(path, len(data)) == (data, hashlib.sha256(packed).hexdigest())


def test_compression_is_read_from_the_content_not_the_name(tmp_path):
    (tmp_path / "plain.nii.gz").write_bytes(b"plain bytes")
    (tmp_path / "packed.nii").write_bytes(gzip.compress(b"packed bytes"))
    assert read_all(tmp_path / "plain.nii.gz", 11)[0] == b"plain bytes"
    assert read_all(tmp_path / "packed.nii", 12)[0] == b"packed bytes"


def test_skip_stops_at_the_end(tmp_path):
    (tmp_path / "a").write_bytes(b"0123456789")
    with ByteStream(tmp_path / "a") as stream:
        assert stream.skip(4) == 4
        assert stream.skip(100) == 6


@pytest.mark.parametrize("cut", [5, 200, -9, -4, -1])
def test_truncated_gzip_is_named(tmp_path, cut):
    path = tmp_path / "x.nii.gz"
    path.write_bytes(gzip.compress(os.urandom(3000))[:cut])
    with pytest.raises(DataError, match=r"x\.nii\.gz: cannot read voxel data \(file truncated\?\); copy it again"):
        read_all(path, 3000)


def test_damaged_gzip_is_named_even_where_it_inflates(tmp_path):
    packed = bytearray(gzip.compress(bytes(range(256)) * 20, 0))
    packed[1000] ^= 1
    (tmp_path / "x.nii.gz").write_bytes(packed)
    with pytest.raises(DataError, match="compressed data damaged"):
        read_all(tmp_path / "x.nii.gz", 5120)


def test_a_compressed_file_much_longer_than_announced_is_refused(tmp_path):
    (tmp_path / "bomb.nii.gz").write_bytes(gzip.compress(bytes(50_000_000)))
    with pytest.raises(DataError, match="more data than its header says"):
        read_all(tmp_path / "bomb.nii.gz", 1000, allowance=1 << 20)


def test_what_is_not_a_file_is_named(tmp_path):
    (tmp_path / "folder.nii").mkdir()
    (tmp_path / "dangling.nii").symlink_to(tmp_path / "gone")
    (tmp_path / "empty.nii").touch()
    os.mkfifo(tmp_path / "pipe.nii")
    for name, reason in {
        "folder.nii": "this is a folder",
        "dangling.nii": "this link points to nothing",
        "empty.nii": "the file is empty",
        "pipe.nii": "not a regular file",
        "gone.nii": "no such file",
    }.items():
        with pytest.raises(DataError, match=f"{name}: .*{reason}"):
            ByteStream(tmp_path / name)


def test_hash_of_several_files_goes_on(tmp_path):
    (tmp_path / "a").write_bytes(b"one")
    (tmp_path / "b").write_bytes(b"two")
    assert sha256_of(tmp_path / "a", tmp_path / "b") == hashlib.sha256(b"onetwo").hexdigest()
    with pytest.raises(DataError, match="cannot read"):
        sha256_of(tmp_path / "c")
