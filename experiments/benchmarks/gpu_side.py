"""One part of the GPU benchmark, in a process of its own: `gpu.py` starts it and reads the JSON that it prints last."""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

import numpy as np
from chainer_side import Training
from roofline import products
from sides import seconds

from dcgan_mri import randomness
from dcgan_mri import updater
from dcgan_mri.chainer_compat import chainer
from dcgan_mri.distributed.device import visible_gpus
from dcgan_mri.extensions.global_mean import Readback
from dcgan_mri.kernels import convolution_cuda
from dcgan_mri.networks import discriminator_rows, generator_rows

ROOT = pathlib.Path(__file__).parents[2]
DEVICE = "@cupy:0"
WARM_UP, ROUNDS, STEPS = 8, 7, 20
# Largest relative error of a network's gradient, GPU against CPU, that is no error; float32 but for the order of sums,
# TF32 with its 10 bits over some twenty layers.
TOLERANCES = {"float32": 5e-3, "tf32": 1e-1}


def timing(kind, precision, batchsize):
    """Time our step with its losses read as a training reads them, or Chainer's example's, which is waited for.

    Args:
        kind (str): As for `chainer_side.Training`.
        precision (str): Of the convolutions by cuDNN.
        batchsize (int): Images in a batch.

    Returns:
        dict: Median and extremes of the seconds of a step, seconds without reading the losses, memory, what computed.
    """
    import cupy

    convolution_cuda.use_precision(precision)
    training = Training(kind, batchsize, DEVICE)
    reporter = chainer.Reporter()
    reporter.add_observer("gen", training.gen)
    reporter.add_observer("dis", training.dis)

    readback = Readback()

    def steps(n, reads):
        for _ in range(n):
            with reporter:
                training.step()
            if reads and kind == "example":
                cupy.cuda.Device().synchronize()
            elif reads:
                readback.read(list(reporter.observation.values()))
        cupy.cuda.Device().synchronize()

    first = seconds(lambda: steps(1, True))
    steps(WARM_UP, True)
    times = [seconds(lambda: steps(STEPS, True)) / STEPS for _ in range(ROUNDS)]
    unread = [seconds(lambda: steps(STEPS, False)) / STEPS for _ in range(3)]
    median = statistics.median(times)
    return {
        "seconds": median, "seconds_from": min(times), "seconds_to": max(times),
        "images_per_second": batchsize / median,
        "seconds_without_reading": statistics.median(unread), "first_step_seconds": first,
        "kernels": training.kernels, "captured": getattr(training.updater, "is_captured", False),
        "said": training.said, "gpu_bytes": cupy.get_default_memory_pool().total_bytes(),
    }


def parity():
    """Gradients of a step on the GPU against those on the CPU, and a captured run against one that is not.

    Without noise and dropout, whose numbers differ by design, and with the CPU's z. The captured run has both.
    """
    quiet = {"noise_sigma": 0.0, "dropout": 0.0}
    expected = gradients("fast", "@numpy", quiet)
    found = {"tolerances": TOLERANCES}
    for precision, tolerance in TOLERANCES.items():
        convolution_cuda.use_precision(precision)
        found[precision] = largest_error(gradients("fast", DEVICE, quiet), expected)
        found[f"{precision}_agrees"] = found[precision]["error"] <= tolerance
    found["plain"] = largest_error(gradients("plain", DEVICE, quiet), expected)
    found["plain_agrees"] = found["plain"]["error"] <= TOLERANCES["float32"]
    convolution_cuda.use_precision("float32")
    with chainer.using_config("cudnn_deterministic", True):
        start, steps, replays = (weights_after(kind, n) for kind, n in (("fast", 0), ("fast", 8), ("graph", 8)))
    moved = distance(steps["weights"], start["weights"])
    error = distance(replays["weights"], steps["weights"]) / moved
    found["graph"] = {"captured": replays["captured"], "said": replays["said"], "error_of_the_update": error}
    # The same kernels on the same numbers: what is left is rounding, which Adam makes large near gradients of 0.
    found["graph_agrees"] = replays["captured"] and error <= 5e-2
    return found


def gradients(kind, device, changes):
    """Gradients of all parameters in the first step, with a CPU's z, and without decay, which Chainer adds to them."""
    training = Training(kind, 8, device, weight_decay=0.0, **changes)
    latent = randomness.latent
    on_cpu = latent(randomness.Draws(0, 0, range(8)), training.config.n_z)
    updater.randomness.latent = lambda draws, n_z: draws.xp.asarray(on_cpu)
    try:
        training.step()
    finally:
        updater.randomness.latent = latent
    return {f"{network}{name}": chainer.backends.cuda.to_cpu(param.grad)
            for network, model in (("gen", training.gen), ("dis", training.dis)) for name, param in model.namedparams()
            if not is_before_normalisation(model, name)}


def is_before_normalisation(model, name):
    """Whether a parameter is the bias of a layer that batch normalisation follows."""
    _, link, kind = name.split("/")
    return kind == "b" and model.rows[model.names.index(link)].bn


def largest_error(found, expected):
    """The relative error of each network's gradient as a whole, and the parameter that is farthest off.

    A bias in front of batch normalisation is not among them: its true gradient is 0, and what is computed is rounding.
    """
    errors = {name: float(np.linalg.norm(found[name] - gradient) / np.linalg.norm(gradient))
              for name, gradient in expected.items()}
    worst = max(errors, key=errors.get)
    result = {"parameter": worst, "its_error": errors[worst], "compared": len(errors)}
    for network in ("gen", "dis"):
        names = [name for name in expected if name.startswith(network)]
        theirs = [expected[name] for name in names]
        result[network] = distance([found[name] for name in names], theirs) / distance(theirs, [0.0] * len(theirs))
    result["error"] = max(result["gen"], result["dis"])
    return result


def weights_after(kind, n_steps):
    """All weights after some steps, whether they were captured, and what was said."""
    training = Training(kind, 8, DEVICE)
    for _ in range(n_steps):
        training.step()
    weights = [chainer.backends.cuda.to_cpu(param.array) for model in (training.gen, training.dis)
               for _, param in sorted(model.namedparams())]
    captured = getattr(training.updater, "is_captured", False)
    return {"weights": weights, "captured": captured, "said": training.said}


def distance(some, others):
    """Euclidean distance between two lists of arrays."""
    return float(np.sqrt(sum(np.square(a - b, dtype=np.float64).sum() for a, b in zip(some, others, strict=True))))


def pytorch(batchsize):
    """PyTorch's eager steps, with the quicker of both layouts, and what the GPU reaches at best."""
    from gpu import start_pytorch

    built = Training("fast", batchsize).built()
    times, memory = {}, {}
    for channels_last in (False, True):
        side = start_pytorch(built, channels_last)
        for algorithm in ("example", "shared"):
            side.ask("steps", algorithm=algorithm, n=WARM_UP)
            rounds = [side.ask("steps", algorithm=algorithm, n=STEPS) / STEPS for _ in range(ROUNDS)]
            times[algorithm, channels_last] = statistics.median(rounds)
        memory[channels_last] = side.ask("gpu_memory")
        version = side.ask("version")
        if channels_last:
            ceilings = side.ask("ceilings")
        side.close()
    result = {"version": version, "ceilings": ceilings, "gpu_bytes": memory}
    for algorithm in ("example", "shared"):
        quickest = min((False, True), key=lambda one, algorithm=algorithm: times[algorithm, one])
        value = times[algorithm, quickest]
        result[algorithm] = {"seconds": value, "images_per_second": batchsize / value, "channels_last": quickest,
                             "seconds_other_layout": times[algorithm, not quickest]}
    config = Training("plain", batchsize).config
    result["products"] = {"gen": products(generator_rows(config), (config.n_z, 1, 1), batchsize),
                          "dis": products(discriminator_rows(config), (3, 256, 256), batchsize),
                          "parameters": built["gen"] + built["dis"]}
    return result


def training():
    """A short training by the command that users give, then its continuation."""
    sys.path.insert(0, str(ROOT))
    from tests.helpers import write_slice_set

    with tempfile.TemporaryDirectory() as folder:
        slices = write_slice_set(pathlib.Path(folder) / "slices", n=64, size=256)
        command = [sys.executable, "-m", "dcgan_mri.train", "-g", "on", "-i", str(slices), "-o", f"{folder}/result",
                   "--measures", "off", "--page", "off", "--progress", "lines"]
        said = []
        for more in (["-e", "4"], ["-r", "-e", "6"]):
            done = subprocess.run([*command, *more], cwd=ROOT, capture_output=True, text=True,
                                  env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])})
            said.append((done.stdout + done.stderr)[-1500:])
            if done.returncode:
                raise RuntimeError(f"{' '.join(more)} ended with status {done.returncode}: {said[-1]}")
        log = json.loads(pathlib.Path(folder, "result", "log").read_text())
    return {"iterations": log[-1]["iteration"], "first": log[0], "last": log[-1], "said": said}


PARTS = {
    "parity": parity,
    "graph": lambda: timing("graph", "tf32", 8),
    "pytorch": lambda: pytorch(8),
    "fast": lambda: timing("fast", "tf32", 8),
    "example": lambda: timing("example", "tf32", 8),
    "training": training,
    "plain": lambda: timing("plain", "tf32", 8),
    "graph_fp16": lambda: timing("graph", "fp16", 8),
    "graph_float32": lambda: timing("graph", "float32", 8),
    "graph_64": lambda: timing("graph", "tf32", 64),
}


def main():
    """Run the part that is named, and print its result."""
    count, reason = visible_gpus()
    if count == 0:
        sys.exit(reason)
    print(json.dumps(PARTS[sys.argv[1]]()))


if __name__ == "__main__":
    main()
