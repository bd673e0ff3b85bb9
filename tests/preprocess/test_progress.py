from preprocess.progress import ProgressBar, Silent


def test_the_bar_names_the_subject(capsys):
    with ProgressBar("slicing") as bar:
        bar.start(3, 1)
        bar.advance("BraTS20_Training_002")
        bar.advance("BraTS20_Training_003")
    error = capsys.readouterr().err
    assert "slicing: 100%" in error
    assert "3/3" in error
    assert "BraTS20_Training_003" in error


def test_a_bar_that_never_started_is_closed(capsys):
    with ProgressBar("slicing"):
        pass
    assert capsys.readouterr().err == ""


def test_silence(capsys):
    bar = Silent()
    bar.start(3, 0)
    bar.advance("BraTS20_Training_002")
    assert capsys.readouterr() == ("", "")
