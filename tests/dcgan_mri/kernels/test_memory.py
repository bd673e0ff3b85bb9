"""Freed memory stays with the process."""

import subprocess
import sys

import pytest

CODE = """
import resource, sys
import numpy as np
from dcgan_mri.kernels.memory import keep_freed
if sys.argv[1] == "keep":
    keep_freed()
def use():
    np.ones(2 ** 22, np.uint8)
use()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(50):
    use()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="mallopt is glibc's")
def test_memory_that_is_used_over_and_over_is_fetched_once():
    faults = {how: int(subprocess.run([sys.executable, "-c", CODE, how], check=True, stdout=subprocess.PIPE).stdout)
              for how in ("keep", "give back")}
    assert faults["keep"] < 10
    assert faults["give back"] >= 50
