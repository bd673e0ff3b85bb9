"""The ChainerMN communicator: which one fits the ranks and their GPUs, and one for ranks that share a GPU."""

import numpy as np
from mpi4py import MPI

from dcgan_mri.chainer_compat import chainer, chainermn
from dcgan_mri.errors import UsageError

# Behind chainer_compat, without which Chainer does not import.
import chainermn.nccl
from chainermn.communicators.mpi_communicator_base import MpiCommunicatorBase
from chainermn.communicators.pure_nccl_communicator import PureNcclCommunicator

NAMES = ("auto", "naive", "host", "pure_nccl")


def choose(asked, n_ranks, n_gpus, allreduce_dtype="float32", has_nccl=True):
    """Choose a communicator.

    Args:
        asked (str): One of `NAMES`.
        n_ranks (int): Number of ranks.
        n_gpus (int): Number of different GPUs that the ranks compute on together; 0 on CPU.
        allreduce_dtype (str): What gradients are to travel as.
        has_nccl (bool): Whether NCCL can be used.

    Returns:
        tuple: Name and reason, both str.

    Raises:
        UsageError: If the one asked for cannot work with these ranks and GPUs.
    """
    name, reason = _choose(asked, n_ranks, n_gpus, has_nccl)
    if allreduce_dtype != "float32" and name != "pure_nccl":
        raise UsageError(f"--allreduce-dtype {allreduce_dtype} works with pure_nccl only; this is {name} ({reason})")
    return name, reason


def _choose(asked, n_ranks, n_gpus, has_nccl):
    if n_gpus == 0:
        if asked == "pure_nccl":
            raise UsageError("--communicator pure_nccl needs a GPU for every rank and there is none; use auto")
        return ("naive", "no GPU") if asked == "auto" else (asked, "asked for")
    if n_ranks == 1 and asked == "auto":
        return "alone", "one process"
    if asked == "naive":
        raise UsageError("--communicator naive would hand GPU memory to MPI; use auto, host or pure_nccl")
    if n_gpus < n_ranks:
        if asked == "pure_nccl":
            raise UsageError(
                f"--communicator pure_nccl: NCCL refuses two ranks on one GPU; {n_ranks} ranks have {n_gpus}; use auto")
        return "host", f"{n_ranks} ranks share {n_gpus} GPU{'s' * (n_gpus > 1)}"
    if not has_nccl:
        if asked == "pure_nccl":
            raise UsageError("--communicator pure_nccl: CuPy finds no NCCL; install nvidia-nccl-cu12, or use auto")
        return "host", "CuPy finds no NCCL"
    return ("pure_nccl", "a GPU for every rank") if asked == "auto" else (asked, "asked for")


def nccl_is_there():
    """Whether ChainerMN can use NCCL.

    Returns:
        bool: False without CuPy, or where CuPy finds no NCCL.
    """
    return chainermn.nccl._available


def create(name, mpi_comm, allreduce_dtype="float32"):
    """Create the communicator.

    Args:
        name (str): ``alone``, ``naive``, ``host`` or ``pure_nccl``.
        mpi_comm (mpi4py.MPI.Comm): The ranks.
        allreduce_dtype (str): What gradients travel as: ``float32``, or ``float16`` with ``pure_nccl``.

    Returns:
        chainermn.CommunicatorBase: The communicator.
    """
    if name in ("alone", "host"):
        return {"alone": Alone, "host": HostCommunicator}[name](mpi_comm)
    options = {"allreduce_grad_dtype": allreduce_dtype} if name == "pure_nccl" else {}
    return chainermn.create_communicator(name, mpi_comm, **options)


class Alone(MpiCommunicatorBase):
    """For one process with a GPU, where every mean is there already.

    ``pure_nccl`` would copy all gradients to a buffer and back in every step, on the default stream, which no CUDA
    graph can capture.
    """

    def bcast_data(self, model):
        """Nothing: the parameters are rank 0's."""

    def multi_node_mean_grad(self, model, zero_fill=False):
        """Nothing: the gradients are the mean."""


class HostCommunicator(MpiCommunicatorBase):
    """Reduces through host memory: for ranks that share a GPU, and for MPI libraries that know nothing of CUDA.

    NCCL refuses two ranks on one GPU, and ChainerMN's ``naive`` hands device pointers to MPI. Gradients travel as one
    message through pinned memory. Works on NumPy arrays too, where it sends one message for ``naive``'s dozens.
    """

    def __init__(self, mpi_comm):
        super().__init__(mpi_comm)
        self._buffers = {}

    def bcast_data(self, model):
        """Overwrite the parameters of a model by rank 0's; a collective."""
        arrays = [param.array for _, param in sorted(model.namedparams())]
        buffer = self._gather_on_host(arrays)
        self.mpi_comm.Bcast(buffer)
        _scatter_from_host(buffer, arrays)

    def multi_node_mean_grad(self, model, zero_fill=False):
        """Replace the gradients of a model by their means over the ranks; a collective.

        A parameter without gradient counts as zero if `zero_fill` is set, and is left out otherwise.
        """
        params = [param for _, param in sorted(model.namedparams())]
        if zero_fill:
            for param in params:
                if param.grad is None:
                    param.grad = param.xp.zeros_like(param.array)
        arrays = [param.grad for param in params if param.grad is not None]
        self._mean(arrays, arrays)

    def _multi_node_mean(self, sendbuf, recvbuf):
        self._mean([recvbuf if sendbuf is None else sendbuf], [recvbuf])

    def _mean(self, sources, targets):
        buffer = self._gather_on_host(sources)
        self.mpi_comm.Allreduce(MPI.IN_PLACE, buffer)
        buffer *= np.float32(1 / self.size)
        _scatter_from_host(buffer, targets)

    def _gather_on_host(self, arrays):
        """All arrays behind one another in a float32 host buffer, which is reused by every call of the same size."""
        xp = chainer.backend.get_array_module(*arrays)
        flat = xp.concatenate([array.ravel() for array in arrays])
        if xp is np:
            return flat
        if flat.size not in self._buffers:
            import cupyx

            self._buffers[flat.size] = cupyx.empty_pinned(flat.shape, dtype=np.float32)
        # Blocking: MPI reads the buffer next.
        return flat.get(out=self._buffers[flat.size])


def _scatter_from_host(buffer, arrays):
    xp = chainer.backend.get_array_module(*arrays)
    start = 0
    flat = buffer if xp is np else xp.asarray(buffer)
    for array in arrays:
        array[...] = flat[start:start + array.size].reshape(array.shape)
        start += array.size


def mean_over_ranks(comm, array):
    """Replace an array by its mean over all ranks; a collective.

    Args:
        comm (chainermn.CommunicatorBase): The ranks.
        array (numpy.ndarray or cupy.ndarray): float32, contiguous; overwritten.

    Returns:
        numpy.ndarray or cupy.ndarray: The same array.
    """
    if comm.size == 1:
        return array
    if isinstance(comm, PureNcclCommunicator):
        buffer = _NcclBuffer(array)
        comm._multi_node_mean_nccl(buffer, buffer, array.size, array.dtype)
    else:
        comm._multi_node_mean(None, array)
    return array


def from_all_ranks(comm, array):
    """Gather an array from every rank, by the one reduction that all communicators have; a collective.

    Args:
        comm (chainermn.CommunicatorBase): The ranks.
        array (numpy.ndarray or cupy.ndarray): float32, of the same shape on each.

    Returns:
        numpy.ndarray or cupy.ndarray: float32 of shape (ranks, *array.shape), the same on each.
    """
    xp = chainer.backend.get_array_module(array)
    gathered = xp.zeros((comm.size, *array.shape), dtype=array.dtype)
    gathered[comm.rank] = array
    mean_over_ranks(comm, gathered)
    gathered *= comm.size
    return gathered


class _NcclBuffer:
    """An array with the methods that ChainerMN's NCCL reduction calls; it may be sent and received in one place."""

    def __init__(self, array):
        self._array = array

    def ptr(self):
        return self._array.data.ptr

    def array(self, count, dtype):
        return self._array
