"""Training as a user starts it: what it leaves, the same mathematics on any number of ranks, resuming, and errors."""

import json
import re
import shutil

import numpy as np
import pytest
import yaml

from dcgan_mri import train_options
from dcgan_mri.slice_set import Slices
from dcgan_mri.run import sample_grids
from dcgan_mri.run.snapshots import load_generator
from dcgan_mri.train import resume_command
from tests.helpers import SMALL, run_job, write_slice_set

OPTIONS = ["--image-size", SMALL["image_size"], "--width", SMALL["width"], "--measures", "off", "--page",
           "off", "-g", "off"]
INIT_SCALE = 0.2


def train(slices, out, *options, ranks=None, small=True):
    return run_job("-m", "dcgan_mri.train", "-i", slices, "-o", out, *(OPTIONS if small else []), *options, ranks=ranks)


def arrays_of(path):
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def one_line_of(done, status):
    """The error line of a job that had to fail in order."""
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("dcgan_mri.train: error: ")]
    assert len(lines) == 1, done.stderr
    return lines[0]


@pytest.fixture(scope="module")
def finished(slices16, tmp_path_factory):
    """Three epochs of two batches on two ranks: the completed process and its result folder."""
    out = tmp_path_factory.mktemp("finished") / "result"
    done = train(slices16, out, "-e", 3, ranks=2)
    assert done.returncode == 0, done.stderr
    return done, out


def test_result_folder_is_complete(finished):
    _, out = finished
    assert sorted(path.name for path in out.iterdir()) == [
        ".lock", "config.yaml", "environment.json", "generator.npz", "log", "loss.png", "preview",
        "snapshot_iter_4.npz", "snapshot_iter_6.npz"]
    assert sorted(path.name for path in (out / "preview").iterdir()) == [f"epoch_000{i}.png" for i in (1, 2, 3)]
    picture = sample_grids.read(out / "preview" / "epoch_0003.png")
    assert sample_grids.cells(picture).shape == (100, 16, 16, 3)
    log = json.loads((out / "log").read_text())
    assert [(entry["epoch"], entry["iteration"]) for entry in log] == [(1, 2), (2, 4), (3, 6)]
    assert all(np.isfinite(entry[key]) for entry in log for key in ("gen/loss", "dis/loss", "dis/y_real", "dis/y_fake"))


def test_what_the_run_says_of_itself(finished, slices16):
    done, out = finished
    settings = yaml.safe_load((out / "config.yaml").read_text())
    assert (settings["epoch"], settings["batchsize"], settings["image_size"]) == (3, 8, 16)
    start, = json.loads((out / "environment.json").read_text())["starts"]
    assert (start["ranks"], start["communicator"], start["slices"]) == (2, "naive", 16)
    assert (start["dataset"], start["slices_sha256"]) == (str(slices16), Slices(slices16).fingerprint)
    assert "communicator: naive (no GPU)" in done.stdout
    assert "device: CPU (asked for)" in done.stdout
    assert re.search(r"threads for each rank: \d", done.stdout)
    assert "CUDA graph" not in done.stdout  # there is no GPU to speak of
    for name in ("preview/epoch_*.png", "loss.png", "log", "generator.npz"):
        assert f"{out}/{name}" in done.stdout
    assert "\033" not in done.stdout


def relative(ours, theirs):
    return np.linalg.norm(ours - theirs) / np.linalg.norm(theirs)


@pytest.mark.parametrize("random", [True, False], ids=["noise and dropout", "neither"])
def test_ranks_compute_what_one_computes(slices16, tmp_path, random):
    # Weights wide enough that such narrow layers put out values of the size that the full ones do.
    (tmp_path / "config.yaml").write_text(f"init_scale: {INIT_SCALE}\n")
    options = ["--config", tmp_path / "config.yaml", *([] if random else ["--dropout", 0, "--noise-sigma", 0])]
    snapshots = {}
    for ranks in (1, 2, 4):
        for last in (1, 5):
            out = tmp_path / f"{ranks}_{last}"
            done = train(slices16, out, *options, "--max-iterations", last, ranks=ranks)
            assert done.returncode == 0, done.stderr
            snapshots[ranks, last] = arrays_of(out / f"snapshot_iter_{last}.npz")
    begin = arrays_of_initial_weights(INIT_SCALE)
    for ranks in (2, 4):
        for network in ("gen", "dis"):
            # After one step Adam's first moment is half the gradient, weight decay included.
            moments = [name for name in snapshots[1, 1] if re.fullmatch(rf"updater/optimizer:{network}/.*/m", name)]
            gradients = [np.concatenate([snapshots[n, 1][name].ravel() for name in moments]) for n in (ranks, 1)]
            assert relative(*gradients) < 1e-5
            weights = [name for name in begin if name.startswith(f"updater/model:{network}/")]
            updates = [np.concatenate([(snapshots[n, 5][name] - begin[name]).ravel() for name in weights])
                       for n in (ranks, 1)]
            assert relative(*updates) < 0.05
            for last in (1, 5):
                assert_running_statistics_agree(snapshots[ranks, last], snapshots[1, last], network, last)


def assert_running_statistics_agree(ours, theirs, network, iterations):
    """To 1 %: variances of themselves, means of the deviation of what they are the means of."""
    # Running variances start at 1 and forget a tenth of it in each pass, of which D makes two an iteration.
    of_the_start = 0.9 ** (iterations * (2 if network == "dis" else 1))
    for name in (name for name in theirs if re.search(rf":{network}/bn\d/avg_mean", name)):
        variances = [(arrays[name.replace("avg_mean", "avg_var")] - of_the_start) / (1 - of_the_start)
                     for arrays in (ours, theirs)]
        assert relative(*variances) < 0.01, name
        assert np.abs(ours[name] - theirs[name]).max() < 0.01 * np.sqrt(variances[1].mean()), name


def arrays_of_initial_weights(init_scale=0.02):
    """The weights of both networks before the first step, except biases in front of batch normalisation.

    Their gradient is zero up to rounding, which Adam turns into full steps in a random direction.
    """
    from dcgan_mri.chainer_compat import chainer
    from dcgan_mri.config import Config
    from dcgan_mri.networks import Discriminator, Generator

    config = Config(**SMALL, init_scale=init_scale)
    begin = {}
    for name, network in (("gen", Generator(config)), ("dis", Discriminator(config))):
        serializer = chainer.serializers.DictionarySerializer()
        serializer.save(network)
        begin.update({f"updater/model:{name}/{key}": np.array(value) for key, value in serializer.target.items()
                      if key.endswith("/W")})
    return begin


PENALTY = ["--dis-bn", "false", "--gradient-penalty", 10]


def test_ranks_compute_the_gradient_penalty_that_one_computes(slices16, tmp_path):
    (tmp_path / "config.yaml").write_text(f"init_scale: {INIT_SCALE}\n")
    snapshots, losses = [], []
    for ranks, options in [(1, PENALTY), (2, PENALTY), (1, PENALTY[:2])]:
        out = tmp_path / str(len(losses))
        done = train(slices16, out, "--config", tmp_path / "config.yaml", *options, "--max-iterations", 1, ranks=ranks)
        assert done.returncode == 0, done.stderr
        snapshots.append(arrays_of(out / "snapshot_iter_1.npz"))
        losses.append(json.loads((out / "log").read_text())[0]["dis/loss"])
    one, two, without = snapshots
    moments = [name for name in one if re.fullmatch(r"updater/optimizer:dis/.*/m", name)]
    one, two, without = (np.concatenate([arrays[name].ravel() for name in moments]) for arrays in snapshots)
    assert relative(two, one) < 1e-5
    assert relative(without, one) > 0.01
    assert losses[1] == pytest.approx(losses[0], rel=1e-5)
    assert losses[2] < losses[0]


def test_ranks_compute_the_augmentation_and_the_average_that_one_computes(slices16, tmp_path):
    (tmp_path / "config.yaml").write_text(f"init_scale: {INIT_SCALE}\n")
    snapshots = []
    for ranks in (1, 2):
        out = tmp_path / str(ranks)
        done = train(slices16, out, "--config", tmp_path / "config.yaml", "--preset", "improved", "--augment", "true",
                     "--max-iterations", 1, ranks=ranks)
        assert done.returncode == 0, done.stderr
        snapshots.append(arrays_of(out / "snapshot_iter_1.npz"))
        from_snapshot, from_file = (
            dict(load_generator(out / name)[0].namedparams()) for name in ("snapshot_iter_1.npz", "generator.npz"))
        for name, param in from_snapshot.items():
            assert np.array_equal(param.array, snapshots[-1][f"updater/averaged{name}"]), name
            assert np.array_equal(param.array, from_file[name].array), name
    for pattern in (r"updater/optimizer:(gen|dis)/.*/m", r"updater/averaged/.*/W"):
        names = [name for name in snapshots[0] if re.fullmatch(pattern, name)]
        one, two = (np.concatenate([arrays[name].ravel() for name in names]) for arrays in snapshots)
        assert relative(two, one) < 1e-5


def test_clipped_run_with_more_steps_of_d_goes_on_as_the_uninterrupted_one(tmp_path):
    slices = write_slice_set(tmp_path / "slices", n=24, subjects=("001", "002", "003"))
    options = ["-e", 3, "--n-subjects", 2, "--optimizer", "rmsprop", "--weight-clip", 0.01, "--critic-steps", 4]
    done = train(slices, tmp_path / "whole", *options)
    assert done.returncode == 0, done.stderr
    assert "16 slices from" in done.stdout
    assert train(slices, tmp_path / "parts", *options, "--max-iterations", 3).returncode == 0
    after_three = arrays_of(tmp_path / "parts" / "snapshot_iter_3.npz")
    assert train(slices, tmp_path / "parts", "-r", small=False).returncode == 0
    begin = arrays_of_initial_weights()
    whole, parts = (without_times(arrays_of(tmp_path / run / "snapshot_iter_6.npz"))[0] for run in ("whole", "parts"))
    assert whole.keys() == parts.keys()
    for name, value in whole.items():
        assert np.array_equal(value, parts[name]), name
    for name, value in begin.items():
        assert np.array_equal(after_three[name], value) == (":gen/" in name)  # G's first step is the fourth iteration's
        assert not np.array_equal(whole[name], value)
    clipped = np.concatenate([value.ravel() for name, value in whole.items()
                              if re.fullmatch(r"updater/model:dis/\w+/(W|b|beta)", name)])
    assert np.abs(clipped).max() == np.float32(0.01)
    assert whole["updater/optimizer:gen/t"] == 1


def test_losses_are_those_of_the_global_batch(slices16, tmp_path):
    logs = []
    for ranks in (1, 4):
        done = train(slices16, tmp_path / str(ranks), "--max-iterations", 1, ranks=ranks)
        assert done.returncode == 0, done.stderr
        logs.append(json.loads((tmp_path / str(ranks) / "log").read_text())[0])
    for key in ("gen/loss", "dis/loss", "dis/y_real", "dis/y_fake"):
        assert logs[0][key] == pytest.approx(logs[1][key], rel=1e-4, abs=1e-6)


def without_times(arrays):
    kept = {name: value for name, value in arrays.items()
            if name not in ("_snapshot_elapsed_time", "extensions/LogReport/_log") and "extension_triggers" not in name}
    log = json.loads(str(arrays["extensions/LogReport/_log"]))
    return kept, [{key: value for key, value in entry.items() if key != "elapsed_time"} for entry in log]


@pytest.mark.parametrize("preset", ["paper", "improved"])
def test_resumed_run_is_the_uninterrupted_run_bit_for_bit(slices16, tmp_path, preset):
    assert train(slices16, tmp_path / "whole", "--preset", preset, "-e", 4).returncode == 0
    assert train(slices16, tmp_path / "parts", "--preset", preset, "-e", 4, "--max-iterations", 3).returncode == 0
    done = train(slices16, tmp_path / "parts", "-r", small=False)
    assert done.returncode == 0, done.stderr
    assert "iteration 3 of 8 done" in done.stdout
    whole, whole_log = without_times(arrays_of(tmp_path / "whole" / "snapshot_iter_8.npz"))
    parts, parts_log = without_times(arrays_of(tmp_path / "parts" / "snapshot_iter_8.npz"))
    assert whole.keys() == parts.keys()
    for name, value in whole.items():
        assert np.array_equal(value, parts[name]), name
    # The stop in mid-epoch is an entry of its own; from the next epoch on the logs are the same.
    assert parts_log[-2:] == whole_log[-2:]
    for name in ("epoch_0003.png", "epoch_0004.png"):
        grids = [(tmp_path / run / "preview" / name).read_bytes() for run in ("whole", "parts")]
        assert grids[0] == grids[1]


def test_goes_on_with_another_number_of_ranks(slices16, tmp_path):
    assert train(slices16, tmp_path / "one", "-e", 3).returncode == 0
    assert train(slices16, tmp_path / "some", "-e", 3, "--max-iterations", 2, ranks=4).returncode == 0
    assert train(slices16, tmp_path / "some", "-r", "--max-iterations", 4, small=False, ranks=2).returncode == 0
    assert train(slices16, tmp_path / "some", "-r", small=False).returncode == 0
    one, some = (arrays_of(tmp_path / run / "snapshot_iter_6.npz") for run in ("one", "some"))
    begin = arrays_of_initial_weights()
    for name, value in begin.items():
        assert relative(some[name] - value, one[name] - value) < 0.05, name
    starts = json.loads((tmp_path / "some" / "environment.json").read_text())["starts"]
    assert [(start["ranks"], start["from_iteration"]) for start in starts] == [(4, 0), (2, 2), (1, 4)]


def test_resume_from_a_named_file_and_past_a_broken_one(finished, slices16, tmp_path):
    _, out = finished
    done = train(slices16, tmp_path / "on", "-r", out / "snapshot_iter_4.npz", small=False)
    assert done.returncode == 0, done.stderr
    assert "iteration 4 of 6 done" in done.stdout
    (tmp_path / "on" / "snapshot_iter_6.npz").write_bytes(b"half a snapshot")
    (tmp_path / "on" / "snapshot_iter_2.npz").write_bytes((out / "snapshot_iter_4.npz").read_bytes())
    done = train(slices16, tmp_path / "on", "-r", small=False)
    assert done.returncode == 0, done.stderr
    assert "passed over" in done.stdout
    assert "iteration 4 of 6 done" in done.stdout


def test_resume_from_an_older_file_does_not_lose_to_the_newer(finished, slices16):
    _, out = finished
    line = one_line_of(train(slices16, out, "-r", out / "snapshot_iter_4.npz", small=False), 2)
    assert f"{out}: holds snapshot_iter_6.npz, from behind iteration 4" in line
    assert (out / "snapshot_iter_6.npz").exists()


def test_run_that_ended_before_its_first_snapshot_begins_anew(finished, slices16, tmp_path):
    for name in ("environment.json", "config.yaml"):
        (tmp_path / name).write_text((finished[1] / name).read_text())
    assert "exists already" in one_line_of(train(slices16, tmp_path), 2)
    done = train(slices16, tmp_path, "-r", "-e", 1, small=False, ranks=2)
    assert done.returncode == 0, done.stderr
    assert "the run ended before its first snapshot; beginning anew with its settings" in done.stdout
    assert "changed: epoch is 3 in" in done.stdout
    assert (tmp_path / "snapshot_iter_2.npz").exists()


@pytest.mark.parametrize("text", [None, "{"])
def test_a_lost_environment_does_not_lose_the_run(finished, slices16, tmp_path, text):
    shutil.copytree(finished[1], tmp_path / "result")
    (tmp_path / "result" / "environment.json").unlink()
    if text is not None:
        (tmp_path / "result" / "environment.json").write_text(text)
    done = train(slices16, tmp_path / "result", "-r", small=False)
    assert done.returncode == 0, done.stderr
    assert "iteration 6 of 6 done" in done.stdout


def test_resume_on_other_slices_is_refused_and_on_its_own_needs_no_option(finished, tmp_path):
    _, out = finished
    others = write_slice_set(tmp_path / "others", n=24)
    assert f"{others}: not the slices that this run began with" in one_line_of(
        train(others, out, "-r", small=False, ranks=2), 1)
    done = run_job("-m", "dcgan_mri.train", "-o", out, "-r", "-g", "off")
    assert done.returncode == 0, done.stderr
    assert "16 slices from" in done.stdout


def test_resume_names_what_changed_and_refuses_what_may_not(finished, slices16):
    _, out = finished
    done = train(slices16, out, "-r", "-e", 3, "--alpha", "1e-4", small=False)
    assert done.returncode == 0, done.stderr
    assert "changed: alpha is 0.0002" in done.stdout
    line = one_line_of(train(slices16, out, "-r", "-n", 64, small=False, ranks=2), 2)
    assert "n_z is 128" in line
    assert "64 was asked for" in line


def test_existing_folder_is_refused(finished, slices16):
    assert "exists already; go on with that run by -r" in one_line_of(train(slices16, finished[1], ranks=2), 2)


@pytest.fixture
def bad_slices(tmp_path):
    folder = write_slice_set(tmp_path / "bad", n=16)
    (folder / "phantom_img_00009.png").write_bytes(b"not a picture")
    return folder


def test_one_unreadable_slice_is_named(bad_slices, tmp_path):
    line = one_line_of(train(bad_slices, tmp_path / "out", ranks=4), 1)
    assert "phantom_img_00009.png: is not the picture that the set was made with" in line


@pytest.mark.parametrize(("options", "ranks", "status", "message"), [
    (["-i", "/nowhere"], 2, 1, "/nowhere: no such folder"),
    (["-b", "9"], 2, 2, "--batchsize 9 is the global batch and does not divide by 2 ranks"),
    (["-b", "17"], None, 2, "--batchsize 17 is more than the set's 16 slices"),
    (["-b", "1"], None, 2, "error: --batchsize 1: must be greater than or equal to 2"),
    (["--epochs", "3"], 4, 2, "unrecognized arguments: --epochs 3"),
    (["-e", "three"], 2, 2, "'three'"),
    (["--config", "typo.yaml"], 2, 2, "unknown setting 'batchsise'; did you mean batchsize?"),
    (["--config", "none.yaml"], 2, 1, "cannot read the configuration"),
    (["-r"], 2, 1, "no snapshot to go on from"),
    (["-r", "none.npz"], 1, 1, "none.npz: cannot read it"),
    (["--gradient-penalty", "10"], 2, 2, "set dis_bn to false, or gradient_penalty to 0"),
    (["--n-subjects", "2"], 2, 2, "n_subjects is 2, its slices are of 1 subjects"),
    (["-g", "on"], 2, 2, "--gpu on: "),
    (["--communicator", "pure_nccl"], 2, 2, "needs a GPU for every rank"),
    (["--communicator", "flat"], None, 2, "'flat'"),
    (["--max-iterations", "0"], 2, 2, "--max-iterations 0: must be at least 1"),
    (["--keep-snapshots", "0"], None, 2, "--keep-snapshots 0: must be at least 1"),
    (["--timeout", "-1"], 2, 2, "--timeout -1: must be a number of seconds, or 0"),
    (["--allreduce-dtype", "float16"], 2, 2, "--allreduce-dtype float16 works with pure_nccl only; this is naive"),
    (["--precision", "fp16"], 2, 2, "--precision fp16 is for convolutions by cuDNN on a GPU; this run is on a CPU"),
    (["--graph", "on"], 2, 2, "--graph on: there is no GPU; use --graph auto"),
    (["-o", "/proc/nothing"], 2, 1, "/proc/nothing: cannot make the folder"),
])
def test_wrong_input_gets_one_line_and_a_status(slices16, tmp_path, monkeypatch, options, ranks, status, message):
    (tmp_path / "typo.yaml").write_text("batchsise: 8\n")
    options = [str(tmp_path / option) if option.endswith((".yaml", ".npz")) else option for option in options]
    if options[0] == "-g":
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert message in one_line_of(train(slices16, tmp_path / "out", *options, ranks=ranks), status)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("of_this_start", [
    "--grid bare --grey", "--grey", "--measures on --page off --timeout 9.5", "--kernels plain --precision float32",
    ""])
def test_the_command_to_go_on_repeats_what_the_folder_does_not_say(of_this_start):
    args = train_options.parse(
        ["-i", "set", "-o", "out", *of_this_start.split(), "-e", "3", "--max-iterations", "7"], prints=True)
    expected = " ".join(f"-m dcgan_mri.train -i set -o out {of_this_start} -r".split())
    assert resume_command(args).endswith(expected)


FAILING = """
import sys
from mpi4py import MPI
from dcgan_mri import train
original = train.Updater.update_core

def update_core(self):
    if MPI.COMM_WORLD.rank == 1 and self.iteration == 2:
        raise RuntimeError("rank 1 breaks down")
    original(self)

train.Updater.update_core = update_core
train.main(sys.argv[1:])
"""


def test_a_rank_that_breaks_down_in_training_ends_the_job(slices16, tmp_path):
    done = run_job("-c", FAILING, "-i", slices16, "-o", tmp_path / "out", *OPTIONS, ranks=2, timeout=60)
    assert done.returncode == 1
    assert "RuntimeError: rank 1 breaks down" in done.stderr
    assert "rank 1 failed; ending the whole job" in done.stderr


def test_help_is_printed_once():
    done = run_job("-m", "dcgan_mri.train", "--help", ranks=2)
    assert done.returncode == 0
    assert done.stdout.count("usage:") == 1
    for part in ("what to train on", "settings of the training", "settings of the networks", "the machine", "II-C"):
        assert part in done.stdout


@pytest.mark.gpu
@pytest.mark.parametrize("ranks", [1, 4])
def test_trains_on_the_gpu(slices16, tmp_path, ranks):
    done = run_job("-m", "dcgan_mri.train", "-i", slices16, "-o", tmp_path / "out", *OPTIONS[:-2], "-g", "on",
                   "-e", 2, ranks=ranks)
    assert done.returncode == 0, done.stderr
    assert "device: GPU 0" in done.stdout
    assert "going on without" not in done.stdout
    assert (tmp_path / "out" / "preview" / "epoch_0002.png").exists()
