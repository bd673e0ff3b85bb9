"""Images to be archived, and an archive."""

import numpy as np
import pytest

from dcgan_mri.archive import PASSWORD as PASSWORD_VARIABLE
from dcgan_mri.dicom.secondary_capture import save
from tests.orthanc import PASSWORD, Orthanc


@pytest.fixture(scope="session")
def write_images():
    """Function that writes objects into a new folder."""
    def write(folder, seeds, generator="0" * 64, side=64):
        folder.mkdir(parents=True)
        for seed in seeds:
            picture = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
            save(folder / f"seed{seed:05d}.dcm", picture, seed, generator, dropout=False)
        return folder
    return write


@pytest.fixture
def orthanc(tmp_path, monkeypatch):
    """A running Orthanc without images, and its password in the environment."""
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    (tmp_path / "orthanc").mkdir()
    archive = Orthanc(tmp_path / "orthanc")
    archive.start()
    yield archive
    archive.kill()
