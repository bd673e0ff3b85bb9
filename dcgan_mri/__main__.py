"""What programs there are.

    python -m dcgan_mri
"""

from dcgan_mri.commandline import Parser, say
from dcgan_mri.errors import shown_to_user

PROGRAM = "dcgan_mri"
PROGRAMS = {
    "train": "train on a set of slices, alone or under mpiexec",
    "generate": "make images with a trained generator",
    "evaluate": "measure images against real slices",
    "review": "write the page on which one looks at a run, or compares some",
    "package": "pack a generator for those who have no Chainer (needs onnx)",
    "archive": "bring images into a DICOMweb archive (needs pydicom and requests)",
    "reader_study": "find out whether people can tell the images from real slices (needs statsmodels)",
    "networks": "print Tables I and II as they are computed",
}


def main(argv=None):
    """List the programs.

    Args:
        argv (list of str): Command line without the program; None takes the process's own.
    """
    with shown_to_user(PROGRAM):
        Parser(prog="python -m dcgan_mri", description="List the programs.").parse_args(argv)
        lines = [f"  python -m dcgan_mri.{name:14}{text}" for name, text in PROGRAMS.items()]
        say("\n".join(["Programs; each explains itself with --help:", *lines, "",
                       "The slices to train on are made by python -m preprocess."]))


if __name__ == "__main__":
    main()
