"""Reading the claims."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dcgan_mri.errors import DataError, UsageError, UserError
from experiments import definition, plan, quantities
from experiments.scales import SCALES

# The table of the paper's claims that the project set out to test, and what goes beyond it.
CLAIMS = {
    "fig2", "fig3", "fig4", "fig5", "fig6", "d-act", "d-out", "g-out", "batch", "alpha", "z", "epochs", "last-conv",
    "grid-source", "variety", "polarize", "sensitivity", "released", "fw-upsample", "fw-wgan", "fw-data",
    "im-all", "im-augment", "im-dropout", "im-ema", "im-grey", "im-r1"}

WHOLE = {
    "id": "x", "claim": "Dropout helps.", "place": "II", "arms": {"none": {"dropout": 0.0}},
    "decides": [{"measure": "kid", "of": "baseline", "is": "lower", "than": "none", "by": "10 %"}]}


def changed(**changes):
    return {**WHOLE, **changes}


def part(**changes):
    return changed(decides=[{**WHOLE["decides"][0], **changes}])


def test_every_claim_has_its_file():
    assert set(definition.read_all()) == CLAIMS


def test_the_papers_figures_and_readings_come_first_and_future_work_last():
    names = list(definition.read_all())
    assert names[:7] == ["fig2", "fig3", "fig4", "fig5", "fig6", "polarize", "released"]
    assert {name[:3] for name in names[-3:]} == {"fw-"}


def test_figures_1_to_6_each_belong_to_one_claim():
    figures = [experiment.figure for experiment in definition.read_all().values() if experiment.figure]
    assert sorted(figures) == [f"Fig. {number}" for number in range(1, 7)]


@pytest.mark.parametrize("scale", SCALES)
def test_every_arm_of_every_claim_is_a_valid_training_at_every_scale(scale):
    for experiment in definition.read_all().values():
        for arm in experiment.arms:
            config = plan.arm_config(experiment, arm, SCALES[scale], 30, seed=3)
            assert config.seed == 3
            assert config.image_size == SCALES[scale].image_size


def test_a_percentage_compares_by_ratio_a_number_by_difference():
    relative, absolute = (definition.parse(part(by=by), "f").decides[0] for by in ("10 %", 0.5))
    assert (relative.relative, relative.margin) == (True, pytest.approx(1.1))
    assert (absolute.relative, absolute.margin) == (False, 0.5)


def test_a_spread_is_over_all_arms_unless_some_are_named():
    spread = {"of": "arms", "is": "higher", "than": "seeds", "by": "100 %"}
    assert definition.parse(part(**spread), "f").decides[0].among == ("baseline", "none")
    with pytest.raises(UsageError, match="two arms"):
        definition.parse(part(**spread, among=["none"]), "f")


def test_an_arm_may_take_another_preset():
    experiment = definition.parse(changed(arms={"theirs": {"preset": "released"}}, decides=[
        {**WHOLE["decides"][0], "than": "theirs"}]), "f")
    assert experiment.arms == {"baseline": ("paper", {}), "theirs": ("released", {})}


@pytest.mark.parametrize(("entries", "message"), [
    ([], "no experiment"),
    (changed(clam="x"), "unknown key 'clam'; did you mean claim"),
    ({name: value for name, value in WHOLE.items() if name != "place"}, "place is missing"),
    (changed(claim=3), "must be a str"),
    (changed(shows="pictures"), "unknown shows 'pictures'"),
    (changed(arms={"none": {"dropuot": 0.0}}), "arm 'none': unknown setting 'dropuot'; did you mean dropout"),
    (changed(arms={"none": {"dropout": 2.0}}), "dropout: 2.0 must be less than or equal to 0.9"),
    (changed(arms={"seeds": {"dropout": 0.0}}), "must be a name other than"),
    (changed(arms={"none": {"preset": "relased"}}), "did you mean released"),
    (part(measure="kidd"), "unknown measure 'kidd'; did you mean kid"),
    (part(than="non"), "unknown arm 'non'; did you mean none"),
    (part(**{"is": "better"}), "unknown direction 'better'"),
    (part(by="ten"), "'ten' must be a percentage"),
    (part(by=-1), "not negative"),
    (part(than=0.5), "must be a number, not a percentage"),
    (part(than="seeds"), "a spread is"),
    (part(among=["none"]), "among goes only with"),
    (changed(decides=[{"measure": "kid"}]), "of is missing"),
])
def test_what_is_wrong_is_named(entries, message):
    with pytest.raises(UsageError, match=message) as error:
        definition.parse(entries, "broken.yaml")
    assert str(error.value).startswith("broken.yaml")


def test_the_file_bears_the_id(tmp_path):
    path = tmp_path / "y.yaml"
    path.write_text(yaml.safe_dump(WHOLE))
    with pytest.raises(UsageError, match=r"y\.yaml: id is 'x'; name the file x\.yaml"):
        definition.read(path)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(DataError, match=r"gone\.yaml: cannot read"):
        definition.read(tmp_path / "gone.yaml")


def test_what_is_no_yaml_is_named_with_its_line(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text("id: x\nclaim: [")
    with pytest.raises(UsageError, match=r"x\.yaml: not valid YAML, line \d"):
        definition.read(path)


def test_choosing_all_or_some_or_a_name_that_is_not_there():
    experiments = definition.read_all()
    assert definition.chosen(["all"], experiments) == list(experiments.values())
    assert [experiment.id for experiment in definition.chosen(["z", "fig4", "z"], experiments)] == ["fig4", "z"]
    with pytest.raises(UsageError, match="unknown experiment 'fig44'; did you mean fig4"):
        definition.chosen(["fig44"], experiments)


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
trees = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
    st.text(max_size=8), inner, max_size=3), max_leaves=8)


@given(st.dictionaries(st.sampled_from(sorted(WHOLE)), trees) | trees)
def test_whatever_a_file_holds_it_is_refused_by_name_or_understood(changes):
    entries = {**WHOLE, **changes} if isinstance(changes, dict) else changes
    message, measures = "made.yaml", []
    try:
        measures = [part.measure for part in definition.parse(entries, "made.yaml").parts]
    except UserError as error:
        message = str(error)
    assert message.startswith("made.yaml")
    assert set(measures) <= set(quantities.NAMES)


@given(st.floats(0, 1000, allow_nan=False), st.sampled_from(definition.DIRECTIONS), st.sampled_from(
    sorted(quantities.NAMES)))
def test_a_comparison_survives_being_written_and_read(margin, direction, measure):
    entries = yaml.safe_load(yaml.safe_dump(part(by=margin, measure=measure, **{"is": direction})))
    read = definition.parse(entries, "f").decides[0]
    assert (read.margin, read.direction, read.measure, read.arms) == (margin, direction, measure, ("baseline", "none"))
