"""The choice of a communicator, and the one that reduces through host memory."""

import pytest

from dcgan_mri.distributed import communicator
from dcgan_mri.errors import UsageError
from tests.helpers import run_job


@pytest.mark.parametrize(("asked", "ranks", "gpus", "name"), [
    ("auto", 1, 0, "naive"), ("auto", 4, 0, "naive"), ("host", 4, 0, "host"), ("naive", 2, 0, "naive"),
    ("auto", 1, 1, "alone"), ("pure_nccl", 1, 1, "pure_nccl"),
    ("auto", 4, 4, "pure_nccl"), ("auto", 4, 1, "host"), ("auto", 4, 2, "host"),
    ("host", 4, 4, "host"), ("pure_nccl", 4, 4, "pure_nccl"),
])
def test_choice(asked, ranks, gpus, name):
    chosen, reason = communicator.choose(asked, ranks, gpus)
    assert chosen == name
    assert reason


@pytest.mark.parametrize(("asked", "ranks", "gpus", "message"), [
    ("pure_nccl", 2, 0, "needs a GPU for every rank"),
    ("pure_nccl", 4, 1, "NCCL refuses two ranks on one GPU"),
    ("naive", 2, 2, "would hand GPU memory to MPI"),
])
def test_what_cannot_work_is_refused(asked, ranks, gpus, message):
    with pytest.raises(UsageError, match=message):
        communicator.choose(asked, ranks, gpus)


def test_half_precision_is_for_nccl_alone():
    assert communicator.choose("auto", 4, 4, "float16")[0] == "pure_nccl"
    with pytest.raises(UsageError, match="float16 works with pure_nccl only; this is host"):
        communicator.choose("auto", 4, 1, "float16")


def test_without_nccl_the_host_reduces():
    assert communicator.choose("auto", 4, 4, has_nccl=False) == ("host", "CuPy finds no NCCL")
    with pytest.raises(UsageError, match="finds no NCCL"):
        communicator.choose("pure_nccl", 1, 1, has_nccl=False)


HOST = """
import numpy as np
from mpi4py import MPI
from dcgan_mri.chainer_compat import L, chainer
from dcgan_mri.distributed import communicator

ranks = MPI.COMM_WORLD
comms = [communicator.create(name, ranks) for name in ("host", "naive")]
model = chainer.Sequential(L.Linear(5, 4), L.Linear(4, 3))
model.cleargrads()
for i, (_, param) in enumerate(sorted(model.namedparams())):
    param.array[...] = 10 * ranks.rank + i
    if i:
        param.grad = np.full(param.shape, ranks.rank + i, np.float32)
other = model.copy(mode="copy")
for comm, copy in zip(comms, (model, other)):
    comm.multi_node_mean_grad(copy, zero_fill=True)
    comm.bcast_data(copy)
mean_rank = (ranks.size - 1) / 2
for i, ((_, ours), (_, naive)) in enumerate(zip(sorted(model.namedparams()), sorted(other.namedparams()))):
    assert (ours.array == i).all() and (naive.array == i).all()
    assert (ours.grad == (mean_rank + i if i else 0)).all(), ours.grad
    assert (ours.grad == naive.grad).all()
for comm in comms:
    array = np.arange(3, dtype=np.float32) + ranks.rank
    assert communicator.mean_over_ranks(comm, array) is array
    np.testing.assert_allclose(array, np.arange(3) + mean_rank)
    gathered = communicator.from_all_ranks(comm, np.full(2, ranks.rank + 1, np.float32))
    np.testing.assert_allclose(gathered, np.arange(1, ranks.size + 1)[:, None] * np.ones(2), rtol=1e-6)
print("agreed")
"""


@pytest.mark.parametrize("ranks", [1, 2, 3])
def test_host_communicator_does_what_naive_does(ranks):
    done = run_job("-c", HOST, ranks=ranks)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("agreed") == ranks


@pytest.mark.gpu
@pytest.mark.parametrize("ranks", [1, 2, 4])
def test_host_communicator_on_a_shared_gpu(ranks):
    on_gpu = HOST.replace('("host", "naive")', '("host", "host")').replace("import numpy as np\n", "", 1)
    on_gpu = on_gpu.replace("from mpi4py import MPI\n", "from mpi4py import MPI\nimport numpy\nimport cupy as np\n", 1)
    on_gpu = on_gpu.replace("model.cleargrads()", 'model.to_device("@cupy:0")\nmodel.cleargrads()')
    on_gpu = on_gpu.replace("np.testing.assert_allclose(", "assert np.allclose(")
    done = run_job("-c", on_gpu, ranks=ranks)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("agreed") == ranks
