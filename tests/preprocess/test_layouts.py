import pytest
from preprocess.errors import DataError
from preprocess.layouts import find_subjects, split_name


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
          "Task01_BrainTumour/labelsTr/BRATS_001.nii.gz", "Task01_BrainTumour/imagesTs/BRATS_485.nii.gz")  # fmt: skip
    task = "Task01_BrainTumour/"
    assert found(tmp_path, modality=modality) == [
        ("BRATS_001", task + "imagesTr/BRATS_001.nii.gz", task + "labelsTr/BRATS_001.nii.gz", channel),
        ("BRATS_485", task + "imagesTs/BRATS_485.nii.gz", None, channel),
    ]


def test_a_plain_folder(tmp_path):
    touch(tmp_path, "anna.nii.gz", "anna_seg.nii.gz", "bert scan.nii", "çelik.hdr", "çelik.img", "dora_flair.nii",
          "emil_t1.nii", "fritz_seg.nii", "notes.txt", "gil_mask.nii")  # fmt: skip
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
        ("P1", "P1/flair.nii.gz", "P1/seg.nii.gz", None), ("P2", "P2/flair.nii.gz", None, None)]  # fmt: skip


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


def test_links_that_lead_out_are_refused_by_name(tmp_path):
    touch(tmp_path, "outside/S1/S1_flair.nii", "data/S2/S2_flair.nii")
    data = tmp_path / "data"
    (data / "S1").symlink_to(tmp_path / "outside" / "S1")
    (data / "S3_flair.nii").symlink_to("../outside/S1/S1_flair.nii")
    (data / "S4_flair.nii").symlink_to("S2/S2_flair.nii")
    (data / "S5_t1.nii").symlink_to("/etc/hostname")
    problems = {one.name: str(one.problem) for one in find_subjects(data)}
    assert set(problems) == {"S1", "S2", "S3", "S4"}
    assert problems["S2"] == problems["S4"] == "None"
    for name in ("S1", "S3"):
        assert "this link leads out of the folder" in problems[name]
        assert "--follow-links" in problems[name]
    assert {one.problem for one in find_subjects(data, follow_links=True)} == {None}


def test_a_folder_that_links_to_itself_is_walked_once(tmp_path):
    touch(tmp_path, "S1/S1_flair.nii")
    (tmp_path / "S1" / "again").symlink_to(tmp_path)
    (tmp_path / "loop").symlink_to("loop")
    assert [name for name, *_ in found(tmp_path)] == ["S1"]


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
