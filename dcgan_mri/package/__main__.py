"""Package a trained generator for those who have no Chainer.

    python -m dcgan_mri.package result/generator_best.npz -o flair_dcgan.zip
"""

import json
import pathlib
import re
import zipfile

from dcgan_mri.commandline import Parser, check_installed
from dcgan_mri.errors import DataError, UsageError, shown_to_user
from dcgan_mri.files import whole_file
from dcgan_mri.package import card
from dcgan_mri.review.__main__ import slices_of
from dcgan_mri import provenance
from dcgan_mri.run import reading, snapshots

PROGRAM = "dcgan_mri.package"
SHIPPED = pathlib.Path(__file__).parent / "shipped"


def main(argv=None):
    """Write the package.

    Args:
        argv (list of str): Command line without the program; None takes the process's own.
    """
    with shown_to_user(PROGRAM):
        args = parse(argv)
        from dcgan_mri.package import graph  # needs onnx, which `parse` looked for

        gen, config = snapshots.load_generator(args.model)
        run = reading.read(args.model.parent)
        entry = reading.entry_of(run, args.model)
        if config.dropout_when_sampling:
            raise DataError(
                f"{args.model}: dropout is left on when sampling, which the package cannot do; go on with the run with "
                f"dropout_when_sampling: false in a --config file, and package the generator that comes of it")
        evaluation = read_evaluation(args.evaluation, args.model)
        files = {
            "generator.onnx": graph.model_of(gen, config).SerializeToString(),
            "README.md": card.model_card(run, entry, slices_of(run.folder, None), evaluation, args.data),
            "metadata.json": json.dumps(card.metadata(args.out.stem, run, entry, args.data), indent=2) + "\n",
            "config.yaml": config.to_yaml(),
            **{file.name: file.read_bytes() for file in sorted(SHIPPED.glob("*.py"))}}
        write(args.out, files)
        print(f"{args.out} is written, {args.out.stat().st_size / 1e6:.1f} MB; read {args.out.stem}/README.md in it "
              f"before you pass it on")


def parse(argv):
    """Read the command line.

    Args:
        argv (list of str): Without the program; None takes the process's own.

    Returns:
        argparse.Namespace: The options.

    Raises:
        UsageError: If it is wrong, or the extra is not installed.
    """
    parser = Parser(
        prog="python -m dcgan_mri.package",
        description="Package a generator of a run as ONNX, with a program that needs only numpy, onnxruntime and\n"
                    "pillow, medigan's metadata and a model card.",
        epilog="examples:\n"
               "  python -m dcgan_mri.package result/generator_best.npz -o flair_dcgan.zip\n"
               "  python -m dcgan_mri.package result/snapshot_iter_900.npz -o epoch10.zip --evaluation evaluation \\\n"
               "      --data \"BraTS 2020 training data, free for research after registration\"")
    parser.add_argument("model", type=pathlib.Path, metavar="MODEL",
                        help="generator_best.npz, generator.npz or a snapshot in the result folder of a training")
    parser.add_argument("-o", "--out", required=True, type=pathlib.Path, metavar="NAME.zip",
                        help="new file; letters, digits and underscores, since NAME is a Python package for medigan")
    parser.add_argument("--evaluation", metavar="DIR",
                        help="folder that `python -m dcgan_mri.evaluate MODEL -o DIR` wrote (default: the model card "
                             "has the KID that the training measured after that epoch, and copies as not measured)")
    parser.add_argument("--data", default="not stated", metavar="TEXT",
                        help="for the model card: what data the slices are from and under which licence "
                             "(default: %(default)s)")
    args = parser.parse_args(argv)
    if not re.fullmatch(r"[A-Za-z0-9_]+\.zip", args.out.name):
        raise UsageError(f"-o {args.out}: must be letters, digits and underscores, then .zip")
    if args.out.exists():
        raise UsageError(f"-o {args.out}: exists already; give another file")
    check_installed("the package", "onnx")
    return args


def read_evaluation(folder, generator):
    """What `evaluate` found out about the generator.

    Args:
        folder (str): Where it wrote; None for nowhere.
        generator (Path): The generator.

    Returns:
        dict: From ``evaluation.json``; None without a folder.

    Raises:
        DataError: If it cannot be read or is about other images.
    """
    if folder is None:
        return None
    path = pathlib.Path(folder) / "evaluation.json"
    try:
        evaluation = json.loads(path.read_text(encoding="utf-8"))
        images, judged = evaluation["images"], evaluation["generator_sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{path}: cannot read it ({reason}); give the folder that `evaluate` wrote") from None
    if judged != provenance.sha256(generator):
        raise DataError(f"{path}: is about {images} as it was then, not about {generator}; "
                        f"`python -m dcgan_mri.evaluate {generator} -o DIR` writes the one to give")
    return evaluation


def write(path, files):
    """Write the archive: one folder with the files in it, the same bytes for the same files.

    Args:
        path (Path): The archive.
        files (dict): Name to bytes or str.
    """
    with whole_file(path) as file, zipfile.ZipFile(file, "w") as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(f"{path.stem}/{name}")
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)


if __name__ == "__main__":
    main()
