"""Takes the pictures of the status page: `make screenshots` writes them to `docs/screenshots/`."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline.lock import writing
from tests.browser.chromium import PHONE, Browser, programs, running_browser
from tests.browser.conftest import ROOT, served
from tests.browser.showroom import NOW, build

FOLDER = ROOT / "docs" / "screenshots"
STORY = 'a[aria-label^="Tue 17 Nov 2026: failed"]'


def take(browser: Browser, url: str) -> None:
    """Every picture; `status.png` is the one that the README shows."""
    for dark in (False, True):
        for name, where, height in (
            ("status", "", 2080),
            ("account", "account?id=888", 1450),
            ("runs", "runs", 1000),
            ("quotas", "quotas", 600),
        ):
            browser.look(size=(1120, height), dark=dark)
            browser.open(url + where)
            _save(browser, f"{name}{'-dark' if dark else ''}.png")
    browser.look(size=(1120, 900))
    browser.open(f"{url}account?id=111&table=ads_insights")
    browser.one(STORY).click()
    browser.one("dialog[open]")
    _save(browser, "slice.png")
    browser.look(size=PHONE)
    for name, where in (("phone", ""), ("phone-account", "account?id=111")):
        browser.open(url + where)
        _save(browser, f"{name}.png")


def _save(browser: Browser, name: str) -> None:
    assert browser.driver.save_screenshot(str(FOLDER / name)), name


def main() -> None:
    """Builds a store with plain names, serves it and looks at it."""
    if programs() is None:
        sys.exit("no Chromium here: apt-get install chromium chromium-driver")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as folder:
        config = build(Path(folder), plain=True)
        state = config.parent / "data" / "state"
        with (
            writing(state, "backfill", NOW),
            served(config, "--now", NOW.isoformat()) as url,
            running_browser() as browser,
        ):
            take(browser, url)


if __name__ == "__main__":
    main()
