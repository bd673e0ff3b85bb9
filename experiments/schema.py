"""What a file of measured numbers holds."""

import math
from typing import Annotated

import pydantic

from dcgan_mri.errors import DataError

# NaN is kept as null.
Value = Annotated[float, pydantic.BeforeValidator(lambda value: math.nan if value is None else value)]


class Kept(pydantic.BaseModel):
    """What a file holds, read strictly."""

    model_config = pydantic.ConfigDict(strict=True)


class DataFacts(Kept):
    """Facts of a slice set, see `data.Data.facts`."""

    name: str
    fingerprint: str
    subjects: int
    slices: int
    held_out: int


class Settings(Kept):
    """What the settings of every record have; the rest is `records.fits`'s to compare."""

    batchsize: int
    epoch: int


class MadeOf(Kept):
    """What a run began with."""

    settings: dict
    data: DataFacts
    revision: str | None


class RealRecord(Kept):
    """What was measured of real slices in place of generated ones.

    Attributes:
        values (dict): Quantity to number.
    """

    scale: str
    data: DataFacts
    values: dict[str, Value]


class RunRecord(Kept):
    """What was measured of a run.

    Attributes:
        settings (dict): Those of `dcgan_mri.config.Config`.
        revision (str): Commit of the source; None outside a checkout.
        diverged (str): What happened; None if nothing did.
        scores (list of tuple): Epoch, mean score of real and of generated images, each epoch.
        values, along, successes, failures: See `measuring.Reference.measure_run`.
    """

    run: str
    seed: int
    twin: bool
    scale: str
    data: DataFacts
    settings: Annotated[dict, pydantic.AfterValidator(lambda value: Settings.model_validate(value) and value)]
    device: str
    date: str
    revision: str | None
    iterations: int
    seconds: float
    diverged: str | None
    scores: list[tuple[int, float | None, float | None]]
    values: dict[str, Value]
    along: dict[int, dict[str, Value]]
    successes: list[pydantic.NonNegativeInt]
    failures: list[pydantic.NonNegativeInt]


class PublishedRecords(Kept):
    """What the report is made from."""

    real: list[RealRecord]
    runs: list[RunRecord]


def read(path, kind, remedy):
    """Read a file and check it, every field by its type.

    Args:
        path (Path): The file, JSON.
        kind (type): Subclass of `Kept`.
        remedy (str): What to do where it is wrong, for the message.

    Returns:
        dict: What it holds.

    Raises:
        DataError: If it cannot be read, or holds anything else.
    """
    try:
        return kind.model_validate_json(path.read_bytes()).model_dump()
    except OSError as error:
        reason = error.strerror
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False)[0]
        value = [] if first["type"] in ("missing", "json_invalid") else [f"{first['input']!r:.40}"]
        reason = ": ".join([*map(str, first["loc"]), *value, first["msg"]])
    raise DataError(f"{path}: cannot read what was measured ({reason}); {remedy}")
