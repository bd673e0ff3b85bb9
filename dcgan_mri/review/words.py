"""Plain names of what is logged, and numbers as a person reads them."""

import dataclasses
import math

# Beyond so many times the range of real slices a value is far; with a KID beyond so many, agreement is chance.
FAR, CHANCE = 2, 100
KEY = (("real", "Green: within the range of real slices."),
       ("near", f"Amber: above or below it, by a factor of {FAR} at most."),
       ("far", "Red: farther, or one of the two is 0 and the other is not."),
       ("", f"No colour: no such range, or KID is more than {CHANCE} times real's: any agreement is chance then."))
# The smaller the better: nothing is too near.
DISTANCES = ("kid", "fid", "swd")
MEASURES_OFF = "measures were off"
LEFT_OUT = "not measured, to save time"
CANNOT = {"sharpness": "no clear border", "separation": "no clearly bright region", "variety": "no bright region"}


@dataclasses.dataclass(frozen=True)
class Chart:
    """One chart.

    Args:
        title (str): What it shows.
        about (str): How to read it.
        unit (str): What stands at its axis.
        curves (tuple of tuple): Names in the log, and plain ones.
        leads (bool): Whether it is one of those that are not folded away.
        real (float): Where real slices lie by definition; None where they have a range only.
    """

    title: str
    about: str
    unit: str
    curves: tuple
    leads: bool = False
    real: float | None = None


CHARTS = (
    Chart("Distance from real slices (KID)",
          "The generated images as a set against the real ones, by the features of a scattering transform. Lower is "
          "better.", "KID",
          (("measure/kid", "KID"),), leads=True),
    Chart("Likeness of pairs",
          "How alike two images are; 1 is as alike as real slices. Above: too alike. Below: too unlike.",
          "ratio to real", (("measure/diversity.similarity", "likeness"),), leads=True),
    Chart("Sharpness",
          "How steep edges are; 1 is as sharp as real slices. Below: blurred.", "ratio to real",
          (("measure/sharpness.brain", "brain"), ("measure/sharpness.bright", "bright region")), leads=True, real=1),
    Chart("Scores of the discriminator",
          "Real slices above, generated images below; the nearer, the better the generator deceives.", "mean score",
          (("dis/y_real", "real"), ("dis/y_fake", "generated")), leads=True),
    Chart("Losses", "A loss does not say how good the images are; watch for jumps and for endless growth.", "loss",
          (("gen/loss", "generator"), ("dis/loss", "discriminator"))),
    Chart("Noise", "In the brain and in the air around it. Above real: grainy. Below: smoothed away.", "grey levels",
          (("measure/noise.inside", "brain"), ("measure/noise.air", "air"))),
    Chart("Colour cast", "How far the three channels are apart; MRI is grey. Above 0: the images are tinted.",
          "grey levels", (("measure/cast", "cast"),)),
    Chart("Checkerboard", "How strong a regular lattice is; 1 is as in real slices. Above: visible squares.",
          "ratio to real",
          (("measure/checkerboard.2", "2 pixels"), ("measure/checkerboard.4", "4 pixels"),
           ("measure/checkerboard.8", "8 pixels")), real=1),
    Chart("Variety", "How far levels in the brain and places of the bright region spread; 1 is as far as real.",
          "ratio to real",
          (("measure/variety.levels", "levels in the brain"), ("measure/variety.centres", "places")), real=1),
    Chart("Images with a bright region", "A tumour, as a rule.", "share of images",
          (("measure/separation.share", "share"),)),
    Chart("Contrast of the bright region", "Below real: tumour and brain run together.", "standard deviations",
          (("measure/separation.contrast", "contrast"),)),
    Chart("Size of the bright region", "Where there is one.", "share of the head",
          (("measure/separation.area", "size"),)),
)
# What `evaluate` measures besides.
TITLES = {
    "kid.subset_deviation": "Uncertainty of KID", "fid": "Distance from real slices (FID)",
    "coverage.share": "Coverage of the real slices",
    "memorisation.pixels": "Distance to the training slices, by pixels",
    "memorisation.features": "Distance to the training slices, by features",
    "memorisation.copies": "Images that may be copies"}
# Drawn as a band around another curve.
DEVIATION = {"measure/kid": "measure/kid.subset_deviation"}


def charts(logged, scale):
    """The charts of what was logged.

    Args:
        logged (iterable of str): Names in the log, in order.
        scale (dict): From ``measures.json``.

    Returns:
        list of Chart: Those above, and one each for what they do not know.
    """
    logged = dict.fromkeys(logged)
    known = {name for chart in CHARTS for name, _ in chart.curves} | set(DEVIATION.values())
    found = [dataclasses.replace(chart, curves=tuple(curve for curve in chart.curves if curve[0] in logged))
             for chart in CHARTS]
    for name in (name for name in logged if name not in known):
        of = scale.get(name.removeprefix("measure/")) or {}
        title = name.removeprefix("measure/")
        found.append(Chart(title, str(of.get("reading", "")), str(of.get("unit", "")), ((name, title),)))
    return [chart for chart in found if chart.curves]


def title(name):
    """The plain name of a number.

    Args:
        name (str): As the log or measures call it, such as ``measure/noise.air`` or ``noise.air``.

    Returns:
        str: Such as ``Noise: air``.
    """
    name = name.removeprefix("measure/")
    for chart in CHARTS:
        for curve, label in chart.curves:
            if curve.removeprefix("measure/") == name:
                return f"{chart.title}: {label}" if len(chart.curves) > 1 else chart.title
    if name.startswith("swd."):
        return f"Texture at a scale of {name.removeprefix('swd.')} pixels (SWD)"
    return TITLES.get(name, name)


def number(value):
    """A number with three significant digits.

    Args:
        value (float): It; None for none.

    Returns:
        str: For example ``35 600``, ``0.0312``.
    """
    if value is None:
        return "–"
    size = abs(value)
    if size and not 1e-3 <= size < 1e9:
        return f"{value:.1e}".replace("-", "−")
    if size >= 1e6:
        return f"{number(value / 1e6)}\N{NO-BREAK SPACE}million"
    digits = f"{value:.3g}" if size < 100 else f"{float(f'{value:.3g}'):,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    return digits.replace("-", "−")


def duration(seconds):
    """A time as one says it.

    Args:
        seconds (float): Seconds.

    Returns:
        str: For example ``3 h 20 min``.
    """
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" + (f" {minutes % 60} min" if minutes < 600 and minutes % 60 else "")


def band(scale, name):
    """What real slices of some subjects give against those of others.

    Args:
        scale (dict): From ``measures.json``.
        name (str): Name in the log.

    Returns:
        tuple: Low (minus infinity for a distance) and high; None if there is no such range.
    """
    name = name.removeprefix("measure/")
    of = scale.get(name) or {}
    # How uncertain a number is has no better or worse.
    if f"measure/{name}" in DEVIATION.values() or of.get("real_low") is None:
        return None
    return -math.inf if name.split(".")[0] in DISTANCES else of["real_low"], of["real_high"]


def span(edges):
    """A range as a text.

    Args:
        edges (tuple): Low and high.

    Returns:
        str: For example ``1.39 to 2.05``, ``up to 2.05``; a dash for None.
    """
    if edges[0] == -math.inf:
        return f"up to {number(edges[1])}"
    low, high = map(number, edges)
    return low if low == high else f"{low} to {high}"


def beyond(value, real):
    """How many times a value is above or below the range of real slices.

    Args:
        value (float): The value; None for none.
        real (tuple): From `band`.

    Returns:
        float: At least 1, which is within, or nothing to compare; infinity where one is 0 or the signs differ.
    """
    if value is None or real is None:
        return 1.0
    edge = min(max(value, real[0]), real[1])
    small, large = sorted((value, edge))
    return 1.0 if small == large else large / small if small > 0 else math.inf


def reading(value, real, kid=1.0):
    """A value against the range of real slices.

    Args:
        value (float): The value.
        real (tuple): From `band`.
        kid (float): From `beyond` of the same images' KID.

    Returns:
        tuple: Text, and how far from real it is: ``real``, ``near``, ``far``, or nothing, see `KEY`.
    """
    if real is None:
        return number(value), ""
    times = beyond(value, real)
    if times == 1:
        return (f"{number(value)}, as real by chance", "") if kid > CHANCE else (f"{number(value)}, as real", "real")
    side = "above" if value > real[1] else "below"
    return (f"{number(value)}, {side} real", "near") if times <= FAR else (f"{number(value)}, far {side} real", "far")


def distance(kid, real):
    """A KID in words.

    Args:
        kid (float): It.
        real (tuple): From `band`; None if there is no range.

    Returns:
        str: A sentence.
    """
    if real is None:
        return "What real slices have among themselves is not known: that needs two subjects."
    times = beyond(kid, real)
    if times == 1:
        return f"As near as real slices are to one another ({span(real)})."
    factor = f"about {number(float(f'{times:.2g}'))}" if math.isfinite(times) else "many"
    return f"Still {factor} times that of real slices among themselves ({span(real)})."


def why_missing(name, entry, entries):
    """Why an epoch has no value.

    Args:
        name (str): Name in the log.
        entry (dict): The epoch's, see `dcgan_mri.run.reading.Run`.
        entries (list of dict): Those of all epochs.

    Returns:
        str: A few words.
    """
    def measured(one):
        return any(key.startswith("measure/") for key in one["values"])

    if not name.startswith("measure/"):
        return "not finite"
    if not measured(entry):
        return LEFT_OUT if any(map(measured, entries)) else MEASURES_OFF
    return CANNOT.get(name.removeprefix("measure/").split(".")[0], "cannot be had from these images")
