"""What a job computes with: each rank's device, the communicator between them, the kernels."""

import dataclasses
import functools
import socket

from mpi4py import MPI

from dcgan_mri.chainer_compat import chainer, chainermn
from dcgan_mri.distributed import communicator, device
from dcgan_mri.distributed.batch_normalization import GlobalBatchNormalization
from dcgan_mri.distributed.threads import available_cores, limit_threads
from dcgan_mri.errors import UsageError
from dcgan_mri.kernels import backends, convolution_cuda, graph


@dataclasses.dataclass(frozen=True)
class Machine:
    """What was chosen.

    Attributes:
        comm (chainermn.CommunicatorBase): The ranks.
        device (str): This rank's device as Chainer names it, ``@numpy`` or ``@cupy:0``; in use.
        captures (bool): Whether the training step is to be captured as a CUDA graph.
        warning (str): What makes the training slow; empty if nothing does.
        communicator (str): The communicator's name and why it was chosen.
        facts (dict): The same in words, for ``environment.json``.
    """

    comm: chainermn.CommunicatorBase
    device: str
    captures: bool
    warning: str
    communicator: str
    facts: dict

    def batch_normalization(self, size, use_gamma):
        """Batch normalisation over the global batch, for the networks."""
        return GlobalBatchNormalization(size, self.comm, use_gamma)


def choose(args, config, ranks, ready):
    """Choose device, communicator and kernels; a collective.

    Args:
        args (argparse.Namespace): The options of `dcgan_mri.train`.
        config (dcgan_mri.config.Config): The settings.
        ranks (mpi4py.MPI.Comm): The ranks.
        ready (dcgan_mri.distributed.failure.together): Lets them agree that none has failed.

    Returns:
        Machine: The choice.

    Raises:
        UsageError: If what is asked for cannot be.
    """
    ready.agree()
    node = ranks.Split_type(MPI.COMM_TYPE_SHARED)
    threads = limit_threads(node)
    mine = device.choose(args.gpu, node.rank)
    host = socket.gethostname()
    everybody = ready.agree((host, mine.identity, available_cores()))
    devices = [(name, identity) for name, identity, _ in everybody]
    beside = [cores for name, _, cores in everybody if name == host and cores & available_cores()]
    name, reason = communicator.choose(
        args.communicator, ranks.size, device.count_gpus(devices), args.allreduce_dtype, communicator.nccl_is_there())
    on_gpu = mine.spec != "@numpy"
    chainer.get_device(mine.spec).use()
    kernels = _choose_kernels(args, on_gpu)
    captures, graph_reason = graph.choose(args.graph, config, on_gpu, name)
    if on_gpu and backends.is_fast() and args.self_test == "on":
        kernels, captures, graph_reason = _after_self_test(kernels, captures, graph_reason)
    ready.agree()
    comm = communicator.create(name, ranks, args.allreduce_dtype)
    warning = "" if on_gpu else crowd_warning(len(beside), len(available_cores()))
    return Machine(comm, mine.spec, captures, warning, f"{name} ({reason})", {
        "ranks": ranks.size, "hosts": sorted({host for host, _ in devices}), "device": mine.description,
        "communicator": name, "kernels": kernels, "graph": graph_reason,
        "threads_per_rank": threads})


def crowd_warning(n_ranks, n_cores):
    """What to tell of ranks that outnumber the cores.

    Args:
        n_ranks (int): Ranks that compute on the same cores.
        n_cores (int): These cores.

    Returns:
        str: A line; empty if there are enough.
    """
    if n_ranks <= n_cores:
        return ""
    return (f"warning: {n_ranks} ranks share {n_cores} core{'s' * (n_cores > 1)} of this machine and wait for one "
            f"another; {n_cores} would be faster")


def _choose_kernels(args, on_gpu):
    convolution_cuda.use_precision(args.precision)
    kernels = backends.use(args.kernels, on_gpu)
    if args.precision == "fp16" and not backends.cudnn_kernels():
        raise UsageError(f"--precision {args.precision} is for convolutions by cuDNN on a GPU; this run is on "
                         f"{'a GPU' if on_gpu else 'a CPU'} with kernels {kernels}; leave it out")
    return kernels


@functools.cache  # a process of the experiments trains one network after another
def _faults(captures):
    # It needs the networks, which only a training on a GPU needs that early.
    from dcgan_mri.kernels import self_test

    try:
        return self_test.why_not(captures)
    except Exception as error:  # of CuPy and Chainer: then nothing vouches for the fast code
        return {"kernels": f"it could not be made ({' '.join(str(error).split())[:200]})"}


def _after_self_test(kernels, captures, graph_reason):
    """What is left of the choice once the fast code has been tried on this GPU."""
    faults = _faults(captures)
    if "kernels" in faults:
        backends.use("plain", on_gpu=True)
        return f"plain, since in the self-test {faults['kernels']}", False, "off, since kernels are plain"
    if "cudnn" in faults:
        backends.without_cudnn()
        reason = f"in the self-test of cuDNN {faults['cudnn']}"
        return f"fast, but convolutions by Chainer, since {reason}", False, f"off, since {reason}"
    if "graph" in faults:
        return kernels, False, f"off, since in the self-test {faults['graph']}"
    return f"{kernels}; self-test passed", captures, graph_reason
