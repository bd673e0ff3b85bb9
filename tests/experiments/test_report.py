"""The report follows from the records alone."""

import itertools
import math

import docutils.core
import docutils.utils
import pytest

from dcgan_mri.errors import DataError
from experiments import definition, records, report
from tests.experiments.records import DATA, made

EXPERIMENTS = definition.read_all()


def everything(**changes):
    """A record of every arm of every claim, three seeds."""
    values = {name: 1.0 for experiment in EXPERIMENTS.values() for name in {
        part.measure for part in experiment.parts}}
    found = {}
    for experiment in EXPERIMENTS.values():
        for number, (arm, seed) in enumerate(itertools.product(experiment.arms, range(3))):
            record = made(experiment, arm, seed, **changes)
            record["values"] = {name: value + number for name, value in values.items()}
            found.setdefault(records.key(record), record)
    return list(found.values())


def written(folder, found):
    folder.mkdir(exist_ok=True)
    records.write_collected(folder, found)
    report.write(folder, EXPERIMENTS)
    return (folder / report.NAME).read_text()


def test_the_same_records_in_any_order_give_the_same_report(tmp_path):
    found = everything()
    assert written(tmp_path / "a", found) == written(tmp_path / "b", found[::-1])


def test_writing_it_again_changes_nothing(tmp_path):
    text = written(tmp_path, everything())
    before = (tmp_path / records.COLLECTED).read_bytes()
    report.write(tmp_path, EXPERIMENTS)
    assert (tmp_path / report.NAME).read_text() == text
    assert (tmp_path / records.COLLECTED).read_bytes() == before


def test_every_claim_has_its_row_where_it_has_been_run_and_where_not(tmp_path):
    text = written(tmp_path, [made(EXPERIMENTS["fig4"], arm, seed, noise__air=1.0, noise__inside=1.0, kid=1.0)
                              for arm in EXPERIMENTS["fig4"].arms for seed in range(3)])
    for experiment in EXPERIMENTS.values():
        assert f"   * - {experiment.id}\n     - {experiment.claim}" in text
    assert text.count("- not run") == len(EXPERIMENTS) - 1
    assert "noise.air +0 (+0 to +0, n 3)\n     - **does not hold (so far)**\n     - small\n     - phantom\n" \
           "     - CPU\n     - 2026-01-02" in text


def test_it_counts_the_verdicts_and_says_how_small_an_effect_its_seeds_can_tell(tmp_path):
    fig4 = EXPERIMENTS["fig4"]
    # Logarithms of the ratios: 0, 1 and 2. Student's t for two degrees of freedom is 4.303, hence 1 ± 2.484.
    text = written(tmp_path, [made(fig4, arm, seed, noise__air=1.0, noise__inside=1.0,
                                   kid=math.exp(seed) if arm == "baseline" else 1.0)
                              for arm in fig4.arms for seed in range(3)])
    assert f"{len(EXPERIMENTS)} claims: does not hold 1, not run {len(EXPERIMENTS) - 1}." in text
    assert "in half of 1 comparisons of kid, the interval reaches at least a factor of 12 to either side" in text


def test_a_verdict_is_made_of_the_numbers(tmp_path):
    experiment = EXPERIMENTS["fig4"]

    def row(baseline):
        found = [made(experiment, arm, seed, noise__air=value + seed / 10, noise__inside=1.0, kid=1.0)
                 for arm, value in (("baseline", baseline), ("no dropout", 3.0)) for seed in range(5)]
        return written(tmp_path / f"{baseline}", found)

    assert "noise.air -2 (-2 to -2, n 5)\n     - **holds**" in row(1.0)
    assert "noise.air +2 (+2 to +2, n 5)\n     - **does not hold**" in row(5.0)


def test_means_are_of_the_seeds_that_the_effect_is_of(tmp_path):
    experiment = EXPERIMENTS["fig4"]
    rest = {"noise__inside": 1.0, "kid": 1.0}
    found = [made(experiment, "baseline", seed, noise__air=float(seed), **rest) for seed in range(5)]
    found += [made(experiment, "no dropout", seed, noise__air=9.0, **rest) for seed in range(3)]
    text = written(tmp_path, found)
    assert "- baseline 1 (0, 1, 2); no dropout 9 (9, 9, 9)\n     - noise.air -8 (-10.5 to -5.52, n 3)" in text
    assert "**holds (so far)**" in text


def test_arms_that_the_data_is_too_small_for_are_named_beside_what_was_measured(tmp_path):
    experiment, few = EXPERIMENTS["fw-data"], {**DATA, "name": "few", "subjects": 11}
    text = written(tmp_path, [made(experiment, arm, seed, data=few, kid=1.0, variety__levels=0.5, coverage__share=0.5)
                              for arm in experiment.arms if arm != "30 subjects" for seed in range(5)])
    assert "Scale small, few: **not run**\n\nLeft out, since few has 11 training subjects: 30 subjects." in text
    assert "- kid ×1 (1 to 1, n 5)" in text


def test_every_number_stands_beside_that_of_real_slices(tmp_path):
    experiment = EXPERIMENTS["fig4"]
    records.write_real(tmp_path, {records.place("small", DATA): {"kid": 0.25, "noise.air": math.nan}})
    text = written(tmp_path, [made(experiment, arm, seed, noise__air=1.0, noise__inside=1.0, kid=2.0 + seed)
                              for arm in experiment.arms for seed in (0, 1)])
    assert "- baseline 2.5 (2, 3); no dropout 2.5 (2, 3); real slices 0.25\n" in text
    assert "- baseline 1 (1, 1); no dropout 1 (1, 1)\n" in text


def test_arms_are_shown_with_their_iterations_and_remarks_are_marked(tmp_path):
    text = written(tmp_path, everything())
    assert "* *no dropout*: preset paper, dropout 0.0; 360 iterations\n" in text
    for experiment in EXPERIMENTS.values():
        assert not experiment.remark or f"*Remark*: {experiment.remark}" in text


def test_a_picture_says_which_training_it_shows(tmp_path):
    experiment = EXPERIMENTS["fig4"]
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "fig4-small.png").touch()
    text = written(tmp_path, [made(experiment, arm, seed, noise__air=1.0, noise__inside=1.0, kid=2.0 + seed)
                              for arm in experiment.arms for seed in (1, 2)])
    assert "same image seeds. Training seed 1, kid baseline 3, no dropout 3." in text


def test_revisions_keep_their_mark(tmp_path):
    record = made(EXPERIMENTS["fig4"], "baseline", 0, noise__air=1.0)
    assert "revision abcdef0123-dirty." in written(tmp_path, [{**record, "revision": "abcdef0123456789-dirty"}])


def test_without_any_record_there_is_no_report(tmp_path):
    with pytest.raises(DataError, match="nothing has been run there"):
        report.write(tmp_path, EXPERIMENTS)
    assert not list(tmp_path.iterdir())


def test_real_data_gives_numbers_and_no_picture_in_the_report(tmp_path):
    real = {**DATA, "name": "volumes"}
    text = written(tmp_path, everything(data=real))
    assert "Images made from these slices are not in the repository" in text
    assert "figure::" not in text
    assert not (tmp_path / "figures").exists()


def test_figures_of_the_phantom_are_shown(tmp_path):
    text = written(tmp_path, everything())
    shown = [line.split()[-1] for line in text.splitlines() if line.startswith(".. figure::")]
    # Curves can be drawn from records; images need the runs.
    assert shown == ["figures/polarize-small.png", "figures/sensitivity-small.png"]
    assert all((tmp_path / name).exists() for name in shown)


def test_runs_that_no_experiment_asks_for_are_counted(tmp_path):
    stale = made(EXPERIMENTS["fig4"], "baseline", 0, noise__air=1.0)
    stale["settings"]["epoch"] = 99
    assert "1 runs are of settings that no experiment has now" in written(tmp_path, [stale])


def test_it_is_valid_restructured_text(tmp_path):
    messages = []
    docutils.core.publish_doctree(written(tmp_path, everything()), settings_overrides={
        "report_level": 2, "halt_level": 5, "warning_stream": type("Stream", (), {"write": messages.append})()})
    assert messages == []
