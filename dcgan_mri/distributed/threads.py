"""BLAS threads for each rank. Must run before NumPy is loaded, so this module imports nothing that loads it."""

import os

VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def share_of_cores(mine, all_ranks):
    """How many threads a rank may run beside the ranks of its machine that use the same cores.

    Args:
        mine (set of int): Cores that this process may run on.
        all_ranks (list of set): The same for each rank of this machine, this one included. A launcher that binds
            ranks gives each cores of its own.

    Returns:
        int: At least 1.
    """
    return max(1, len(mine) // sum(bool(mine & cores) for cores in all_ranks))


def limit_blas_threads():
    """Give each rank its share of the cores: four ranks with all the threads on two cores run ten times slower.

    A user who set OMP_NUM_THREADS knows better and is left alone.

    Returns:
        str: What was done, for the log.
    """
    if os.environ.get("OMP_NUM_THREADS"):
        return f"{os.environ['OMP_NUM_THREADS']} (from OMP_NUM_THREADS)"
    from mpi4py import MPI

    node = MPI.COMM_WORLD.Split_type(MPI.COMM_TYPE_SHARED)
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))
    threads = share_of_cores(cores, node.allgather(cores))
    for variable in VARIABLES:
        os.environ[variable] = str(threads)
    return f"{threads} ({len(cores)} cores, {node.size} rank{'s' * (node.size > 1)} on this machine)"
