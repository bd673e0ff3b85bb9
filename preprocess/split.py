"""Dividing a set into training and held-out subjects."""

import hashlib
import re


def patient_of(subject):
    """The patient of a subject: visits of one patient must not be divided.

    Args:
        subject (str): A subject, such as ``BraTS-GLI-00005-001`` (second visit of patient 5).

    Returns:
        str: ``BraTS-GLI-00005`` for that; other names as they are.
    """
    match = re.fullmatch(r"(BraTS-[A-Z]+-\d+)-\d+", subject, re.IGNORECASE)
    return match[1] if match else subject


def held_out(subjects, fraction, seed):
    """Choose the held-out subjects.

    Each patient's place depends on its name and the seed alone, so that adding patients moves few of them.

    Args:
        subjects (list of str): All subjects.
        fraction (float): Part of the patients to hold out, 0 to 1.
        seed (int): Another seed gives another choice.

    Returns:
        set of str: The held-out subjects; at least one patient's, and at least one patient is left for training.
    """
    patients = {patient_of(subject) for subject in subjects}
    ordered = sorted(patients, key=lambda patient: hashlib.sha256(f"{seed}/{patient}".encode()).digest())
    count = min(max(1, round(len(ordered) * fraction)), len(ordered) - 1)
    chosen = set(ordered[:count])
    return {subject for subject in subjects if patient_of(subject) in chosen}
