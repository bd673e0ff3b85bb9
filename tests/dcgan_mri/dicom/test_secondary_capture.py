"""What a generated image's DICOM object says of itself."""

import re
import subprocess

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.uid import UID

from dcgan_mri.dicom.secondary_capture import save, secondary_capture, uid
from tests.orthanc import needed

GENERATOR = "0123456789abcdef" * 4
# dciodvfy of 2022 does not know the attribute SyntheticData, and wants dates for an index on discs.
UNKNOWN_TO_DCIODVFY = "</(0008,001c)> - "
NO_DATE = re.compile(r"Warning - </Study(Date|Time)\(.*\)> - Missing attribute or value that would be needed to build "
                     r"DICOMDIR")


def picture(seed=0, side=16):
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)


@pytest.fixture
def written(tmp_path):
    save(tmp_path / "image.dcm", picture(), 42, GENERATOR, dropout=False)
    return dcmread(tmp_path / "image.dcm")


def test_pixels_are_the_mean_of_the_channels(written):
    assert np.abs(written.pixel_array - picture().astype(float).mean(axis=2)).max() <= 0.5
    assert (written.BitsStored, written.PhotometricInterpretation) == (8, "MONOCHROME2")
    assert written.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"


def test_says_that_it_is_synthetic_wherever_it_can(written):
    assert written.SOPClassUID == "1.2.840.10008.5.1.4.1.1.7"
    assert written.SyntheticData == "YES"
    assert written.ConversionType == "SYN"
    assert list(written.ImageType) == ["DERIVED", "SECONDARY"]
    assert (written.Modality, written.BodyPartExamined, written.BurnedInAnnotation) == ("OT", "BRAIN", "NO")
    assert written.PatientID == "SYNTHETIC-01234567"
    equipment, = written.ContributingEquipmentSequence
    purpose, = equipment.PurposeOfReferenceCodeSequence
    assert (purpose.CodeValue, purpose.CodingSchemeDesignator) == ("109100", "DCM")
    assert equipment.ContributionDescription == f"Generator {GENERATOR}, seed 42, dropout off"


def test_invents_nothing(written):
    assert [written.StudyDate, written.StudyTime, written.PatientBirthDate] == ["", "", ""]
    for keyword in ("PixelSpacing", "NominalScannedPixelSpacing", "ImagePositionPatient", "PatientIdentityRemoved",
                    "Laterality", "EchoTime"):
        assert keyword not in written


def test_dciodvfy_finds_no_error_but_its_own_ignorance(tmp_path):
    dciodvfy = needed("dciodvfy", "dicom3tools")
    for name, seed, dropout in (("small.dcm", 0, False), ("large.dcm", 2**62, True)):
        save(tmp_path / name, picture(side=64), seed, GENERATOR, dropout)
        said = subprocess.run([dciodvfy, "-new", tmp_path / name], capture_output=True, text=True, timeout=60).stderr
        lines = [line for line in said.splitlines() if UNKNOWN_TO_DCIODVFY not in line and not NO_DATE.match(line)]
        assert lines == ["SCImage"], said
        assert said.count("Error") == 1


def test_same_image_same_bytes(tmp_path):
    for name in ("one.dcm", "two.dcm"):
        save(tmp_path / name, picture(), 42, GENERATOR, dropout=False)
    assert (tmp_path / "one.dcm").read_bytes() == (tmp_path / "two.dcm").read_bytes()


def test_uids_tell_images_apart_for_ever(written):
    # Written down, since an archive recognises an image by it: it must not change from one version to the next.
    assert written.SOPInstanceUID == "2.25.210272132228864488869036710120346391731"
    assert written.SeriesInstanceUID == "2.25.170745314797429553492307919450510097206"
    assert written.StudyInstanceUID == "2.25.282725791696263949559617625030504065225"
    others = [secondary_capture(*differing) for differing in [
        (picture(1), 42, GENERATOR, False), (picture(), 43, GENERATOR, False),
        (picture(), 42, GENERATOR[::-1], False), (picture(), 42, GENERATOR, True)]]
    assert len({image.SOPInstanceUID for image in [written, *others]}) == 5
    assert [image.StudyInstanceUID == written.StudyInstanceUID for image in others] == [True, True, False, True]
    assert [image.SeriesInstanceUID == written.SeriesInstanceUID for image in others] == [True, True, False, False]


@given(st.lists(st.text(), min_size=1))
def test_uids_are_valid(parts):
    assert UID(uid(*parts)).is_valid
