"""A generated image as a DICOM Secondary Capture object (PS3.3 A.8.1) that is marked as synthetic."""

import hashlib
import uuid

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage

from dcgan_mri.files import whole_file
from dcgan_mri.pixels import grey

# Never change it: it is part of the UIDs of all images that were ever written.
NAMESPACE = uuid.UUID("bcd94acc-afe7-42ef-8860-6e4d1882c396")


def save(path, picture, seed, generator, dropout):
    """Write an image; the same arguments give the same bytes.

    Args:
        path (str or Path): The file.
        picture (numpy.ndarray): uint8 of shape (H, W, 3), of which the mean of the channels is taken.
        seed (int): The image's seed.
        generator (str): SHA-256 of the generator's file, in hexadecimal digits.
        dropout (bool): Whether the generator's dropout was on.
    """
    with whole_file(path) as file:
        secondary_capture(picture, seed, generator, dropout).save_as(file, enforce_file_format=True)


def secondary_capture(picture, seed, generator, dropout):
    """Describe an image.

    Args:
        picture (numpy.ndarray): uint8 of shape (H, W, 3).
        seed (int): The image's seed.
        generator (str): SHA-256 of the generator's file, in hexadecimal digits.
        dropout (bool): Whether the generator's dropout was on.

    Returns:
        pydicom.dataset.Dataset: The object. Its study is the generator, its series the generator with or without
        dropout; its own UID follows from both, the seed and the pixels.
    """
    mean = grey(picture)
    sampling = f"dropout {'on' if dropout else 'off'}"
    pixels = hashlib.sha256(mean.tobytes()).hexdigest()

    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.SOPClassUID = SecondaryCaptureImageStorage
    image.SOPInstanceUID = uid(generator, sampling, seed, pixels)
    image.SeriesInstanceUID = uid(generator, sampling)
    image.StudyInstanceUID = uid(generator)

    image.SyntheticData = "YES"
    image.ConversionType = "SYN"
    image.ImageType = ["DERIVED", "SECONDARY"]
    image.Modality = "OT"
    image.PatientName = "SYNTHETIC^DCGAN"
    image.PatientID = f"SYNTHETIC-{generator[:8]}"
    image.BodyPartExamined = "BRAIN"
    image.BurnedInAnnotation = "NO"
    image.DerivationDescription = (
        "Computed by a neural network (DCGAN) from random numbers; nobody was scanned. Not for diagnosis.")
    image.ContributingEquipmentSequence = [synthesizer(f"Generator {generator}, seed {seed}, {sampling}")]

    image.StudyID = generator[:8]
    image.StudyDescription = "Synthetic images, not acquired from a person"
    image.SeriesNumber = 2 if dropout else 1
    image.SeriesDescription = f"Synthetic, DCGAN, {sampling}"
    image.InstanceNumber = seed % 2**31  # the largest that fits is 2^31 - 1
    for unknown in ("StudyDate", "StudyTime", "AccessionNumber", "ReferringPhysicianName", "PatientBirthDate",
                    "PatientSex", "PatientOrientation"):
        setattr(image, unknown, None)

    image.set_pixel_data(mean, "MONOCHROME2", 8, generate_instance_uid=False)
    return image


def synthesizer(description):
    """The equipment that made the image.

    Args:
        description (str): What exactly made it.

    Returns:
        pydicom.dataset.Dataset: An item of ContributingEquipmentSequence.
    """
    code = codes.DCM.SynthesizingEquipment
    purpose = Dataset()
    purpose.CodeValue, purpose.CodingSchemeDesignator, purpose.CodeMeaning = code.value, "DCM", code.meaning
    equipment = Dataset()
    equipment.PurposeOfReferenceCodeSequence = [purpose]
    equipment.Manufacturer = "dcgan_mri"
    equipment.ContributionDescription = description
    return equipment


def uid(*parts):
    """A UID that always is the same for the same parts, and another one for others (PS3.5 B.2).

    Args:
        *parts: What tells the thing apart from all others.

    Returns:
        str: ``2.25.`` and a UUID of version 5 as a decimal number.
    """
    return f"2.25.{uuid.uuid5(NAMESPACE, ' / '.join(map(str, parts))).int}"
