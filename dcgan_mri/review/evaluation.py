"""The page that `evaluate` writes beside its numbers."""

import base64
import datetime
import json
import pathlib

import numpy as np

from dcgan_mri.files import whole_file
from dcgan_mri.review import status, thumbnails, words
from dcgan_mri.review.page import render
from dcgan_mri.run import result_folder

PAIRS, IN_A_ROW = 12, 10
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
    measured = {quantity["name"]: quantity for quantity in found["quantities"]}
    names_in_order = sorted(measured, key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST))
    kid, real = measured["kid"]["value"], words.band(measured, "kid")
    far = words.beyond(kid, real)
    nearest = np.argsort(copies["pixels"], kind="stable")[:PAIRS]
    chosen = np.linspace(0, len(slices) - 1, IN_A_ROW).round().astype(int)
    html = render("evaluation.html", {
        "found": found, "phantom": status.is_phantom(slices), "key": words.KEY,
        "time": datetime.datetime.fromisoformat(found["time"]).astimezone().strftime("%-d %B %Y %H:%M"),
        "rows": [_row(measured, name, far) for name in names_in_order if measured[name]["value"] is not None],
        "missing": [(words.title(name), _why_missing(name)) for name in names_in_order
                    if measured[name]["value"] is None],
        "kid": kid is not None and {**_row(measured, "kid", far), "number": words.number(kid),
                                    "distance": words.distance(kid, real)},
        "rows_of_images": [("generated" if found["origin"] else "measured", map(_picture, pictures[:IN_A_ROW])),
                           ("real", map(_picture, slices.batch(chosen)))],
        "pairs": [{"name": names[i], "slice": slices.files[copies["index"][i]].removesuffix(".png"),
                   "distance": words.number(float(copies["pixels"][i])),
                   "pictures": [_picture(pictures[i]), _picture(slices.image(copies["index"][i]))]}
                  for i in nearest]}, {})
    with whole_file(out / result_folder.PAGE) as file:
        file.write(html.encode())


def _row(measured, name, kid):
    """What the table says of a number."""
    quantity, real = measured[name], words.band(measured, name)
    text, place = words.reading(quantity["value"], real, kid)
    return {
        "title": words.title(name), "unit": quantity["unit"], "reading": quantity["reading"], "text": text,
        "place": place, "interval": words.span((quantity["low"], quantity["high"])),
        "real": words.span(real or (None, None))}


def _why_missing(name):
    if name.startswith("memorisation."):
        return "needs held-out slices"
    if name.startswith("swd."):
        return "the images are smaller"
    return words.CANNOT.get(name.split(".")[0], "cannot be had from these images")


def _picture(picture):
    """An image as the address of a WebP file."""
    return f"data:image/webp;base64,{base64.b64encode(thumbnails.of_slice(picture)).decode()}"
