"""Images from the generator beside this file. Needs numpy, onnxruntime and pillow, and nothing else.

    python generate.py -o samples -n 100

Image seed s gives the same picture on every machine, up to rounding, which may move a value by one grey level.
"""

import argparse
import functools
import hashlib
import itertools
import pathlib

import numpy as np
import onnxruntime
from PIL import Image

BATCHSIZE = 10

# medigan asks for 32 images at a time: the seeds of a process go on from call to call, so that no image comes twice.
_seeds = itertools.count()


def generate(model_file, num_samples, output_path, save_images):
    """Make images, medigan's way: the first call in a process begins with seed 0, each later one where it ended.

    Args:
        model_file (str): generator.onnx.
        num_samples (int): Number of images.
        output_path (str): Folder for the images, made if it is not there.
        save_images (bool): Write PNG files named after their seeds, or return the images.

    Returns:
        list of numpy.ndarray: uint8 of shape (H, W, 3), without `save_images`; else None.
    """
    seeds = list(itertools.islice(_seeds, num_samples))
    if not save_images:
        return list(pictures(model_file, seeds))
    save(model_file, seeds, output_path)
    return None


def save(model_file, seeds, output_path):
    """Write a PNG file for each seed.

    Args:
        model_file (str or Path): generator.onnx.
        seeds (sequence of int): 0 to 2**63 - 1.
        output_path (str or Path): Folder, made if it is not there.
    """
    folder = pathlib.Path(output_path)
    folder.mkdir(parents=True, exist_ok=True)
    for seed, picture in zip(seeds, pictures(model_file, seeds), strict=True):
        Image.fromarray(picture).save(folder / f"seed{seed:05d}.png")


def pictures(model_file, seeds):
    """Make one picture for each seed.

    Args:
        model_file (str or Path): generator.onnx.
        seeds (sequence of int): 0 to 2**63 - 1.

    Yields:
        numpy.ndarray: uint8 of shape (H, W, 3).
    """
    network = _session(str(model_file))
    n_z = network.get_inputs()[0].shape[1]
    for start in range(0, len(seeds), BATCHSIZE):
        z = np.stack([latent(seed, n_z) for seed in seeds[start:start + BATCHSIZE]])
        yield from network.run(None, {"z": z})[0]


def latent(seed, n_z):
    """Draw z from U(-1, 1), as dcgan_mri does: Philox with the name of the draw as key and the seed as counter.

    Args:
        seed (int): 0 to 2**63 - 1.
        n_z (int): Number of values.

    Returns:
        numpy.ndarray: float32 of shape (n_z,), in [-1, 1).
    """
    name = int.from_bytes(hashlib.blake2b(b"sample/z", digest_size=8).digest(), "little")
    key, counter = np.array([0, name], dtype=np.uint64), np.array([0, 0, seed, 0], dtype=np.uint64)
    uniform = np.random.Generator(np.random.Philox(key=key, counter=counter)).random(n_z, dtype=np.float32)
    return uniform * np.float32(2) - np.float32(1)


@functools.lru_cache
def _session(model_file):
    return onnxruntime.InferenceSession(model_file, providers=["CPUExecutionProvider"])


def main():
    """Make images from the command line."""
    parser = argparse.ArgumentParser(description="Make synthetic T2-FLAIR slices, a PNG file for each seed.")
    parser.add_argument("-o", "--out", default="samples", metavar="DIR", help="folder (default %(default)s)")
    parser.add_argument("-n", "--number", type=int, default=100, metavar="N", help="images (default %(default)s)")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="seed of the first one (default %(default)s)")
    args = parser.parse_args()
    save(pathlib.Path(__file__).parent / "generator.onnx", range(args.seed, args.seed + args.number), args.out)
    print(f"{args.number} images in {args.out}")


if __name__ == "__main__":
    main()
