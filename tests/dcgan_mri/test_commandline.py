"""Options made from settings."""

import subprocess
import sys

import pytest

from dcgan_mri import evaluate, train_options
from dcgan_mri.__main__ import PROGRAMS
from dcgan_mri.commandline import Parser, add_settings, check_installed, command, given_settings, version
from dcgan_mri.errors import UsageError
from tests.helpers import ROOT, run_job


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


@pytest.mark.parametrize(("arguments", "near"), [(["--batchsiz", "4"], "--batchsize"), (["--othr=3"], "--other")])
def test_misspelt_options_get_a_suggestion(arguments, near):
    with pytest.raises(UsageError, match=f"did you mean {near}\\?"):
        parser().parse_args(arguments)


def test_the_list_of_programs_is_complete():
    modules = [path for path in (ROOT / "dcgan_mri").rglob("*.py") if 'if __name__ == "__main__"' in path.read_text()]
    names = {path.parent.name if path.stem == "__main__" else path.stem for path in modules}
    assert names - {"dcgan_mri", "report"} == set(PROGRAMS)  # itself, and the former name of review


def test_version(capsys):
    with pytest.raises(SystemExit):
        parser().parse_args(["--version"])
    assert capsys.readouterr().out == f"dcgan_mri {version()}\n"


def test_printed_commands_run_from_where_the_user_stands(tmp_path, monkeypatch):
    python = tmp_path / "my venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    monkeypatch.setattr("sys.executable", str(python))
    monkeypatch.chdir(tmp_path)
    assert command("m", "-o", "a b") == "'my venv/bin/python' -m m -o 'a b'"
    assert command("m", ranks=2) == "mpiexec -n 2 'my venv/bin/python' -m m"
    (python.parent / "mpiexec").touch()
    assert command("m", ranks=2) == "'my venv/bin/mpiexec' -n 2 'my venv/bin/python' -m m"
    monkeypatch.chdir(tmp_path / "my venv" / "bin")
    assert command("m") == "./python -m m"
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert command("m") == f"'{python}' -m m"


def test_a_program_goes_on_when_nobody_reads_its_output():
    done = run_job("-c", """
import os, sys
from dcgan_mri.commandline import say
read, write = os.pipe()
os.dup2(write, 1)
os.close(read)
for line in range(3):
    say(line)
""")
    assert done.returncode == 0
    assert done.stderr == "nobody reads the output any more; the program goes on without it\n"


@pytest.mark.parametrize(("arguments", "parts"), [
    ([], ["python -m dcgan_mri.train", "dcgan_mri.generate", "dcgan_mri.evaluate", "dcgan_mri.review"]),
    (["--version"], ["dcgan_mri "])])
def test_the_package_lists_its_programs(arguments, parts):
    done = run_job("-m", "dcgan_mri", *arguments)
    assert done.returncode == 0, done.stderr
    for part in parts:
        assert part in done.stdout


def test_no_program_is_missing_from_the_list():
    package = ROOT / "dcgan_mri"
    modules = {path.stem for path in package.glob("[!_]*.py") if '__name__ == "__main__"' in path.read_text()}
    packages = {path.parent.name for path in package.glob("*/__main__.py")}
    assert set(PROGRAMS) == (modules | packages) - {"report"}  # the old name of review


def test_help_of_evaluate_has_no_format_codes(capsys):
    with pytest.raises(SystemExit):
        evaluate.parse(["--help"])
    assert "comes with a 95 % interval" in capsys.readouterr().out


def test_help_of_train_tells_what_may_change_by_a_file_only(capsys):
    with pytest.raises(SystemExit):
        train_options.parse(["--help"], prints=True)
    text = " ".join(capsys.readouterr().out.split())
    assert "from the options above" in text
    assert "by --config alone, dropout_when_sampling may change" in text


def test_another_interpreter_and_a_missing_library_are_one_line(tmp_path):
    bare = subprocess.run([sys.executable, "-S", "-m", "dcgan_mri.train"], cwd=ROOT, capture_output=True, text=True)
    assert bare.returncode == 1
    assert "has no numpy, chainer, mpi4py; use the environment that `make setup` made" in bare.stderr
    assert len(bare.stderr.splitlines()) == 1
    without = run_job("-m", "dcgan_mri.train", OMP_NUM_THREADS="1", MPI4PY_LIBMPI=str(tmp_path / "none.so"))
    assert without.returncode == 1
    assert "no MPI library can be loaded" in without.stderr
    assert len(without.stderr.splitlines()) == 1


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
    assert "--batchsize N, -b N images per iteration, over all ranks together" in text
    assert "(default 8, 16 with --preset released; paper, II-C)" in text
    assert "ranks together; 2 to 65536 (default" in text
    assert "sgd takes learning_rate; 0 or more (default" in text
    assert "--dis-bn {true,false} batch normalisation in D, on every convolution but the first (default true;" in text


def test_silent_ranks_say_nothing(capsys):
    with pytest.raises(SystemExit) as caught:
        Parser(prints=False, prog="p").parse_args(["--help"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == ""


def test_a_package_that_is_not_there():
    with pytest.raises(UsageError, match=r"^--format needs numpy and not_there; `pip install numpy not_there`$"):
        check_installed("--format", "numpy", "not_there")
