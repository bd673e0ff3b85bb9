"""A reader's page: one HTML file that needs no network and does not know the truth."""

import base64
import io
import json
import pathlib

from PIL import Image

TEMPLATE = pathlib.Path(__file__).parent / "page.html"


def page(study, reader, trials, images):
    """A reader's page.

    Args:
        study (str): Name of the study.
        reader (int): Number of the reader, from 1.
        trials (list of dcgan_mri.reader_study.design.Trial): What the reader sees.
        images (list of dcgan_mri.reader_study.images.Image): All images of the study.

    Returns:
        str: HTML.
    """
    data = json.dumps({
        "study": study, "reader": reader, "practice": sum(trial.kind == "practice" for trial in trials),
        "trials": [{"name": trial.name, "image": base64.b64encode(png(images[trial.image].grey)).decode()}
                   for trial in trials]})
    return TEMPLATE.read_text(encoding="utf-8").replace("/* data */", data)


def png(grey):
    """An image as PNG without compression: a generated one takes exactly as many bytes as a real one.

    Args:
        grey (numpy.ndarray): uint8 of shape (H, W).

    Returns:
        bytes: The file.
    """
    file = io.BytesIO()
    Image.fromarray(grey).save(file, format="PNG", compress_level=0)
    return file.getvalue()
