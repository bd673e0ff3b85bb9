"""A rank that fails ends the job, with one message and a status, within seconds."""

import time

import pytest

from tests.helpers import run_job

TOGETHER = """
from mpi4py import MPI
from dcgan_mri.distributed.failure import together
from dcgan_mri.errors import DataError, UsageError

rank = MPI.COMM_WORLD.rank
with together(MPI.COMM_WORLD, "prog"):
    if rank in FAILING:
        raise (UsageError if rank == 1 else DataError)(f"bad thing {rank}")
print("went on")
"""


@pytest.mark.parametrize(("failing", "status", "message"), [
    ([2], 1, "prog: error: bad thing 2"), ([1, 3], 2, "prog: error: bad thing 1"),
    ([0, 1, 2, 3], 1, "prog: error: bad thing 0"),
])
def test_all_ranks_leave_with_one_line(failing, status, message):
    done = run_job("-c", TOGETHER.replace("FAILING", repr(failing)), ranks=4)
    assert done.returncode == status
    assert done.stderr.splitlines() == [message]
    assert done.stdout == ""


def test_all_go_on_if_none_fails():
    done = run_job("-c", TOGETHER.replace("FAILING", "[]"), ranks=2)
    assert (done.returncode, done.stdout.count("went on")) == (0, 2)


ABORT = """
from mpi4py import MPI
from dcgan_mri.distributed.failure import abort_job_on_error
from dcgan_mri.errors import DataError

abort_job_on_error("prog")
if MPI.COMM_WORLD.rank == 1:
    raise ERROR
MPI.COMM_WORLD.barrier()
print("went on")
"""


@pytest.mark.parametrize(("error", "message", "traceback"), [
    ("DataError('slice.png: gone')", "prog: error: slice.png: gone (rank 1)", False),
    ("ZeroDivisionError('oops')", "ZeroDivisionError: oops", True),
    ("RuntimeError('cudaErrorIllegalAddress: an illegal memory access was encountered')",
     "prog: error: rank 1: the GPU gave up (cudaErrorIllegalAddress: an illegal memory access was encountered); "
     "use --kernels plain", False),
    ("MemoryError('out of memory')", "prog: error: rank 1 is out of memory (out of memory); use more GPUs", False),
])
def test_a_rank_that_raises_ends_those_that_wait(error, message, traceback):
    begin = time.monotonic()
    done = run_job("-c", ABORT.replace("ERROR", error), ranks=3, timeout=60)
    assert time.monotonic() - begin < 30
    assert done.returncode == 1
    assert message in done.stderr
    assert ("Traceback" in done.stderr) == traceback
    assert "went on" not in done.stdout
