"""The page in a real Chromium: what a person does with mouse, keys, or a phone, and no error on the console."""

import base64
import os
import pathlib
import re
import shutil
import time

import pytest

from dcgan_mri.slice_set import Slices
from dcgan_mri.review.page import Page
from tests.helpers import run_job
from tests.results import write_grid, write_result

webdriver = pytest.importorskip("selenium.webdriver")
By = pytest.importorskip("selenium.webdriver.common.by").By
Keys = pytest.importorskip("selenium.webdriver.common.keys").Keys
Wait = pytest.importorskip("selenium.webdriver.support.wait").WebDriverWait

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver: apt-get install chromium chromium-driver")
QUIET = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--hide-scrollbars", "--disable-component-update",
         "--disable-dev-shm-usage")


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in (*QUIET, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def folders(tmp_path_factory, slices16):
    """Two runs, the second one shorter; pages of the first and of both."""
    tmp = tmp_path_factory.mktemp("browser")
    runs = [write_result(tmp / "long", range(1, 6), slices16),
            write_result(tmp / "short", range(1, 4), slices16, dropout=0.0)]
    slices = Slices(slices16)
    Page(runs[:1], [slices], tmp / "one.html").write()
    Page(runs, [slices, slices], tmp / "two.html").write()
    return tmp


@pytest.fixture
def visit(browser, folders):
    """Function that opens a page at a size; the console must be empty in the end."""
    def go(name, width=1300, height=900, mobile=False):
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile})
        browser.get((folders / name).as_uri())
        return browser

    browser.get_log("browser")
    yield go
    assert browser.get_log("browser") == []


def find(browser, selector):
    return browser.find_elements(By.CSS_SELECTOR, selector)


def epoch_shown(browser):
    return browser.find_element(By.ID, "epoch").text


def press(browser, *keys):
    browser.switch_to.active_element.send_keys(*keys)


def grid_picture(browser, i=0):
    return find(browser, ".grid img")[i].get_attribute("src")


def test_begins_at_the_newest_epoch(visit):
    browser = visit("one.html")
    assert epoch_shown(browser) == "epoch 5"
    assert browser.title == "long · training review"
    natural = browser.execute_script("return document.querySelector('.grid img').naturalWidth")
    assert natural == 202


def test_slider_and_arrow_keys_change_the_grid(visit):
    browser = visit("one.html")
    seen = {grid_picture(browser)}
    slider = browser.find_element(By.ID, "slider")
    slider.send_keys(Keys.HOME)
    assert epoch_shown(browser) == "epoch 1"
    seen.add(grid_picture(browser))
    browser.find_element(By.TAG_NAME, "h1").click()
    press(browser, Keys.ARROW_RIGHT)
    assert epoch_shown(browser) == "epoch 2"
    assert slider.get_attribute("aria-valuetext") == "epoch 2"
    seen.add(grid_picture(browser))
    browser.find_element(By.ID, "after").click()
    assert epoch_shown(browser) == "epoch 3"
    press(browser, Keys.ARROW_LEFT, Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    assert epoch_shown(browser) == "epoch 1"
    assert len(seen) == 3


def test_the_whole_grid_is_shown_once_the_slider_rests(visit):
    browser = visit("one.html")
    Wait(browser, 5).until(lambda _: grid_picture(browser).endswith("long/preview/epoch_0005.png"))


def test_play_runs_to_the_end_and_stops(visit):
    browser = visit("one.html")
    play = browser.find_element(By.ID, "play")
    play.click()
    assert epoch_shown(browser) == "epoch 1"
    assert (play.text, play.get_attribute("aria-pressed")) == ("Pause", "true")
    Wait(browser, 10).until(lambda _: epoch_shown(browser) == "epoch 5")
    Wait(browser, 5).until(lambda _: play.text == "Play")


def test_a_cell_opens_beside_its_nearest_slices_and_through_all_epochs(visit):
    browser = visit("one.html")
    find(browser, ".cells button")[34].click()
    dialog = browser.find_element(By.ID, "large")
    assert dialog.get_attribute("open") is not None
    title = browser.find_element(By.ID, "large-title")
    assert title.text == "Image 34, epoch 5"
    captions = [caption.text for caption in find(browser, "#pairs figcaption")]
    assert captions[0] == "generated, seed 34"
    assert len(captions) == 4
    assert all(re.fullmatch(r"real, [\d.]+ away: phantom_img_\d+", caption) for caption in captions[1:])
    pictures = find(browser, "#pairs .picture")
    Wait(browser, 5).until(lambda _: "epoch_0005.png" in pictures[0].value_of_css_property("background-image"))
    Wait(browser, 5).until(lambda _: "phantom_img_" in pictures[1].value_of_css_property("background-image"))
    # Column 4 of a grid with 16 pixels an image, a gap of 1 and a margin of 33; row 3, margin 27.
    position = pictures[0].value_of_css_property("background-position")
    assert [float(part.strip("%")) for part in position.split()] == pytest.approx(
        [100 * (33 + 4 * 17) / (202 - 16), 100 * (27 + 3 * 17) / (196 - 16)], abs=0.01)
    assert "With one subject there is no scale" in browser.find_element(By.ID, "pairs").text
    strip = find(browser, ".strip button")
    assert [button.text for button in strip] == ["1", "2", "3", "4", "5"]
    strip[1].click()
    assert title.text == "Image 34, epoch 2"
    press(browser, Keys.ARROW_RIGHT)
    assert title.text == "Image 35, epoch 2"
    press(browser, Keys.ARROW_UP)
    assert title.text == "Image 35, epoch 3"
    browser.find_element(By.ID, "previous").click()
    browser.find_element(By.ID, "previous").click()
    assert title.text == "Image 33, epoch 3"
    press(browser, Keys.ESCAPE)
    assert dialog.get_attribute("open") is None
    Wait(browser, 5).until(lambda _: browser.switch_to.active_element.get_attribute("aria-label") == "Image 33")


def test_a_cell_opens_both_runs(visit):
    browser = visit("two.html")
    find(browser, ".cells button")[7].click()
    assert [heading.text for heading in find(browser, "#pairs h3")] == ["long", "short"]
    assert [len(strip.find_elements(By.TAG_NAME, "button")) for strip in find(browser, ".strip")] == [5, 3]
    press(browser, Keys.ARROW_UP)
    assert "no images for this epoch" in browser.find_element(By.ID, "pairs").text
    press(browser, Keys.ESCAPE)


def test_by_keys_alone(visit):
    browser = visit("one.html")
    browser.execute_script("document.querySelector('.cells button').focus()")
    press(browser, Keys.ARROW_DOWN)
    press(browser, Keys.ARROW_RIGHT)
    assert browser.switch_to.active_element.get_attribute("aria-label") == "Image 11"
    assert epoch_shown(browser) == "epoch 5"
    press(browser, Keys.ENTER)
    assert browser.find_element(By.ID, "large-title").text == "Image 11, epoch 5"
    assert browser.execute_script("return document.querySelector('#large').contains(document.activeElement)")
    press(browser, Keys.ESCAPE)


def test_curves_are_drawn_with_band_and_mark(visit):
    browser = visit("one.html")
    charts = find(browser, ".chart")
    titles = [chart.find_element(By.TAG_NAME, "h3").text for chart in charts]
    assert titles[:2] == ["Distance from real slices (KID)", "Scores of the discriminator"]
    assert titles[2:] == ["", ""]  # folded away
    browser.find_element(By.XPATH, "//summary[text()='More curves']").click()
    assert [chart.find_element(By.TAG_NAME, "h3").text for chart in charts[2:]] == ["Losses", "Noise"]
    assert [len(chart.find_elements(By.CLASS_NAME, "curve")) for chart in charts] == [1, 2, 2, 1]
    assert [len(chart.find_elements(By.CLASS_NAME, "band")) for chart in charts] == [1, 0, 0, 0]
    assert find(browser, ".chart path")[0].rect["y"] < charts[0].find_element(By.CLASS_NAME, "mark").rect["y"] - 9
    mark = charts[0].find_element(By.CLASS_NAME, "mark")
    before = mark.get_attribute("x1")
    browser.find_element(By.ID, "before").click()
    assert float(mark.get_attribute("x1")) < float(before)


def test_a_press_on_a_curve_goes_there_and_values_stand_below_it(visit):
    browser = visit("one.html")
    chart = find(browser, ".chart")[0]
    svg = chart.find_element(By.TAG_NAME, "svg")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", svg)
    svg.click()
    assert epoch_shown(browser) == "epoch 3"
    assert chart.find_element(By.CLASS_NAME, "readout").text.splitlines() == ["12.3, far above real", "real up to 1"]


def test_the_best_epoch_has_a_button(visit):
    browser = visit("one.html")
    browser.find_element(By.ID, "slider").send_keys(Keys.HOME)
    best = browser.find_element(By.CLASS_NAME, "to-best")
    assert best.text == "▼ Lowest KID: epoch 5"
    best.click()
    assert epoch_shown(browser) == "epoch 5"


def test_two_runs_side_by_side(visit):
    browser = visit("two.html")
    assert epoch_shown(browser) == "epoch 3"  # the last that both have
    grids = find(browser, ".run")
    assert [grid.find_element(By.TAG_NAME, "b").text for grid in grids] == ["long", "short", "Real slices"]
    assert grids[0].rect["y"] == grids[1].rect["y"]
    none = grids[1].find_element(By.CLASS_NAME, "none")
    assert not none.is_displayed()
    browser.find_element(By.ID, "slider").send_keys(Keys.END)
    assert none.is_displayed()
    assert not grids[1].find_element(By.CLASS_NAME, "cells").is_displayed()
    assert len(find(browser, ".chart")[0].find_elements(By.CLASS_NAME, "curve")) == 2
    assert "The runs differ in dropout: 0.2, 0.0." in browser.find_element(By.TAG_NAME, "header").text
    differing = browser.find_element(By.ID, "differing")
    assert differing.find_element(By.CSS_SELECTOR, "tbody tr").text.startswith("dropout")
    assert differing.rect["y"] < find(browser, "#facts .changed")[0].rect["y"]


@pytest.mark.parametrize("page", ["one.html", "two.html"])
def test_the_head_follows_the_slider(visit, page):
    browser = visit(page)
    for epoch, kid in ((1, "1\u202f000"), (2, "62.5")):
        browser.find_element(By.ID, "slider").send_keys(Keys.HOME, *[Keys.ARROW_RIGHT] * (epoch - 1))
        heads = find(browser, ".kid")
        assert all(head.text.startswith(f"{kid}\nKID in epoch {epoch}: distance") for head in heads)
        assert "far" in heads[0].get_attribute("class")
        if len(heads) > 1:
            assert browser.find_element(By.ID, "nearer").text == (
                f"In epoch {epoch}, by KID, long ({kid}) is as near to real slices as short ({kid}).")


def test_marks_of_two_runs_do_not_hide_one_another(visit):
    browser = visit("two.html")
    marks = find(browser, ".slide .best")
    assert len(marks) == 2
    assert abs(marks[0].rect["y"] - marks[1].rect["y"]) >= 9
    assert [button.text for button in find(browser, ".to-best")] == [
        "▼ Lowest KID of long: epoch 5", "▼ Lowest KID of short: epoch 3"]


def test_what_went_wrong_stands_beside_the_grid(visit, folders):
    folder = write_result(folders / "wrong", [1, 2])
    (folder / "log").write_text((folder / "log").read_text().replace('"gen/loss": 4.0', '"gen/loss": 4000.0'))
    Page([folder], [None], folders / "wrong.html").write()
    browser = visit("wrong.html")
    why = "diverged (Losses: generator 4\u202f000, limit 1\u202f000)"
    assert find(browser, ".run .note")[0].text == f"epoch 2; tinted green (39 grey levels); {why}"
    plot = find(browser, ".chart .mark")[0].rect
    warning = find(browser, ".chart path")[-1].rect
    assert warning["y"] > plot["y"] + plot["height"]
    browser.find_element(By.ID, "before").click()
    assert find(browser, ".run .note")[0].text.startswith("epoch 1; tinted green")
    assert why not in browser.find_element(By.TAG_NAME, "main").text


def test_values_say_where_real_lies(visit):
    browser = visit("one.html")
    rows = {row.find_element(By.TAG_NAME, "th").text: row for row in find(browser, "main table tbody tr")}
    kid = rows["Distance from real slices (KID) KID"]
    assert [cell.text for cell in kid.find_elements(By.TAG_NAME, "td")] == ["1.6, above real", "up to 1"]
    colours = [rows[name].find_element(By.CSS_SELECTOR, "td span").value_of_css_property("color")
               for name in ("Distance from real slices (KID) KID", "Losses: generator loss")]
    assert colours[0] != colours[1]
    assert browser.find_element(By.ID, "values-epoch").text == "5"


def test_facts_show_what_differs_from_the_paper(visit):
    browser = visit("two.html")
    tables = find(browser, "#facts .changed")
    assert "image_size" in tables[0].text
    assert "dropout" not in tables[0].text
    assert "0.0 in the paper 0.2" in tables[1].text
    browser.execute_script("document.querySelectorAll('#facts details').forEach(details => details.open = true)")
    text = browser.find_element(By.ID, "facts").text
    assert "CPU <b>bold</b> & more" in text
    assert "chainer 7.8.1" in text
    assert find(browser, "#facts .differs")[0].value_of_css_property("background-color") != "rgba(0, 0, 0, 0)"


@pytest.mark.parametrize("page", ["one.html", "two.html"])
def test_on_a_phone_nothing_sticks_out(visit, page):
    browser = visit(page, 390, 844, mobile=True)
    assert find(browser, ".grid")[0].rect["y"] < 844 - 100
    assert not browser.find_element(By.ID, "values-title").find_element(By.XPATH, "../..").get_attribute("open")
    assert browser.execute_script("return document.documentElement.scrollWidth") == 390
    assert min(button.rect["height"] for button in find(browser, ".bar button")) >= 44
    browser.execute_script("document.querySelectorAll('.cells button')[7].click()")
    box = browser.find_element(By.ID, "large").rect
    assert (box["x"], box["width"]) == (0, 390)
    browser.find_element(By.ID, "close").click()


def test_everything_one_can_press_has_a_name(visit):
    browser = visit("two.html")
    nameless = browser.execute_script("""
        return [...document.querySelectorAll('button, input, svg, [role=img], section, dialog')].filter(element =>
            !(element.getAttribute('aria-label') || element.textContent.trim() || element.labels?.length
              || element.getAttribute('aria-labelledby')) ).map(element => element.outerHTML)""")
    # What the dialog shows is named when it opens.
    assert [html for html in nameless if 'id="large-' not in html] == []


def test_a_new_epoch_is_there_after_a_reload(visit, folders, slices16):
    folder = write_result(folders / "growing", [1], slices16)
    page = Page([folder], [Slices(slices16)], folders / "growing.html")
    page.write()
    browser = visit("growing.html")
    assert epoch_shown(browser) == "epoch 1"
    write_grid(folder, 2)
    page.write()
    browser.refresh()
    assert epoch_shown(browser) == "epoch 2"


def test_a_page_without_any_epoch(visit, folders):
    Page([write_result(folders / "begun", [])], [None], folders / "begun.html").write()
    browser = visit("begun.html")
    assert epoch_shown(browser) == "no epoch yet"
    assert not browser.find_element(By.CLASS_NAME, "kid").is_displayed()
    status = browser.find_element(By.CLASS_NAME, "status").text
    assert re.fullmatch(r"Running the first epoch is not over yet, started \d+ s ago", status)


def test_a_run_without_news_is_called_stalled(visit, folders, slices16):
    folder = write_result(folders / "silent", [1, 2], slices16, epoch=9)
    for age, text in ((60, "Running epoch 2 of 9, 70 s to go, updated 6. s ago"),
                      (3 * 3600, "Stalled or stopped epoch 2 of 9, updated 3 h ago")):
        os.utime(folder / "log", (0, time.time() - age))
        Page([folder], [None], folders / "silent.html").write()
        browser = visit("silent.html")
        assert re.fullmatch(text, browser.find_element(By.CLASS_NAME, "status").text)
    assert "2 of 9 done" in browser.find_element(By.CLASS_NAME, "bar").text


# Real runs, seen whole: look at the pictures too.

@pytest.fixture(scope="module")
def real_runs(tmp_path_factory):
    """Pages of small trainings on the phantom, and of an evaluation."""
    tmp = pathlib.Path(os.environ.get("SCREENSHOTS") or tmp_path_factory.mktemp("real"))
    tmp.mkdir(exist_ok=True)

    def program(*words):
        done = run_job("-m", *words)
        assert done.returncode == 0, done.stderr

    def train(name, *options):
        program("dcgan_mri.train", "-i", tmp / "set", "-o", tmp / name, "-g", "off", "--image-size", "32",
                "--width", "0.0625", "--measures", "on", *options)

    program("preprocess", "phantom", "--out", tmp / "phantom", "--subjects", "2")
    program("preprocess", "build", "--brats", tmp / "phantom", "--out", tmp / "set", "--subjects", "all",
            "--size", "32")
    train("finished", "-e", "6")
    train("running", "-e", "100", "--max-iterations", "48")
    train("diverged", "-e", "5", "--loss", "wasserstein", "--alpha", "0.5")
    program("dcgan_mri.review", tmp / "finished", tmp / "diverged", "-o", tmp / "compared.html")
    program("dcgan_mri.evaluate", tmp / "finished" / "generator.npz", "-i", tmp / "set", "-n", "30", "-o",
            tmp / "evaluation")
    return tmp


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (390, 844)])
@pytest.mark.parametrize(("page", "words"), [
    ("finished/index.html", ["96 slices of 2 synthetic phantoms", "Finished", "6 epochs in", "ended ", " ago",
                             "KID in epoch 6", "Still about ", " times that of real slices"]),
    ("running/index.html", ["Running", "epoch 4 of 100, ", "to go, updated ", " ago"]),
    ("diverged/index.html", ["Diverged", "Epochs 2 to 5: diverged. Still so in the newest epoch.", "It got worse after",
                             "Not as in the paper: step size (alpha) 0.5 instead of 0.0002, loss wasserstein"]),
    ("compared.html", ["finished and diverged compared", "96 slices of 2 synthetic phantoms, 32×32 pixels.",
                       "The runs differ in step size (alpha): 0.0002, 0.5; loss: softplus, wasserstein;",
                       "In epoch 5, by KID, finished", "is nearer to real slices than diverged", "KID in epoch 5",
                       "It got better: from ", "It got worse after epoch 1: ", "nearly the same level",
                       "Epochs 2 to 5: diverged. Still so"]),
    ("evaluation/index.html", ["Evaluation of 30 images", 'the newest of the run "finished", after epoch 6 of 6',
                               "times that of real slices"])])
def test_real_runs_in_five_seconds(browser, real_runs, page, words, width, height):
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
        "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500})
    browser.get_log("browser")
    browser.get((real_runs / page).as_uri())
    first_screen = browser.find_element(By.TAG_NAME, "header")
    assert first_screen.rect["height"] < 0.85 * height
    assert all(word in first_screen.text for word in words)
    assert browser.execute_script("return document.documentElement.scrollWidth") == width
    time.sleep(1)  # for the whole grids
    (real_runs / f"{page.replace('/index', '').removesuffix('.html')}-{width}.png").write_bytes(
        base64.b64decode(browser.execute_cdp_cmd("Page.captureScreenshot", {
            "format": "png", "captureBeyondViewport": True, "clip": {
                "x": 0, "y": 0, "width": width, "scale": 1,
                "height": browser.execute_script("return document.documentElement.scrollHeight")}})["data"]))
    assert browser.get_log("browser") == []
