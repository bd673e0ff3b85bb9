"""Fixtures for all tests."""

import pytest

from tests.helpers import write_slice_set


@pytest.fixture(scope="session")
def slices16(tmp_path_factory):
    """Folder with 16 slices of 16×16."""
    return write_slice_set(tmp_path_factory.mktemp("slices") / "set")


def pytest_collection_modifyitems(items):
    """Skip what needs a GPU where there is none, and say why."""
    gpu_tests = [item for item in items if item.get_closest_marker("gpu")]
    if gpu_tests:
        from dcgan_mri.distributed.device import visible_gpus

        count, reason = visible_gpus()
        for item in gpu_tests:
            if count == 0:
                item.add_marker(pytest.mark.skip(reason=reason))
