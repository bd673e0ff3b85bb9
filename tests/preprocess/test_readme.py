import re
from pathlib import Path

HERE = Path(__file__).parent
README = HERE.parents[1] / "preprocess" / "README.rst"


def test_every_test_that_the_readme_names_is_there():
    named = re.findall(r"``(test_\w+\.py)(?:::(test_\w+))?``", README.read_text(encoding="utf-8"))
    assert len(named) > 30
    for module, function in named:
        text = (HERE / module).read_text(encoding="utf-8")
        assert not function or f"def {function}(" in text, (module, function)


def test_the_table_of_bad_input_is_the_one_that_is_tested():
    cases = re.findall(r"``\[(.+?)\]``", README.read_text(encoding="utf-8"))
    source = (HERE / "test_bad_input.py").read_text(encoding="utf-8")
    assert cases == re.findall(r'^    "(.+?)": \(', source, re.MULTILINE)


def test_every_option_that_the_readme_names_is_there():
    source = (README.parent / "__main__.py").read_text(encoding="utf-8")
    for option in set(re.findall(r"--[a-z][a-z-]+", README.read_text(encoding="utf-8"))) - {"--help"}:
        assert f'"{option}"' in source, option
