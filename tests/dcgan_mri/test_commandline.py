"""Options made from settings."""

import pytest

from dcgan_mri.commandline import Parser, add_settings, check_installed, given_settings
from dcgan_mri.errors import UsageError


def parser():
    made = Parser(prog="p")
    add_settings(made.add_argument_group("numbers"), {"batchsize": ("-b",), "alpha": (), "loss": (), "dis_bn": ()})
    made.add_argument("--other")
    return made


def test_only_given_settings_are_passed_on():
    assert given_settings(parser().parse_args([])) == {}
    args = parser().parse_args(["-b", "4", "--alpha", "2e-4", "--other", "x"])
    assert given_settings(args) == {"batchsize": 4, "alpha": 2e-4}


@pytest.mark.parametrize(("text", "value"), [("true", True), ("false", False)])
def test_yes_and_no_are_written_as_in_a_file(text, value):
    assert given_settings(parser().parse_args(["--dis-bn", text])) == {"dis_bn": value}


@pytest.mark.parametrize(("arguments", "message"), [
    (["--batch", "4"], "unrecognized arguments"),
    (["-b", "four"], "'four'"),
    (["--loss", "hinge"], "'hinge'"),
    (["--dis-bn", "no"], "'no' is neither true nor false"),
])
def test_errors_are_one_line_and_name_the_way_out(arguments, message):
    with pytest.raises(UsageError) as caught:
        parser().parse_args(arguments)
    assert message in str(caught.value)
    assert str(caught.value).endswith("--help lists the options")


def test_help_gives_default_and_source():
    text = " ".join(parser().format_help().split())
    assert "-b N, --batchsize N images per iteration, over all ranks together" in text
    assert "(default 8, 16 with --preset released; paper, II-C)" in text
    assert "--dis-bn {true,false} batch normalisation in D, on every convolution but the first (default true;" in text


def test_silent_ranks_say_nothing(capsys):
    with pytest.raises(SystemExit) as caught:
        Parser(speaks=False, prog="p").parse_args(["--help"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == ""


def test_a_package_that_is_not_there():
    with pytest.raises(UsageError, match=r"^--format needs numpy and not_there; `pip install numpy not_there`$"):
        check_installed("--format", "numpy", "not_there")
