"""Made records for the tests: what runs would have measured."""

import dataclasses

from experiments.plan import arm_config, run_name
from experiments.scales import SCALES

DATA = {"name": "phantom", "fingerprint": "0123456789ab", "subjects": 30, "slices": 1440, "held_out": 480}


def made(experiment, arm, seed, scale="medium", data=DATA, diverged=None, twin=False, **values):
    """A record of an arm."""
    config = arm_config(experiment, arm, SCALES[scale], data["subjects"], seed)
    return {
        "run": run_name(config, SCALES[scale], data["subjects"]), "seed": seed, "twin": twin, "scale": scale,
        "data": data, "settings": dataclasses.asdict(config), "device": "CPU", "date": "2026-01-02",
        "revision": "abcdef0123456789", "iterations": 2250, "seconds": 36.0, "diverged": diverged,
        "values": {name.replace("__", "."): value for name, value in values.items()},
        "scores": [(1, 0.5, -0.5), (2, 3.0, -4.0)], "along": {}, "successes": [1, 2], "failures": [4, 3]}
