"""How fast ``preprocess`` slices volumes, beside what one would write without it.

Every way turns the same volumes into the same kind of PNGs: load, orient, window at the 0.1 and 99.9 percentile, take
slices 60 to 107, resize to 256×256, save. Each runs in a process of its own on the same two cores, alternating, and the
shortest of the repeats counts. ``python experiments/benchmarks/preprocess.py --brats DIR`` prints a table.

The ten lines, TorchIO and MONAI run in one process, as such scripts do, and again in a pool of two, which is the
comparison per core. They hash nothing, read no labels, write no manifest and leave a half-written set when they are
killed; ``preprocess`` does all that within its time.
"""

import argparse
import gzip
import importlib.util
import json
import multiprocessing
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Python puts this file's folder first, where this file itself would be taken for the package.
sys.path[0] = str(ROOT)
SLICES = range(60, 108)


def find_volumes(brats):
    """FLAIR volumes of a data folder."""
    return sorted(path for path in Path(brats).rglob("*_flair.nii*") if path.is_file())


def save_slices(volume, low, high, path, out):
    """The end that the ten lines share with the libraries."""
    import numpy as np
    from PIL import Image

    for index in SLICES:
        grey = (np.clip((volume[:, :, index].T - low) / (high - low), 0, 1) * 255).astype(np.uint8)
        image = Image.fromarray(grey).resize((256, 256), Image.Resampling.BICUBIC)
        image.save(out / f"{path.name.split('.')[0]}_{index:05d}.png")


def ten_lines(path, out):
    """nibabel, NumPy, Pillow."""
    import nibabel as nib
    import numpy as np
    from nibabel.orientations import axcodes2ornt, io_orientation, ornt_transform

    image = nib.load(path)
    image = image.as_reoriented(ornt_transform(io_orientation(image.affine), axcodes2ornt("LPS")))
    volume = image.get_fdata()
    low, high = np.percentile(volume, [0.1, 99.9])
    save_slices(volume, low, high, path, out)


def torchio(path, out):
    """TorchIO's transforms."""
    import torchio as tio

    image = tio.ScalarImage(path)
    image = tio.ToOrientation("LPS")(image)
    image = tio.RescaleIntensity((0, 1), percentiles=(0.1, 99.9))(image)
    save_slices(image.numpy()[0], 0, 1, path, out)


def monai(path, out):
    """MONAI's transforms."""
    from monai.transforms import Compose, LoadImage, Orientation, ScaleIntensityRangePercentiles

    chain = Compose([
        LoadImage(image_only=True, ensure_channel_first=True),
        Orientation("LPS"),
        ScaleIntensityRangePercentiles(0.1, 99.9, 0, 1, clip=True),
    ])  # fmt: skip
    save_slices(chain(path)[0].numpy(), 0, 1, path, out)


OTHERS = {"ten lines": ten_lines, "TorchIO": torchio, "MONAI": monai}
MODULES = {"TorchIO": "torchio", "MONAI": "monai"}


def run_other(name, brats, out, workers):
    """Slice everything with one of the others."""
    tasks = [(path, out) for path in find_volumes(brats)]
    if workers == 1:
        for task in tasks:
            OTHERS[name](*task)
        return
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        pool.starmap(OTHERS[name], tasks, chunksize=1)


def run_ours(brats, out, workers):
    """Slice everything with ``preprocess``."""
    from preprocess.dataset import Plan, build

    build(Plan(Path(brats), out / "set", "all", workers=workers))


def child(name, brats, workers):
    """Measure one way in this process; the result goes to standard output."""
    # Importing is not slicing: libraries that take seconds to import would lose by that alone.
    if name in MODULES:
        importlib.import_module(MODULES[name])
    import nibabel  # noqa: F401
    import PIL.Image  # noqa: F401

    import preprocess.dataset  # noqa: F401

    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        if name == "preprocess":
            run_ours(brats, Path(folder), workers)
            seconds = time.perf_counter() - started
            started = time.perf_counter()
            run_ours(brats, Path(folder), workers)
            again = time.perf_counter() - started
        else:
            run_other(name, brats, Path(folder), workers)
            seconds, again = time.perf_counter() - started, None
        count = len(list(Path(folder).rglob("*_[0-9]*.png")))
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(json.dumps({"seconds": seconds, "again": again, "slices": count, "peak_mib": peak / 1024}))


def floor(brats):
    """Seconds to decompress the volumes alone, and volumes with labels, in one process."""
    found = []
    for pattern in ("*_flair.nii.gz", "*.nii.gz"):
        started = time.perf_counter()
        for path in sorted(Path(brats).rglob(pattern)):
            with gzip.open(path) as file:
                while file.read(1 << 20):
                    pass
        found.append(time.perf_counter() - started)
    return found


def stages(brats):
    """Seconds that each stage of ``preprocess`` takes over all volumes, in one process, without writing."""
    import numpy as np

    from preprocess import slices, subject
    from preprocess.layouts import find_subjects

    settings, spent = subject.Settings(), dict.fromkeys(("read and hash", "window", "grey", "resize", "PNG"), 0.0)

    def timed(stage, function, *arguments):
        started = time.perf_counter()
        result = function(*arguments)
        spent[stage] += time.perf_counter() - started
        return result

    for one in find_subjects(brats):
        volume, *_ = timed("read and hash", subject.load_files, one, settings)
        low, high = timed("window", subject.find_window, volume, settings)
        for index in SLICES:
            image = slices.axial_image(volume.voxels, index)
            grey = timed("grey", lambda raw: slices.apply_window(volume.raw(raw), low, high), np.asarray(image))  # noqa: B023
            square = timed("resize", slices.fit_square, grey, volume.spacing, 256)
            timed("PNG", subject.encode_png, np.asarray(square))
    return spent


def worst_memory(brats):
    """Peak MiB of a process that slices one volume stored as float64, the largest type."""
    import nibabel as nib
    import numpy as np

    image = nib.load(find_volumes(brats)[0])
    with tempfile.TemporaryDirectory() as folder:
        voxels = np.asarray(image.dataobj).astype(np.float64)
        nib.save(nib.Nifti1Image(voxels, image.affine), f"{folder}/a_flair.nii.gz")
        return measure("preprocess", folder, 1)["peak_mib"]


def measure(name, brats, workers):
    """Run one way in a fresh process."""
    command = [sys.executable, __file__, "--brats", str(brats), "--child", name, "--jobs", str(workers)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def cpu_name():
    """What the cores are called."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--brats", required=True, help="folder of BraTS volumes")
    parser.add_argument("--repeats", type=int, default=3, help="the shortest of so many counts (default: 3)")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--jobs", type=int, default=1, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    if arguments.child:
        child(arguments.child, arguments.brats, arguments.jobs)
        return
    names = ["preprocess", *(name for name in OTHERS if name not in MODULES or importlib.util.find_spec(MODULES[name]))]
    volumes = len(find_volumes(arguments.brats))
    print(f"{volumes} volumes; {cpu_name()}, 2 cores; Python {platform.python_version()}; best of {arguments.repeats}")
    packages = ("numpy", "nibabel", "pillow", *(MODULES[name] for name in names if name in MODULES))
    print(", ".join(f"{package} {version(package)}" for package in packages))
    best = {}
    for _ in range(arguments.repeats):
        for name in names:
            for workers in (1, 2):
                found = measure(name, arguments.brats, workers)
                if found["slices"] != volumes * len(SLICES):
                    raise SystemExit(f"{name} made {found['slices']} slices of {volumes} volumes")
                best[name, workers] = min(best.get((name, workers), found), found, key=lambda one: one["seconds"])
    ours = best["preprocess", 2]["seconds"]
    print(f"{'':12} {'1 process':>12} {'2 processes':>12} {'as written':>12} {'both on 2':>12} {'peak MiB':>10}")
    for name in names:
        one, two = best[name, 1]["seconds"], best[name, 2]["seconds"]
        ratios = (f"{one / ours:10.1f} ×", f"{two / ours:10.1f} ×") if name != "preprocess" else ("", "")
        peak = best[name, 1]["peak_mib"]
        print(f"{name:12} {one:10.2f} s {two:10.2f} s {ratios[0]:>12} {ratios[1]:>12} {peak:10.0f}")
    print(f"a second preprocess over the finished set: {best['preprocess', 2]['again']:.2f} s")
    print(f"peak of preprocess on a volume stored as float64: {worst_memory(arguments.brats):.0f} MiB")
    flair, everything = min((floor(arguments.brats) for _ in range(arguments.repeats)), key=sum)
    print(f"floor, one process: decompressing the volumes {flair:.2f} s, with their labels {everything:.2f} s")
    best_stages = min((stages(arguments.brats) for _ in range(arguments.repeats)), key=lambda one: sum(one.values()))
    parts = ", ".join(f"{stage} {seconds:.2f} s" for stage, seconds in best_stages.items())
    print(f"stages of preprocess, one process: {parts}")


if __name__ == "__main__":
    main()
