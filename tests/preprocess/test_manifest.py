import pytest
from preprocess.errors import DataError
from preprocess.manifest import COLUMNS, encode, file_name, read


def row(subject, index):
    return dict.fromkeys(COLUMNS, "") | {"file": file_name(subject, index), "subject": subject, "slice": index}


def test_name_of_a_slice():
    assert file_name("BraTS20_Training_001", 60) == "BraTS20_Training_001_img_00060.png"


def test_rows_are_sorted_by_subject_and_slice_and_come_back(tmp_path):
    rows = [row('b, "quoted"', 100), row('b, "quoted"', 9), row("çelik", 1), row("a b", 2)]
    (tmp_path / "manifest.csv").write_bytes(encode(rows))
    found = read(tmp_path / "manifest.csv")
    assert [(one["subject"], one["slice"]) for one in found] == [
        ("a b", "2"), ('b, "quoted"', "9"), ('b, "quoted"', "100"), ("çelik", "1")]  # fmt: skip
    assert encode(found) == encode(rows)


def test_the_header_that_training_reads():
    assert encode([]).decode() == (
        "file,subject,split,slice,position_mm,source,source_sha256,orientation,window_low,window_high,brain_pixels,"
        "tumour_pixels,sha256\n"
    )


@pytest.mark.parametrize(
    "content", [b"", b"a,b\n1,2\n", b"\xff\xfe", encode([]) + b"too,short\n", encode([]) + b"x," * 20 + b"\n"]
)
def test_what_is_not_a_manifest_is_named(tmp_path, content):
    (tmp_path / "manifest.csv").write_bytes(content)
    with pytest.raises(DataError, match=r"manifest\.csv: .*--overwrite"):
        read(tmp_path / "manifest.csv")


def test_a_missing_manifest_is_named(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read(tmp_path / "manifest.csv")
