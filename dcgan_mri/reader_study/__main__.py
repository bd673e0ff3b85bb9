"""The visual Turing test: can people tell generated images from real slices?

    python -m dcgan_mri.reader_study make result/generator.npz -i data/slices -o study
    python -m dcgan_mri.reader_study score study answers/*.json
"""

import json
import pathlib

import numpy as np

from dcgan_mri import provenance
from dcgan_mri.commandline import Parser, check_installed
from dcgan_mri.errors import DataError, UsageError, shown_to_user
from dcgan_mri.files import write_text
from dcgan_mri.kernels import backends
from dcgan_mri.reader_study import design, images
from dcgan_mri.reader_study.answers import collect, read_key
from dcgan_mri.reader_study.page import page
from dcgan_mri.review.status import is_phantom
from dcgan_mri.run import result_folder, snapshots
from dcgan_mri.run.resume import DATASET
from dcgan_mri.slice_set import Slices

PROGRAM = "dcgan_mri.reader_study"


def main(argv=None):
    """Make a study, or score it.

    Args:
        argv (list of str): Command line without the program; None takes the process's own.
    """
    with shown_to_user(PROGRAM):
        args = parse(argv)
        args.command(args)


def make(args):
    """Write the readers' pages and the key.

    Args:
        args (argparse.Namespace): The options.
    """
    gen, config = snapshots.load_generator(args.generator)
    training = Slices(args.dataset, config.image_size, n_subjects=config.n_subjects)
    held_out = Slices(args.dataset, config.image_size, split="held-out")
    if not result_folder.was_trained_on(pathlib.Path(args.generator).parent, training):
        raise DataError(
            f"{args.dataset}: not the slices that {args.generator} was trained on; give those by -i, or the generator "
            f"may know the held-out subjects")
    rng = np.random.default_rng(args.seed)
    backends.use("fast")
    made = images.generated(gen, config, training, args.synthetic + design.PRACTICE, rng)
    chosen = made + images.real(held_out, [image.level for image in made], args.real + design.PRACTICE, rng)
    real = np.array([image.real for image in chosen])
    repeats = design.chosen_repeats(real, args.repeats, rng)
    readers = [design.trials(real, repeats, mine) for mine in rng.spawn(args.readers)]
    key = design.key_of(chosen, readers, {
        "margin": args.margin, "generator": args.generator, "generator_sha256": provenance.sha256(args.generator),
        "dataset": args.dataset, "slices_sha256": held_out.fingerprint, "seed": args.seed})
    result_folder.open_new(args.out)
    with result_folder.whole_folder(args.out) as out:
        (out / "pages").mkdir()
        for number, mine in enumerate(readers, start=1):
            write_text(out / "pages" / f"reader_{number}.html", page(key["study"], number, mine, chosen))
        write_text(out / "key.json", json.dumps(key, indent=1) + "\n")
    patients = "" if is_phantom(training) else " The pages show slices of patients: treat them as you treat the data."
    print(f"{args.out}/pages has a page for each of {args.readers} readers: send each reader one. {args.out}/key.json "
          f"says which images are real: do not pass it on.{patients}")


def score(args):
    """Print what the answers say.

    Args:
        args (argparse.Namespace): The options.
    """
    from dcgan_mri.reader_study import report, scores  # need statsmodels, which `parse` looked for

    key = read_key(args.study)
    counted, left_out = collect(args.answers, key)
    if not counted:
        raise DataError("no file of answers can be counted: " + "; ".join(f"{path} {why}" for path, why in left_out))
    print(report.report(key, scores.sheet_of(key, counted), list(counted), left_out, np.random.default_rng(0)))


def parse(argv):
    """Read the command line.

    Args:
        argv (list of str): Without the program; None takes the process's own.

    Returns:
        argparse.Namespace: The options; ``command`` is what to do.

    Raises:
        UsageError: If it is wrong, or the extra is not installed.
    """
    parser = Parser(
        prog="python -m dcgan_mri.reader_study",
        description="The visual Turing test: can people tell generated images from real slices of held-out subjects?",
        epilog="examples:\n"
               "  python -m dcgan_mri.reader_study make result/generator.npz -i data/slices -o study\n"
               "  python -m dcgan_mri.reader_study score study answers/*.json")
    commands = parser.add_subparsers(required=True, metavar="make|score")
    making = commands.add_parser("make", help="write a page for each reader, and the key",
                                 description="Write a page for each reader, and the key that stays behind.")
    making.set_defaults(command=make)
    making.add_argument("generator", metavar="FILE", help="generator.npz of a run, or one of its snapshots")
    making.add_argument("-i", "--dataset", default=DATASET, metavar="DIR",
                        help="the slice set of the training, made with --split: real images come from its held-out "
                             "subjects (default %(default)s)")
    making.add_argument("-o", "--out", default="study", metavar="DIR", help="new folder (default %(default)s)")
    making.add_argument("--real", type=int, default=50, metavar="N", help="real slices (default %(default)s)")
    making.add_argument("--synthetic", type=int, default=50, metavar="N", help="generated images (default %(default)s)")
    making.add_argument("--repeats", type=int, default=10, metavar="N",
                        help="images that a reader sees twice, to measure agreement with oneself (default %(default)s)")
    making.add_argument("--readers", type=int, default=5, metavar="N", help="readers (default %(default)s)")
    making.add_argument("--margin", type=float, default=0.1, metavar="X",
                        help="how far from a half the share of right answers may be for `score` to call it equivalent "
                             "to guessing; fixed here, before anyone answers (default %(default)s)")
    making.add_argument("--seed", type=int, default=1, metavar="S",
                        help="of the choice of images and of the orders (default %(default)s)")
    scoring = commands.add_parser("score", help="say what the readers' answers mean",
                                  description="Say what the readers' answers mean.")
    scoring.set_defaults(command=score)
    scoring.add_argument("study", metavar="DIR", help="folder that `make` wrote")
    scoring.add_argument("answers", nargs="+", metavar="FILE", help="what the readers sent")
    args = parser.parse_args(argv)
    if args.command is make:
        check_make(args)
    else:
        check_installed("score", "statsmodels")
    return args


def check_make(args):
    """Refuse numbers that make no study.

    Args:
        args (argparse.Namespace): The options.

    Raises:
        UsageError: With the option and what it takes.
    """
    fewest = {"real": 2, "synthetic": 2, "repeats": 0, "readers": 1, "seed": 0}
    for name, low in fewest.items():
        if getattr(args, name) < low:
            raise UsageError(f"--{name} {getattr(args, name)}: must be at least {low}")
    if args.repeats > min(args.real, args.synthetic):
        raise UsageError(f"--repeats {args.repeats}: must be at most the smaller of --real and --synthetic")
    if not 0 < args.margin < 0.5:
        raise UsageError(f"--margin {args.margin}: must be above 0 and below 0.5")


if __name__ == "__main__":
    main()
