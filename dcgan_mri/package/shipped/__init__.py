"""A generator of synthetic axial T2-FLAIR slices: README.md tells what it is and what it must not be used for."""

from .generate import generate

__all__ = ["generate"]
