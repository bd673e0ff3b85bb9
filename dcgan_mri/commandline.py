"""The command lines' common ground: one line for an error, help from one rank only, settings as options."""

import argparse
import dataclasses
import os
import sys

from dcgan_mri.config import PRESETS, Config
from dcgan_mri.errors import UsageError
from dcgan_mri.kernels import backends


class Parser(argparse.ArgumentParser):
    """A parser for programs that may run on many ranks.

    Args:
        speaks (bool): Whether this process prints the help; false on every rank but the first.
        **kwargs: As for `argparse.ArgumentParser`.
    """

    def __init__(self, speaks=True, **kwargs):
        super().__init__(allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter, **kwargs)
        self.speaks = speaks

    def error(self, message):
        """Raise a `UsageError` in place of printing the usage on every rank."""
        raise UsageError(f"{message}; --help lists the options")

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
