"""Files of weights: what goes in comes out, and nothing else is let in."""

import dataclasses
import io
import json
import os
import pickle
import re
import tracemalloc
import zipfile

import numpy as np
import pytest

from dcgan_mri.run import snapshots
from dcgan_mri.config import Config
from dcgan_mri.errors import DataError
from dcgan_mri.networks import Generator
from dcgan_mri.sampling import sample_stack
from tests.helpers import SMALL

CONFIG = Config(**SMALL)


@pytest.fixture
def generator_file(tmp_path):
    gen = Generator(CONFIG)
    gen.bn1.avg_mean[...] = 3
    snapshots.save_generator(tmp_path / "generator.npz", gen, CONFIG)
    return tmp_path / "generator.npz"


def test_generator_round_trip(generator_file):
    gen, config = snapshots.load_generator(generator_file)
    assert config == CONFIG
    assert (gen.bn1.avg_mean == 3).all()
    assert np.array_equal(gen.dc1.W.array, Generator(CONFIG).dc1.W.array)


def test_file_from_before_a_setting_was_there_has_its_default(generator_file, tmp_path):
    with np.load(generator_file) as archive:
        arrays = {name: archive[name] for name in archive.files}
    known = json.loads(str(arrays[snapshots.CONFIG_KEY]))
    for name in ("gen_activation", "gen_output", "last_conv", "upsampling", "deconv_kernel", "optimizer"):
        del known[name]
    arrays[snapshots.CONFIG_KEY] = np.array(json.dumps(known))
    np.savez(tmp_path / "older.npz", **arrays)
    gen, config = snapshots.load_generator(tmp_path / "older.npz")
    assert config == CONFIG
    assert (gen.bn1.avg_mean == 3).all()


@pytest.mark.parametrize("arm", [
    {"upsampling": "nearest"}, {"last_conv": False, "gen_output": "sigmoid"}, {"deconv_kernel": 3}], ids=str)
def test_generator_file_brings_its_own_networks(tmp_path, arm):
    config = Config(**SMALL, **arm)
    gen = Generator(config)
    snapshots.save_generator(tmp_path / "generator.npz", gen, config)
    loaded, loaded_config = snapshots.load_generator(tmp_path / "generator.npz")
    assert loaded_config == config
    assert np.array_equal(sample_stack(gen, [1, 2], config), sample_stack(loaded, [1, 2], config))


def test_is_not_compressed(generator_file):
    with zipfile.ZipFile(generator_file) as archive:
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}


class Bomb:
    """Runs a command when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def as_pickle(path, bomb):
    path.write_bytes(pickle.dumps(bomb))


def as_pickled_array(path, bomb):
    config = np.array("{}")
    np.savez(path, **{snapshots.CONFIG_KEY: config, "l0/W": np.array(bomb, dtype=object)})


def as_pickled_config(path, bomb):
    np.savez(path, **{snapshots.CONFIG_KEY: np.array(bomb, dtype=object)})


@pytest.mark.parametrize("write", [as_pickle, as_pickled_array, as_pickled_config])
def test_pickle_bomb_does_not_go_off(tmp_path, write):
    write(tmp_path / "bomb.npz", Bomb(str(tmp_path / "went_off")))
    with pytest.raises(DataError, match="bomb.npz"):
        snapshots.read(tmp_path / "bomb.npz")
    assert not (tmp_path / "went_off").exists()


@pytest.mark.parametrize("part", [0, 0.3, 0.9, 0.999])
def test_truncated_file_is_refused(generator_file, part):
    content = generator_file.read_bytes()
    generator_file.write_bytes(content[:int(part * len(content))])
    with pytest.raises(DataError, match="generator.npz: not a whole file"):
        snapshots.read(generator_file)


def npz_with(path, name, content):
    """A snapshot in which one member has any bytes."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{snapshots.CONFIG_KEY}.npy", npy(np.array("{}")))
        archive.writestr(name, content)


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def npy_claiming(shape):
    """Header of an array of any shape, with no data behind it."""
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode()


@pytest.mark.parametrize(("name", "content"), [
    ("a.npy", npy_claiming("(1000000000000000,)")),
    ("a.npy", npy_claiming("(2**70,)")),
    ("a.npy", npy_claiming("(1180591620717411303424,)")),
    ("a.npy", npy_claiming("((((")),
    ("a.npy", b""),
    *[(f"{snapshots.CONFIG_KEY}.npy", npy(np.array(text))) for text in ("5", "null", "[1]", "[" * 100_000, "{")],
])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_hostile_content_is_refused_by_name(tmp_path, name, content):
    npz_with(tmp_path / "hostile.npz", name, content)
    with pytest.raises(DataError, match="hostile.npz: ") as caught:
        snapshots.read(tmp_path / "hostile.npz")
    assert len(str(caught.value).splitlines()) == 1
    assert len(str(caught.value)) < 1000


def test_flipped_bit_is_noticed(generator_file):
    content = bytearray(generator_file.read_bytes())
    content[len(content) // 2] ^= 1
    generator_file.write_bytes(bytes(content))
    with pytest.raises(DataError, match="generator.npz"):
        snapshots.read(generator_file)


def test_foreign_and_missing_files_are_refused(tmp_path):
    np.savez(tmp_path / "foreign.npz", a=np.zeros(3))
    with pytest.raises(DataError, match="foreign.npz: not a file of dcgan_mri"):
        snapshots.read(tmp_path / "foreign.npz")
    with pytest.raises(DataError, match="none.npz: cannot read it"):
        snapshots.read(tmp_path / "none.npz")
    with pytest.raises(DataError, match="cannot read it"):
        snapshots.read(tmp_path)


def test_weights_of_another_shape_are_refused(generator_file):
    _, arrays = snapshots.read(generator_file)
    with pytest.raises(DataError, match="does not fit these networks"):
        snapshots.restore(generator_file, arrays, Generator(Config(image_size=32, width=1 / 64)))


def changed(generator_file, **arrays):
    """A generator file with some arrays replaced."""
    with np.load(generator_file) as archive:
        before = {name: archive[name] for name in archive.files}
    np.savez(generator_file, **{**before, **{name.replace("_of_", "/"): value for name, value in arrays.items()}})
    return generator_file


@pytest.mark.parametrize(("arrays", "message"), [
    ({"dc1_of_b": np.float32(0)}, "dc1/b is float32 of shape ()"),
    ({"dc1_of_b": np.zeros(1, np.float32)}, "dc1/b is float32 of shape (1,)"),
    ({"dc1_of_b": np.zeros(4, bool)}, "dc1/b is bool"),
    ({"dc1_of_b": np.zeros(4, np.int8)}, "dc1/b is int8"),
    ({"l0_of_W": np.full((256, 128), np.nan, np.float32)}, "l0/W has values that are not finite"),
    ({"bn1_of_avg_var": np.full(4, -1, np.float32)}, "bn1/avg_var has values that are negative"),
])
def test_weights_that_make_no_images_are_refused(generator_file, arrays, message):
    shapes = {name.replace("/", "_of_"): own.shape for name, own in snapshots._as_arrays(Generator(CONFIG)).items()}
    arrays = {name: np.broadcast_to(value.ravel()[0], shapes[name]) if value.size > 1 else value
              for name, value in arrays.items()}
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        snapshots.load_generator(changed(generator_file, **arrays))
    assert len(str(caught.value).splitlines()) == 1


def test_missing_weights_are_named(generator_file):
    with np.load(generator_file) as archive:
        np.savez(generator_file, **{name: archive[name] for name in archive.files if name != "l0/W"})
    with pytest.raises(DataError, match="l0/W is missing"):
        snapshots.load_generator(generator_file)


@pytest.mark.parametrize("name", ["unknown", "l0/W", snapshots.CONFIG_KEY])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_only_known_members_of_known_sizes_are_inflated(generator_file, name):
    with zipfile.ZipFile(generator_file, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{name}.npy", npy(np.zeros(2**26, np.uint8)))
    tracemalloc.start()
    if name == "unknown":
        snapshots.load_generator(generator_file)
    else:
        with pytest.raises(DataError, match=f"{name} takes 67108992 bytes, must be at most"):
            snapshots.load_generator(generator_file)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**24


def test_pipe_is_refused(tmp_path):
    os.mkfifo(tmp_path / "generator.npz")
    with pytest.raises(DataError, match="cannot read it .it is not a regular file"):
        snapshots.load_generator(tmp_path / "generator.npz")
def save_run(folder, iteration, config=CONFIG, **changed):
    """A file with the counters and the log of a run, some of them changed."""
    path = folder / f"snapshot_iter_{iteration}.npz"
    counters = dict.fromkeys(snapshots.COUNTERS, np.array(iteration))
    np.savez(path, **{snapshots.CONFIG_KEY: np.array(json.dumps(dataclasses.asdict(config))), **counters,
                      snapshots.LOG_KEY: np.array("[]"), **changed})
    return path


@pytest.mark.parametrize("changed", [
    {"updater/iteration": np.array(-1)}, {"updater/iteration": np.array([3])}, {"updater/iteration": np.array("x")},
    {snapshots.LOG_KEY: np.array("[")}, {snapshots.LOG_KEY: np.array("[" * 100_000)}], ids=str)
def test_a_newest_file_that_is_no_run_is_passed_over(tmp_path, changed):
    save_run(tmp_path, 2)
    save_run(tmp_path, 9, **changed)
    path, _, _, passed_over = snapshots.read_newest(tmp_path)
    assert path.name == "snapshot_iter_2.npz"
    assert passed_over == [f"{tmp_path}/snapshot_iter_9.npz: not a snapshot of a run; name a snapshot_iter_*.npz"]


def test_a_newest_file_of_another_run_and_a_generator_under_its_name_are_passed_over(tmp_path, generator_file):
    save_run(tmp_path, 2)
    save_run(tmp_path, 8, Config(**SMALL, n_z=5))
    generator_file.rename(tmp_path / "snapshot_iter_9.npz")
    path, _, _, passed_over = snapshots.read_newest(tmp_path, lambda config: "z" if config.n_z == 5 else "")
    assert path.name == "snapshot_iter_2.npz"
    assert len(passed_over) == 2
    assert passed_over[1] == f"{tmp_path}/snapshot_iter_8.npz: not of this run (z)"


def test_a_zip_bomb_is_refused_before_anything_is_inflated(tmp_path):
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{snapshots.CONFIG_KEY}.npy", npy(np.array("{}")))
        with archive.open("a.npy", "w") as member:
            for _ in range(200):
                member.write(bytes(1 << 20))
    tracemalloc.start()
    with pytest.raises(DataError, match="bomb.npz: is compressed, which dcgan_mri never writes"):
        snapshots.read(path)
    assert tracemalloc.get_traced_memory()[1] < 1 << 22
    tracemalloc.stop()


@pytest.mark.parametrize(("name", "change", "reason"), [
    ("dc1/W", lambda array: array[:1], "of shape"), ("dc1/W", lambda array: np.float32(1), "of shape"),
    ("dc1/W", lambda array: array > 0, "is bool"), ("dc1/W", lambda array: array.astype(np.int8), "is int8"),
    ("dc1/W", lambda array: array * np.nan, "not finite"), ("bn1/avg_var", lambda array: -array, "negative")])
def test_weights_that_would_only_broadcast_or_are_none_are_refused(generator_file, name, change, reason):
    _, arrays = snapshots.read(generator_file)
    arrays[name] = np.asarray(change(arrays[name]))
    with pytest.raises(DataError, match=f"does not fit these networks .*{name} .*{reason}"):
        snapshots.restore(generator_file, arrays, Generator(CONFIG))


def test_newest_is_by_iteration_and_not_by_date(tmp_path):
    for number, date in [(90, 300), (1080, 100), (180, 200)]:
        path = save_run(tmp_path, number)
        os.utime(path, (date, date))
    (tmp_path / "snapshot_iter_x.npz").write_bytes(b"")
    assert [path.name for path in snapshots.newest_first(tmp_path)] == [
        "snapshot_iter_1080.npz", "snapshot_iter_180.npz", "snapshot_iter_90.npz"]
    (tmp_path / "snapshot_iter_1080.npz").write_bytes(b"half")
    path, config, _, passed_over = snapshots.read_newest(tmp_path)
    assert path.name == "snapshot_iter_180.npz"
    assert config == CONFIG
    assert len(passed_over) == 1
    assert "snapshot_iter_1080.npz" in passed_over[0]


def test_no_snapshot_at_all(tmp_path):
    with pytest.raises(DataError, match="no snapshot to go on from"):
        snapshots.read_newest(tmp_path)
