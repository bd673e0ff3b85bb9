"""What happens when a rank fails: the whole job ends, with one message and a status.

Before training, an error may occur on some ranks and not on others; `together` lets all of them learn of it and leave
in order. During training ranks wait for one another inside collectives, so a rank that fails has to abort the others.
"""

import re
import sys
import time
import traceback

from mpi4py import MPI

from dcgan_mri.errors import BEGIN_AGAIN, CTRL_C, FAILED, UserError

# An abort kills the launcher's helpers at once, and with them what they have not yet passed on to the terminal.
SECONDS_TO_BE_HEARD = 1.0
# After these nothing runs on the GPU any more in this process (names of cudaError_t, and what they say).
POISONED = re.compile(r"cudaError(IllegalAddress|LaunchFailure|MisalignedAddress|IllegalInstruction|HardwareStackError|"
                      r"InvalidPc|Assert|ECCUncorrectable)|illegal memory access|unspecified launch failure")


class together:  # noqa: N801, a context manager is written as a word
    """A block that every rank runs; if it fails on any, one line is printed and all ranks leave.

    Before a collective inside the block all ranks have to `agree`: who has failed does not come to it.

    Args:
        mpi_comm (mpi4py.MPI.Comm): The ranks.
        program (str): Name that the line begins with.

    Raises:
        SystemExit: On every rank, with the status of the first rank's error, if any rank raised a `UserError`.
    """

    def __init__(self, mpi_comm, program):
        self.mpi_comm = mpi_comm
        self.program = program

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is None or issubclass(kind, UserError):
            self._meet(error)

    def agree(self, value=None):
        """Go on if no rank has failed; a collective.

        Args:
            value: What this rank has for the others.

        Returns:
            list: The values of all ranks.
        """
        return self._meet(None, value)

    def _meet(self, error, value=None):
        met = self.mpi_comm.allgather((value, error and (str(error), error.status)))
        errors = [error for _, error in met if error]
        if errors:
            message, status = errors[0]
            if self.mpi_comm.rank == 0:
                print(f"{self.program}: error: {message}", file=sys.stderr, flush=True)
            raise SystemExit(status) from None
        return [value for value, _ in met]


def abort_job_on_error(program, if_out_of_memory="use more GPUs", if_gpu_fails="use --kernels plain"):
    """From now on an exception that nothing catches ends every rank: a message, then MPI's abort.

    Without this a rank that raises leaves the others waiting in their next collective for ever.

    Args:
        program (str): Name that the message begins with.
        if_out_of_memory (str): What the user can do when memory runs out.
        if_gpu_fails (str): What the user can do after an error that leaves a GPU useless for this process.
    """

    def hook(kind, error, trace):
        rank = MPI.COMM_WORLD.rank
        if issubclass(kind, UserError):
            status = error.status
            print(f"{program}: error: {error} (rank {rank})", file=sys.stderr, flush=True)
        elif issubclass(kind, KeyboardInterrupt):
            status = CTRL_C
            if rank == 0:  # a launcher passes Ctrl-C on to all of them
                print(f"{program}: {BEGIN_AGAIN}", file=sys.stderr, flush=True)
        elif kind.__name__ == "OutOfMemoryError" or "out of memory" in str(error).lower():  # CuPy has several types
            status = FAILED
            print(f"{program}: error: rank {rank} is out of memory ({error}); {if_out_of_memory}", file=sys.stderr,
                  flush=True)
        elif POISONED.search(str(error)):
            status = FAILED
            print(f"{program}: error: rank {rank}: the GPU gave up ({error}); {if_gpu_fails}", file=sys.stderr,
                  flush=True)
        else:
            status = FAILED
            traceback.print_exception(kind, error, trace)
            print(f"{program}: rank {rank} failed; ending the whole job", file=sys.stderr, flush=True)
        if MPI.COMM_WORLD.size > 1:
            time.sleep(SECONDS_TO_BE_HEARD)
            MPI.COMM_WORLD.Abort(status)
        sys.exit(status)

    sys.excepthook = hook
