"""Curves over the epochs as SVG."""

import math

from dcgan_mri.review.words import DEVIATION, band, number

WIDTH, HEIGHT = 440, 250
LEFT, RIGHT, TOP, BOTTOM = 64, 428, 12, 206
# Between largest and smallest value from which on the axis is logarithmic.
DECADES = 1.5


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
            rough = (self._high - self._low) / 4
            power = 10 ** math.floor(math.log10(rough))
            step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
            self.ticks = [k * step for k in range(math.ceil(self._low / step), math.floor(self._high / step) + 1)]

    def holds(self, value):
        """Whether it reaches a value.

        Args:
            value (float): The value.

        Returns:
            bool: If so.
        """
        return TOP < self.y(value) < BOTTOM

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


def draw(chart, runs, epochs, flagged):
    """What the template needs to draw a chart.

    Args:
        chart (dcgan_mri.review.words.Chart): The chart.
        runs (list of dcgan_mri.run.reading.Run): The runs.
        epochs (list of int): The epochs of all runs.
        flagged (list of dict): For each run, epoch to ``collapsed`` or ``diverged``.

    Returns:
        dict: ``ticks``, ``epochs``, ``band``, ``curves``, ``logarithmic``, ``zero`` and ``outside``, in coordinates of
        the SVG and texts. None if no run has a value.
    """
    series = [[[(entry["epoch"], entry["values"][name], entry["values"].get(DEVIATION.get(name), 0))
                for entry in run.entries if name in entry["values"]] for name, _ in chart.curves] for run in runs]
    # What diverged must not flatten what else there is to see: whole runs if another did not, else epochs.
    wild = ["diverged" in of_run.values() for of_run in flagged]
    calm = [value for i, of_run in enumerate(series) if not wild[i] or all(wild) for points in of_run
            for epoch, value, _ in points if flagged[i].get(epoch) != "diverged"]
    every = [value for of_run in series for points in of_run for _, value, _ in points]
    if not every:
        return None
    bands = {band(run.scale, chart.curves[0][0]) for run in runs} if len(chart.curves) == 1 else set()
    edges = bands.pop() if len(bands) == 1 else None
    positive = [value for value in calm or every if value > 0]
    seen = (calm or every) + [value for value in edges or () if positive and value > 0 or not positive]
    # KID of very near sets may fall below 0, which a logarithmic axis does not have: drawn at its lower edge.
    if positive and edges and edges[1] > 0 and max(positive) > 10 ** DECADES * edges[1]:
        seen = [value for value in seen if value > 0]
    axis = Axis([*seen, *([chart.real] if chart.real else [])])
    outside = [value for value in every if not axis.holds(value)]
    curves = []
    for i, of_run in enumerate(series):
        for k, points in enumerate(of_run):
            curves.append({
                "run": i, "curve": k,
                "points": [(round(x_of(epoch, epochs), 1), round(axis.y(value), 1)) for epoch, value, _ in points],
                "around": [(round(x_of(epoch, epochs), 1), round(axis.y(value + sign * deviation), 1))
                           for sign, part in ((1, points), (-1, points[::-1])) for epoch, value, deviation in part]
                if any(deviation for _, _, deviation in points) else []})
    return {
        "ticks": [(round(axis.y(tick), 1), number(tick)) for tick in axis.ticks],
        "epochs": [(round(x_of(epoch, epochs), 1), epoch) for epoch in _whole_steps(epochs)],
        "band": (round(axis.y(edges[1]), 1), round(max(2, axis.y(edges[0]) - axis.y(edges[1])), 1)) if edges else None,
        "real": chart.real and round(axis.y(chart.real), 1), "curves": curves, "logarithmic": axis.logarithmic,
        "outside": number(max(outside, key=abs)) if outside and len(calm) < len(every) else None}


def _whole_steps(epochs):
    """At most about eight epochs to write below the axis, the first and the last among them."""
    first, last = epochs[0], epochs[-1]
    step = next(step for power in range(9) for step in (10 ** power, 2 * 10 ** power, 5 * 10 ** power)
                if (last - first) / step <= 8)
    inner = [epoch for epoch in range(first + 1, last) if epoch % step == 0
             and min(epoch - first, last - epoch) >= 0.6 * step]
    return sorted({first, *inner, last})
