"""How BLAS computes: threads for each rank, and the processor's vectors.

`before_numpy` has to run before NumPy is loaded, so this module imports nothing that loads it.
"""

import os
import pathlib
import sys

import threadpoolctl

VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
AVX512 = {"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"}


def available_cores():
    """The cores that this process may run on.

    Returns:
        set of int: Their numbers.
    """
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))


def cores():
    """Number of cores that this process may use.

    Returns:
        int: At least 1.
    """
    return len(available_cores())


def share_of_cores(mine, all_ranks):
    """How many threads a rank may run beside the ranks of its machine that use the same cores.

    Args:
        mine (set of int): Cores that this process may run on.
        all_ranks (list of set): The same for each rank of this machine, this one included. A launcher that binds
            ranks gives each cores of its own.

    Returns:
        int: At least 1.
    """
    return max(1, len(mine) // sum(bool(mine & theirs) for theirs in all_ranks))


def before_numpy():
    """What has to be settled before NumPy is loaded: that there is an MPI, and which vectors BLAS takes."""
    load_mpi()
    tell_openblas_of_vectors()


def limit_threads(node):
    """Give each rank its share of the cores; a collective. Without, four ranks on two cores run ten times slower.

    A user who set OMP_NUM_THREADS knows better and is left alone.

    Args:
        node (mpi4py.MPI.Comm): The ranks of this machine.

    Returns:
        str: What was done, for the log.
    """
    everybody = node.allgather(available_cores())
    if os.environ.get("OMP_NUM_THREADS"):
        return f"{os.environ['OMP_NUM_THREADS']} (from OMP_NUM_THREADS)"
    threads = share_of_cores(available_cores(), everybody)
    for variable in VARIABLES:
        os.environ[variable] = str(threads)  # for what is loaded later
    threadpoolctl.threadpool_limits(threads)
    return f"{threads} ({cores()} cores, {node.size} rank{'s' * (node.size > 1)} on this machine)"


def load_mpi():
    """Load MPI, or end with a line that says how to get it.

    Raises:
        SystemExit: If no MPI library is found.
    """
    try:
        from mpi4py import MPI  # noqa: F401, loading it is what is tried
    except (ImportError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[-1:] or ["no reason given"]
        sys.exit(f"dcgan_mri: error: no MPI library can be loaded ({reason[0].strip()}); install one with "
                 f"`{sys.executable} -m pip install 'mpich>=5,<6'`, or load the cluster's module")


def tell_openblas_of_vectors(cpuinfo="/proc/cpuinfo"):
    """Have OpenBLAS use AVX-512 where it would not by itself; what the user set stays.

    The OpenBLAS in NumPy's wheels takes AMD's processors with AVX-512 for ones without: on an EPYC of 2024 a matrix
    product then takes twice as long (measured, OpenBLAS 0.3.31).

    Args:
        cpuinfo (str or Path): Where Linux describes the processor.
    """
    try:
        text = pathlib.Path(cpuinfo).read_text()
    except OSError:
        return
    fields = dict(line.split(":", 1) for line in text.split("\n\n")[0].splitlines() if ":" in line)
    fields = {name.strip(): value.split() for name, value in fields.items()}
    if fields.get("vendor_id") == ["AuthenticAMD"] and set(fields.get("flags", [])) >= AVX512:
        os.environ.setdefault("OPENBLAS_CORETYPE", "SkylakeX")
