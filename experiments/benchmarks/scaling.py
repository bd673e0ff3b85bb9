"""How the cost of a training step grows with the ranks, measured on this machine.

    python experiments/benchmarks/scaling.py

Each rank's time is split into computing, waiting for the slowest rank, averaging gradients, and averaging batch
statistics. A barrier in front of every collective tells waiting from communicating.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

RANKS = (1, 2, 4)
COMMUNICATORS = ("naive", "host")


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

    from dcgan_mri.distributed.threads import before_numpy, limit_threads

    before_numpy()

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
    limit_threads(ranks.Split_type(MPI.COMM_TYPE_SHARED))
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
            "peak_memory": max(memory)}))


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
    """Print what was measured."""
    print(f"{'ranks':>5} {'comm.':<6} {'step':>7} {'computing':>10} {'waiting':>8} {'gradients':>10} "
          f"{'statistics':>10} {'messages':>9} {'sent/rank':>10} {'memory/rank':>12}")
    for one in results:
        seconds = one["seconds"]
        print(f"{one['ranks']:>5} {one['communicator']:<6} {seconds['total']:>6.2f}s {seconds['computing']:>9.2f}s "
              f"{seconds['waiting']:>7.2f}s {seconds['gradients']:>9.3f}s {seconds['statistics']:>9.4f}s "
              f"{sum(one['messages'].values()):>9} {one['bytes_sent_by_a_rank'] / 1e6:>7.0f} MB "
              f"{one['peak_memory'] / 1e6:>9.0f} MB")


def main():
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=3, help="steps for each number of ranks (default %(default)s)")
    parser.add_argument("-b", "--batchsize", type=int, default=8, help="global batch (default %(default)s)")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent / "results" / "scaling.json",
                        help="where the measurements go (default %(default)s)")
    parser.add_argument("--rank", choices=COMMUNICATORS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.rank:
        measure_rank(args.rank, args.steps, args.batchsize)
        return
    results = measure(args.steps, args.batchsize)
    args.out.parent.mkdir(exist_ok=True)
    args.out.write_text(json.dumps(results, indent=1) + "\n")
    print_measured(results)


if __name__ == "__main__":
    main()
