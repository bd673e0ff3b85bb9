"""From records to findings."""

import pytest

from experiments import definition, findings, verdicts
from tests.experiments.records import DATA, made

EXPERIMENTS = definition.read_all()
FIG4, POLARIZE = EXPERIMENTS["fig4"], EXPERIMENTS["polarize"]


def fig4(less, more, **changes):
    """Records of both arms with three seeds each."""
    return [made(FIG4, arm, seed, noise__air=value + seed / 100, noise__inside=1.0, kid=10.0, **changes)
            for arm, value in (("baseline", less), ("no dropout", more)) for seed in range(3)]


def test_a_claim_holds_by_its_records():
    (campaign,) = findings.campaigns(fig4(1.0, 3.0))
    finding = findings.find(FIG4, campaign)
    assert finding.verdict == verdicts.HOLDS
    assert len(finding.used) == 6
    assert findings.find(FIG4, findings.campaigns(fig4(3.0, 1.0))[0]).verdict == verdicts.FAILS


def test_scales_and_slice_sets_are_never_mixed():
    other = {**DATA, "name": "real", "subjects": 11}
    found = findings.campaigns(fig4(1.0, 3.0) + fig4(3.0, 1.0, data=other) + fig4(1.0, 1.0, scale="paper"))
    verdict = {(one.scale.name, one.data["name"]): findings.find(FIG4, one).verdict for one in found}
    assert verdict == {("small", "phantom"): verdicts.HOLDS, ("small", "real"): verdicts.FAILS,
                       ("paper", "phantom"): verdicts.FAILS}


def test_runs_of_an_older_definition_do_not_count():
    records = fig4(1.0, 3.0)
    for record in records:
        record["settings"]["epoch"] += 1
    (campaign,) = findings.campaigns(records)
    assert findings.find(FIG4, campaign).verdict == verdicts.NOT_RUN


def test_an_arm_that_diverged_in_every_seed():
    records = [record for record in fig4(1.0, 3.0) if record["run"] == "paper"]
    records += [made(FIG4, "no dropout", seed, diverged="the loss is nan") for seed in range(3)]
    finding = findings.find(FIG4, findings.campaigns(records)[0])
    assert finding.verdict == verdicts.HOLDS
    assert finding.values["kid"]["no dropout"] == dict.fromkeys(range(3), verdicts.Diverged)


def test_a_measure_of_the_whole_run():
    records = [made(POLARIZE, arm, seed, scores__gap=gap * (1 + seed / 10), kid=1.0)
               for arm, gap in (("baseline", 1.0), ("wasserstein", 100.0)) for seed in range(3)]
    finding = findings.find(POLARIZE, findings.campaigns(records)[0])
    assert finding.verdict == verdicts.HOLDS
    assert finding.decides[0][1].effect == pytest.approx(4.605, abs=0.001)
