"""Batch normalisation: Chainer's own on one rank, the global batch's on many."""

import numpy as np
import pytest
from mpi4py import MPI

from dcgan_mri.chainer_compat import F, L, chainer
from dcgan_mri.distributed import communicator
from dcgan_mri.distributed.batch_normalization import GlobalBatchNormalization
from tests.helpers import run_job


@pytest.mark.parametrize("use_gamma", [True, False])
@pytest.mark.parametrize("shape", [(8, 5), (4, 3, 6, 6)])
def test_one_rank_is_chainers_own_link(shape, use_gamma):
    comm = communicator.create("naive", MPI.COMM_SELF)
    ours = GlobalBatchNormalization(shape[1], comm, use_gamma)
    stock = L.BatchNormalization(shape[1], use_gamma=use_gamma)
    rng = np.random.default_rng(0)
    for _ in range(3):
        x = rng.normal(3, 2, shape).astype(np.float32)
        weights = rng.normal(size=shape).astype(np.float32)
        results = []
        for link in (ours, stock):
            link.cleargrads()
            v = chainer.Variable(x)
            with chainer.using_config("train", True):
                y = link(v)
            F.sum(y * weights).backward()
            results.append([y.array, v.grad, link.beta.grad, link.avg_mean, link.avg_var]
                           + ([link.gamma.grad] if use_gamma else []))
        for mine, theirs in zip(*results, strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=2e-4, atol=2e-5)
    with chainer.using_config("train", False):
        np.testing.assert_allclose(ours(x).array, stock(x).array, rtol=1e-4, atol=1e-5)


def test_variance_does_not_cancel():
    comm = communicator.create("naive", MPI.COMM_SELF)
    link = GlobalBatchNormalization(1, comm)
    x = (1e4 + np.random.default_rng(0).normal(0, 0.5, (4000, 1))).astype(np.float32)
    with chainer.using_config("train", True):
        y = link(x).array
    assert y.std() == pytest.approx(1, rel=1e-3)


def test_has_the_parameters_of_the_stock_link_so_that_weights_fit_both():
    comm = communicator.create("naive", MPI.COMM_SELF)
    for use_gamma in (True, False):
        names = []
        for link in (GlobalBatchNormalization(4, comm, use_gamma), L.BatchNormalization(4, use_gamma=use_gamma)):
            serializer = chainer.serializers.DictionarySerializer()
            serializer.save(link)
            names.append(sorted(serializer.target))
        assert names[0] == names[1]


MANY = """
import numpy as np
from mpi4py import MPI
from dcgan_mri.chainer_compat import F, L, chainer
from dcgan_mri.distributed import communicator
from dcgan_mri.distributed.batch_normalization import GlobalBatchNormalization

ranks = MPI.COMM_WORLD
rng = np.random.default_rng(0)
whole, weights = (rng.normal(3, 2, (8, 4, 3, 3)).astype(np.float32) for _ in range(2))
link = GlobalBatchNormalization(4, communicator.create(NAME, ranks))
stock = L.BatchNormalization(4)
share = slice(ranks.rank * 8 // ranks.size, (ranks.rank + 1) * 8 // ranks.size)
x, x_whole = chainer.Variable(whole[share]), chainer.Variable(whole)
with chainer.using_config("train", True):
    y, y_whole = link(x), stock(x_whole)
F.sum(y * weights[share] / len(y)).backward()
F.sum(y_whole * weights / 8).backward()
np.testing.assert_allclose(y.array, y_whole.array[share], atol=1e-5)
np.testing.assert_allclose(x.grad / ranks.size, x_whole.grad[share], atol=1e-5)
np.testing.assert_allclose(link.gamma.grad, stock.gamma.grad, rtol=1e-4, atol=1e-5)
np.testing.assert_allclose(link.avg_mean, stock.avg_mean, rtol=1e-5)
np.testing.assert_allclose(link.avg_var, stock.avg_var, rtol=1e-5)
statistics = ranks.allgather((link.avg_mean.tobytes(), link.avg_var.tobytes()))
assert len(set(statistics)) == 1
print("agreed")
"""


@pytest.mark.parametrize("name", ["naive", "host"])
@pytest.mark.parametrize("ranks", [2, 4])
def test_ranks_together_are_one_with_the_whole_batch(ranks, name):
    done = run_job("-c", MANY.replace("NAME", repr(name)), ranks=ranks)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("agreed") == ranks
