"""The table that says where each slice of a set comes from."""

import csv
import io

from preprocess.errors import DataError, reason_of

COLUMNS = (
    "file", "subject", "split", "slice", "position_mm", "source", "source_sha256", "orientation", "window_low",
    "window_high", "brain_pixels", "tumour_pixels", "sha256",
)  # fmt: skip
MANIFEST = "manifest.csv"
OVERVIEW = "overview.png"
DATASET = "dataset.json"


def file_name(subject, index):
    """File name of a slice, as in the paper's released code.

    Args:
        subject (str): The subject.
        index (int): Slice, counted from 0 at the bottom.

    Returns:
        str: Such as ``BraTS20_Training_001_img_00060.png``.
    """
    return f"{subject}_img_{index:05d}.png"


def encode(rows):
    """Rows as CSV.

    Args:
        rows (list of dict): One a slice, with the keys of :data:`COLUMNS`; empty text where a value is not known.

    Returns:
        bytes: UTF-8, header first, sorted by subject and slice.
    """
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(sorted(rows, key=lambda row: (row["subject"], int(row["slice"]))))
    return text.getvalue().encode()


def read(path):
    """Read a manifest.

    Args:
        path (Path): ``manifest.csv`` of a set.

    Returns:
        list of dict: Its rows, all values text.

    Raises:
        DataError: If it cannot be read or is not a manifest.
    """
    remedy = "build the set again with --overwrite"
    try:
        with open(path, encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
            header = tuple(reader.fieldnames or ())
    except OSError as error:
        raise DataError(path, f"cannot read ({reason_of(error)})", remedy) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(path, f"this is not a table ({error})", remedy) from error
    if header != COLUMNS or any(None in row or None in row.values() for row in rows):
        raise DataError(path, "its columns are not those of a manifest", remedy)
    return rows
