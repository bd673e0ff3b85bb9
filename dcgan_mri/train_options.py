"""The command line of `dcgan_mri.train`."""

from dcgan_mri import config as settings
from dcgan_mri.commandline import Parser, add_kernels, add_settings
from dcgan_mri.distributed import communicator
from dcgan_mri.errors import UsageError
from dcgan_mri.kernels import convolution_cuda
from dcgan_mri.kernels.graph import CHOICES


# What a run's folder does not say, and whoever goes on with the run would have to repeat.
OF_A_START = ("snapshot_interval", "keep_snapshots", "measures", "page", "grid", "grey", "gpu", "communicator",
              "allreduce_dtype", "kernels", "precision", "graph", "self_test", "timeout", "progress")


def parse(argv, prints):
    """Read the command line.

    Args:
        argv (list of str): Without the program; None takes the process's own.
        prints (bool): Whether this rank prints the help.

    Returns:
        argparse.Namespace: Options; settings of `Config` only where given. ``repeated`` is what the command that goes
        on with the run has to repeat of them.

    Raises:
        UsageError: If it is wrong.
    """
    parser = Parser(
        prints, prog="python -m dcgan_mri.train",
        description="Train a DCGAN on a set of brain slices, as in the paper; alone or under mpiexec.",
        epilog="examples:\n"
               "  mpiexec -n 4 python -m dcgan_mri.train                 the paper's training on four ranks\n"
               "  python -m dcgan_mri.train -o result -r                 go on where that run stopped\n"
               "  python -m dcgan_mri.train -e 2 --max-iterations 20     a look at whether it works\n"
               "Settings come from the preset, then from --config, then from the options above. A run that goes on\n"
               "(-r) keeps its own: only epoch, step sizes, beta1, weight_decay and, by --config alone,\n"
               "dropout_when_sampling may change, and each change is named.\n\n"
               "exit status: 0 finished, 1 data or machine, 2 usage, 75 interrupted by a signal with a snapshot to go\n"
               "on from (SIGTERM, SIGUSR1 or Ctrl-C on any rank; Ctrl-C twice stops at once).")
    files = parser.add_argument_group("what to train on, where to put the results")
    files.add_argument("-i", "--dataset", metavar="DIR",
                       help="slice set made by `python -m preprocess build` (default data/slices; with -r that of "
                            "the run)")
    files.add_argument("-o", "--out", default="result", metavar="DIR", help="result folder (default %(default)s)")
    files.add_argument("-r", "--resume", nargs="?", const="auto", metavar="FILE",
                       help="go on from the newest snapshot in the result folder, or from FILE")
    files.add_argument("--snapshot-interval", type=int, default=1, metavar="N",
                       help="epochs between snapshots (default %(default)s)")
    files.add_argument("--keep-snapshots", type=int, default=2, metavar="N",
                       help="newest snapshots to keep, 426 MB each (default %(default)s)")
    files.add_argument("--max-iterations", type=int, metavar="N", help="stop after N iterations (default: all epochs)")
    looks = parser.add_argument_group("looking at it")
    looks.add_argument("--measures", choices=("auto", "on", "off"), default="auto",
                       help="measure the sample grid after every epoch and keep generator_best.npz; auto leaves epochs "
                            "out where this would take more than 5 %% of the time (default %(default)s)")
    looks.add_argument("--page", choices=("on", "off"), default="on",
                       help="write the review page, index.html, after every epoch, or where epochs are short after so "
                            "many (default %(default)s)")
    looks.add_argument("--grid", choices=("labelled", "bare"), default="labelled",
                       help="sample grids with gaps, the epoch, and the seeds at the edges; or the images alone, "
                            "2560×2560 as in the paper (default %(default)s)")
    looks.add_argument("--grey", action="store_true",
                       help="sample grids in grey, the mean of the network's three channels: a third of the file size "
                            "(default: in colour)")
    which = parser.add_argument_group("which settings")
    which.add_argument("--preset", choices=settings.PRESETS,
                       help="paper: its numbers, its words read as its released code does; released: that code's "
                            "numbers too; literal: its words as they stand; improved: beyond the paper (default paper)")
    which.add_argument("--config", metavar="FILE", help="YAML file with settings, such as a run's config.yaml")
    numbers = parser.add_argument_group("settings of the training")
    add_settings(numbers, {"epoch": ("-e",), "batchsize": ("-b",), "n_subjects": (), "optimizer": (), "alpha": (),
                           "beta1": (), "learning_rate": (), "weight_decay": (), "loss": (), "weight_clip": (),
                           "gradient_penalty": (), "r1": (), "augment": (), "ema": (), "update": (),
                           "critic_steps": (), "seed": ()})
    nets = parser.add_argument_group("settings of the networks")
    add_settings(nets, {"n_z": ("-n",), "dropout": (), "dropout_at_output": (), "noise_sigma": (), "pixel_range": (),
                        "image_size": (), "width": (), "gen_activation": (), "gen_output": (), "grey_output": (),
                        "last_conv": (), "upsampling": (), "deconv_kernel": (), "dis_activation": (),
                        "dis_last_activation": (), "dis_bn": ()})
    machine = parser.add_argument_group("the machine")
    machine.add_argument("-g", "--gpu", choices=("auto", "on", "off"), default="auto",
                         help="use CUDA if there is a GPU, insist on it, or do without (default %(default)s)")
    machine.add_argument("--communicator", choices=communicator.NAMES, default="auto",
                         help="auto takes naive without a GPU, pure_nccl if every rank has its own, and host "
                              "if ranks share one (default %(default)s)")
    machine.add_argument("--allreduce-dtype", choices=("float16", "float32"), default="float32",
                         help="what gradients travel as with pure_nccl (default %(default)s)")
    add_kernels(machine)
    machine.add_argument("--precision", choices=convolution_cuda.PRECISIONS, default="tf32",
                         help="what convolutions on a GPU multiply in: tf32 (10 bits of mantissa, as in PyTorch), "
                              "float32, or fp16 (losses are not scaled: gradients below 6e-8 vanish); weights "
                              "and sums stay float32, and on a CPU all is (default %(default)s)")
    machine.add_argument("--graph", choices=CHOICES, default="auto",
                         help="capture the training step as a CUDA graph, which spares Python's time; auto does so "
                              "with one process on a GPU where it can (default %(default)s)")
    machine.add_argument("--self-test", choices=("on", "off"), default="on",
                         help="on a GPU, try the fast code against Chainer's own first, a few seconds; what fails "
                              "is not used (default %(default)s)")
    machine.add_argument("--timeout", type=float, default=600.0, metavar="S",
                         help="seconds without progress after which a job of several ranks ends itself and names "
                              "the rank that hangs; 0 waits for ever (default %(default)g)")
    machine.add_argument("--progress", choices=("auto", "bar", "lines"), default="auto",
                         help="a progress bar, or a line a minute for logs (default: bar on a terminal)")
    args = parser.parse_args(argv)
    for name in ("snapshot_interval", "max_iterations", "keep_snapshots"):
        value = getattr(args, name)
        if value is not None and value < 1:
            raise UsageError(f"--{name.replace('_', '-')} {value}: must be at least 1")
    if not 0 <= args.timeout < float("inf"):
        raise UsageError(f"--timeout {args.timeout:g}: must be a number of seconds, or 0")
    given = {name: getattr(args, name) for name in OF_A_START if getattr(args, name) != parser.get_default(name)}
    args.repeated = [word for name, value in given.items()
                     for word in (f"--{name.replace('_', '-')}", value) if word is not True]
    return args
