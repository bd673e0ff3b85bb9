import io

import numpy as np
from hypothesis import given
from hypothesis.extra import numpy as hnp
from PIL import Image
from preprocess.png import encode_png


@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=40)))
def test_other_readers_see_the_same_image(grey):
    image = Image.open(io.BytesIO(encode_png(grey)))
    image.verify()
    image = Image.open(io.BytesIO(encode_png(grey)))
    assert image.mode == "L"
    np.testing.assert_array_equal(np.asarray(image), grey)
