"""Chromium for tests of pages."""

import shutil

import pytest

from tests.helpers import missing

webdriver = pytest.importorskip("selenium.webdriver")

QUIET = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage")


def chromium(profile):
    """Start it.

    Args:
        profile (Path): Empty folder for what it keeps.

    Returns:
        selenium.webdriver.Chrome: The browser, whose console is logged; quit it.
    """
    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (binary and driver):
        missing("needs chromium and chromedriver: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for argument in (*QUIET, f"--user-data-dir={profile}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
