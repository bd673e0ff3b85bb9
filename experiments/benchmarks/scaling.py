"""How the cost of a training step grows with the ranks: measured on this machine, and a model for others.

    python experiments/benchmarks/scaling.py                  measure 1, 2 and 4 ranks here, and check the model
    python experiments/benchmarks/scaling.py --predict        the model alone, for links and GPUs of given speed

Each rank's time is split into computing, waiting for the slowest rank, averaging gradients, and averaging batch
statistics. A barrier in front of every collective tells waiting from communicating.
"""

import argparse
import json
import math
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

RANKS = (1, 2, 4)
COMMUNICATORS = ("naive", "host")
# Latency of one message in seconds, and bytes per second, as data sheets and published benchmarks give them.
LINKS = {"NVLink 4": (5e-6, 300e9), "InfiniBand HDR": (10e-6, 20e9), "10 Gbit Ethernet": (50e-6, 1.0e9)}


def allreduce_seconds(n_bytes, n_ranks, latency, bandwidth):
    """Time of one allreduce: a tree for small messages, a ring for large ones, whichever is quicker.

    Args:
        n_bytes (int): Size of the message.
        n_ranks (int): Number of ranks.
        latency (float): Seconds that a message takes however small it is.
        bandwidth (float): Bytes per second between two ranks.

    Returns:
        float: Seconds; 0 for one rank.
    """
    if n_ranks == 1:
        return 0.0
    tree = 2 * math.ceil(math.log2(n_ranks)) * (latency + n_bytes / bandwidth)
    ring = 2 * (n_ranks - 1) * (latency + n_bytes / n_ranks / bandwidth)
    return min(tree, ring)


def communication_seconds(messages, n_ranks, latency, bandwidth):
    """Time of all allreduces of a step.

    Args:
        messages (list of int): Bytes of each.
        n_ranks (int): Number of ranks.
        latency (float): As for `allreduce_seconds`.
        bandwidth (float): As for `allreduce_seconds`.

    Returns:
        float: Seconds.
    """
    return sum(allreduce_seconds(n_bytes, n_ranks, latency, bandwidth) for n_bytes in messages)


class Meter:
    """Stands between the training and a communicator, and notes times and sizes by kind."""

    def __init__(self, comm):
        self.comm = comm
        self.clear()
        self._wrap("multi_node_mean_grad", "gradients", self._gradient_messages)
        # What is gathered has an axis more, that of the ranks.
        self._wrap("_multi_node_mean", "statistics",
                   lambda send, recv: {"gathered" if recv.ndim == 3 else "sums": [recv.nbytes]})

    def clear(self):
        """Forget what was noted."""
        self.seconds = {"waiting": 0.0, "gradients": 0.0, "statistics": 0.0}
        self.messages = {"gradients": [], "gathered": [], "sums": []}
        self._inside = False

    def _gradient_messages(self, model, zero_fill=False):
        sizes = [param.array.nbytes for param in model.params()]
        return {"gradients": sizes if type(self.comm).__name__ == "NaiveCommunicator" else [sum(sizes)]}

    def _wrap(self, name, kind, sizes):
        original = getattr(self.comm, name)

        def timed(*args, **kwargs):
            if self._inside:  # naive averages gradients one by one, by way of the other method
                return original(*args, **kwargs)
            self._inside = True
            begin = time.perf_counter()
            self.comm.mpi_comm.Barrier()
            together = time.perf_counter()
            original(*args, **kwargs)
            self.seconds["waiting"] += together - begin
            self.seconds[kind] += time.perf_counter() - together
            for messages, found in sizes(*args, **kwargs).items():
                self.messages[messages] += found
            self._inside = False
            return None

        setattr(self.comm, name, timed)


def measure_rank(comm_name, steps, batchsize):
    """Make steps on this rank and print, on rank 0, what they took."""
    import resource

    import numpy as np
    from mpi4py import MPI

    from dcgan_mri import config as settings
    from dcgan_mri.chainer_compat import chainer
    from dcgan_mri.distributed import communicator
    from dcgan_mri.distributed.batch_normalization import GlobalBatchNormalization
    from dcgan_mri.kernels import backends
    from dcgan_mri.networks import Discriminator, Generator
    from dcgan_mri.optimizers import make_optimizer
    from dcgan_mri.updater import Updater

    class SameBatch(chainer.dataset.Iterator):
        def next(self):
            return images

    backends.use("fast")
    ranks = MPI.COMM_WORLD
    config = settings.build("paper", batchsize=batchsize)
    comm = communicator.create(comm_name, ranks)
    share = batchsize // ranks.size
    images = np.random.default_rng(ranks.rank).integers(0, 256, (share, 256, 256), dtype=np.uint8)
    batches = SameBatch()
    batches.samples = range(ranks.rank * share, (ranks.rank + 1) * share)
    optimizers = []
    for network in (Generator, Discriminator):
        model = network(config, lambda size, use_gamma: GlobalBatchNormalization(size, comm, use_gamma))
        optimizers.append(make_optimizer(model, config, comm))
        optimizers[-1].is_changed(model)
    updater = Updater(batches, *optimizers, config)
    latency, bandwidth = link_here(comm)
    meter = Meter(comm)
    updater.update()
    rounds = []
    for _ in range(steps):
        meter.clear()
        ranks.Barrier()
        begin = time.perf_counter()
        updater.update()
        total = time.perf_counter() - begin
        computing = total - sum(meter.seconds.values())
        rounds.append({"total": total, "computing": computing, **meter.seconds})
    means = ranks.allgather({key: statistics.median(one[key] for one in rounds) for key in rounds[0]})
    memory = ranks.allgather(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
    if ranks.rank == 0:
        messages = meter.messages
        print(json.dumps({
            "ranks": ranks.size, "communicator": comm_name, "batchsize": batchsize,
            "seconds": {key: statistics.mean(one[key] for one in means) for key in means[0]},
            "messages": {kind: len(sizes) for kind, sizes in messages.items()},
            "bytes": {kind: sum(sizes) for kind, sizes in messages.items()},
            "bytes_sent_by_a_rank": round(2 * (ranks.size - 1) / ranks.size * sum(sum(s) for s in messages.values())),
            "predicted": {kind: sum(communication_seconds(messages[part], ranks.size, latency, bandwidth)
                                    for part in parts)
                          for kind, parts in (("gradients", ["gradients"]), ("statistics", ["gathered", "sums"]))},
            "latency": latency, "bandwidth": bandwidth, "peak_memory": max(memory), "sizes": messages}))


def link_here(comm):
    """Latency and bandwidth between the ranks of this job, from a small and a large allreduce."""
    import numpy as np

    if comm.size == 1:
        return 0.0, math.inf
    times = {}
    for n in (1, 13_000_000):
        array = np.zeros(n, np.float32)
        rounds = []
        for _ in range(5):
            comm.mpi_comm.Barrier()
            begin = time.perf_counter()
            comm._multi_node_mean(None, array)
            rounds.append(time.perf_counter() - begin)
        times[n] = max(comm.mpi_comm.allgather(statistics.median(rounds)))
    latency = times[1] / (2 * math.ceil(math.log2(comm.size)))
    bandwidth = 2 * (comm.size - 1) / comm.size * 13_000_000 * 4 / times[13_000_000]
    return latency, bandwidth


def measure(steps, batchsize):
    """Run this file under mpiexec for each number of ranks and each communicator; a list of what rank 0 printed."""
    results = []
    beside_python = str(pathlib.Path(sys.executable).parent)
    mpiexec = shutil.which("mpiexec", path=os.pathsep.join([beside_python, os.environ.get("PATH", "")]))
    for n in RANKS:
        for name in COMMUNICATORS[:1] if n == 1 else COMMUNICATORS:
            command = [mpiexec, "-n", str(n), sys.executable, __file__, "--rank", name, "--steps", str(steps),
                       "--batchsize", str(batchsize)]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                sys.exit(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
            results.append(json.loads(done.stdout.splitlines()[-1]))
            print(f"measured {n} rank{'s' * (n > 1)}, {name}", file=sys.stderr, flush=True)
    return results


def print_measured(results):
    """Print what was measured, with the model's word for communication beside it."""
    print(f"{'ranks':>5} {'comm.':<6} {'step':>7} {'computing':>10} {'waiting':>8} {'gradients (model)':>18} "
          f"{'statistics (model)':>19} {'messages':>9} {'sent/rank':>10} {'memory/rank':>12}")
    for one in results:
        seconds, predicted = one["seconds"], one["predicted"]
        print(f"{one['ranks']:>5} {one['communicator']:<6} {seconds['total']:>6.2f}s {seconds['computing']:>9.2f}s "
              f"{seconds['waiting']:>7.2f}s {seconds['gradients']:>8.3f}s ({predicted['gradients']:>5.3f}s) "
              f"{seconds['statistics']:>9.4f}s ({predicted['statistics']:>6.4f}s) {sum(one['messages'].values()):>9} "
              f"{one['bytes_sent_by_a_rank'] / 1e6:>7.0f} MB {one['peak_memory'] / 1e6:>9.0f} MB")


def messages_of(measured, n_ranks):
    """Bytes of each message of a step on n ranks, from those seen on another number of ranks.

    Gradients, and the sums of batch normalisation's backward pass, stay as they are. In its forward pass every rank's
    mean and variance travel, so those messages grow with the ranks.

    Args:
        measured (dict): A measurement, with its ``sizes`` and ``ranks``.
        n_ranks (int): The other number.

    Returns:
        list of int: Bytes.
    """
    sizes = measured["sizes"]
    return sizes["gradients"] + sizes["sums"] + [size // measured["ranks"] * n_ranks for size in sizes["gathered"]]


def print_predicted(measured, seconds_per_image):
    """Print the model's images per second for 1 to 64 GPUs, for the paper's batch and for 8 images a GPU."""
    print(f"\nimages per second by the model, at {seconds_per_image * 1000:g} ms of computing an image on a GPU, and "
          "the share of communication")
    for title, per_gpu in (("global batch 8", None), ("8 images on every GPU", 8)):
        print(f"\n{title:<22}" + "".join(f"{f'{n} GPU' + 's' * (n > 1):>16}" for n in (1, 2, 4, 8, 16, 32, 64)))
        for link, (latency, bandwidth) in LINKS.items():
            cells = []
            for n in (1, 2, 4, 8, 16, 32, 64):
                if per_gpu is None and n > 8:
                    cells.append(f"{'-':>16}")
                    continue
                images = per_gpu or 8 // n
                talking = communication_seconds(messages_of(measured, n), n, latency, bandwidth)
                total = images * seconds_per_image + talking
                cells.append(f"{images * n / total:>9.0f} ({talking / total:>4.0%})")
            print(f"{link:<22}" + "".join(cells))


def main():
    """Measure or predict."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=3, help="steps for each number of ranks (default %(default)s)")
    parser.add_argument("-b", "--batchsize", type=int, default=8, help="global batch (default %(default)s)")
    parser.add_argument("--predict", action="store_true", help="do not measure; take the messages from the last run")
    parser.add_argument("--seconds-per-image", type=float, default=0.002, metavar="S",
                        help="computing time of one image on the GPU in mind (default %(default)s, an assumption)")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent / "results" / "scaling.json",
                        help="where the measurements go (default %(default)s)")
    parser.add_argument("--rank", choices=COMMUNICATORS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.rank:
        measure_rank(args.rank, args.steps, args.batchsize)
        return
    if args.predict:
        if not args.out.exists():
            sys.exit(f"{args.out}: not there; run without --predict first")
        results = json.loads(args.out.read_text())
    else:
        results = measure(args.steps, args.batchsize)
        args.out.parent.mkdir(exist_ok=True)
        args.out.write_text(json.dumps(results, indent=1) + "\n")
        print_measured(results)
    print_predicted(results[-1], args.seconds_per_image)


if __name__ == "__main__":
    if "--rank" in sys.argv:  # the job's starter leaves the threads to its ranks
        from dcgan_mri.distributed.threads import limit_blas_threads

        limit_blas_threads()  # before anything loads NumPy
    main()
