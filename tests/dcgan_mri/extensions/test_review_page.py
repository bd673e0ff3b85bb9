"""The page after an epoch, and when it is left out."""

import types

from dcgan_mri.slice_set import Slices
from dcgan_mri.extensions.budget import Budget
from dcgan_mri.extensions.review_page import ReviewPage
from dcgan_mri.extensions.triggers import StopAt
from tests.helpers import SMALL, run_job
from tests.results import write_result

PICTURES = "the images of the newest grid"


def test_written_by_a_training(slices16, tmp_path):
    out = tmp_path / "result"
    done = run_job("-m", "dcgan_mri.train", "-i", slices16, "-o", out, "--image-size", "16", "--width",
                   str(SMALL["width"]), "-g", "off", "-e", "3", "--measures", "off", ranks=2)
    assert done.returncode == 0, done.stderr
    assert f"review page    {out}/index.html" in done.stdout
    assert '"link":"preview/epoch_0003.png"' in (out / "index.html").read_text(encoding="utf-8")


def test_a_damaged_grid_of_before_costs_the_page_and_not_the_training(slices16, tmp_path):
    out = tmp_path / "result"
    options = ["-o", out, "-g", "off", "--measures", "off", "--page", "on"]
    done = run_job("-m", "dcgan_mri.train", "-i", slices16, "--image-size", "16", "--width", str(SMALL["width"]),
                   *options, "-e", "1", "--page", "off")
    assert done.returncode == 0, done.stderr
    (out / "preview" / "epoch_0001.png").write_bytes(b"cut short")
    done = run_job("-m", "dcgan_mri.train", *options, "-r", "-e", "3")
    assert done.returncode == 0, done.stderr
    assert f"no review page after epoch 3: {out}/preview/epoch_0001.png: cannot read the grid" in done.stdout
    assert (out / "preview" / "epoch_0003.png").exists()


def test_short_epochs_are_left_out_but_not_the_last(slices16, tmp_path):
    folder = write_result(tmp_path / "run", [1], slices16)
    extension = ReviewPage(Slices(slices16))
    now, written = [0.0], []
    extension._budget = Budget(0.05, clock=lambda: now[0])

    def at(iteration):
        return types.SimpleNamespace(
            out=folder, updater=types.SimpleNamespace(iteration=iteration), stop_trigger=StopAt(9, None),
            get_extension={"SampleGrid": types.SimpleNamespace(epoch=1, picture=PICTURES)}.get)

    extension.initialize(at(0))

    def write(newest):
        assert newest == (1, PICTURES)
        now[0] += 1
        written.append(iteration)

    extension._page.write = write
    for iteration in range(1, 10):
        now[0] += 10
        extension(at(iteration))
    assert written == [1, 4, 6, 8, 9]


def test_a_budget_is_kept_in_the_long_run():
    now = [0.0]
    budget = Budget(0.1, clock=lambda: now[0])
    budget.begin()
    spent = 0
    for _ in range(500):
        now[0] += 1
        if budget.allows():
            with budget.spending():
                now[0] += 3
                spent += 3
    assert 0.09 < spent / now[0] <= 0.1
