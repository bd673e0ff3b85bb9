"""The page in a real Chromium: what a person does with mouse, keys, or a phone, and no error on the console."""

import shutil

import pytest

from dcgan_mri.slice_set import Slices
from dcgan_mri.review.page import Page
from tests.results import write_grid, write_result

webdriver = pytest.importorskip("selenium.webdriver")
By = pytest.importorskip("selenium.webdriver.common.by").By
Keys = pytest.importorskip("selenium.webdriver.common.keys").Keys
Wait = pytest.importorskip("selenium.webdriver.support.wait").WebDriverWait

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver: apt-get install chromium chromium-driver")
QUIET = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage")


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
    assert epoch_shown(browser) == "epoch 5 of 5"
    assert browser.title == "long · training review"
    natural = browser.execute_script("return document.querySelector('.grid img').naturalWidth")
    assert natural == 160


def test_slider_and_arrow_keys_change_the_grid(visit):
    browser = visit("one.html")
    seen = {grid_picture(browser)}
    slider = browser.find_element(By.ID, "slider")
    slider.send_keys(Keys.HOME)
    assert epoch_shown(browser) == "epoch 1 of 5"
    seen.add(grid_picture(browser))
    browser.find_element(By.TAG_NAME, "h1").click()
    press(browser, Keys.ARROW_RIGHT)
    assert epoch_shown(browser) == "epoch 2 of 5"
    assert slider.get_attribute("aria-valuetext") == "epoch 2 of 5"
    seen.add(grid_picture(browser))
    browser.find_element(By.ID, "after").click()
    assert epoch_shown(browser) == "epoch 3 of 5"
    press(browser, Keys.ARROW_LEFT, Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    assert epoch_shown(browser) == "epoch 1 of 5"
    assert len(seen) == 3


def test_the_whole_grid_is_shown_once_the_slider_rests(visit):
    browser = visit("one.html")
    Wait(browser, 5).until(lambda _: grid_picture(browser).endswith("long/preview/epoch_0005.png"))


def test_play_runs_to_the_end_and_stops(visit):
    browser = visit("one.html")
    play = browser.find_element(By.ID, "play")
    play.click()
    assert epoch_shown(browser) == "epoch 1 of 5"
    assert (play.text, play.get_attribute("aria-pressed")) == ("Pause", "true")
    Wait(browser, 10).until(lambda _: epoch_shown(browser) == "epoch 5 of 5")
    Wait(browser, 5).until(lambda _: play.text == "Play")


def test_a_cell_opens_beside_its_nearest_slice(visit):
    browser = visit("one.html")
    find(browser, ".cells button")[34].click()
    dialog = browser.find_element(By.ID, "large")
    assert dialog.get_attribute("open") is not None
    assert browser.find_element(By.ID, "large-title").text == "Image 34, epoch 5, long"
    caption = browser.find_element(By.ID, "slice-caption").text
    assert "nearest training slice, phantom_img_" in caption
    slice_picture = browser.find_element(By.ID, "large-slice")
    Wait(browser, 5).until(lambda _: "phantom_img_" in slice_picture.value_of_css_property("background-image"))
    image = browser.find_element(By.ID, "large-image")
    Wait(browser, 5).until(lambda _: "epoch_0005.png" in image.value_of_css_property("background-image"))
    assert image.value_of_css_property("background-position") == "44.4444% 33.3333%"
    assert len(find(browser, "#large-strip button")) == 5
    press(browser, Keys.ARROW_LEFT)
    assert browser.find_element(By.ID, "large-title").text == "Image 34, epoch 4, long"
    press(browser, Keys.ARROW_DOWN)
    assert browser.find_element(By.ID, "large-title").text == "Image 35, epoch 4, long"
    press(browser, Keys.ESCAPE)
    assert dialog.get_attribute("open") is None
    Wait(browser, 5).until(
        lambda _: browser.switch_to.active_element.get_attribute("aria-label") == "Image 35, row 4, column 6")


def test_by_keys_alone(visit):
    browser = visit("one.html")
    browser.execute_script("document.querySelector('.cells button').focus()")
    press(browser, Keys.ARROW_DOWN)
    press(browser, Keys.ARROW_RIGHT)
    assert browser.switch_to.active_element.get_attribute("aria-label") == "Image 11, row 2, column 2"
    assert epoch_shown(browser) == "epoch 5 of 5"
    press(browser, Keys.ENTER)
    assert browser.find_element(By.ID, "large-title").text == "Image 11, epoch 5, long"
    assert browser.execute_script("return document.querySelector('#large').contains(document.activeElement)")
    press(browser, Keys.ESCAPE)


def test_one_image_through_all_epochs(visit):
    browser = visit("two.html")
    strips = find(browser, "#strips .strip")
    assert [len(strip.find_elements(By.TAG_NAME, "button")) for strip in strips] == [5, 3]
    strips[0].find_elements(By.TAG_NAME, "button")[1].click()
    assert epoch_shown(browser) == "epoch 2 of 5"
    assert [button.get_attribute("data-epoch") for button in find(browser, "#strips [aria-current=true]")] == ["2", "2"]
    seed = browser.find_element(By.ID, "seed")
    seed.clear()
    seed.send_keys("99", Keys.TAB)
    assert find(browser, "#strips .cell")[0].value_of_css_property("background-position") == "100% 100%"


def test_curves_are_drawn_with_band_and_mark(visit):
    browser = visit("one.html")
    titles = [heading.text for heading in find(browser, ".chart h3")]
    assert titles == ["Losses", "Scores", "kid", "noise.air"]
    assert [len(find(browser, f".chart:nth-child({i}) .curve")) for i in (1, 2, 3, 4)] == [2, 2, 1, 1]
    assert [len(find(browser, f".chart:nth-child({i}) .band")) for i in (1, 3, 4)] == [0, 1, 0]
    assert "logarithmic" in find(browser, ".chart p")[2].text
    points = find(browser, ".chart:nth-child(3) .curve")[0].get_attribute("points").split()
    heights = [float(point.split(",")[1]) for point in points]
    assert heights == sorted(heights)
    marks = [find(browser, ".mark")[0].get_attribute("x1")]
    browser.find_element(By.ID, "before").click()
    marks.append(find(browser, ".mark")[0].get_attribute("x1"))
    assert float(marks[1]) < float(marks[0])


def test_hover_gives_values_and_a_click_goes_there(visit):
    browser = visit("two.html")
    chart = find(browser, ".chart")[2]
    svg = chart.find_element(By.TAG_NAME, "svg")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", svg)
    webdriver.ActionChains(browser).move_to_element(svg).perform()
    tip = chart.find_element(By.CLASS_NAME, "tip").text
    assert tip.splitlines() == ["epoch 3", "long: 12.3", "real: 0.2 to 1", "short: 12.3", "real: 0.2 to 1"]
    svg.click()
    assert epoch_shown(browser) == "epoch 3 of 5"


def test_two_runs_side_by_side(visit):
    browser = visit("two.html")
    grids = find(browser, ".run")
    assert [grid.find_element(By.TAG_NAME, "h3").text for grid in grids] == ["long", "short"]
    assert grids[0].rect["y"] == grids[1].rect["y"]
    none = grids[1].find_element(By.CLASS_NAME, "none")
    assert none.is_displayed()
    assert not grids[1].find_element(By.CLASS_NAME, "cells").is_displayed()
    browser.find_element(By.ID, "slider").send_keys(Keys.HOME)
    assert not none.is_displayed()
    assert [note.text for note in find(browser, ".run .note")] == ["epoch 1", "epoch 1"]
    assert len(find(browser, ".chart:nth-child(3) .curve")) == 2


def test_values_say_where_real_lies(visit):
    browser = visit("one.html")
    rows = {row.find_element(By.TAG_NAME, "th").text.split()[0]: row.text for row in find(browser, "#values tbody tr")}
    assert "1.6 above 0.2 to 1" in rows["kid"]
    assert browser.find_element(By.ID, "values-epoch").text == "5"


def test_facts_show_what_differs_from_the_paper(visit):
    browser = visit("two.html")
    tables = find(browser, "#facts .changed")
    assert "image_size" in tables[0].text
    assert "dropout" not in tables[0].text
    assert "0 differs: the paper has 0.2" in tables[1].text
    text = browser.find_element(By.ID, "facts").text
    assert "CPU <b>bold</b> & more" in text
    assert "chainer 7.8.1" in text
    assert find(browser, "#facts .differs")[0].value_of_css_property("background-color") != "rgba(0, 0, 0, 0)"


@pytest.mark.parametrize("page", ["one.html", "two.html"])
def test_on_a_phone_nothing_sticks_out(visit, page):
    browser = visit(page, 390, 844, mobile=True)
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
    assert epoch_shown(browser) == "epoch 1 of 1"
    write_grid(folder, 2)
    page.write()
    browser.refresh()
    assert epoch_shown(browser) == "epoch 2 of 2"


def test_a_page_without_any_epoch(visit, folders):
    Page([write_result(folders / "begun", [])], [None], folders / "begun.html").write()
    browser = visit("begun.html")
    assert epoch_shown(browser) == "no epoch yet"
    assert "Result folder" in browser.find_element(By.ID, "facts").text
