"""What a user of ``preprocess`` reads: errors of one line each, never a traceback, and words for messages."""

import shlex
import sys


class PreprocessError(Exception):
    """Base of every error that the command line prints as one line."""

    exit_status = 1


class DataError(PreprocessError):
    """A file or folder cannot be used.

    Args:
        where: The file or folder, as the user would open it.
        reason: What is wrong with it, with the offending value.
        remedy: What the user can do about it.
    """

    def __init__(self, where, reason, remedy):
        # The three parts are the exception's args, so that it survives the way back from a worker process.
        super().__init__(str(where), str(reason), str(remedy))

    def __str__(self):
        where, reason, remedy = self.args
        return " ".join(f"{where}: {reason}; {remedy}".split())


class MaskError(DataError):
    """A volume holds labels rather than an image; it is left out, which is no failure."""


class OutputError(DataError):
    """The output folder cannot be written (disk full, no permission); no subject can go on after it."""


class UsageError(PreprocessError):
    """The command line asks for something that does not exist or does not go together."""

    exit_status = 2


def reason_of(error):
    """Words for an operating system error.

    Args:
        error (OSError): The error.

    Returns:
        str: Its text without number and file name, such as ``permission denied``.
    """
    return (error.strerror or str(error) or type(error).__name__).lower()


def count(number, noun):
    """A number of things in words.

    Args:
        number (int): How many.
        noun (str): What, in the singular.

    Returns:
        str: Such as ``1 slice`` or ``720 slices``.
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def command(*arguments):
    """A command that can be copied to the shell.

    Args:
        *arguments (str or Path): What follows ``python -m preprocess``.

    Returns:
        str: The command, by the interpreter that runs now, quoted.
    """
    return shlex.join([sys.executable, "-m", "preprocess", *map(str, arguments)])
