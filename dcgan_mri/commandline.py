"""The command lines' common ground: one line for an error, help from one rank only, settings as options."""

import argparse
import dataclasses
import difflib
import importlib.metadata
import os
import pathlib
import re
import shlex
import sys

from dcgan_mri.config import PRESETS, Config
from dcgan_mri.errors import UsageError
from dcgan_mri.kernels import backends


class LongNamesFirst(argparse.RawDescriptionHelpFormatter):
    """Shows options as ``--epoch N, -e N``: a letter may mean another thing to another program."""

    def _format_action_invocation(self, action):
        action.option_strings = sorted(action.option_strings, key=lambda name: not name.startswith("--"))
        return super()._format_action_invocation(action)


class Parser(argparse.ArgumentParser):
    """A parser for programs that may run on many ranks.

    Args:
        speaks (bool): Whether this process prints the help; false on every rank but the first.
        **kwargs: As for `argparse.ArgumentParser`.
    """

    def __init__(self, speaks=True, **kwargs):
        super().__init__(allow_abbrev=False, formatter_class=LongNamesFirst, **kwargs)
        self.speaks = speaks
        self.add_argument("--version", action="version", version=f"dcgan_mri {version()}")

    def error(self, message):
        """Raise a `UsageError` in place of printing the usage on every rank."""
        unknown = re.match(r"unrecognized arguments: (--?[\w-]+)", message)
        near = unknown and difflib.get_close_matches(unknown[1], self._option_string_actions, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise UsageError(f"{message}; {hint}--help lists the options")

    def _print_message(self, message, file=None):
        if self.speaks:
            super()._print_message(message, file)


def add_settings(group, names):
    """Add options for settings of `Config`; the help gives meaning, default and where the default comes from.

    Args:
        group (argparse group): Where they go.
        names (dict): Setting to the option's short and long forms, for example ``{"batchsize": ("-b",)}``.
    """
    fields = {field.name: field for field in dataclasses.fields(Config)}
    for name, short in names.items():
        field = fields[name]
        choices = field.metadata["choices"]
        group.add_argument(
            *short, f"--{name.replace('_', '-')}", dest=name, choices=choices, default=argparse.SUPPRESS,
            type=_truth if field.type is bool else field.type,
            metavar=None if choices else {int: "N", float: "X", bool: "{true,false}"}[field.type],
            help=f"{field.metadata['help']} (default {_default_text(field)}; {field.metadata['source']})")


def given_settings(args):
    """The settings that the user gave as options.

    Args:
        args (argparse.Namespace): What was parsed.

    Returns:
        dict: Names and values.
    """
    names = {field.name for field in dataclasses.fields(Config)}
    return {name: value for name, value in vars(args).items() if name in names}


def _truth(text):
    """A yes or no, written as in the YAML files."""
    if text not in ("true", "false"):
        raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")
    return text == "true"


def _default_text(field):
    default = str(field.default).lower() if field.type is bool else field.default
    released = PRESETS["released"].get(field.name)
    return f"{default}" + (f", {released} with --preset released" if released is not None else "")


def version():
    """The version of the package.

    Returns:
        str: As installed; "not installed" in a checkout that is used as it is.
    """
    try:
        return importlib.metadata.version("dcgan_mri")
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def command(module, *arguments, ranks=1):
    """A command line that runs as printed from the present folder.

    Args:
        module (str): The program.
        *arguments: Its arguments.
        ranks (int): Number of ranks to run it on.

    Returns:
        str: With the interpreter, and the launcher beside it, that run now.
    """
    python = pathlib.Path(sys.executable)
    launcher = python.with_name("mpiexec")
    launcher = _from_here(launcher) if launcher.exists() else "mpiexec"
    words = [*([launcher, "-n", ranks] if ranks > 1 else []), _from_here(python), "-m", module, *arguments]
    return shlex.join(map(str, words))


def _from_here(path):
    """A path relative to the present folder where it lies below it."""
    here = pathlib.Path.cwd()
    if not path.is_relative_to(here):
        return path
    return path.relative_to(here) if path.parent != here else f"./{path.name}"


def say(text):
    """Print at once; if nobody reads the output any more, as behind ``head``, the program goes on without it.

    Args:
        text (str): A line or more.
    """
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        print("nobody reads the output any more; the program goes on without it", file=sys.stderr, flush=True)


def add_kernels(group):
    """Add the option that chooses what computes.

    Args:
        group (argparse._ActionsContainer): Where it goes.
    """
    group.add_argument("--kernels", choices=backends.NAMES, default="fast",
                       help="compute by fused and cache-blocked kernels behind Chainer's links, or by Chainer's own "
                            "functions: the same results up to rounding (default %(default)s)")
