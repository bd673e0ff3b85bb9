import numpy as np
from preprocess.versions import versions


def test_versions_of_what_decides_the_bytes():
    found = versions()
    assert found["numpy"] == np.__version__
    assert all(text and text[0].isdigit() for text in found.values())
