"""Where generated images come from: ``samples.csv``."""

import csv
import hashlib
import io
import pathlib

from dcgan_mri.files import whole_file
from dcgan_mri.run import result_folder


def sha256(path):
    """Fingerprint of a file.

    Args:
        path (str or Path): The file.

    Returns:
        str: SHA-256 of its bytes in hexadecimal digits, as ``sha256sum`` prints it.
    """
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def write_table(folder, seed_of, generator):
    """Write ``samples.csv``: file, seed, SHA-256 of the file and of the generator, revision of the source.

    Args:
        folder (Path): Folder of the images.
        seed_of (dict): File name to seed, in the order of the lines.
        generator (str): SHA-256 of the generator's file.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["file", "seed", "sha256", "generator_sha256", "revision"])
    revision = result_folder.git_revision()
    table.writerows([name, seed, sha256(folder / name), generator, revision] for name, seed in seed_of.items())
    with whole_file(folder / "samples.csv") as file:
        file.write(text.getvalue().encode())
