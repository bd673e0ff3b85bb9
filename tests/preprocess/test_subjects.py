from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from preprocess.errors import DataError, UsageError
from preprocess.subjects import (
    find_subjects,
    held_out,
    number_of,
    patient_of,
    select_subjects,
    split_name,
    unused_skips,
)

BRATS20 = [f"BraTS20_Training_{number:03d}" for number in range(1, 21)]
NAMES = st.lists(st.from_regex(r"(BraTS-GLI-0000[0-9]-00[0-3]|BraTS20_Training_0[0-9]{2})", fullmatch=True),
                 min_size=2, max_size=30, unique=True)


def touch(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def found(root, **options):
    """Name, volume, labels and channel of each subject, with paths relative to the folder."""
    return [
        (one.name, str(one.volume.relative_to(root)), one.seg and str(one.seg.relative_to(root)), one.channel)
        for one in find_subjects(root, **options)
    ]


@pytest.mark.parametrize("extension", [".nii", ".nii.gz"])
@pytest.mark.parametrize("above", ["", "MICCAI_BraTS2020_TrainingData/", "archive/BraTS2020/Training/"])
@pytest.mark.parametrize(
    ("folder", "subject", "suffixes"),
    [
        ("", "BraTS20_Training_001", ("_flair", "_t1", "_t1ce", "_t2", "_seg")),
        ("", "BraTS2021_00000", ("_flair", "_t1", "_t1ce", "_t2", "_seg")),
        ("", "BraTS-GLI-00000-000", ("-t2f", "-t1n", "-t1c", "-t2w", "-seg")),
        ("", "BraTS-MET-00000-000", ("-t2f", "-t1n", "-t1c", "-t2w", "-seg")),
        ("HGG/", "Brats18_2013_2_1", ("_flair", "_t1", "_t1ce", "_t2", "_seg")),
        ("LGG/", "Brats18_TCIA09_141_1", ("_flair", "_t1", "_t1ce", "_t2", "_seg")),
    ],
)
def test_every_brats(tmp_path, above, folder, subject, suffixes, extension):
    stem = f"{above}{folder}{subject}/{subject}"
    touch(tmp_path, *(stem + suffix + extension for suffix in suffixes))
    touch(tmp_path, f"{above}name_mapping.csv", f"{above}.DS_Store", f"{above}{folder}._{subject}_flair.nii.gz")
    for modality, suffix in zip(("flair", "t1", "t1ce", "t2"), suffixes, strict=False):
        expected = [(subject, stem + suffix + extension, stem + suffixes[4] + extension, None)]
        assert found(tmp_path, modality=modality) == expected


def test_subjects_without_folders_and_without_labels(tmp_path):
    touch(tmp_path, "BraTS2021_00002_flair.nii.gz", "BraTS2021_00000_flair.nii.gz", "BraTS2021_00000_t1.nii.gz")
    assert [name for name, *_ in found(tmp_path)] == ["BraTS2021_00000", "BraTS2021_00002"]


def test_the_oddly_named_labels_of_brats_2020(tmp_path):
    stem = "BraTS20_Training_355/"
    touch(tmp_path, stem + "BraTS20_Training_355_flair.nii", stem + "W39_1998.09.19_Segm.nii")
    assert found(tmp_path) == [
        ("BraTS20_Training_355", stem + "BraTS20_Training_355_flair.nii", stem + "W39_1998.09.19_Segm.nii", None)
    ]


@pytest.mark.parametrize(("modality", "channel"), [("flair", 0), ("t1", 1), ("t1ce", 2), ("t2", 3)])
def test_decathlon(tmp_path, modality, channel):
    touch(tmp_path, "Task01_BrainTumour/imagesTr/BRATS_001.nii.gz", "Task01_BrainTumour/imagesTr/._BRATS_001.nii.gz",
          "Task01_BrainTumour/labelsTr/BRATS_001.nii.gz", "Task01_BrainTumour/imagesTs/BRATS_485.nii.gz")
    task = "Task01_BrainTumour/"
    assert found(tmp_path, modality=modality) == [
        ("BRATS_001", task + "imagesTr/BRATS_001.nii.gz", task + "labelsTr/BRATS_001.nii.gz", channel),
        ("BRATS_485", task + "imagesTs/BRATS_485.nii.gz", None, channel),
    ]


def test_a_plain_folder(tmp_path):
    touch(tmp_path, "anna.nii.gz", "anna_seg.nii.gz", "bert scan.nii", "çelik.hdr", "çelik.img", "dora_flair.nii",
          "emil_t1.nii", "fritz_seg.nii", "notes.txt", "gil_mask.nii")
    assert found(tmp_path) == [
        ("anna", "anna.nii.gz", "anna_seg.nii.gz", None),
        ("bert scan", "bert scan.nii", None, None),
        ("dora", "dora_flair.nii", None, None),
        ("çelik", "çelik.hdr", None, None),
    ]
    assert [name for name, *_ in found(tmp_path, modality="t1")] == ["anna", "bert scan", "emil", "çelik"]


def test_other_sequences_of_a_subject_are_not_subjects(tmp_path):
    touch(tmp_path, "UCSF-0001/UCSF-0001_FLAIR.nii.gz", "UCSF-0001/UCSF-0001_ADC.nii.gz")
    assert [name for name, *_ in found(tmp_path)] == ["UCSF-0001"]


def test_files_named_by_modality_alone(tmp_path):
    touch(tmp_path, "P1/flair.nii.gz", "P1/t1.nii.gz", "P1/seg.nii.gz", "P2/flair.nii.gz")
    assert found(tmp_path) == [
        ("P1", "P1/flair.nii.gz", "P1/seg.nii.gz", None), ("P2", "P2/flair.nii.gz", None, None)]


def test_a_folder_with_the_name_of_a_volume(tmp_path):
    touch(tmp_path, "A_flair.nii/real.nii", "B/B_flair.nii.gz/readme.txt")
    assert [name for name, *_ in found(tmp_path)] == ["B", "real"]


def test_the_same_subject_twice_is_a_problem_of_that_subject(tmp_path):
    touch(tmp_path, "HGG/S1/S1_flair.nii", "LGG/S1/S1_flair.nii.gz", "LGG/S2/S2_flair.nii")
    first, second = find_subjects(tmp_path)
    assert second.problem is None
    assert "subject S1 was found again in" in str(first.problem)
    assert "--skip S1" in str(first.problem)


@pytest.mark.parametrize("name", ["new\nline", "tab\t", "x" * 240])
def test_names_that_cannot_be_used(tmp_path, name):
    touch(tmp_path, f"{name}_flair.nii")
    (subject,) = find_subjects(tmp_path)
    assert "its name cannot be used" in str(subject.problem)
    assert "\n" not in str(subject.problem)


def test_a_name_that_is_not_text(tmp_path):
    (tmp_path / "caf\udce9_flair.nii").touch()
    (subject,) = find_subjects(tmp_path)
    assert "its name cannot be used" in str(subject.problem)
    str(subject.problem).encode("ascii")


def test_linked_folders_and_files_are_followed(tmp_path):
    touch(tmp_path, "outside/S1/S1_flair.nii", "outside/S1/S1_seg.nii", "data/S2/S2_flair.nii")
    data = tmp_path / "data"
    (data / "S1").symlink_to(tmp_path / "outside" / "S1")
    (data / "S3_flair.nii").symlink_to("../outside/S1/S1_flair.nii")
    (data / "again").symlink_to("S2")
    assert [(one.name, one.problem) for one in find_subjects(data)] == [("S1", None), ("S2", None), ("S3", None)]
    assert find_subjects(data)[0].seg == data / "S1" / "S1_seg.nii"
    assert [one.name for one in find_subjects(tmp_path / "data")] == ["S1", "S2", "S3"]


def test_links_that_lead_nowhere_or_in_a_circle_are_named(tmp_path):
    touch(tmp_path, "S1/S1_flair.nii")
    (tmp_path / "S1" / "again").symlink_to(tmp_path)
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "S2").symlink_to("/gone")
    (tmp_path / "notes.txt").symlink_to("/gone")
    problems = {one.name: str(one.problem) for one in find_subjects(tmp_path)}
    assert problems == {
        "S1": "None",
        "S2": f"{tmp_path}/S2: this link leads nowhere, to /gone; mend or remove it, or use --skip S2",
        "again": f"{tmp_path}/S1/again: this link leads in a circle, to {tmp_path}; mend or remove it, "
                 "or use --skip again",
        "loop": f"{tmp_path}/loop: this link leads in a circle, to loop; mend or remove it, or use --skip loop",
    }


def test_links_around_the_data_folder_are_circles(tmp_path):
    touch(tmp_path, "data/S1/S1_flair.nii", "store/S2/S2_flair.nii")
    (tmp_path / "data" / "up").symlink_to("..")
    (tmp_path / "data" / "store").symlink_to(tmp_path / "store")
    (tmp_path / "store" / "back").symlink_to(tmp_path)
    problems = {one.name: one.problem and one.problem.args[1] for one in find_subjects(tmp_path / "data")}
    assert problems == {"S1": None, "S2": None, "back": f"this link leads in a circle, to {tmp_path}",
                        "up": "this link leads in a circle, to .."}


def test_labels_that_are_a_link_to_nothing_are_not_left_out_in_silence(tmp_path):
    touch(tmp_path, "imagesTr/BRATS_001.nii.gz", "labelsTr/BRATS_002.nii.gz")
    (tmp_path / "labelsTr" / "BRATS_001.nii.gz").symlink_to("gone")
    assert found(tmp_path)[0][2] == "labelsTr/BRATS_001.nii.gz"


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        ([], "there is no .nii"),
        (["a.txt"], "there is no .nii"),
        (["S1/S1_t1.nii.gz", "S1/S1_seg.nii.gz"], "no flair volume in it: files of seg, t1 were found; .*--modality"),
    ],
)
def test_a_folder_without_volumes(tmp_path, names, reason):
    touch(tmp_path, *names)
    with pytest.raises(DataError, match=reason):
        find_subjects(tmp_path)


def test_a_folder_that_is_none(tmp_path):
    with pytest.raises(DataError, match="no such folder"):
        find_subjects(tmp_path / "none")
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="not a folder"):
        find_subjects(tmp_path / "file")


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("A_FLAIR.NII.GZ", ("A", "flair")),
        ("BraTS-GLI-00000-000-t2f.nii.gz", ("BraTS-GLI-00000-000", "t2f")),
        ("a.b.c.nii", ("a.b.c", None)),
        ("seg.nii", ("", "seg")),
        ("a_t1gd.hdr", ("a", "t1gd")),
        ("a.img", None),
        ("a.nii.gz.part", None),
        (".hidden.nii", None),
    ],
)
def test_split_name(name, parts):
    assert split_name(name) == parts


def pick(text, skip=None, subjects=BRATS20):
    return select_subjects(text, skip, subjects, Path("data"))


@pytest.mark.parametrize(
    ("subject", "number"),
    [
        ("BraTS20_Training_001", 1),
        ("BraTS2021_00006", 6),
        ("BraTS-GLI-00005-001", 5),
        ("BraTS-MET-00012-000", 12),
        ("BRATS_484", 484),
        ("sub-03", 3),
        ("Brats18_TCIA01_150_1", None),
        ("Brats18_2013_2_1", None),
        ("anna", None),
    ],
)
def test_number_of_a_subject(subject, number):
    assert number_of(subject) == number


def test_ranges_ids_and_all():
    assert pick("001-015") == (BRATS20[:15], None)
    assert pick("3") == (["BraTS20_Training_003"], None)
    assert pick("18-20, BraTS20_Training_001") == ([BRATS20[0], *BRATS20[17:]], None)
    assert pick("all", skip="2-20") == (BRATS20[:1], None)
    assert pick("first:3", skip="001") == (BRATS20[1:4], None)


def test_all_visits_of_a_numbered_patient():
    visits = ["BraTS-GLI-00001-000", "BraTS-GLI-00001-001", "BraTS-GLI-00002-000"]
    assert pick("1", subjects=visits) == (visits[:2], None)


def test_what_is_missing_is_named_with_what_was_found():
    chosen, error = pick("001-003,Anna", subjects=["BraTS2021_00002", "BraTS2021_01476"])
    assert chosen == ["BraTS2021_00002"]
    assert str(error) == ("data: no subject 001, 003, Anna; 2 found: BraTS2021_00002, BraTS2021_01476; "
                          "name others with --subjects, or all")
    assert "the first 30 subjects were asked for, 20 found" in str(pick("first:30")[1])


def test_skipping_what_is_not_there():
    assert unused_skips("3, 99, 15-40, BraTS20_Training_O07", BRATS20) == ["99", "BraTS20_Training_O07"]
    assert unused_skips(None, BRATS20) == []


@pytest.mark.parametrize("text", ["", " , ", "9-3", "first:0"])
def test_unreadable_subjects(text):
    with pytest.raises(UsageError, match="--subjects"):
        pick(text)


def test_a_range_that_ends_before_it_begins_is_of_the_option_that_has_it():
    with pytest.raises(UsageError, match="--skip 9-3: the range ends before it begins"):
        pick("all", "9-3")


@given(st.text(max_size=12), st.text(max_size=12))
def test_any_text_selects_among_the_subjects_or_is_refused(text, skip):
    try:
        chosen, error = pick(text, skip)
    except UsageError:
        return
    assert set(chosen) <= set(BRATS20)
    assert chosen or error or skip


@given(NAMES, st.floats(0.01, 0.99), st.integers(0, 5))
def test_no_patient_is_on_both_sides_and_neither_side_is_empty(names, fraction, seed):
    patients = {patient_of(name) for name in names}
    if len(patients) < 2:
        return
    apart = held_out(names, fraction, seed)
    rest = set(names) - apart
    assert apart
    assert rest
    assert not {patient_of(name) for name in apart} & {patient_of(name) for name in rest}
    assert abs(len({patient_of(name) for name in apart}) - fraction * len(patients)) <= 1
    assert held_out(names[::-1], fraction, seed) == apart


def test_another_seed_gives_another_choice():
    names = [f"BraTS20_Training_{number:03d}" for number in range(1, 40)]
    assert held_out(names, 0.3, 0) != held_out(names, 0.3, 1)


def test_one_more_subject_moves_few():
    names = [f"BraTS20_Training_{number:03d}" for number in range(1, 41)]
    assert len(held_out(names, 0.25, 0) ^ held_out(names[:-1], 0.25, 0)) <= 2


def test_visits_of_a_patient():
    assert patient_of("BraTS-GLI-00005-001") == patient_of("BraTS-GLI-00005-000") == "BraTS-GLI-00005"
    assert patient_of("BraTS20_Training_001") == "BraTS20_Training_001"
