"""From records to findings."""

import math

import pytest

from experiments import definition, findings, verdicts
from tests.experiments.records import DATA, made

EXPERIMENTS = definition.read_all()
FIG4, POLARIZE = EXPERIMENTS["fig4"], EXPERIMENTS["polarize"]


def fig4(less, more, **changes):
    """Records of both arms with five seeds each."""
    return [made(FIG4, arm, seed, noise__air=value + seed / 100, noise__inside=1.0, kid=10.0, **changes)
            for arm, value in (("baseline", less), ("no dropout", more)) for seed in range(5)]


def twins(less, more):
    return [made(FIG4, arm, seed, twin=True, noise__air=value, noise__inside=1.0, kid=10.0)
            for arm, value in (("baseline", less), ("no dropout", more)) for seed in range(2)]


def only(runs):
    (campaign,) = findings.campaigns(runs)
    return campaign


def test_a_claim_holds_by_its_records():
    finding = findings.find(FIG4, only(fig4(1.0, 3.0)))
    assert finding.verdict == verdicts.HOLDS
    assert len(finding.used) == 10
    assert findings.find(FIG4, only(fig4(3.0, 1.0))).verdict == verdicts.FAILS


def test_twins_are_no_seeds_and_a_claim_that_hangs_on_one_is_undecided():
    alike = findings.find(FIG4, only(fig4(1.0, 3.0) + twins(1.1, 3.1)))
    assert (alike.verdict, alike.decides[0][1].pairs, len(alike.used)) == (verdicts.HOLDS, 5, 14)
    other = findings.find(FIG4, only(fig4(1.0, 3.0) + twins(1.1, 0.0)))
    assert other.verdict == verdicts.UNDECIDED
    assert "twin of seed 0 of no dropout" in other.decides[0][1].note


def test_a_finding_is_complete_with_all_seeds_and_twins():
    assert not findings.find(FIG4, only(fig4(1.0, 3.0))).complete
    assert findings.find(FIG4, only(fig4(1.0, 3.0) + twins(1.0, 3.0))).complete


def test_scales_slice_sets_processors_and_revisions_are_never_mixed():
    runs = fig4(1.0, 3.0) + fig4(3.0, 1.0, data={**DATA, "name": "real"}) + fig4(1.0, 1.0, scale="paper")
    runs += [{**record, "device": "GPU"} for record in fig4(3.0, 1.0)]
    runs += [{**record, "revision": None} for record in fig4(1.0, 1.0)]
    verdict = {(one.scale.name, one.data["name"], one.device, one.revision): findings.find(FIG4, one).verdict
               for one in findings.campaigns(runs)}
    revision = runs[0]["revision"]
    assert verdict == {
        ("medium", "phantom", "CPU", revision): verdicts.HOLDS, ("medium", "real", "CPU", revision): verdicts.FAILS,
        ("paper", "phantom", "CPU", revision): verdicts.FAILS, ("medium", "phantom", "GPU", revision): verdicts.FAILS,
        ("medium", "phantom", "CPU", None): verdicts.FAILS}


def test_the_small_scale_gives_no_verdict():
    finding = findings.find(FIG4, only([made(FIG4, arm, 0, scale="small", noise__air=value)
                                        for arm, value in (("baseline", 1.0), ("no dropout", 3.0))]))
    assert finding.verdict == verdicts.TRIAL
    assert finding.decides[0][1].effect == -2.0


def test_runs_of_an_older_definition_do_not_count():
    records = fig4(1.0, 3.0)
    for record in records:
        record["settings"]["epoch"] += 1
    assert findings.find(FIG4, only(records)).verdict == verdicts.NOT_RUN


def test_an_arm_that_diverged_in_every_seed():
    records = [record for record in fig4(1.0, 3.0) if record["run"] == "paper"]
    records += [made(FIG4, "no dropout", seed, diverged="the loss is nan") for seed in range(5)]
    finding = findings.find(FIG4, only(records))
    assert finding.verdict == verdicts.HOLDS
    assert finding.values("kid")["no dropout"] == dict.fromkeys(range(5), verdicts.Diverged)


def test_a_measure_of_the_whole_run():
    finding = findings.find(POLARIZE, only([
        made(POLARIZE, arm, seed, scores__gap=gap * (1 + seed / 10), kid=1.0)
        for arm, gap in (("baseline", 1.0), ("wasserstein", 100.0)) for seed in range(5)]))
    assert finding.verdict == verdicts.HOLDS
    assert finding.decides[0][1].effect == pytest.approx(100)


def test_the_scatter_between_seeds_and_by_rounding():
    runs = [made(FIG4, "baseline", seed, noise__air=float(seed)) for seed in range(5)]
    runs += [made(FIG4, "baseline", seed, twin=True, noise__air=seed + step) for seed, step in ((0, 1.0), (1, -1.0))]
    # 0 to 4 have the standard deviation root of 2.5 and the mean 2.
    assert findings.scatter(only(runs), "noise.air", False) == pytest.approx((2.5 ** 0.5, 0.5 ** 0.5))
    assert findings.scatter(only(runs), "noise.air", True) == pytest.approx((2.5 ** 0.5 / 2, 0.5 ** 0.5 / 2))
    assert all(map(math.isnan, findings.scatter(only(runs[:3]), "noise.air", False)))
