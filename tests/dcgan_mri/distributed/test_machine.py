"""What a job computes with."""

import pytest

from dcgan_mri.distributed.machine import crowd_warning


@pytest.mark.parametrize(("n_ranks", "n_cores"), [(1, 1), (2, 2), (2, 64)])
def test_enough_cores_need_no_words(n_ranks, n_cores):
    assert crowd_warning(n_ranks, n_cores) == ""


def test_too_many_ranks_get_a_warning():
    assert crowd_warning(4, 2).startswith("warning: 4 ranks share 2 cores of this machine")
    assert "share 1 core of" in crowd_warning(2, 1)
