"""BLAS threads for each rank. Must run before NumPy is loaded, so this module imports nothing that loads it."""

import os

VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def share_of_cores(cores, local_ranks):
    """How many threads a rank may run when the ranks of one machine share its cores.

    Args:
        cores (int): Cores that this process may run on.
        local_ranks (int): Ranks on this machine.

    Returns:
        int: At least 1.
    """
    return max(1, cores // local_ranks)


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
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads = share_of_cores(cores, node.size)
    for variable in VARIABLES:
        os.environ[variable] = str(threads)
    return f"{threads} ({cores} cores, {node.size} rank{'s' * (node.size > 1)} on this machine)"
