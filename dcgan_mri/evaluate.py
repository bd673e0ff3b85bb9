"""Measure images against real slices.

    python -m dcgan_mri.evaluate result/generator.npz --dataset data/slices
"""

from dcgan_mri.distributed.threads import limit_blas_threads

limit_blas_threads()  # before anything loads NumPy

import dataclasses
import json
import math
import pathlib
import time

import numpy as np
from PIL import Image
from tqdm import tqdm

from dcgan_mri.run import result_folder, snapshots
from dcgan_mri.commandline import Parser
from dcgan_mri.slice_set import NoSlicesError, Slices
from dcgan_mri.errors import DataError, UsageError, shown_to_user
from dcgan_mri.kernels import backends
from dcgan_mri.pixels import save_png
from dcgan_mri.metrics import MEASURES, comparison, features, fid, memorisation
from dcgan_mri.metrics.stack import Stack, cores
from dcgan_mri.review import evaluation
from dcgan_mri.sampling import sample

PROGRAM = "dcgan_mri.evaluate"
# What `dcgan_mri.generate` leaves beside the images.
GRID = "grid.png"
PAIRS = 12


def main(argv=None):
    """Measure.

    Args:
        argv (list of str): Command line without the program; None takes the process's own.
    """
    with shown_to_user(PROGRAM):
        args = parse(argv)
        slices = Slices(args.dataset)
        try:
            held_out = Slices(args.dataset, split="held-out")
        except NoSlicesError:
            held_out = None
        if args.out is not None:
            result_folder.open_new(args.out)
        pictures, groups = read_samples(args, slices.image_size)
        training = slices.batch(range(len(slices)))
        extractor = features.choose(args.features, training / np.float32(255))
        start = time.monotonic()
        samples = Stack(pictures, extractor, groups, threads=cores())
        stacks = [as_stack(part, extractor) for part in (slices, held_out)]
        with tqdm(total=comparison.n_steps(held_out is not None), unit="step", desc="measures") as bar:
            def progress(text):
                bar.set_postfix_str(text, refresh=False)
                bar.update()

            measured, copies = comparison.measure_all(samples, *stacks, progress)
        notes = warnings(len(samples), len(slices), held_out is not None)
        facts = {
            "images": str(args.images), "n_images": len(samples), "dataset": str(args.dataset),
            "n_slices": len(slices), "n_held_out": len(held_out) if held_out else 0,
            "subjects": len(set(slices.subjects)), "features": extractor.name, "seconds": time.monotonic() - start}
        print(table(measured, facts, notes), flush=True)
        if args.out is not None:
            write(pathlib.Path(args.out), measured, facts, notes)
            save_png(pathlib.Path(args.out) / "closest_pairs.png", closest_pairs(samples.grey, training, copies))
            evaluation.write(args.out, pictures, sample_names(args, len(pictures)), slices, copies)
            print(f"{args.out}/index.html shows these numbers and the samples nearest to a training slice; "
                  f"{args.out}/evaluation.json has the numbers, {args.out}/closest_pairs.png the {PAIRS} nearest")


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
        prog="python -m dcgan_mri.evaluate",
        description="Measure images against the training slices of a set: noise, checkerboard, separation of brain\n"
                    "and tumour, sharpness, diversity, variety, closeness, copies. Every number comes with a 95 %%\n"
                    "interval and with what real slices of some subjects give against those of the others.",
        epilog="examples:\n"
               "  python -m dcgan_mri.evaluate result/generator.npz --dataset data/slices -o evaluation\n"
               "  python -m dcgan_mri.evaluate samples --dataset data/slices\n"
               "  python -m dcgan_mri.evaluate data/slices --split held-out --dataset data/slices")
    parser.add_argument("images", metavar="MODEL|IMAGES",
                        help="generator.npz or a snapshot; or a folder of PNGs; or a slice set")
    parser.add_argument("-i", "--dataset", default="data/slices", metavar="DIR",
                        help="slice set to measure against: its training slices (default %(default)s)")
    parser.add_argument("-o", "--out", metavar="DIR", help="new folder for evaluation.json and closest_pairs.png")
    parser.add_argument("-n", "--number", type=int, default=1000, metavar="N",
                        help="images to make with a MODEL, seeds 0 to N - 1 (default %(default)s)")
    parser.add_argument("--split", choices=("train", "held-out"), default="train",
                        help="which part to take if IMAGES is a slice set (default %(default)s)")
    parser.add_argument("--features", metavar="FILE",
                        help="network for the features: ONNX, or a Chainer npz of GoogLeNet or ResNet-50 "
                             "(default: a scattering transform, which needs no file)")
    args = parser.parse_args(argv)
    if args.number < 2:
        raise UsageError(f"-n {args.number}: must be at least 2")
    return args


def read_samples(args, size):
    """The images to judge.

    Args:
        args (argparse.Namespace): The options.
        size (int): Side in pixels of the real slices.

    Returns:
        tuple: Pictures, uint8 of shape (N, H, W) or (N, H, W, 3), and what each belongs to: None, or subjects.

    Raises:
        DataError: If there are none, or they cannot be read.
        UsageError: If they have another size.
    """
    path = pathlib.Path(args.images)
    if not path.exists():
        raise DataError(f"{path}: no such file or folder; give a generator.npz or a folder of images")
    if not path.is_dir():
        gen, config = snapshots.load_generator(path)
        if config.image_size != size:
            raise UsageError(
                f"{path}: makes images of {config.image_size} pixels, the slices in {args.dataset} have {size}; "
                f"give a slice set of the generator's size")
        gen.dropout_when_sampling = config.dropout_when_sampling
        backends.use("fast")
        made = sample(gen, range(args.number), config)
        return np.stack(list(tqdm(made, total=args.number, unit="image", desc="images"))), None
    if (path / "dataset.json").exists():
        part = Slices(path, size, args.split)
        return part.batch(range(len(part))), part.subjects
    files = sorted(file for file in path.glob("*.png") if file.name != GRID)
    if len(files) < 2:
        raise DataError(f"{path}: has {len(files)} PNG images, two are the fewest to measure; name another folder")
    return np.stack([decode(file, size) for file in files]), None


def sample_names(args, n):
    """What to call the images.

    Args:
        args (argparse.Namespace): The options.
        n (int): How many there are.

    Returns:
        list of str: Seeds of a generator's images, file names of a folder's.
    """
    path = pathlib.Path(args.images)
    if not path.is_dir():
        return [f"seed {seed}" for seed in range(n)]
    if (path / "dataset.json").exists():
        return Slices(path, split=args.split).files
    return sorted(file.name for file in path.glob("*.png") if file.name != GRID)


def decode(file, size):
    """One image of a folder.

    Args:
        file (Path): The file.
        size (int): Side in pixels that it must have.

    Returns:
        numpy.ndarray: uint8 of shape (H, W, 3).

    Raises:
        DataError: If it cannot be read or has another size.
    """
    try:
        with Image.open(file) as image:
            if image.size != (size, size):
                raise DataError(f"{file}: is {image.size[0]}×{image.size[1]}, the slices are {size}×{size}; resize it")
            return np.array(image.convert("RGB"))
    except (OSError, ValueError, SyntaxError) as error:
        raise DataError(f"{file}: cannot read the picture ({error}); leave it out") from None


def as_stack(slices, extractor):
    """Slices to measure against.

    Args:
        slices (Slices): The slices; None for none.
        extractor (callable): Gives features.

    Returns:
        Stack: The same, with subjects and levels; None for none.
    """
    if slices is None:
        return None
    return Stack(slices.batch(range(len(slices))), extractor, slices.subjects, slices.levels, threads=cores())


def warnings(n_samples, n_slices, held_out):
    """What a reader must know before using the numbers.

    Args:
        n_samples (int): Number of samples.
        n_slices (int): Number of training slices.
        held_out (bool): Whether there are slices of other subjects.

    Returns:
        list of str: One or more sentences each.
    """
    notes = [memorisation.WARNING] if held_out else [memorisation.WARNING, memorisation.MISSING]
    if min(n_samples, n_slices) < fid.ENOUGH:
        notes.append(fid.WARNING.format(n=min(n_samples, n_slices), enough=fid.ENOUGH))
    return notes


def table(measured, facts, notes):
    """The results for a person.

    Args:
        measured (dict): Quantity to `comparison.Result`.
        facts (dict): What was measured against what.
        notes (list of str): Warnings.

    Returns:
        str: Lines.
    """
    lines = [f"{facts['n_images']} images from {facts['images']} against {facts['n_slices']} slices of "
             f"{facts['subjects']} subjects, {facts['seconds']:.0f} s; features: {facts['features']}", "",
             f"{'':24} {'value':>9}  {'95 % interval':>21}  {'real against real':>31}"]
    legend = ["", "What they are:"]
    for quantity in all_quantities():
        result = measured[quantity.name]
        real = ("" if math.isnan(result.real)
                else f"{number(result.real)} {f'({number(result.real_low)} to {number(result.real_high)})':>21}")
        interval = "" if math.isnan(result.low) else f"{number(result.low)} to {number(result.high)}"
        value = "missing" if math.isnan(result.value) else number(result.value)
        lines.append(f"{quantity.name:24} {value:>9}  {interval:>21}  {real:>31}")
        legend.append(f"  {quantity.name:24} {quantity.unit}, {quantity.range}; {quantity.reading}")
    return "\n".join([*lines, *legend, "", *notes])


def number(value):
    """A number for the table.

    Args:
        value (float): The number.

    Returns:
        str: With four significant digits.
    """
    return f"{value:.4g}"


def all_quantities():
    """Every number that `evaluate` gives.

    Returns:
        list of Quantity: In the order of the table.
    """
    return [quantity for measure in MEASURES.values() for quantity in measure.quantities]


def write(out, measured, facts, notes):
    """Write ``evaluation.json``.

    Args:
        out (Path): Folder.
        measured (dict): Quantity to `comparison.Result`.
        facts (dict): What was measured against what.
        notes (list of str): Warnings.
    """
    entries = [{**dataclasses.asdict(quantity), **{
        key: None if math.isnan(value) else value
        for key, value in dataclasses.asdict(measured[quantity.name]).items()}} for quantity in all_quantities()]
    result_folder.write_text(out / "evaluation.json", json.dumps(
        {**facts, "warnings": notes, "quantities": entries}, indent=2, ensure_ascii=False) + "\n")


def closest_pairs(samples, training, copies):
    """The samples nearest to a training slice, each above that slice.

    Args:
        samples (numpy.ndarray): float32 of shape (N, H, W) in [0, 1].
        training (numpy.ndarray): uint8 of shape (M, H, W).
        copies (dict): What `memorisation.describe` says of the samples.

    Returns:
        numpy.ndarray: uint8 of shape (2 H, up to 12 W, 3), the nearest pair at the left.
    """
    nearest = np.argsort(copies["pixels"], kind="stable")[:PAIRS]
    above = np.rint(samples[nearest] * 255).astype(np.uint8)
    columns = np.concatenate([above, training[copies["index"][nearest]]], axis=1)
    return np.repeat(np.concatenate(list(columns), axis=1)[:, :, None], 3, axis=2)


if __name__ == "__main__":
    main()
