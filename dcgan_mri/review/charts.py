"""Curves over the epochs as SVG."""

import itertools
import math

from dcgan_mri.review.status import KID
from dcgan_mri.review.words import CHANCE, DEVIATION, band, beyond, number

LEFT, RIGHT, TOP, BOTTOM = 64, 428, 12, 190
# Between largest and smallest value from which on the axis is logarithmic.
DECADES = 1.5
# Share of the height that what did not diverge must have.
CALM = 1 / 6


def x_of(epoch, epochs):
    """Where an epoch stands.

    Args:
        epoch (int): The epoch.
        epochs (list of int): All of them.

    Returns:
        float: Horizontal coordinate in the SVG.
    """
    first, last = epochs[0], epochs[-1]
    return (LEFT + RIGHT) / 2 if first == last else LEFT + (RIGHT - LEFT) * (epoch - first) / (last - first)


class Axis:
    """The vertical axis: linear, or logarithmic where values are positive and far apart.

    Args:
        values (list of float): What must be seen; at least one.
    """

    def __init__(self, values):
        low, high = min(values), max(values)
        self.logarithmic = low > 0 and math.log10(high / low) > DECADES
        if self.logarithmic:
            self._low, self._high = math.log10(low) - 0.1, math.log10(high) + 0.1
            powers = range(math.ceil(self._low), math.floor(self._high) + 1)
            step = math.ceil(len(powers) / 5)
            self.ticks = [10.0 ** power for power in powers[::step]]
        else:
            room = 0.06 * (high - low) or 0.1 * abs(high) or 1
            self._low, self._high = low - room, high + room
            step = _round_step((self._high - self._low) / 6)
            self.ticks = [k * step for k in range(math.ceil(self._low / step), math.floor(self._high / step) + 1)]

    def side(self, value):
        """Whether it reaches a value.

        Args:
            value (float): The value.

        Returns:
            int: 0 if so, 1 if the value is above it, -1 if below.
        """
        y = self.y(value)
        return (y <= TOP) - (y >= BOTTOM)

    def y(self, value):
        """Where a value stands, at the edge if the axis does not reach it.

        Args:
            value (float): The value.

        Returns:
            float: Vertical coordinate in the SVG.
        """
        if self.logarithmic:
            value = math.log10(max(value, 1e-300))
        share = (min(max(value, self._low), self._high) - self._low) / (self._high - self._low)
        return BOTTOM - (BOTTOM - TOP) * share


def _round_step(least):
    """The least of 1, 2, 5, 10, 20 and so on, or parts of 1, that is no smaller."""
    power = 10 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least)


def draw(chart, runs, epochs, flagged):
    """What the template needs to draw a chart.

    Args:
        chart (dcgan_mri.review.words.Chart): The chart.
        runs (list of dcgan_mri.run.reading.Run): The runs.
        epochs (list of int): The epochs of all runs.
        flagged (list of dict): For each run, what `dcgan_mri.review.status.flags` gives.

    Returns:
        dict: ``ticks``, ``epochs``, ``bands``, ``real``, ``curves`` and ``logarithmic``, in coordinates of the SVG and
        texts. None if no run has a value.
    """
    series = [[[(entry["epoch"], entry["values"][name], entry["values"].get(DEVIATION.get(name), 0))
                for entry in run.entries if name in entry["values"]] for name, _ in chart.curves] for run in runs]
    every = [value for of_run in series for points in of_run for _, value, _ in points]
    if not every:
        return None
    wrong = [{epoch for epoch, (kind, _) in of_run.items() if kind == "diverged"} for of_run in flagged]
    # Whole runs that diverged if another did not, else epochs.
    calm = [value for of_run, bad in zip(series, wrong, strict=True) if not bad or all(wrong)
            for points in of_run for epoch, value, _ in points if epoch not in bad]
    bands = {band(run.scale, chart.curves[0][0]) for run in runs} if len(chart.curves) == 1 else set()
    edges = bands.pop() if len(bands) == 1 else None
    fixed = [edge for edge in edges or () if edge > -math.inf] + ([chart.real] if chart.real else [])
    axis = _axis(every, calm, fixed, edges is not None and edges[0] == -math.inf)
    # KID itself never agrees by chance.
    near = {entry["epoch"] for run in runs for entry in run.entries if chart.curves[0][0] == KID
            or beyond(entry["values"].get(KID), band(run.scale, KID)) <= CHANCE}
    curves = [{"run": i, "curve": k, **_parts(points, axis, epochs)}
              for i, of_run in enumerate(series) for k, points in enumerate(of_run)]
    return {
        "ticks": [(round(axis.y(tick), 1), number(tick)) for tick in axis.ticks],
        "epochs": [(round(x_of(epoch, epochs), 1), epoch) for epoch in _whole_steps(epochs)],
        "bands": _bands(edges, axis, epochs, near) if edges else [],
        "real": chart.real and round(axis.y(chart.real), 1), "curves": curves, "logarithmic": axis.logarithmic}


def _axis(every, calm, fixed, is_distance):
    """An axis for all values; if it gave the calm ones, which did not diverge, too little height, for those alone."""
    def of(values):
        # A distance of about 0 may be estimated below it, where a logarithmic axis does not reach.
        positive = [value for value in values if value > 0]
        return Axis([*(positive if is_distance and positive else values), *fixed])

    axis = of(every)
    seen = [axis.y(value) for value in [*calm, *fixed]]
    return of(calm) if calm and max(seen) - min(seen) < CALM * (BOTTOM - TOP) else axis


def _bands(edges, axis, epochs, near):
    """The range of real slices as boxes; pale ones where no run is so near that agreement is more than chance."""
    ends = [LEFT, *((x_of(a, epochs) + x_of(b, epochs)) / 2 for a, b in itertools.pairwise(epochs)), RIGHT]
    y, height = axis.y(edges[1]), max(2, axis.y(edges[0]) - axis.y(edges[1]))
    groups = [(pale, list(group)) for pale, group in
              itertools.groupby(range(len(epochs)), lambda i: epochs[i] not in near)]
    return [{"pale": pale, "x": round(ends[of[0]], 1), "width": round(ends[of[-1] + 1] - ends[of[0]], 1),
             "y": round(y, 1), "height": round(height, 1)} for pale, of in groups]


def _parts(points, axis, epochs):
    """What the axis reaches of a curve as lines, with their error bands; what leaves it as arrows."""
    found = {"lines": [], "arrows": []}
    for side, group in itertools.groupby(points, lambda point: axis.side(point[1])):
        part = [(round(x_of(epoch, epochs), 1), value, deviation) for epoch, value, deviation in group]
        xs, _, deviations = zip(*part, strict=True)
        if side:
            found["arrows"].append({"up": side > 0, "xs": xs})
        else:
            middle, upper, lower = ([(x, round(axis.y(value + sign * deviation), 1)) for x, value, deviation in part]
                                    for sign in (0, 1, -1))
            found["lines"].append({"points": middle, "around": [*upper, *lower[::-1]] if any(deviations) else []})
    return found


def _whole_steps(epochs):
    """At most about eight epochs to write below the axis, the first and the last among them."""
    first, last = epochs[0], epochs[-1]
    step = _round_step(max(1, (last - first) / 8))
    inner = [epoch for epoch in range(first + 1, last) if epoch % step == 0
             and min(epoch - first, last - epoch) >= 0.6 * step]
    return sorted({first, *inner, last})
