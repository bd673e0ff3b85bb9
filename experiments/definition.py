"""The paper's claims as data: one YAML file each in `claims/`, read strictly by name.

README.rst says what each key means and how a verdict comes from it.
"""

import dataclasses
import difflib
import math
import pathlib
import re

import yaml

from dcgan_mri import config as settings
from dcgan_mri.errors import DataError, UsageError
from experiments import quantities

FOLDER = pathlib.Path(__file__).parent / "claims"
BASELINE = "baseline"
# In place of an arm: the spread of a measure over arms, and over seeds.
ARMS, SEEDS = "arms", "seeds"
DIRECTIONS = ("lower", "higher", "alike")
FIGURES = ("images", "extremes", "epochs", "scores", "values")
REQUIRED = {"id": str, "claim": str, "place": str, "decides": list}
OPTIONAL = {"baseline": str, "figure": str, "shows": str, "arms": dict, "also": list, "note": str,
            "remark": str}
# What a plan that may be cut short begins with: the paper's figures, and which reading of it brings its images.
FIRST = ("fig2", "fig3", "fig4", "fig5", "fig6", "polarize", "released")
PART_KEYS = ("measure", "of", "is", "than", "by", "among")


@dataclasses.dataclass(frozen=True)
class Part:
    """One comparison.

    Attributes:
        measure (str): Name in `quantities`.
        of (str): The arm that the claim is about, or ``arms`` for the spread over arms.
        direction (str): Where its value is claimed to lie: ``lower``, ``higher`` or ``alike``.
        than (str or float): The arm that it is held against, ``seeds`` for the spread over seeds, or a number.
        relative (bool): Whether means are compared by their ratio or by their difference.
        margin (float): Smallest effect that matters: a ratio of 1 or more, or a difference of 0 or more.
        among (tuple of str): The arms that the spread is taken over; empty where `of` is an arm.
    """

    measure: str
    of: str
    direction: str
    than: str | float
    relative: bool
    margin: float
    among: tuple = ()

    @property
    def arms(self):
        """tuple of str: The arms whose runs it needs."""
        return self.among or tuple(name for name in (self.of, self.than) if isinstance(name, str))


@dataclasses.dataclass(frozen=True)
class Experiment:
    """One claim.

    Attributes:
        id (str): Its name, that of its file.
        claim (str): What the paper says, in our own words.
        place (str): Where it says so.
        figure (str): The paper's figure, such as ``Fig. 4``; empty if none.
        shows (str): What our figure is made of, one of `FIGURES`.
        arms (dict): Name to (preset, changed settings); ``baseline`` is the first.
        decides (tuple of Part): All must hold for the claim to hold.
        also (tuple of Part): Judged and reported, without a say in the verdict.
        note (str): What the reader must know besides; may be empty.
        remark (str): What was seen in the runs and the numbers do not say, written after them; may be empty.
    """

    id: str
    claim: str
    place: str
    figure: str
    shows: str
    arms: dict
    decides: tuple
    also: tuple
    note: str
    remark: str

    @property
    def parts(self):
        """tuple of Part: All comparisons."""
        return self.decides + self.also


def read_all(folder=FOLDER):
    """Read every experiment.

    Args:
        folder (str or Path): Where the YAML files are.

    Returns:
        dict: Identifier to `Experiment`, in the order of a plan: `FIRST`, what goes beyond the paper (``im-``), the
            rest by name, the paper's future work (``fw-``).

    Raises:
        DataError: If a file cannot be read.
        UsageError: If one is wrong.
    """
    found = [read(path) for path in pathlib.Path(folder).glob("*.yaml")]
    found.sort(key=lambda experiment: (experiment.id.startswith("fw-"), experiment.id not in FIRST,
                                       not experiment.id.startswith("im-"), experiment.id))
    return {experiment.id: experiment for experiment in found}


def read(path):
    """Read one experiment.

    Args:
        path (str or Path): The YAML file.

    Returns:
        Experiment: The claim.

    Raises:
        DataError: If the file cannot be read.
        UsageError: If it is not YAML, or a name or value in it is wrong.
    """
    path = pathlib.Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise DataError(f"{path}: cannot read the experiment ({reason}); restore the file") from None
    try:
        entries = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise UsageError(f"{path}: not valid YAML{where}; compare it with the other experiments") from None
    experiment = parse(entries, str(path))
    if experiment.id != path.stem:
        raise UsageError(f"{path}: id is {experiment.id!r}; name the file {experiment.id}.yaml, or change the id")
    return experiment


def parse(entries, origin):
    """Make an `Experiment` of what a YAML file holds.

    Args:
        entries (object): What was parsed; must be a mapping.
        origin (str): What an error message begins with.

    Returns:
        Experiment: The claim.

    Raises:
        UsageError: If a name or value is wrong.
    """
    if not isinstance(entries, dict):
        raise UsageError(f"{origin}: holds a {type(entries).__name__}, no experiment; write one `key: value` a line")
    known = {**REQUIRED, **OPTIONAL}
    for key, value in entries.items():
        _check_name(key, known, "key", origin)
        if not isinstance(value, known[key]):
            raise UsageError(f"{origin}: {key}: {value!r} must be a {known[key].__name__}")
    for key in REQUIRED:
        if not entries.get(key):
            raise UsageError(f"{origin}: {key} is missing; every experiment has {', '.join(REQUIRED)}")
    shows = entries.get("shows", "images")
    _check_name(shows, FIGURES, "shows", origin)
    arms = _arms(entries.get("baseline", "paper"), entries.get("arms", {}), origin)
    decides, also = (tuple(_part(part, arms, origin) for part in entries.get(key, [])) for key in ("decides", "also"))
    return Experiment(
        entries["id"], _one_line(entries["claim"]), entries["place"], entries.get("figure", ""), shows, arms, decides,
        also, _one_line(entries.get("note", "")), _one_line(entries.get("remark", "")))


def chosen(names, experiments):
    """The experiments that a user names.

    Args:
        names (list of str): Identifiers, or ``all``.
        experiments (dict): From `read_all`.

    Returns:
        list of Experiment: Without repetition, in the order of `experiments`.

    Raises:
        UsageError: If there is none of that name.
    """
    for name in names:
        if name != "all":
            _check_name(name, experiments, "experiment", "experiments")
    return [experiment for experiment in experiments.values() if "all" in names or experiment.id in names]


def _arms(preset, arms, origin):
    """Name to (preset, changes); the baseline changes nothing."""
    _check_name(preset, settings.PRESETS, "baseline", origin)
    result = {BASELINE: (preset, {})}
    for name, changes in arms.items():
        if not isinstance(name, str) or name in (BASELINE, ARMS, SEEDS) or not isinstance(changes, dict):
            raise UsageError(
                f"{origin}: arm {name!r}: must be a name other than {BASELINE}, {ARMS} and {SEEDS}, and a mapping from "
                f"settings to values; write for example `no dropout: {{dropout: 0.0}}`")
        changes = dict(changes)
        arm_preset = changes.pop("preset", preset)
        _check_name(arm_preset, settings.PRESETS, "preset", f"{origin}: arm {name!r}")
        settings.from_dict({**settings.PRESETS[arm_preset], **changes}, origin=f"{origin}: arm {name!r}")
        result[name] = (arm_preset, changes)
    return result


def _part(entries, arms, origin):
    where = f"{origin}: {entries!r}"
    if not isinstance(entries, dict):
        raise UsageError(f"{where}: must be a mapping with {', '.join(PART_KEYS)}")
    for key in entries:
        _check_name(key, PART_KEYS, "key", where)
    for key in PART_KEYS[:-1]:
        if key not in entries:
            raise UsageError(f"{where}: {key} is missing; every comparison has {', '.join(PART_KEYS[:-1])}")
    _check_name(entries["measure"], quantities.NAMES, "measure", where)
    _check_name(entries["is"], DIRECTIONS, "direction", where)
    relative, margin = _margin(entries["by"], where)
    of, than, among = entries["of"], entries["than"], ()
    if ARMS in (of, than) or SEEDS in (of, than):
        if (of, entries["is"], than, relative) != (ARMS, "higher", SEEDS, True):
            raise UsageError(f"{where}: a spread is that `of: arms`, which `is: higher` `than: seeds` by a percentage")
        among = tuple(entries.get("among") or arms)
        for name in among:
            _check_name(name, arms, "arm", where)
        if len(among) < 2:
            raise UsageError(f"{where}: a spread needs two arms or more")
    else:
        if "among" in entries:
            raise UsageError(f"{where}: among goes only with `of: arms`; leave it out")
        _check_name(of, arms, "arm", where)
        if isinstance(than, int | float) and not isinstance(than, bool):
            if relative or not math.isfinite(than):
                raise UsageError(f"{where}: against a number the smallest effect must be a number, not a percentage")
            than = float(than)
        else:
            _check_name(than, arms, "arm", where)
    return Part(entries["measure"], of, entries["is"], than, relative, margin, among)


def _margin(text, where):
    """``10 %`` as (True, 1.1), ``0.5`` as (False, 0.5)."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?%", text) if isinstance(text, str) else None
    if match:
        return True, 1 + float(match[1]) / 100
    if isinstance(text, int | float) and not isinstance(text, bool) and 0 <= text < math.inf:
        return False, float(text)
    raise UsageError(f"{where}: by: {text!r} must be a percentage such as 10 %, or a number that is not negative")


def _check_name(name, known, what, origin):
    if not isinstance(name, str) or name not in known:
        near = difflib.get_close_matches(str(name), list(known), n=1)
        hint = f"did you mean {near[0]}?" if near else f"known are: {', '.join(known)}"
        raise UsageError(f"{origin}: unknown {what} {name!r}; {hint}")


def _one_line(text):
    return " ".join(text.split())
