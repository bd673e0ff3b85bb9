from hypothesis import given
from hypothesis import strategies as st
from preprocess.split import held_out, patient_of

NAMES = st.lists(st.from_regex(r"(BraTS-GLI-0000[0-9]-00[0-3]|BraTS20_Training_0[0-9]{2})", fullmatch=True),
                 min_size=2, max_size=30, unique=True)  # fmt: skip


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
