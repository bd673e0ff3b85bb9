"""Whole sessions in a real Chromium: at a desk by keys, and on a phone by taps."""

import json
import time

import pytest

from dcgan_mri.reader_study import __main__ as reader_study
from tests.browser import chromium
from tests.dcgan_mri.reader_study.conftest import right_answers

By = pytest.importorskip("selenium.webdriver.common.by").By
Keys = pytest.importorskip("selenium.webdriver.common.keys").Keys
Wait = pytest.importorskip("selenium.webdriver.support.wait").WebDriverWait

# The page takes no second answer within 250 ms.
REST = 0.26
DESK, PHONE = (1280, 900, False), (390, 844, True)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    driver = chromium(tmp_path_factory.mktemp("profile"))
    yield driver
    driver.quit()


@pytest.fixture
def visit(browser, study, tmp_path):
    """Function that opens a reader's page at a size; the console must be empty in the end."""
    def go(reader, width, height, mobile):
        browser.execute_cdp_cmd("Browser.setDownloadBehavior", {
            "behavior": "allow", "downloadPath": str(tmp_path)})
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile})
        browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": mobile})
        browser.get((study / "pages" / f"reader_{reader}.html").as_uri())
        return browser

    browser.get_log("browser")
    yield go
    browser.execute_script("localStorage.clear()")
    assert browser.get_log("browser") == []


def by_key(browser, rating):
    browser.switch_to.active_element.send_keys(str(rating))


def by_tap(browser, rating):
    browser.find_elements(By.CSS_SELECTOR, "#buttons button")[rating - 1].click()


def progress(browser):
    return browser.find_element(By.ID, "progress").text


def answer(browser, ratings, give):
    for rating in ratings:
        time.sleep(REST)
        give(browser, rating)


def saved(browser, folder):
    """What the page saves, and the file."""
    browser.find_element(By.ID, "save").click()
    Wait(browser, 10).until(lambda _: [*folder.glob("*.json")])
    path, = folder.glob("*.json")
    Wait(browser, 10).until(lambda _: path.stat().st_size)
    assert path.name in browser.find_element(By.ID, "saved").text
    return json.loads(path.read_text()), path


@pytest.mark.parametrize(("reader", "size", "give"), [(1, DESK, by_key), (2, PHONE, by_tap)], ids=["desk", "phone"])
def test_a_whole_session(visit, study, key, tmp_path, capsys, reader, size, give):
    ratings = right_answers(key, reader)
    browser = visit(reader, *size)
    assert "First come 4 images for practice, which do not count, then 13 that do" in browser.find_element(
        By.ID, "intro").text
    browser.find_element(By.ID, "start").click()
    assert progress(browser) == "Practice 1 of 4"
    answer(browser, [*ratings.values()][:9], give)
    assert progress(browser) == "Image 6 of 13"

    # Chromium hands what a page has stored to the next one a moment later, on a busy machine some seconds.
    time.sleep(1)
    Wait(browser, 20).until(lambda _: visit(reader, *size).find_element(By.ID, "start").text == "Go on")
    start = browser.find_element(By.ID, "start")
    assert start.text == "Go on"
    start.click()
    assert progress(browser) == "Image 6 of 13"
    answer(browser, [*ratings.values()][9:], give)

    answers, path = saved(browser, tmp_path)
    assert browser.execute_script("return document.documentElement.scrollWidth") == size[0]
    save, review = (browser.find_element(By.ID, name).rect for name in ("save", "review"))
    assert review["x"] - save["x"] - save["width"] >= 8 or review["y"] - save["y"] - save["height"] >= 8
    assert (answers["study"], answers["reader"], answers["answers"]) == (key["study"], reader, ratings)
    reader_study.main(["score", str(study), str(path)])
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith(f"{reader} "))
    assert line.split()[1] == "1.00"


def test_going_back_changes_an_answer(visit, key, tmp_path):
    browser = visit(3, *DESK)
    browser.find_element(By.ID, "start").click()
    answer(browser, [2] * 5, by_key)
    browser.switch_to.active_element.send_keys(Keys.BACKSPACE)
    assert progress(browser) == "Image 1 of 13"
    pressed, = browser.find_elements(By.CSS_SELECTOR, "#buttons [aria-pressed=true]")
    assert pressed.text.split() == ["2", "probably", "computer"]
    answer(browser, [5], by_key)
    answer(browser, [1] * 12, by_tap)
    browser.find_element(By.ID, "review").click()
    assert progress(browser) == "Image 13 of 13"
    answer(browser, [6], by_tap)
    answers, _ = saved(browser, tmp_path)
    names = [trial["name"] for trial in key["readers"][2]]
    assert [answers["answers"][name] for name in names] == [2, 2, 2, 2, 5] + [1] * 11 + [6]


def test_a_second_tap_at_once_is_not_an_answer_to_the_next_image(visit):
    browser = visit(1, *PHONE)
    browser.find_element(By.ID, "start").click()
    time.sleep(REST)
    browser.execute_script("const button = document.querySelector('#buttons button'); button.click(); button.click();")
    assert progress(browser) == "Practice 2 of 4"


def test_other_keys_do_nothing(visit):
    browser = visit(1, *DESK)
    browser.find_element(By.ID, "start").click()
    time.sleep(REST)
    for key in ("0", "7", "x", Keys.BACKSPACE, Keys.ARROW_RIGHT):
        by_key(browser, key)
    assert progress(browser) == "Practice 1 of 4"


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_image_and_scale_fit_the_screen(visit, size):
    width, height, _ = size
    browser = visit(1, *size)
    browser.find_element(By.ID, "start").click()
    assert browser.execute_script(
        "return [document.documentElement.scrollWidth, document.documentElement.scrollHeight]") == [width, height]
    buttons = browser.find_elements(By.CSS_SELECTOR, "#trial button")
    assert min(min(button.rect["height"], button.rect["width"]) for button in buttons) >= 44
    assert max(button.rect["y"] + button.rect["height"] for button in buttons) <= height
    image = browser.find_element(By.ID, "image").rect
    assert image["width"] == pytest.approx(image["height"])
    assert image["width"] > 360
