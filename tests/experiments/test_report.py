"""The report follows from the records alone."""

import itertools
import math

import docutils.core
import pytest

from dcgan_mri.errors import DataError
from experiments import definition, findings, records, report, wording
from tests.experiments.records import DATA, made

EXPERIMENTS = definition.read_all()
REST = {"noise__inside": 1.0, "kid": 1.0}


def everything(**changes):
    """A record of every arm of every claim, five seeds."""
    values = {part.measure: 1.0 for experiment in EXPERIMENTS.values() for part in experiment.parts}
    found = {}
    for experiment in EXPERIMENTS.values():
        for number, (arm, seed) in enumerate(itertools.product(experiment.arms, range(5))):
            record = made(experiment, arm, seed, **changes)
            record["values"] = {name: value + number for name, value in values.items()}
            found.setdefault(records.key(record), record)
    return list(found.values())


def written(folder, runs, real=()):
    records.publish(folder, runs, list(real))
    report.published(folder, EXPERIMENTS)
    return (folder / report.NAME).read_text()


def fig4(baseline, no_dropout, **changes):
    arms = {"baseline": baseline, "no dropout": no_dropout}
    return [made(EXPERIMENTS["fig4"], arm, seed, noise__air=value, **{**REST, **changes})
            for arm, values in arms.items() for seed, value in enumerate(values)]


def test_the_same_records_in_any_order_give_the_same_report(tmp_path):
    found = everything()
    assert written(tmp_path / "a", found) == written(tmp_path / "b", found[::-1])


def test_every_claim_has_its_verdict_and_those_that_were_run_their_numbers(tmp_path):
    text = written(tmp_path, fig4([1.0] * 5, [1.0] * 5))
    for experiment in EXPERIMENTS.values():
        assert text.count(f"   * - {experiment.id}\n     - {experiment.claim}") == (2 if experiment.id == "fig4" else 1)
    assert text.count("- not run") == len(EXPERIMENTS) - 1
    assert "noise.air +0 (+0 to +0, n 5)\n     - **does not hold (so far)**" in text


def test_where_no_claim_has_all_that_it_needs_there_is_no_table_of_claims(tmp_path):
    text = written(tmp_path, fig4([1.0] * 5, []))
    assert f"{len(EXPERIMENTS)} claims: not run {len(EXPERIMENTS)}." in text
    assert "- measured" not in text


def test_verdicts_of_two_processors_and_revisions_stand_side_by_side(tmp_path):
    held, not_held = fig4([1.0] * 5, [3.0] * 5), fig4([3.0] * 5, [1.0] * 5)
    text = written(tmp_path, [*held, *({**record, "device": "GPU"} for record in not_held),
                              *({**record, "revision": "f" * 40} for record in not_held)])
    assert """   * - claim
     - in short
     - medium, phantom, CPU, revision abcdef0123
     - medium, phantom, CPU, revision ffffffffff
     - medium, phantom, GPU, revision abcdef0123
""" in text
    assert f"""   * - fig4
     - {EXPERIMENTS["fig4"].claim}
     - holds (so far)
     - does not hold (so far)
     - does not hold (so far)
""" in text


def test_a_trial_has_numbers_and_no_verdict(tmp_path):
    fig4 = EXPERIMENTS["fig4"]
    text = written(tmp_path, [made(fig4, arm, 0, scale="small", noise__air=1.0, **REST) for arm in fig4.arms])
    assert "Scale small, phantom, CPU, revision abcdef0123: **a trial, no verdict**" in text
    assert "noise.air +0 (n 1)" in text
    assert "Verdicts\n---" not in text
    assert "undecided\n" not in text


def test_it_counts_the_verdicts_and_says_how_small_an_effect_its_seeds_can_tell(tmp_path):
    experiment = EXPERIMENTS["fig4"]
    text = written(tmp_path, [made(experiment, arm, seed, noise__air=1.0, noise__inside=1.0,
                                   kid=2.0 ** seed if arm == "baseline" else 1.0)
                              for arm in experiment.arms for seed in range(5)])
    assert f"{len(EXPERIMENTS)} claims: does not hold 1, not run {len(EXPERIMENTS) - 1}." in text
    # The means of seeds drawn from 1, 2, 4, 8 and 16 lie between 1 and 16, nearly all between 1.2 and 14.4.
    assert "in the only comparison of kid, the interval reaches at least a factor of 3.5 to either side" in text


def test_the_scatter_between_seeds_and_by_rounding_is_printed(tmp_path):
    runs = fig4([0.0, 1.0, 2.0, 3.0, 4.0], [1.0] * 5)
    runs += [made(EXPERIMENTS["fig4"], "baseline", seed, twin=True, noise__air=seed + 1.0, **REST) for seed in (0, 1)]
    text = written(tmp_path, runs)
    assert "   * - noise.air\n     - 0.791\n     - 0.707\n" in text  # the median of 1.58 and 0; the root of 1/2
    assert "   * - kid\n     - 0% of the mean\n     - 0% of the mean\n" in text
    assert "baseline 2 (0 ~ 1, 1 ~ 2, 2, 3, 4); no dropout 1" in text


@pytest.mark.parametrize(("baseline", "row"), [
    (1.0, "noise.air -2 (-2 to -2, n 5)\n     - **holds"),
    (5.0, "noise.air +2 (+2 to +2, n 5)\n     - **does not hold")])
def test_a_verdict_is_made_of_the_numbers(tmp_path, baseline, row):
    assert row in written(tmp_path, fig4([baseline] * 5, [3.0] * 5))


def test_means_are_of_the_seeds_that_the_effect_is_of(tmp_path):
    text = written(tmp_path, fig4([0.0, 1.0, 2.0, 3.0, 99.0], [9.0] * 4))
    assert "- baseline 1.5 (0, 1, 2, 3); no dropout 9 (9, 9, 9, 9)\n     - noise.air -7.5 (" in text
    assert "**holds (so far)**" in text


def test_arms_that_the_data_is_too_small_for_are_named_beside_what_was_measured(tmp_path):
    experiment, few = EXPERIMENTS["fw-data"], {**DATA, "name": "few", "subjects": 11}
    text = written(tmp_path, [made(experiment, arm, seed, data=few, kid=1.0, variety__levels=0.5, coverage__share=0.5)
                              for arm in experiment.arms if arm != "30 subjects" for seed in range(5)])
    assert "**not run**\n\nLeft out, for want of more than 11 training subjects: 30 subjects." in text
    assert "- kid ×1 (1 to 1, n 5)" in text


def test_every_number_stands_beside_that_of_real_slices(tmp_path):
    real = {"scale": "medium", "data": DATA, "values": {"kid": 0.25, "noise.air": math.nan}}
    text = written(tmp_path, fig4([1.0] * 2, [1.0] * 2, kid=2.5), [real])
    assert "- baseline 2.5 (2.5, 2.5); no dropout 2.5 (2.5, 2.5); real slices 0.25\n" in text
    assert "- baseline 1 (1, 1); no dropout 1 (1, 1)\n" in text


def test_arms_are_shown_with_their_iterations_and_remarks_are_marked(tmp_path):
    text = written(tmp_path, everything())
    assert "* *no dropout*: preset paper, dropout 0.0; 2250 iterations\n" in text
    for experiment in EXPERIMENTS.values():
        assert not experiment.remark or f"*Remark*: {experiment.remark}" in text


def test_figures_of_the_phantom_are_shown_and_say_which_training_they_are_of(tmp_path):
    runs = fig4([1.0] * 5, [1.0] * 5)
    picture = tmp_path / "medium-phantom" / "cpu" / "figures" / "fig4-abcdef0.png"
    picture.parent.mkdir(parents=True)
    picture.touch()
    text = written(tmp_path, runs)
    assert ".. figure:: medium-phantom/cpu/figures/fig4-abcdef0.png\n" in text
    assert "same image seeds. Training seed 0, kid baseline 1, no dropout 1." in text


def test_publishing_draws_the_phantoms_figures_and_no_others(tmp_path):
    for name in ("phantom", "volumes"):
        folder = records.campaign_folder(tmp_path / "runs", "medium", name)
        folder.mkdir(parents=True)
        for record in everything(data={**DATA, "name": name}):
            records.write(folder / f"{record['run']}.seed{record['seed']}.json", record)
    report.published(tmp_path / "results", EXPERIMENTS, tmp_path / "runs")
    # Curves can be drawn from records; images need the runs' pictures.
    assert sorted(str(path.relative_to(tmp_path / "results")) for path in (tmp_path / "results").rglob("*.png")) == [
        f"medium-phantom/cpu/figures/{name}-abcdef0.png" for name in ("polarize", "sensitivity")]
    text = (tmp_path / "results" / report.NAME).read_text()
    assert text.count("figure::") == 2
    assert "Images made from these slices are not in the repository" in text


def test_the_report_of_runs_stands_beside_them_with_its_figures(tmp_path):
    folder = records.campaign_folder(tmp_path, "medium", "volumes")
    folder.mkdir()
    for record in everything(data={**DATA, "name": "volumes"}):
        records.write(folder / f"{record['run']}.seed{record['seed']}.json", record)
    report.of_runs(tmp_path, EXPERIMENTS)
    assert ".. figure:: medium-volumes/figures/polarize.png" in (tmp_path / report.NAME).read_text()
    assert (folder / "figures" / "polarize.png").exists()


def test_revisions_keep_their_mark(tmp_path):
    record = made(EXPERIMENTS["fig4"], "baseline", 0, noise__air=1.0)
    assert "revision abcdef0123-dirty" in written(tmp_path, [{**record, "revision": "abcdef0123456789-dirty"}])


def test_without_any_record_there_is_no_report(tmp_path):
    with pytest.raises(DataError, match="nothing has been run there"):
        report.published(tmp_path, EXPERIMENTS)
    assert not list(tmp_path.iterdir())


def test_runs_that_no_experiment_asks_for_are_counted(tmp_path):
    stale = made(EXPERIMENTS["fig4"], "baseline", 0, noise__air=1.0)
    stale["settings"]["epoch"] = 99
    assert "1 runs are of settings that no experiment has now" in written(tmp_path, [stale])


def test_it_is_valid_restructured_text(tmp_path):
    messages = []
    text = written(tmp_path, [*everything(), *everything(data={**DATA, "name": "volumes"}, diverged="the loss is nan")])
    docutils.core.publish_doctree(text, settings_overrides={
        "report_level": 2, "halt_level": 5, "warning_stream": type("Stream", (), {"write": messages.append})()})
    assert messages == []


def test_a_diverged_arm_is_told_in_words(tmp_path):
    runs = [record for record in fig4([1.0] * 5, [1.0] * 5) if record["run"] == "paper"]
    runs += [made(EXPERIMENTS["fig4"], "no dropout", seed, diverged="the loss is nan") for seed in range(5)]
    (campaign,) = findings.campaigns(runs)
    finding = findings.find(EXPERIMENTS["fig4"], campaign)
    assert wording.measured(*finding.decides[0]) == "noise.air: diverged: 0 of 5 runs of baseline, 5 of 5 of no dropout"
