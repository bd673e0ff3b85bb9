"""Fixtures for the tests of the model and its training."""

import pytest

from dcgan_mri.kernels import backends


@pytest.fixture(autouse=True)
def _chainers_own_kernels():
    """What one test chose does not reach the next."""
    with backends.using("plain"):
        yield
