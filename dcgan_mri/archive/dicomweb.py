"""A DICOMweb archive: STOW-RS, WADO-RS and QIDO-RS (PS3.18), as far as this package needs them."""

import email
import uuid

import requests
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO

from dcgan_mri.archive import PASSWORD
from dcgan_mri.errors import DataError

TIMEOUT = 60  # seconds without a byte
URL_REMEDY = "check --url; Orthanc's ends in /dicom-web"
JSON = "application/dicom+json"
OBJECTS = 'multipart/related; type="application/dicom"'
# PS3.18 10.5: all stored, some of them, none. Orthanc answers 400 for 409.
STOW_STATUSES = (200, 202, 400, 409)


class Archive:
    """An archive; each method raises `DataError` if it does not answer, or not as DICOMweb wants it.

    Args:
        url (str): Where its DICOMweb service is, for example ``http://127.0.0.1:8042/dicom-web``.
        user (str): Name to log in with; None for an archive without.
        password (str): What belongs to it.
    """

    def __init__(self, url, user=None, password=None):
        self.url = url.rstrip("/")
        self._session = requests.Session()
        self._session.auth = (user, password) if user else None

    def store(self, files):
        """Hand objects over (STOW-RS).

        Args:
            files (list of Path): The objects' files.

        Returns:
            set of str: UIDs of the objects that the archive says it has stored.
        """
        boundary = uuid.uuid4().hex
        head = f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
        body = b"".join(head + file.read_bytes() + b"\r\n" for file in files) + f"--{boundary}--\r\n".encode()
        answer = self._ask("POST", "/studies", STOW_STATUSES, data=body, headers={
            "Content-Type": f"{OBJECTS}; boundary={boundary}", "Accept": JSON})
        return self._read(answer, lambda: {
            item.ReferencedSOPInstanceUID
            for item in Dataset.from_json(dicom_json(answer)).get("ReferencedSOPSequence") or ()})

    def pixels(self, image):
        """Fetch an image's pixels (WADO-RS).

        Args:
            image (pydicom.dataset.Dataset): The image, for its UIDs.

        Returns:
            numpy.ndarray: As the archive has them; None if it does not have the image.
        """
        path = (f"/studies/{image.StudyInstanceUID}/series/{image.SeriesInstanceUID}"
                f"/instances/{image.SOPInstanceUID}")
        answer = self._ask("GET", path, (200, 404), headers={"Accept": f"{OBJECTS}; transfer-syntax=*"})
        return None if answer.status_code == 404 else self._read(answer, lambda: only_part(answer).pixel_array)

    def synthetic_studies(self):
        """Look up the studies of synthetic images (QIDO-RS): one for each generator.

        Returns:
            list of pydicom.dataset.Dataset: PatientID, StudyInstanceUID and NumberOfStudyRelatedInstances of each.
        """
        # The star stands as it is, since Orthanc 1.10 takes an encoded one for a letter.
        answer = self._ask("GET", "/studies?PatientID=SYNTHETIC*&includefield=NumberOfStudyRelatedInstances",
                           (200, 204), headers={"Accept": JSON})
        return [] if answer.status_code == 204 else self._read(
            answer, lambda: [Dataset.from_json(study) for study in dicom_json(answer)])

    def _ask(self, method, path, statuses, **request):
        try:
            answer = self._session.request(method, self.url + path, timeout=TIMEOUT, **request)
        except requests.Timeout:
            raise DataError(f"{self.url}: no answer for {TIMEOUT} seconds; "
                            f"check the archive, or use a smaller --batch") from None
        except requests.RequestException as error:
            raise DataError(f"{self.url}: the archive cannot be reached, or broke off ({root_cause(error)}); "
                            f"check that it runs, and --url") from None
        if answer.status_code not in statuses:
            remedy = {401: f"give --user, and the password in {PASSWORD}", 403: "ask its administrator for access",
                      404: URL_REMEDY, 405: URL_REMEDY, 413: "use a smaller --batch"}
            raise DataError(f"{self.url}: answers {answer.status_code} {answer.reason}; "
                            f"{remedy.get(answer.status_code, 'its log may say why')}")
        return answer

    def _read(self, answer, meaning):
        try:
            return meaning()
        except Exception:  # what a server may answer has no end
            raise DataError(f"{self.url}: its answer ({answer.status_code} {answer.reason}) is not that of a "
                            f"DICOMweb archive; {URL_REMEDY}") from None


def root_cause(error):
    """What an error follows from: requests and urllib3 wrap it several times.

    Args:
        error (BaseException): The error.

    Returns:
        str: The first one's message, on one line and without the system's number.
    """
    while error.__context__ is not None:
        error = error.__context__
    return " ".join(str(getattr(error, "strerror", None) or error).split())


def dicom_json(answer):
    """What an answer of STOW-RS or QIDO-RS says.

    Args:
        answer (requests.Response): The answer.

    Returns:
        dict or list: DICOM JSON.

    Raises:
        ValueError: If it is something else, such as the JSON of Orthanc's own interface.
    """
    if not answer.headers.get("Content-Type", "").startswith(JSON):
        raise ValueError("not DICOM JSON")
    return answer.json()


def only_part(answer):
    """The object in an answer of WADO-RS.

    Args:
        answer (requests.Response): A multipart message with one part.

    Returns:
        pydicom.dataset.Dataset: The object.
    """
    message = email.message_from_bytes(
        f"Content-Type: {answer.headers['Content-Type']}\r\n\r\n".encode() + answer.content)
    return dcmread(DicomBytesIO(message.get_payload(0).get_payload(decode=True)))
