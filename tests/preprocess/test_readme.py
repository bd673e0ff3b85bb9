import re
from pathlib import Path

HERE = Path(__file__).parent
README = HERE.parents[1] / "preprocess" / "README.rst"


def test_the_bad_input_of_the_readme_is_that_which_is_tested():
    text = README.read_text(encoding="utf-8")
    paragraph = text[text.index("The cases of ``test_bad_input.py``:"):].split("\n\n")[0]
    cases = [" ".join(case.split()) for case in re.findall("``(.+?)``", paragraph, re.DOTALL)[1:]]
    source = (HERE / "test_bad_input.py").read_text(encoding="utf-8")
    assert cases == re.findall(r'^    "(.+?)": \(', source, re.MULTILINE)


def test_every_option_that_the_readme_names_is_there():
    source = (README.parent / "__main__.py").read_text(encoding="utf-8")
    for option in set(re.findall(r"--[a-z][a-z-]+", README.read_text(encoding="utf-8"))) - {"--help"}:
        assert f'"{option}"' in source, option
