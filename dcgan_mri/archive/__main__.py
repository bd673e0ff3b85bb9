"""Bring generated images into an archive of medical images, and see which are there.

    python -m dcgan_mri.archive push samples --url http://127.0.0.1:8042/dicom-web
    python -m dcgan_mri.archive list
"""

import collections
import os

from tqdm import tqdm

from dcgan_mri.archive import PASSWORD
from dcgan_mri.commandline import Parser, check_installed
from dcgan_mri.errors import DataError, UsageError, shown_to_user

PROGRAM = "dcgan_mri.archive"


def main(argv=None):
    """Do what the command line says.

    Args:
        argv (list of str): Command line without the program; None takes the process's own.
    """
    with shown_to_user(PROGRAM):
        args = parse(argv)
        check_installed("the archive", "pydicom", "requests")
        from dcgan_mri.archive.dicomweb import Archive  # requests and pydicom are extras

        password = os.environ.get(PASSWORD)
        if args.user and password is None:
            raise UsageError(f"--user {args.user}: needs the password in the environment variable {PASSWORD}")
        args.run(Archive(args.url, args.user, password), args)


def parse(argv):
    """Read the command line.

    Args:
        argv (list of str): Without the program; None takes the process's own.

    Returns:
        argparse.Namespace: The options.

    Raises:
        UsageError: If it is wrong.
    """
    parser = Parser(prog="python -m dcgan_mri.archive", description="Generated images in a DICOMweb archive.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    push = commands.add_parser(
        "push", help="store the images of a folder", description="Store the .dcm files of a folder, and check that the "
        "archive gives back the same pixels. Run again, it goes on where it stopped.")
    push.set_defaults(run=push_folder)
    push.add_argument("folder", metavar="DIR", help="folder that `generate --format png,dicom` made")
    push.add_argument("--batch", type=int, default=50, metavar="N", help="images sent at once (default %(default)s)")
    push.add_argument("--dry-run", action="store_true", help="send nothing, say what would be sent")
    listing = commands.add_parser(
        "list", help="show what synthetic images are there", description="Show the archive's studies of synthetic "
        "images, one for each generator.")
    listing.set_defaults(run=list_studies)
    for command in (push, listing):
        command.add_argument("--url", default="http://127.0.0.1:8042/dicom-web",
                             help="DICOMweb service of the archive (default %(default)s)")
        command.add_argument("--user", metavar="NAME",
                             help=f"name to log in with; the password is read from the environment variable {PASSWORD}")
    args = parser.parse_args(argv)
    if not args.url.startswith(("http://", "https://")):
        raise UsageError(f"--url {args.url}: must begin with http:// or https://")
    if args.command == "push" and args.batch < 1:
        raise UsageError(f"--batch {args.batch}: must be at least 1")
    return args


def push_folder(archive, args):
    """Store the images of a folder.

    Args:
        archive (dcgan_mri.archive.dicomweb.Archive): Where to.
        args (argparse.Namespace): The options.

    Raises:
        DataError: If one of them is not stored in the end; says how many are.
    """
    from dcgan_mri.archive.push import State, push, synthetic_files

    files = synthetic_files(args.folder)
    archive.synthetic_studies()  # a wrong URL answers 404 to this too; below that means "not there yet"
    count, failed = collections.Counter(), []
    try:
        for file, state in tqdm(push(archive, files, args.batch, send=not args.dry_run), total=len(files),
                                unit="image", desc="images", disable=None):
            count[state] += 1
            if state in (State.REFUSED, State.DIFFERS):
                failed.append(f"{file}: {state.value}")
    except DataError as error:
        raise DataError(f"{error}; {count[State.WAS_THERE] + count[State.STORED]} of {len(files)} images are known "
                        f"to be there, push again to go on") from None
    there = count[State.WAS_THERE] + count[State.STORED]
    if failed:
        raise DataError(f"{len(failed)} of {len(files)} images are not stored, the first is {failed[0]} "
                        f"({there} are there)")
    if args.dry_run:
        print(f"{count[State.ABSENT]} of {len(files)} images would be sent to {archive.url}, {there} are there")
    else:
        print(f"{there} images are in {archive.url}, {count[State.STORED]} of them new")


def list_studies(archive, args):
    """Print a line for each study.

    Args:
        archive (dcgan_mri.archive.dicomweb.Archive): Where to look.
        args (argparse.Namespace): The options.
    """
    studies = archive.synthetic_studies()
    for study in sorted(studies, key=lambda study: study.PatientID):
        print(f"{study.PatientID}  {study.NumberOfStudyRelatedInstances} images  study {study.StudyInstanceUID}")
    if not studies:
        print(f"{archive.url} has no synthetic images")


if __name__ == "__main__":
    main()
