"""Write the review page of one or more runs.

    python -m dcgan_mri.review result
    python -m dcgan_mri.review result_a result_b
"""

import pathlib

from tqdm import tqdm

from dcgan_mri.commandline import Parser
from dcgan_mri.slice_set import Slices
from dcgan_mri.errors import DataError, UsageError, UserError, shown_to_user
from dcgan_mri.review.page import Page
from dcgan_mri.run import reading, result_folder

PROGRAM = "dcgan_mri.review"


def main(argv=None):
    """Write the page.

    Args:
        argv (list of str): Command line without the program; None takes the process's own.
    """
    with shown_to_user(PROGRAM):
        args = parse(argv)
        slices = [slices_of(folder, args.dataset) for folder in args.results]
        alone = pathlib.Path(args.results[0]) / result_folder.PAGE
        path = pathlib.Path(args.out or (alone if len(args.results) == 1 else "comparison.html"))
        try:
            Page(args.results, slices, path, args.public).write(
                lambda grids: tqdm(grids, unit="epoch", desc="small pictures"))
        except OSError as error:
            raise DataError(f"{error.filename or path}: cannot write it ({error.strerror}); "
                            f"give another file by -o") from None
        print(f"{path} is written, {path.stat().st_size / 1e6:.1f} MB; open it in a browser. "
              f"It shows training slices: treat it as you treat the data.")


def parse(argv):
    """Read the command line.

    Args:
        argv (list of str): Without the program; None takes the process's own.

    Returns:
        argparse.Namespace: The options.

    Raises:
        UsageError: If it is wrong.
    """
    parser = Parser(
        prog="python -m dcgan_mri.review",
        description="Write the review page of a run: a single HTML file that needs no network. Several runs stand\n"
                    "side by side, aligned by epoch.",
        epilog="examples:\n"
               "  python -m dcgan_mri.review result                        writes result/index.html\n"
               "  python -m dcgan_mri.review with without -o both.html     compares two runs")
    parser.add_argument("results", nargs="+", metavar="RESULT",
                        help="result folder of a training, also of one under way")
    parser.add_argument("-i", "--dataset", metavar="DIR",
                        help="slice set of the runs (default: where each says that its slices were)")
    parser.add_argument("-o", "--out", metavar="FILE",
                        help="page to write (default: index.html in the result folder; comparison.html for several)")
    parser.add_argument("--public", action="store_true",
                        help="leave out host name, command line and paths, and links to the files beside the page; the "
                             "training slices stay in it")
    args = parser.parse_args(argv)
    if len({pathlib.Path(folder).resolve() for folder in args.results}) < len(args.results):
        raise UsageError(f"{' '.join(args.results)}: a folder is named twice; name each once")
    return args


def slices_of(folder, dataset):
    """The training slices of a run.

    Args:
        folder (str): Result folder.
        dataset (str): Where the user says they are; None takes the run's place.

    Returns:
        Slices: The slices; None if the run's own place no longer has them.

    Raises:
        DataError: If the user's folder is no slice set.
        UsageError: If its slices have another size, or are of fewer subjects than the run's.
    """
    run = reading.read(folder)
    if dataset is not None:
        return Slices(dataset, run.config.image_size, n_subjects=run.config.n_subjects)
    place = run.starts[-1].get("dataset") if run.starts else None
    try:
        if isinstance(place, str):
            slices = Slices(place, run.config.image_size, n_subjects=run.config.n_subjects)
            return slices if result_folder.was_trained_on(folder, slices) else None
    except UserError:
        pass
    return None


if __name__ == "__main__":
    main()
