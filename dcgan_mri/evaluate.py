"""Measure images against real slices.

    python -m dcgan_mri.evaluate result/generator.npz
"""

from dcgan_mri.distributed.threads import before_numpy, cores

before_numpy()

import contextlib
import dataclasses
import datetime
import json
import math
import pathlib
import time

import numpy as np
from PIL import Image
from tqdm import tqdm

from dcgan_mri import provenance
from dcgan_mri.run import reading, result_folder, snapshots
from dcgan_mri.run.resume import DATASET
from dcgan_mri.commandline import Parser, say
from dcgan_mri.slice_set import NoSlicesError, Slices
from dcgan_mri.errors import DataError, UsageError, shown_to_user
from dcgan_mri.files import open_regular, write_text
from dcgan_mri.kernels import backends
from dcgan_mri.pixels import save_png
from dcgan_mri.metrics import MEASURES, comparison, fid, memorisation
from dcgan_mri.metrics.reference import Reference
from dcgan_mri.review import evaluation
from dcgan_mri.sampling import sample

PROGRAM = "dcgan_mri.evaluate"
# What `dcgan_mri.generate` leaves beside the images.
GRID = "grid.png"
MAX_IMAGES = 100_000
# What `metrics.stack.reduced` and `metrics.swd.laplacian_pyramid` can halve.
SIDES = (16, 32, 64, 128, 256, 512, 1024)


def main(argv=None):
    """Measure.

    Args:
        argv (list of str): Command line without the program; None takes the process's own.
    """
    with shown_to_user(PROGRAM), contextlib.ExitStack() as stack:
        args = parse(argv)
        model = load_model(pathlib.Path(args.images))
        # Now, since a training that goes on overwrites the file.
        identity = {"generator_sha256": provenance.sha256(args.images) if model else None,
                    "origin": origin(pathlib.Path(args.images))}
        slices = choose_slices(args, model)
        try:
            held_out = Slices(slices.folder, split="held-out")
        except NoSlicesError:
            held_out = None
        if args.out is not None:
            result_folder.open_new(args.out)
            out = stack.enter_context(result_folder.whole_folder(args.out))
        pictures, groups = make_samples(args, model, slices) if model else read_samples(args, slices.image_size)
        reference = Reference(slices, network=args.features, threads=cores())
        start = time.monotonic()
        samples = reference.stack(pictures, groups)
        others = held_out and reference.stack(
            held_out.batch(range(len(held_out))), held_out.subjects, held_out.levels)
        with tqdm(total=comparison.n_steps(held_out is not None), unit="step", desc="measures") as bar:
            def progress(text):
                bar.set_postfix_str(text, refresh=False)
                bar.update()

            measured, copies = comparison.measure_all(samples, reference, others, progress)
        notes = warnings(len(samples), len(slices), held_out is not None)
        facts = {
            "images": str(args.images), **identity,
            "time": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "n_images": len(samples), "dataset": str(slices.folder),
            "n_slices": len(slices), "n_held_out": len(held_out) if held_out else 0,
            "subjects": len(set(slices.subjects)), "features": reference.real.extractor.name,
            "seconds": time.monotonic() - start}
        say(table(measured, facts, notes))
        if args.out is not None:
            write(out, measured, facts, notes)
            pairs = closest_pairs(samples.grey, reference.real.grey, copies)
            save_png(out / "closest_pairs.png", pairs)
            evaluation.write(out, pictures, sample_names(args, len(pictures)), slices, copies)
            say(f"{args.out}/{result_folder.PAGE} shows these numbers and the samples nearest to a training slice; "
                f"{args.out}/evaluation.json has the numbers, {args.out}/closest_pairs.png the "
                f"{evaluation.PAIRS} nearest")
        else:
            say("nothing of this is kept; -o DIR writes it into a new folder, with a page of the nearest samples")


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
        description="Measure images against the training slices of a set: noise, checkerboard, colour cast,\n"
                    "separation of brain and tumour, sharpness, diversity, variety, closeness, copies. Every number\n"
                    "comes with a 95 % interval and with what real slices of some subjects give against those of\n"
                    "the others.",
        epilog="examples:\n"
               "  python -m dcgan_mri.evaluate result/generator.npz -o evaluation\n"
               "  python -m dcgan_mri.evaluate samples --dataset data/slices\n"
               "  python -m dcgan_mri.evaluate data/slices --split held-out --dataset data/slices")
    parser.add_argument("images", metavar="MODEL|IMAGES",
                        help="generator.npz or a snapshot; or a folder of PNGs; or a slice set")
    parser.add_argument("-i", "--dataset", metavar="DIR",
                        help="slice set to measure against: its training slices (default: those that the run of a "
                             f"MODEL was trained on, else {DATASET})")
    parser.add_argument("-o", "--out", metavar="DIR", help="new folder for evaluation.json and closest_pairs.png")
    parser.add_argument("-n", "--number", type=int, default=1000, metavar="N",
                        help="images to make with a MODEL, seeds 0 to N - 1 (default %(default)s)")
    parser.add_argument("--split", choices=("train", "held-out"), default="train",
                        help="which part to take if IMAGES is a slice set (default %(default)s)")
    parser.add_argument("--features", metavar="FILE",
                        help="network for the features: ONNX, or a Chainer npz of GoogLeNet or ResNet-50 "
                             "(default: a scattering transform, which needs no file)")
    args = parser.parse_args(argv)
    if not 2 <= args.number <= MAX_IMAGES:
        raise UsageError(f"-n {args.number}: must be from 2 to {MAX_IMAGES}")
    return args


def load_model(path):
    """The generator whose images are to be judged.

    Args:
        path (Path): File of a generator, or folder of images.

    Returns:
        tuple: Generator and its settings (Config); None for a folder.

    Raises:
        DataError: If there is nothing, it cannot be read, or it is the folder of a training.
    """
    if not path.exists():
        raise DataError(f"{path}: no such file or folder; give a generator.npz or a folder of images")
    if (path / result_folder.GENERATOR).exists():
        raise DataError(f"{path}: is the folder of a training, not one of images; give "
                        f"{path / result_folder.GENERATOR}, or {path / result_folder.BEST_GENERATOR}")
    return None if path.is_dir() else snapshots.load_generator(path)


def origin(path):
    """Which generator of a run a file is.

    Args:
        path (Path): Generator, or other images.

    Returns:
        str: For example ``the newest of the run "x", after epoch 6 of 6``; empty if the folder does not tell.
    """
    try:
        run = reading.read(path.parent)
    except DataError:
        return ""
    entry = reading.entry_of(run, path)
    if not entry:
        return ""
    names = {result_folder.GENERATOR: "the newest", result_folder.BEST_GENERATOR: "the best"}
    which, epoch = names.get(path.name, "a snapshot"), entry["epoch"]
    return f'{which} of the run "{run.folder.resolve().name}", after epoch {epoch} of {run.config.epoch}'


def choose_slices(args, model):
    """The training slices to measure against: those that -i names, else those that the model was trained on.

    Args:
        args (argparse.Namespace): The options.
        model (tuple): From `load_model`.

    Returns:
        Slices: The slices.

    Raises:
        DataError: If they cannot be read, or are others by now.
        UsageError: If measures cannot halve their side down to 16 pixels.
    """
    run = pathlib.Path(args.images).parent
    place = result_folder.last_start(run).get("dataset") if model and args.dataset is None else None
    of_run = isinstance(place, str)
    slices = Slices(place, n_subjects=model[1].n_subjects) if of_run else Slices(args.dataset or DATASET)
    if of_run and not result_folder.was_trained_on(run, slices):
        raise DataError(f"{place}: no longer has the slices on which {run} was trained; name slices by -i")
    if slices.image_size not in SIDES:
        raise UsageError(f"{slices.folder}: its slices are {slices.image_size} pixels wide, which the measures cannot "
                         f"halve again and again; make them with a --size of {', '.join(map(str, SIDES))}")
    if of_run:
        print(f"measuring against {place}, on which {run} was trained; -i names other slices", flush=True)
    return slices


def make_samples(args, model, slices):
    """Images of a generator.

    Args:
        args (argparse.Namespace): The options.
        model (tuple): From `load_model`.
        slices (Slices): The real slices.

    Returns:
        tuple: Pictures, uint8 of shape (N, H, W, 3), and None: each is on its own.

    Raises:
        UsageError: If they have another size than the slices.
    """
    gen, config = model
    if config.image_size != slices.image_size:
        raise UsageError(
            f"{args.images}: makes images of {config.image_size} pixels, the slices in {slices.folder} have "
            f"{slices.image_size}; give a slice set of the generator's size by -i")
    backends.use("fast")
    made = sample(gen, range(args.number), config)
    return np.stack(list(tqdm(made, total=args.number, unit="image", desc="images"))), None


def read_samples(args, size):
    """Images in a folder.

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
    if (path / "dataset.json").exists():
        part = Slices(path, size, args.split)
        return part.batch(range(len(part))), part.subjects
    files = sorted(file for file in path.glob("*.png") if file.name != GRID)
    if len(files) < 2:
        raise DataError(f"{path}: has {len(files)} PNG images, at least two are needed; name another folder")
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
        DataError: If it cannot be read, has another size, or 16 bits.
    """
    try:
        with open_regular(file) as opened, Image.open(opened, formats=("PNG",)) as image:
            if image.size != (size, size):
                raise DataError(f"{file}: is {image.size[0]}×{image.size[1]}, the slices are {size}×{size}; resize it")
            if image.mode.startswith("I"):  # which Pillow would cut off at 255
                raise DataError(f"{file}: has 16 bits for each pixel; save it as 8-bit grey or RGB")
            return np.array(image.convert("RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{file}: cannot read the picture ({reason}); leave it out") from None


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
             f"{facts['subjects']} subjects in {facts['dataset']}, {facts['seconds']:.0f} s; "
             f"features: {facts['features']}", "",
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
    return [quantity for measure in MEASURES for quantity in measure.quantities]


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
    write_text(out / "evaluation.json", json.dumps(
        {**facts, "warnings": notes, "quantities": entries}, indent=2, ensure_ascii=False) + "\n")


def closest_pairs(samples, training, copies):
    """The samples nearest to a training slice, each above that slice.

    Args:
        samples (numpy.ndarray): float32 of shape (N, H, W) in [0, 1].
        training (numpy.ndarray): The same, of shape (M, H, W).
        copies (dict): What `Memorisation.describe` says of the samples.

    Returns:
        numpy.ndarray: uint8 of shape (2 H, width, 3): up to 12 pairs with white gaps, the nearest at the left.
    """
    nearest = np.argsort(copies["pixels"], kind="stable")[:evaluation.PAIRS]
    columns = np.concatenate([samples[nearest], training[copies["index"][nearest]]], axis=1)
    gap = max(1, samples.shape[2] // 16)
    columns = np.pad(np.rint(columns * 255).astype(np.uint8), ((0, 0), (0, 0), (0, gap)), constant_values=255)
    return np.repeat(np.concatenate(list(columns), axis=1)[:, :-gap, None], 3, axis=2)


if __name__ == "__main__":
    main()
