"""What happens when a rank fails: the whole job ends, with one message and a status.

Before training, an error may occur on some ranks and not on others; `together` lets all of them learn of it and leave
in order. During training ranks wait for one another inside collectives, so a rank that fails has to abort the others.
"""

import contextlib
import sys
import time
import traceback

from mpi4py import MPI

from dcgan_mri.errors import UserError

# An abort kills the launcher's helpers at once, and with them what they have not yet passed on to the terminal.
SECONDS_TO_BE_HEARD = 1.0


@contextlib.contextmanager
def together(mpi_comm, program):
    """Run a block without collectives on every rank; if it fails on any, print one line and end all ranks.

    Args:
        mpi_comm (mpi4py.MPI.Comm): The ranks.
        program (str): Name that the line begins with.

    Raises:
        SystemExit: On every rank, with the status of the first rank's error, if any rank raised a `UserError`.
    """
    mine = None
    try:
        yield
    except UserError as error:
        mine = (str(error), error.status)
    errors = [error for error in mpi_comm.allgather(mine) if error is not None]
    if errors:
        message, status = errors[0]
        if mpi_comm.rank == 0:
            print(f"{program}: error: {message}", file=sys.stderr, flush=True)
        raise SystemExit(status)


def abort_job_on_error(program):
    """From now on an exception that nothing catches ends every rank: a message, then MPI's abort.

    Without this a rank that raises leaves the others waiting in their next collective for ever.

    Args:
        program (str): Name that the message begins with.
    """

    def hook(kind, error, trace):
        rank = MPI.COMM_WORLD.rank
        if issubclass(kind, UserError):
            status = error.status
            print(f"{program}: error: {error} (rank {rank})", file=sys.stderr, flush=True)
        elif kind.__name__ == "OutOfMemoryError" or "out of memory" in str(error).lower():  # CuPy has several types
            status = 1
            remedy = "use more GPUs, or begin anew with a smaller --batchsize"
            print(f"{program}: error: rank {rank} is out of memory ({error}); {remedy}", file=sys.stderr, flush=True)
        else:
            status = 130 if issubclass(kind, KeyboardInterrupt) else 1
            traceback.print_exception(kind, error, trace)
            print(f"{program}: rank {rank} failed; ending the whole job", file=sys.stderr, flush=True)
        if MPI.COMM_WORLD.size > 1:
            time.sleep(SECONDS_TO_BE_HEARD)
            MPI.COMM_WORLD.Abort(status)
        sys.exit(status)

    sys.excepthook = hook
