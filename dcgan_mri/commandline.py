"""The command lines' common ground: one line for an error, help from one rank only, settings as options."""

import argparse
import difflib
import importlib.metadata
import importlib.util
import os
import pathlib
import re
import shlex
import sys
import typing

from dcgan_mri.config import PRESETS, SETTINGS
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
        prints (bool): Whether this process prints the help; false on every rank but the first.
        **kwargs: As for `argparse.ArgumentParser`.
    """

    def __init__(self, prints=True, **kwargs):
        super().__init__(allow_abbrev=False, formatter_class=LongNamesFirst, **kwargs)
        self.prints = prints
        self.add_argument("--version", action="version", version=f"dcgan_mri {version()}")

    def error(self, message):
        """Raise a `UsageError` in place of printing the usage on every rank."""
        unknown = re.match(r"unrecognized arguments: (--?[\w-]+)", message)
        near = unknown and difflib.get_close_matches(unknown[1], self._option_string_actions, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise UsageError(f"{message}; {hint}--help lists the options")

    def _print_message(self, message, file=None):
        if self.prints:
            super()._print_message(message, file)


def add_settings(group, names):
    """Add options for settings of `Config`; the help gives meaning, range, default and its source.

    Args:
        group (argparse group): Where they go.
        names (dict): Setting to the option's short and long forms, for example ``{"batchsize": ("-b",)}``.
    """
    for name, short in names.items():
        setting = SETTINGS[name]
        choices = typing.get_args(setting.annotation) or None
        kind = type(setting.default)
        group.add_argument(
            *short, f"--{name.replace('_', '-')}", dest=name, choices=choices, default=argparse.SUPPRESS,
            type=_truth if kind is bool else kind,
            metavar=None if choices else {int: "N", float: "X", bool: "{true,false}"}[kind],
            help=f"{setting.description}{_range_text(setting)} (default {_default_text(name)}; "
                 f"{setting.json_schema_extra['source']})")


def given_settings(args):
    """The settings that the user gave as options.

    Args:
        args (argparse.Namespace): What was parsed.

    Returns:
        dict: Names and values.
    """
    return {name: value for name, value in vars(args).items() if name in SETTINGS}


def _truth(text):
    """A yes or no, written as in the YAML files."""
    if text not in ("true", "false"):
        raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")
    return text == "true"


def _default_text(name):
    default = SETTINGS[name].default
    default = str(default).lower() if isinstance(default, bool) else default
    released = PRESETS["released"].get(name)
    return f"{default}" + (f", {released} with --preset released" if released is not None else "")


def _range_text(setting):
    low, high = (next((getattr(bound, side) for bound in setting.metadata if hasattr(bound, side)), None)
                 for side in ("ge", "le"))
    if low is None:
        return ""
    return f"; {low:.16g} or more" if high is None else f"; {low:.16g} to {high:.16g}"


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


def check_installed(wanted_by, *packages):
    """Refuse to begin without the packages that a plain installation leaves out.

    Args:
        wanted_by (str): Option or program that the message names.
        *packages (str): Names to import, which are those that pip takes.

    Raises:
        UsageError: If one is not installed.
    """
    if any(importlib.util.find_spec(package) is None for package in packages):
        raise UsageError(f"{wanted_by} needs {' and '.join(packages)}; `pip install {' '.join(packages)}`")
