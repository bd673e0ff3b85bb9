"""BLAS threads: each rank its share; vectors, before NumPy is loaded."""

import os

import pytest

from dcgan_mri.distributed.threads import AVX512, share_of_cores, tell_openblas_of_vectors
from tests.helpers import run_job

SHOW = """
import os, sys
from dcgan_mri.distributed.threads import before_numpy, limit_threads
before_numpy()
assert "numpy" not in sys.modules
import numpy, threadpoolctl
from mpi4py import MPI
said = limit_threads(MPI.COMM_WORLD)
[blas] = {pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"}
lines = MPI.COMM_WORLD.gather(f"{os.environ['OMP_NUM_THREADS']} {blas} {said}")
if lines: print(*lines, sep="\\n")
"""


@pytest.mark.parametrize(("cores", "ranks", "threads"), [(2, 1, 2), (2, 4, 1), (16, 4, 4), (64, 3, 21), (1, 1, 1)])
def test_ranks_that_may_run_anywhere_share_the_cores(cores, ranks, threads):
    assert share_of_cores(set(range(cores)), [set(range(cores))] * ranks) == threads


def test_ranks_bound_to_cores_of_their_own_use_all_of_them():
    bound = [set(range(8 * rank, 8 * rank + 8)) for rank in range(4)]
    assert [share_of_cores(cores, bound) for cores in bound] == [8] * 4


def test_each_rank_gets_its_share():
    cores = len(os.sched_getaffinity(0))
    lines = run_job("-c", SHOW, ranks=4, OMP_NUM_THREADS="").stdout.splitlines()
    share = max(1, cores // 4)
    assert lines == [f"{share} {share} {share} ({cores} cores, 4 ranks on this machine)"] * 4


def test_the_user_knows_better():
    lines = run_job("-c", SHOW, ranks=2, OMP_NUM_THREADS="7").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["7", "7"]
    assert all("from OMP_NUM_THREADS" in line for line in lines)


CPUINFO = "processor\t: 0\nvendor_id\t: {vendor}\nflags\t\t: fpu sse2 avx2 {flags}\n\nprocessor\t: 1\n"


@pytest.mark.parametrize(("vendor", "flags", "told"), [
    ("AuthenticAMD", "avx512f avx512cd avx512bw avx512dq avx512vl", "SkylakeX"),
    ("AuthenticAMD", "avx512f", None),
    ("GenuineIntel", "avx512f avx512cd avx512bw avx512dq avx512vl", None)])
def test_openblas_is_told_of_vectors_that_it_does_not_see(monkeypatch, tmp_path, vendor, flags, told):
    monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    (tmp_path / "cpuinfo").write_text(CPUINFO.format(vendor=vendor, flags=flags))
    tell_openblas_of_vectors(tmp_path / "cpuinfo")
    assert os.environ.get("OPENBLAS_CORETYPE") == told


def test_what_the_user_said_of_the_processor_stays(monkeypatch, tmp_path):
    monkeypatch.setattr(os, "environ", {"OPENBLAS_CORETYPE": "Haswell"})
    (tmp_path / "cpuinfo").write_text(CPUINFO.format(vendor="AuthenticAMD", flags=" ".join(AVX512)))
    tell_openblas_of_vectors(tmp_path / "cpuinfo")
    assert os.environ == {"OPENBLAS_CORETYPE": "Haswell"}


def test_other_systems_have_no_cpuinfo(monkeypatch, tmp_path):
    monkeypatch.setattr(os, "environ", {})
    tell_openblas_of_vectors(tmp_path / "none")
    assert os.environ == {}
