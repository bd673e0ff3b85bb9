"""Command line of ``python -m preprocess``."""

import argparse
import contextlib
import difflib
import importlib.metadata
import math
import os
import sys
import time
from pathlib import Path

from preprocess.errors import PreprocessError, UsageError, command, count
from preprocess.pool import default_workers
from preprocess.settings import PAPER_SLICES, Settings, SliceChoice, parse_percents, parse_slices
from preprocess.slices import has_contrast
from preprocess.subjects import MODALITIES, PAPER_SUBJECTS, SUBJECT_PATTERN


class Parser(argparse.ArgumentParser):
    """A parser that takes no abbreviations, and answers a mistake with one line and what was probably meant.

    Args:
        **kwargs: As for :class:`argparse.ArgumentParser`.
    """

    def __init__(self, **kwargs):
        super().__init__(allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter, **kwargs)
        self.commands = ()

    def parse_known_args(self, args=None, namespace=None):
        """Parse; what is unknown is named before what is missing."""
        args = sys.argv[1:] if args is None else args
        if self.commands and args and not args[0].startswith("-"):
            self._check("command", args[0], self.commands)
        for word in () if self.commands else args:
            if word.startswith("--") and word != "--":
                self._check("option", word.partition("=")[0], self._option_string_actions)
        return super().parse_known_args(args, namespace)

    def _check(self, kind, word, known):
        if word not in known:
            close = difflib.get_close_matches(word, known, 1)
            meant = f", did you mean {close[0]}?" if close else "; --help lists them"
            raise UsageError(f"there is no {kind} {word}{meant}")

    def error(self, message):
        """Raise a :class:`UsageError` in place of printing the usage."""
        raise UsageError(f"{message}; --help lists the options")


def _settings(arguments):
    """Settings from parsed arguments."""
    if arguments.slices_mm:
        low, high = arguments.slices_mm
        if not (math.isfinite(low) and math.isfinite(high) and low <= high):
            raise UsageError(f"--slices-mm {low:g} {high:g}: give two positions, the lower first")
        choice = SliceChoice("mm", ((low, high),))
    else:
        choice = parse_slices(arguments.slices)
        if choice.kind == "tumour":
            choice = SliceChoice("tumour", least=arguments.min_tumour_pixels)
    percent, raw = parse_percents(arguments.window), None
    if arguments.window_raw:
        percent, raw = None, tuple(arguments.window_raw)
        if not has_contrast(*raw):
            raise UsageError(f"--window-raw {raw[0]:g} {raw[1]:g}: give two numbers, the lower first")
    return Settings(arguments.modality, choice, percent, raw, arguments.size, arguments.orientation, arguments.channel)


def _build(arguments):
    from preprocess.build import Plan, build

    plan = Plan(
        brats=arguments.brats,
        out=arguments.out,
        subjects=arguments.subjects,
        skip=arguments.skip,
        settings=_settings(arguments),
        split=arguments.split,
        split_seed=arguments.split_seed,
        workers=arguments.jobs,
        keep_going=arguments.keep_going,
        overwrite=arguments.overwrite,
    )
    started = time.monotonic()
    return _report(build(plan, "slicing"), started)


def _import(arguments):
    from preprocess.pictures import import_pictures

    started = time.monotonic()
    return _report(import_pictures(arguments.folder, arguments.out, arguments.subject_pattern, arguments.split,
                                   arguments.split_seed, arguments.overwrite, "reading"), started)


def _report(outcome, started):
    """Say what was made; gives the exit status."""
    for note in outcome.notes:
        print(f"note: {note}", file=sys.stderr)
    for reason in outcome.left_out.values():
        print(f"left out: {reason}", file=sys.stderr)
    what = f"{count(outcome.slices, 'slice')} of {count(outcome.subjects, 'subject')}"
    if outcome.already:
        print(f"{outcome.out}: already complete, {what}; nothing to do")
    else:
        print(f"{outcome.out}: {what} in {time.monotonic() - started:.1f} s; look at {outcome.out / 'overview.png'}")
    return 1 if outcome.left_out else 0


def _phantom(arguments):
    from preprocess.phantom import write_phantoms

    write_phantoms(arguments.out, arguments.subjects, arguments.seed, arguments.jobs, "phantoms")
    print(f"{arguments.out}: {count(arguments.subjects, 'synthetic subject')}; slice them with: "
          f"{command('build', '--brats', arguments.out, '--out', 'DIR', '--subjects', 'all')}")
    return 0


def _inspect(arguments):
    from preprocess.inspection import inspect

    settings, failed = _settings(arguments), False
    for lines, usable in inspect(arguments.path, settings):
        print("\n".join(lines), flush=True)
        failed = failed or not usable
    return 1 if failed else 0


def _verify(arguments):
    from preprocess.slice_set import check_set, read_description, remedy_of

    problems = check_set(arguments.folder)
    for problem in problems:
        print(problem)
    if problems:
        found = count(len(problems), "problem")
        print(f"{arguments.folder}: {found}; {remedy_of(problems)}", file=sys.stderr)
        return 1
    slices = read_description(arguments.folder)["slices"]
    print(f"{arguments.folder}: {count(slices, 'slice')}, all as written")
    return 0


def _positive(text):
    return _number(text, int, lambda value: value >= 1, "a whole number of 1 or more")


def _size(text):
    return _number(text, int, lambda value: 8 <= value <= 4096, "a whole number from 8 to 4096")


def _fraction(text):
    return _number(text, float, lambda value: 0 < value < 1, "a number between 0 and 1")


def _number(text, kind, fits, what):
    with contextlib.suppress(ValueError):
        if fits(kind(text)):
            return kind(text)
    raise argparse.ArgumentTypeError(f"{text} is not {what}")


def _add_slicing(parser):
    """Options that ``build`` and ``inspect`` share."""
    group = parser.add_argument_group("which volumes")
    group.add_argument("--modality", choices=MODALITIES, default="flair", help="which MRI sequence (default: flair)")
    group.add_argument("--channel", type=int, metavar="N",
                       help="which volume of 4-D files, from 0 (Decathlon files: known from --modality)")
    group.add_argument("--orientation", choices=("header", "stored"), default="header",
                       help="header: turn each volume by its own affine (default); stored: take the arrays as BraTS "
                       "stores them (left, back, up), for files whose header lies")
    group = parser.add_argument_group("which slices")
    group.add_argument("--slices", default=PAPER_SLICES, metavar="RANGE",
                       help=f"slice indices from 0 at the bottom, such as 60-107, 75 or 60-80,90; or all; or tumour: "
                       f"slices whose _seg shows tumour (default: {PAPER_SLICES}, the paper's)")
    group.add_argument("--slices-mm", nargs=2, type=float, metavar=("LOW", "HIGH"),
                       help="slices by position along the body in mm, instead of --slices")
    group.add_argument("--min-tumour-pixels", type=_positive, default=1, metavar="N",
                       help="for --slices tumour: the fewest tumour pixels of a slice (default: 1)")
    group = parser.add_argument_group("what they look like")
    group.add_argument("--window", default="0.1,99.9", metavar="LOW,HIGH",
                       help="percentiles of each volume's voxels that become black and white "
                       "(default: 0.1,99.9, as 3D Slicer's automatic window)")
    group.add_argument("--window-raw", nargs=2, type=float, metavar=("LOW", "HIGH"),
                       help="the same window for all volumes, in the files' units, instead of --window")
    group.add_argument("--size", type=_size, default=256, help="side of the images in pixels (default: 256)")


def _add_writing(parser):
    """Options that ``build`` and ``import`` share."""
    group = parser.add_argument_group("how it is written")
    group.add_argument("--split", type=_fraction, metavar="FRACTION",
                       help="hold out this part of the subjects (whole patients); see manifest.csv")
    group.add_argument("--split-seed", type=int, default=0, metavar="S", help="another choice of them (default: 0)")
    group.add_argument("--overwrite", action="store_true", help="replace a set that was made with other settings")
    return group


def make_parser():
    """The command line.

    Returns:
        argparse.ArgumentParser: Its parser.
    """
    parser = Parser(
        prog="python -m preprocess",
        description="From MRI volumes (NIfTI) to a set of axial slices (PNG) that says where each slice comes from.",
    )
    parser.add_argument("--version", action="store_true", help="show program's version number and exit")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    parser.commands = commands.choices
    build = commands.add_parser(
        "build", help="slice volumes into a set",
        description="Slice the volumes of a data folder (BraTS 2018 and later, Decathlon Task01, or a plain folder of\n"
        "NIfTI files) into a set of square 8-bit PNGs with manifest.csv, overview.png and dataset.json.\n"
        "The set appears when it is whole; run again, the same command checks it and does nothing.",
        epilog="examples:\n"
        "  python -m preprocess build --brats MICCAI_BraTS2020_TrainingData --out slices\n"
        "  python -m preprocess build --brats BraTS2021 --out slices --subjects first:15 -j 4\n"
        "  python -m preprocess build --brats Task01_BrainTumour --out slices --subjects all --slices tumour",
    )
    build.add_argument("--brats", type=Path, required=True, metavar="DIR", help="the data set as unpacked")
    build.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the set: new or empty")
    build.add_argument("--subjects", default=PAPER_SUBJECTS, metavar="WHICH",
                       help="numbers such as 001-015, IDs, a list of both with commas, first:15, or all "
                       f"(default: {PAPER_SUBJECTS}, the paper's)")
    build.add_argument("--skip", metavar="WHICH", help="subjects to leave out: numbers, ranges or IDs, with commas")
    _add_slicing(build)
    group = _add_writing(build)
    group.add_argument("-j", "--jobs", type=_positive, default=default_workers(), metavar="N",
                       help="worker processes (default: the cores, here %(default)s)")
    group.add_argument("--keep-going", action="store_true",
                       help="finish the set without the subjects that fail; the exit status is still 1")
    build.set_defaults(run=_build)

    pictures = commands.add_parser(
        "import", help="make a set of PNG slices that are there already",
        description="Make a set of the PNGs of a folder: square, of one size, 8-bit grey or RGB without colour.",
        epilog="example:\n  python -m preprocess import pngs --out slices --subject-pattern '^([^_]+)_'",
    )
    pictures.add_argument("folder", type=Path, metavar="PNGDIR", help="the folder of the PNGs")
    pictures.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the set: new or empty")
    pictures.add_argument("--subject-pattern", default=SUBJECT_PATTERN, metavar="REGEX",
                          help="finds the subject in a file's name: the first group, or all of it if there is none "
                          "(default: %(default)s)")
    _add_writing(pictures)
    pictures.set_defaults(run=_import)

    phantom = commands.add_parser(
        "phantom", help="write synthetic stand-in volumes",
        description="Write synthetic brains with tumours in the layout of BraTS 2020, for those without the data.",
    )
    phantom.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the volumes")
    phantom.add_argument("--subjects", type=_positive, default=15, metavar="N", help="how many (default: 15)")
    phantom.add_argument("--seed", type=int, default=0, metavar="S", help="other brains (default: 0)")
    phantom.add_argument("-j", "--jobs", type=_positive, default=default_workers(), metavar="N",
                         help="worker processes (default: the cores, here %(default)s)")
    phantom.set_defaults(run=_phantom)

    inspect = commands.add_parser(
        "inspect", help="say what volumes are and what build would make of them",
        description="Print shape, spacing, orientation, data type, scaling and percentiles of one volume or of every\n"
        "volume of a data folder, and what build with the same options would do with it.",
    )
    inspect.add_argument("path", type=Path, metavar="FILE|DIR", help="a NIfTI file or a data folder")
    _add_slicing(inspect)
    inspect.set_defaults(run=_inspect)

    verify = commands.add_parser(
        "verify", help="check a set against its manifest",
        description="Hash every file of a set and report each one that is missing, changed or foreign.",
    )
    verify.add_argument("folder", type=Path, metavar="DIR", help="a slice set")
    verify.set_defaults(run=_verify)
    return parser


def _version():
    try:
        return importlib.metadata.version("dcgan_mri")
    except importlib.metadata.PackageNotFoundError:
        return "of a checkout that is not installed"


def main(argv=None):
    """Run the command line.

    Args:
        argv (list of str or None): Arguments; those of the process by default.

    Returns:
        int: Exit status: 0 done, 1 data could not be used, 2 wrong usage, 130 interrupted.
    """
    for stream in (sys.stdout, sys.stderr):
        # File names may have characters that the terminal's encoding lacks.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    parser = make_parser()
    try:
        arguments = parser.parse_args(argv)
        if arguments.version:
            print(f"preprocess {_version()}")
        elif arguments.command is None:
            parser.print_help()
        else:
            return arguments.run(arguments)
        return 0
    except PreprocessError as error:
        print(f"preprocess: error: {error}", file=sys.stderr)
        return error.exit_status
    except BrokenPipeError:
        # The reader, such as head, has seen enough; Python must not try to flush the rest at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("\npreprocess: interrupted; nothing was written", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
