"""The page beside an evaluation."""

import base64
import io
import json
import re

import numpy as np
from PIL import Image

from dcgan_mri.review import evaluation
from dcgan_mri.slice_set import Slices


def quantity(name, value, low=0.5, high=1.5):
    return {"name": name, "unit": "u", "range": "", "reading": f"reading of {name}", "value": value, "low": low,
            "high": high, "real": 1.0, "real_low": low, "real_high": high}


def test_page(tmp_path, slices16):
    (tmp_path / "evaluation.json").write_text(json.dumps({
        "images": "<b>model</b>", "origin": "the newest of the run x", "time": "2026-01-02T03:04:05+00:00",
        "n_images": 20, "n_slices": 16, "subjects": 1, "n_held_out": 0, "features": "built in",
        "warnings": ["mind the gap"], "quantities": [
            quantity("fid", 9.0), quantity("memorisation.copies", None, None, None), quantity("kid", 77.0)]}))
    slices = Slices(slices16)
    pictures = np.repeat(slices.batch([3, *[0] * 19])[..., None], 3, axis=3)
    pictures[..., 0] = 255
    distances = np.arange(20)[::-1].astype(float)
    evaluation.write(tmp_path, pictures, [f"seed {i}" for i in range(20)], slices,
                     {"pixels": distances, "index": np.arange(20) % 16})
    html = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert html.index("Distance from real slices (KID)") < html.index("Distance from real slices (FID)")
    assert '<span class="far">77, far above real</span>' in html
    assert "Images that may be copies: needs held-out slices" in html
    assert "only your eye can tell" in html
    assert "&lt;b&gt;model&lt;/b&gt;, the newest of the run x" in html
    assert "Still about 51 times that of real slices" in html
    assert '<div class="kid far"><b>77</b>' in html
    assert "measures the 100 images of its grid, and so gives somewhat other values" in html
    shown = re.search(r'base64,([^"]+)" alt="generated image"', html)[1]
    with Image.open(io.BytesIO(base64.b64decode(shown))) as image:
        red, green, _ = np.asarray(image).mean(axis=(0, 1))
    assert red > 240 > green
    assert (html.count('alt="generated image"'), html.count('alt="real image"')) == (10, 10)
    assert "&lt;b&gt;model&lt;/b&gt;" in html
    assert "mind the gap" in html
    assert "synthetic phantom" in html
    assert html.count("<figure>") == 12
    assert html.index("seed 19") < html.index("seed 18")
    assert slices.files[3].removesuffix(".png") in html
    assert "://" not in html
