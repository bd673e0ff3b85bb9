"""Errors that are the user's to correct: one line that names the file or option, the value and the remedy."""

import contextlib
import sys

# Exit statuses; 0 is a program that did what it was asked to.
FAILED = 1
USAGE = 2
INTERRUPTED = 75  # EX_TEMPFAIL: not finished, try again
CTRL_C = 130

BEGIN_AGAIN = "interrupted; the same command begins again"


class UserError(Exception):
    """Something outside the program is wrong; the message says what and what to do. Never shown with a traceback."""

    status = FAILED


class UsageError(UserError):
    """An option, a setting or a combination of them is wrong."""

    status = USAGE


class DataError(UserError):
    """A file or folder is missing, damaged or not what it should be."""


class DivergedError(UserError):
    """The training has left the finite numbers; every rank learns of it at the same moment."""


@contextlib.contextmanager
def shown_to_user(program):
    """Turn a `UserError`, or Ctrl-C, inside the block into one line on stderr and the status that belongs to it.

    Args:
        program (str): Name that the line begins with, for example ``dcgan_mri.generate``.

    Raises:
        SystemExit: In their place, with the status.
    """
    try:
        yield
    except UserError as error:
        print(f"{program}: error: {error}", file=sys.stderr, flush=True)
        raise SystemExit(error.status) from None
    except KeyboardInterrupt:
        print(f"{program}: {BEGIN_AGAIN}", file=sys.stderr, flush=True)
        raise SystemExit(CTRL_C) from None
