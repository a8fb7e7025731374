"""The status page in a real browser: from heat map to reason, by mouse, by keyboard, on a phone, in the dark."""

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys

from tests.browser.chromium import PHONE, Browser
from tests.browser.conftest import ROOT
from tests.browser.showroom import EVIL, NOW

PAGES = {
    "overview": "",
    "account": "account?id=111",
    "account with a hole": "account?id=888",
    "account as a list": "account?id=111&table=ads_insights",
    "account with a name that wants escaping": "account?id=666",
    "slice": "slice?table=ads_insights&scope=111&start=2026-11-17T00:00",
    "slice that was never asked for": "slice?table=ads_insights&scope=888&start=2026-11-12T00:00",
    "day": "day?day=2026-11-17",
    "runs": "runs",
    "quotas": "quotas",
    "no such page": "account?id=12345",
}
every_page = pytest.mark.parametrize("where", PAGES.values(), ids=PAGES)
FAILED_DAY = 'a[aria-label^="Tue 17 Nov 2026: failed"]'


def test_the_heat_map_leads_to_the_reason(browser: Browser, page: str) -> None:
    """Overview, the square of a table and account, the day that failed: reason, attempts, rows, report run, trace."""
    browser.open(page)
    browser.one('a[aria-label^="ads_insights of Example Outfitters USA: "]').click()
    browser.until(lambda: browser.driver.title.startswith("Example Outfitters USA"), "the account")
    assert browser.driver.current_url.endswith("account?id=111#ads_insights")
    day = browser.one(f"#ads_insights {FAILED_DAY}")
    day.click()
    told = browser.one("dialog[open]").text
    assert "Tue 17 Nov 2026" in told
    assert "nonexisting field <b>purchase_roas</b>" in told
    for fact in (
        "Rows\n41",
        "Failed attempts\n1",
        "Code\n100",
        "fbtrace_id\nA1b2C3d4E5",
        "688110",
        "Job Failed",
        "America/Los_Angeles",
    ):
        assert fact in told
    browser.press(Keys.ESCAPE)
    browser.until(lambda: not browser.all("dialog[open]"), "the dialog to close")
    assert browser.focused() == day
    assert browser.complaints() == []


def test_without_a_script_it_leads_there_too(browser: Browser, page: str) -> None:
    """The same clicks as links: nothing of the page needs JavaScript."""
    browser.look(script=False)
    browser.open(page)
    browser.one('a[aria-label^="ads_insights of Example Outfitters USA: "]').click()
    browser.one(f"#ads_insights {FAILED_DAY}").click()
    assert "nonexisting field" in browser.one(".reason").text
    browser.open(page)
    browser.one('input[name="q"]').send_keys("brasil")
    browser.one("form.filter button").click()
    browser.until(lambda: len(browser.all(".matrix tbody tr")) == 1, "the one account")


def test_accounts_are_found_while_typing(browser: Browser, page: str) -> None:
    """By a part of the name or by the id, and the number of those found is told."""
    browser.open(page)
    assert len(browser.all(".matrix tbody tr")) == 9
    found = browser.one('input[name="q"]')
    found.send_keys("BRAS")
    told = "1 account with “BRAS”"
    browser.until(lambda: browser.one('#owners [role="status"]').text == told, "the number of accounts")
    assert len(browser.all(".matrix tbody tr")) == 1
    assert browser.one(".matrix tbody th a").text == "Example Outfitters Brasil"
    assert browser.focused() == found
    found.clear()
    found.send_keys("act_555")
    browser.until(lambda: browser.one(".matrix tbody th").text.endswith("555"), "the account by its id")


def test_the_keyboard_alone_is_enough(browser: Browser, page: str) -> None:
    """One stop for a calendar, arrows within it, Enter for the reason, Escape back to the day."""
    browser.open(f"{page}account?id=111&table=ads_insights")
    browser.press(Keys.TAB)
    assert browser.focused().text == "Skip to the content"
    browser.press(Keys.ENTER)
    for _ in range(60):
        browser.press(Keys.TAB)
        if browser.ask("!!document.activeElement.closest('.calendar')"):
            break
    assert browser.label().startswith("Wed 25 Nov 2026: ")
    browser.press(Keys.ARROW_UP, Keys.ARROW_LEFT)
    assert browser.label().startswith("Tue 17 Nov 2026: failed")
    browser.press(Keys.ENTER)
    assert "nonexisting field" in browser.one("dialog[open] .reason").text
    browser.press(Keys.ESCAPE)
    browser.until(lambda: not browser.all("dialog[open]"), "the dialog to close")
    assert browser.label().startswith("Tue 17 Nov 2026: failed")
    browser.press(Keys.HOME)
    assert browser.label().startswith("Sun 1 Mar 2026: ")
    browser.press(Keys.TAB)
    assert not browser.ask("!!document.activeElement.closest('.calendar')")


@every_page
def test_a_phone_shows_all_of_it(browser: Browser, page: str, where: str) -> None:
    """At 360 pixels no page is wider than the screen."""
    browser.look(size=PHONE)
    browser.open(page + where)
    assert browser.ask("document.scrollingElement.scrollWidth") <= PHONE[0]


@every_page
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_no_serious_fault(browser: Browser, page: str, where: str, dark: bool) -> None:  # noqa: FBT001 - pytest's
    """Contrast, names, tables, landmarks: nothing serious or critical, in either sheet."""
    browser.look(dark=dark)
    browser.open(page + where)
    browser.complaints()
    assert browser.faults() == []


def test_it_is_dark_in_the_dark(browser: Browser, page: str) -> None:
    """The ground is dark and the letters are light, because the reader's system says so."""
    grounds = []
    for dark in (False, True):
        browser.look(dark=dark)
        browser.open(page)
        colour = browser.ask("getComputedStyle(document.body).backgroundColor")
        grounds.append(sum(int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(",")))
    assert grounds[0] > 600
    assert grounds[1] < 150


def test_on_paper_only_what_was_found_is_printed(browser: Browser, page: str) -> None:
    """Links, forms and buttons are left out, colours stay, and the whole page becomes a document."""
    browser.look(media="print")
    browser.open(page)
    assert not browser.one("form.filter").is_displayed()
    assert not browser.one(".top nav").is_displayed()
    assert browser.one("#answer").is_displayed()
    assert browser.ask("getComputedStyle(document.querySelector('.calendar .failed')).printColorAdjust") == "exact"
    printed = base64.b64decode(browser.driver.execute_cdp_cmd("Page.printToPDF", {"printBackground": False})["data"])
    assert printed.startswith(b"%PDF-")


def test_a_hole_is_seen_as_a_hole(browser: Browser, page: str) -> None:
    """Days that nobody asked for are no zeros: not in the drawing, not in the table; days without rows are."""
    browser.open(f"{page}account?id=888")
    chart = browser.all(".chart")[0]
    assert "4 days without data" in chart.text
    assert len(browser.all(".chart:first-child .hole")) == 4
    browser.click(".charts + details summary")
    rows = {row.text.split("  ")[0][:15]: row.text for row in browser.all(".charts + details tbody tr")}
    assert rows["Thu 12 Nov 2026"].endswith("no data no data")
    assert rows["Sat 10 Oct 2026"].endswith("0.00 (no rows) 0 (no rows)")


def test_what_goes_on_is_told_with_its_end(browser: Browser, page: str) -> None:
    """A running backfill: what it has done, what is left, how long that may take, and for which quota it waited."""
    browser.open(page)
    told = browser.one("#current").text
    assert "Running now: backfill" in told
    assert "600 of 1,800 slices, 4 failed; 1,200 left, about " in told
    assert "(until 26 Nov 2026 22:39 UTC)" in told
    assert "7 min for 222/insights" in told
    assert "222/insights until 26 Nov 2026 21:52 UTC" in told


@every_page
def test_nothing_on_a_page_is_run_or_fetched_from_elsewhere(browser: Browser, page: str, where: str) -> None:
    """Names and reasons that look like markup are text, and no page asks another server for anything."""
    browser.open(page + where)
    assert "pwned" not in browser.driver.title.replace(EVIL.replace("\n", " "), "")
    assert browser.ask("document.querySelectorAll('main script, b').length") == 0
    asked = browser.ask("performance.getEntriesByType('resource').map(e => e.name)")
    assert asked
    assert [url for url in asked if not url.startswith(page)] == []
    assert [line for line in browser.complaints() if "404" not in line] == []


def test_names_stand_letter_by_letter(browser: Browser, page: str) -> None:
    """Quotes, brackets and emoji come out as they went in."""
    browser.open(f"{page}account?id=666")
    assert browser.one("h1").get_attribute("textContent") == EVIL


@pytest.fixture(scope="session")
def written(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page as one file."""
    path = tmp_path_factory.mktemp("file") / "status.html"
    command = [sys.executable, "-m", "pipeline.cli", "status", "--html", str(path), "--config", str(store)]
    command += ["--account", "111", "--account", "act_888", "--since", "2026-10-01"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([*command, "--now", NOW.isoformat()], check=True, env=env, stdout=subprocess.DEVNULL)
    return path


def test_the_file_stands_alone(browser: Browser, written: Path) -> None:
    """Opened from the disk it asks for nothing, and a square leads to its slice's line within the file."""
    browser.open(written.as_uri())
    assert browser.one("h1").text == "Incomplete"
    assert browser.ask("performance.getEntriesByType('resource').length") == 0
    browser.click(f"#account-111-ads_insights {FAILED_DAY}")
    browser.until(lambda: browser.one("tr:target").is_displayed(), "the slice's line")
    line = browser.one("tr:target").text
    assert "Tue 17 Nov 2026" in line
    assert "nonexisting field <b>purchase_roas</b>" in line
    assert browser.complaints() == []
    assert browser.faults() == []


def test_the_file_fits_a_phone(browser: Browser, written: Path) -> None:
    """Nor is the file wider than 360 pixels."""
    browser.look(size=PHONE)
    browser.open(written.as_uri())
    assert browser.ask("document.scrollingElement.scrollWidth") <= PHONE[0]
