"""The page that `evaluate` writes beside its numbers."""

import base64
import json
import pathlib

import numpy as np

from dcgan_mri.files import whole_file
from dcgan_mri.pixels import grey
from dcgan_mri.review import status, thumbnails, words
from dcgan_mri.review.page import render
from dcgan_mri.run import result_folder

PAIRS = 12
# The measures that stand first; the others follow in their own order.
FIRST = ("kid", "diversity.similarity", "sharpness.brain", "sharpness.bright")


def write(out, pictures, names, slices, copies):
    """Write ``index.html`` beside ``evaluation.json``.

    Args:
        out (Path): Folder with ``evaluation.json``.
        pictures (numpy.ndarray): The images that were measured, uint8 of shape (N, H, H) or (N, H, H, 3).
        names (list of str): What to call them.
        slices (dcgan_mri.slice_set.Slices): The training slices.
        copies (dict): What `dcgan_mri.metrics.memorisation.Memorisation.describe` says of the images.
    """
    out = pathlib.Path(out)
    found = json.loads((out / "evaluation.json").read_text(encoding="utf-8"))
    rows = sorted(map(_row, found["quantities"]),
                  key=lambda row: FIRST.index(row["name"]) if row["name"] in FIRST else len(FIRST))
    nearest = np.argsort(copies["pixels"], kind="stable")[:PAIRS]
    html = render("evaluation.html", {
        "found": found, "rows": rows, "phantom": status.is_phantom(slices),
        "kid": next((row for row in rows if row["name"] == "kid"), None),
        "pairs": [{"name": names[i], "slice": slices.files[copies["index"][i]],
                   "distance": words.number(float(copies["pixels"][i])),
                   "pictures": [_picture(pictures[i]), _picture(slices.image(copies["index"][i]))]}
                  for i in nearest]}, {})
    with whole_file(out / result_folder.PAGE) as file:
        file.write(html.encode())


def _row(quantity):
    """What the table says of a number."""
    value, real = quantity["value"], words.band({quantity["name"]: quantity}, quantity["name"])
    text, place = (f"– ({_why_missing(quantity['name'])})", "") if value is None else words.reading(value, real)
    return {
        "name": quantity["name"], "title": words.title(quantity["name"]), "unit": quantity["unit"],
        "reading": quantity["reading"], "number": words.number(value), "text": text, "place": place,
        "interval": words.span((quantity["low"], quantity["high"])) if quantity["low"] is not None else "–",
        "real": words.span(real) if real else "–"}


def _why_missing(name):
    if name.startswith("memorisation."):
        return "needs held-out slices"
    if name.startswith("swd."):
        return "the images are smaller"
    return words.CANNOT.get(name.split(".")[0], "cannot be had from these images")


def _picture(picture):
    """An image as the address of a WebP file."""
    flat = grey(picture) if picture.ndim == 3 else picture
    return f"data:image/webp;base64,{base64.b64encode(thumbnails.of_slice(flat)).decode()}"
