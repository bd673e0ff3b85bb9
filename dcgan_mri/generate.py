"""Make images with a trained generator.

    python -m dcgan_mri.generate result/generator.npz -o samples
"""

from dcgan_mri.distributed.threads import before_numpy, limit_threads

before_numpy()

import dataclasses
import re
import reprlib

import numpy as np
from mpi4py import MPI
from PIL import Image
from tqdm import tqdm

from dcgan_mri import grid, provenance
from dcgan_mri.run import result_folder, snapshots
from dcgan_mri.chainer_compat import chainer
from dcgan_mri.commandline import Parser, add_kernels, check_installed, say
from dcgan_mri.distributed import device
from dcgan_mri.distributed.failure import abort_job_on_error, together
from dcgan_mri.errors import UsageError
from dcgan_mri.files import write_text
from dcgan_mri.kernels import backends
from dcgan_mri.pixels import grey, save_png
from dcgan_mri.sampling import sample

PROGRAM = "dcgan_mri.generate"
# What --format takes, and the endings of each image's files.
FORMATS = {"png": ("png",), "png,dicom": ("png", "dcm")}
MAX_SEED = 2**63 - 1
MAX_IMAGES = 10**6


def main(argv=None):
    """Make images.

    Args:
        argv (list of str): Command line without the program; None takes the process's own.
    """
    ranks = MPI.COMM_WORLD
    abort_job_on_error(PROGRAM, if_out_of_memory="use --gpu off")
    with together(ranks, PROGRAM) as ready:
        args = parse(argv, prints=ranks.rank == 0)
        asked = chosen_seeds(args)
        seeds = list(dict.fromkeys(asked))
        if "dcm" in FORMATS[args.format]:
            check_installed("--format png,dicom", "pydicom")
        ready.agree()
        node = ranks.Split_type(MPI.COMM_TYPE_SHARED)
        limit_threads(node)
        my_device = device.choose(args.gpu, node.rank)
        gen, config = snapshots.load_generator(args.generator)
        generator = provenance.sha256(args.generator)
        if ranks.rank == 0:
            result_folder.open_new(args.out)
    chainer.get_device(my_device.spec).use()
    backends.use(args.kernels, on_gpu=my_device.spec != "@numpy")
    gen.to_device(my_device.spec)
    gen.dropout_when_sampling = config.dropout_when_sampling or args.dropout

    mine = seeds[ranks.rank::ranks.size]
    with result_folder.whole_folder(args.out, ranks.rank == 0) as out:
        pictures = sample(gen, mine, config)
        for seed, picture in tqdm(zip(mine, pictures, strict=True), total=len(mine), unit="image", desc="images",
                                  disable=ranks.rank != 0):
            save_png(out / file_name(seed), grey(picture) if args.grey else picture)
            if "dcm" in FORMATS[args.format]:
                from dcgan_mri.dicom import secondary_capture  # pydicom is an extra

                secondary_capture.save(
                    out / file_name(seed, "dcm"), picture, seed, generator, gen.dropout_when_sampling)
        ranks.Barrier()
        if ranks.rank == 0:
            shown = np.stack([np.array(Image.open(out / file_name(seed))) for seed in seeds[:grid.IMAGES]])
            save_png(out / "grid.png", grid.draw(shown, f"{len(shown)} generated images by seed", seeds[:grid.IMAGES]))
            write_text(out / "config.yaml", dataclasses.replace(
                config, dropout_when_sampling=gen.dropout_when_sampling).to_yaml())
            provenance.write_table(
                out, {file_name(seed, ending): seed for seed in seeds for ending in FORMATS[args.format]}, generator)
    if ranks.rank == 0:
        some = f", the first {grid.IMAGES} of them" if len(seeds) > grid.IMAGES else ""
        twice = " (what --seeds names more than once is made once)" if len(seeds) < len(asked) else ""
        say(f"{len(seeds)} images in {args.out}, one for each seed{twice}; {args.out}/grid.png shows them{some}")


def parse(argv, prints):
    """Read the command line.

    Args:
        argv (list of str): Without the program; None takes the process's own.
        prints (bool): Whether this rank prints the help.

    Returns:
        argparse.Namespace: The options.

    Raises:
        UsageError: If it is wrong.
    """
    parser = Parser(
        prints, prog="python -m dcgan_mri.generate",
        description="Make images with a trained generator: a PNG for each seed, and a grid of the first 100.",
        epilog="An image depends on its seed alone: not on the others, the batch, or the number of ranks. The sample\n"
               "grids of a training show seeds 0 to 99.\n\nexamples:\n"
               "  python -m dcgan_mri.generate result/generator.npz -o samples             the paper's stack of 100\n"
               "  python -m dcgan_mri.generate result/generator.npz -o more --seeds 7,100-149\n"
               "  mpiexec -n 4 python -m dcgan_mri.generate result/generator.npz -o many -n 10000")
    parser.add_argument("generator", metavar="FILE", help="generator.npz of a run, or one of its snapshots")
    parser.add_argument("-o", "--out", default="samples", metavar="DIR", help="new folder (default %(default)s)")
    parser.add_argument("-n", "--number", type=int, metavar="N", help="number of images (default 100)")
    parser.add_argument("--seed", type=int, metavar="S", help="seed of the first image, the next has S + 1 (default 0)")
    parser.add_argument("--seeds", metavar="LIST", help="seeds one by one or as ranges, such as 0-99 or 1,5,20-29")
    parser.add_argument("--format", choices=FORMATS, default="png", metavar="LIST",
                        help="png, or png,dicom: each image also as a DICOM object that is marked as synthetic "
                             "(needs pydicom; default %(default)s)")
    parser.add_argument("--dropout", action="store_true",
                        help="leave G's dropout on, as pix2pix does (default: as in the training's settings, off)")
    parser.add_argument("--grey", action="store_true",
                        help="take the mean of the three channels: without the colour cast that a generator may have")
    add_kernels(parser)
    parser.add_argument("-g", "--gpu", choices=("auto", "on", "off"), default="auto",
                        help="use CUDA if there is a GPU, insist on it, or do without (default %(default)s)")
    return parser.parse_args(argv)


def chosen_seeds(args):
    """The image seeds that the options ask for.

    Args:
        args (argparse.Namespace): The options.

    Returns:
        list of int: Seeds, in the order given.

    Raises:
        UsageError: If the options contradict one another or a number is out of range.
    """
    if args.seeds is not None:
        if args.seed is not None or args.number is not None:
            raise UsageError("--seeds names every image; leave out --seed and -n")
        return parse_seeds(args.seeds)
    first = 0 if args.seed is None else args.seed
    number = grid.IMAGES if args.number is None else args.number
    if not 1 <= number <= MAX_IMAGES:
        raise UsageError(f"-n {number}: must be from 1 to {MAX_IMAGES}")
    if not 0 <= first <= MAX_SEED - number:
        raise UsageError(f"--seed {first}: must be from 0 to {MAX_SEED - number}")
    return list(range(first, first + number))


def parse_seeds(text):
    """Read a list of seeds.

    Args:
        text (str): Numbers and ranges with commas between them, for example ``1,5,20-29``.

    Returns:
        list of int: Seeds, in the order given.

    Raises:
        UsageError: If it is not such a list.
    """
    seeds = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*([0-9]{1,19})(?:-([0-9]{1,19}))?\s*", part)
        if match is None:
            raise UsageError(
                f"--seeds: {reprlib.repr(part)} is neither a seed from 0 to {MAX_SEED} nor a range such as 0-99")
        first, last = int(match[1]), int(match[2] or match[1])
        if last > MAX_SEED:
            raise UsageError(f"--seeds: {last} is too large; the largest seed is {MAX_SEED}")
        if first > last:
            raise UsageError(f"--seeds: the range {first}-{last} runs backwards; write {last}-{first}")
        if len(seeds) + last - first >= MAX_IMAGES:
            raise UsageError(f"--seeds: more than {MAX_IMAGES} images; ask for fewer at a time")
        seeds += range(first, last + 1)
    return seeds


def file_name(seed, ending="png"):
    """Name of an image's file.

    Args:
        seed (int): Its seed.
        ending (str): What stands behind the dot.

    Returns:
        str: For example ``seed00042.png``.
    """
    return f"seed{seed:05d}.{ending}"


if __name__ == "__main__":
    main()
