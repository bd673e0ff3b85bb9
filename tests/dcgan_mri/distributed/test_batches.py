"""The global batches do not depend on the ranks, and an epoch loses and doubles nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcgan_mri import randomness
from dcgan_mri.distributed.batches import batches_per_epoch, laid_out_for_ranks, share_of_batch
from dcgan_mri.errors import UsageError
from tests.helpers import run_job


@pytest.mark.parametrize(("batchsize", "ranks"), [(8, 1), (8, 2), (8, 4), (8, 8), (9, 3)])
def test_share(batchsize, ranks):
    assert share_of_batch(batchsize, ranks) * ranks == batchsize


def test_batch_that_does_not_divide_is_refused_with_a_way_out():
    with pytest.raises(UsageError) as caught:
        share_of_batch(8, 3)
    assert "--batchsize 8" in str(caught.value)
    assert "does not divide by 3 ranks; run 1 or 2 or 4 or 8 ranks, or use --batchsize 9" in str(caught.value)


def test_more_than_the_set_is_refused():
    with pytest.raises(UsageError, match="more than the set's 7 slices"):
        batches_per_epoch(7, 8)


@given(ranks=st.integers(1, 8), share=st.integers(1, 4), n=st.integers(1, 200), seed=st.integers(0, 99))
def test_contiguous_parts_are_the_shares_of_every_batch(ranks, share, n, seed):
    batchsize = ranks * share
    order = randomness.epoch_order(seed, 0, n)
    parts = np.split(laid_out_for_ranks(order, batchsize, ranks), ranks)
    used = order[:n // batchsize * batchsize]
    shares = [part.reshape(-1, share) for part in parts]
    assert np.array_equal(np.concatenate(shares, axis=1).ravel(), used)
    assert len(set(used)) == len(used)
    assert n - len(used) < batchsize


RUN = """
import sys
import numpy as np
from mpi4py import MPI
from dcgan_mri.chainer_compat import chainermn
from dcgan_mri.distributed import communicator
from dcgan_mri.distributed.batches import GlobalBatches

class Numbers:
    def __init__(self, n): self.n = n
    def __len__(self): return self.n
    def batch(self, indices): return np.array(indices)

n, batchsize, start, steps = map(int, sys.argv[1:])
ranks = MPI.COMM_WORLD
batches = GlobalBatches(communicator.create("naive", ranks), Numbers(n), batchsize, 3, chainermn.scatter_dataset)
batches.iteration = start
seen = []
for _ in range(steps):
    mine = ranks.gather((list(batches.samples), batches.next().tolist()))
    if ranks.rank == 0:
        assert sum((samples for samples, _ in mine), []) == list(range(batchsize))
        seen += sum((indices for _, indices in mine), [])
    assert batches.is_new_epoch == (batches.iteration % (n // batchsize) == 0)
if ranks.rank == 0:
    print(*seen)
"""


def seen(n, batchsize, start, steps, ranks):
    done = run_job("-c", RUN, n, batchsize, start, steps, ranks=ranks)
    assert done.returncode == 0, done.stderr
    return [int(index) for index in done.stdout.split()]


def test_720_slices_in_batches_of_8_on_any_number_of_ranks():
    one = seen(720, 8, 0, 180, None)
    assert sorted(one[:720]) == sorted(one[720:]) == list(range(720))
    assert one[:720] != one[720:]
    for ranks in (2, 4):
        assert seen(720, 8, 0, 180, ranks) == one


def test_what_is_left_over_sits_out_one_epoch_only():
    epochs = [set(part) for part in np.split(np.array(seen(19, 8, 0, 8, 2)), 4)]
    assert all(len(epoch) == 16 for epoch in epochs)
    assert set.union(*epochs) == set(range(19))


def test_goes_on_in_mid_epoch_with_another_number_of_ranks():
    whole = seen(24, 8, 0, 7, None)
    assert seen(24, 8, 4, 3, 4) == whole[32:]
