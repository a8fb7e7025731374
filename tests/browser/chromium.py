"""Debian's Chromium, headless and driven: windows of any width, light or dark, with scripts or without."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import axe_core_python
from selenium.common.exceptions import ElementClickInterceptedException, StaleElementReferenceException
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

AXE = Path(axe_core_python.__file__).with_name("axe.min.js")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars --force-color-profile=srgb --lang=en"
)
DESKTOP, PHONE = (1280, 900), (360, 740)
PATIENCE_SECONDS = 20


def programs() -> tuple[str, str] | None:
    """Chromium and its driver; None where they are not installed."""
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    return (browser, driver) if browser and driver else None


@dataclass(frozen=True)
class Browser:
    """One window."""

    driver: Chrome

    def look(
        self, *, size: tuple[int, int] = DESKTOP, dark: bool = False, media: str = "", script: bool = True
    ) -> None:
        """How the following pages are seen."""
        width, height = size
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == PHONE}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": [scheme]})
        self.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not script})

    def open(self, url: str) -> None:
        self.driver.get(url)

    def all(self, css: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def one(self, css: str) -> WebElement:
        """The only element; waited for."""
        self.until(lambda: len(self.all(css)) == 1, css)
        return self.all(css)[0]

    def click(self, css: str) -> None:
        """Clicks the only element where it lies clear of the window's edges: near them a layout may still move."""
        element = self.one(css)
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", element)
        self.until(lambda: self._clicked(element), f"a click on {css}")

    def _clicked(self, element: WebElement) -> bool:
        try:
            element.click()
        except ElementClickInterceptedException:
            return False
        return True

    def until(self, true: Any, what: str = "") -> None:
        """Waits until it is true; what the page replaces while it is looked at is looked at again."""
        waiting = WebDriverWait(self.driver, PATIENCE_SECONDS, 0.05, [StaleElementReferenceException])
        waiting.until(lambda _: true(), f"still waiting for {what}")

    def press(self, *keys: str) -> None:
        """Keys, one after the other, into whatever has the focus."""
        for key in keys:
            ActionChains(self.driver).send_keys(key).perform()

    def focused(self) -> WebElement:
        return self.driver.switch_to.active_element

    def label(self) -> str:
        """What a reader is told of whatever has the focus."""
        return self.focused().get_attribute("aria-label") or ""

    def ask(self, expression: str) -> Any:
        return self.driver.execute_script(f"return {expression}")

    def complaints(self) -> list[str]:
        """What the console was told since the last time: scripts that fail, and what the security policy refused."""
        return [entry["message"] for entry in self.driver.get_log("browser")]  # type: ignore[no-untyped-call]  # selenium's

    def faults(self) -> list[str]:
        """The serious and critical faults of accessibility on this page, by axe-core."""
        self.driver.execute_script(AXE.read_text(encoding="utf-8"))
        found = self.driver.execute_async_script(
            "const done = arguments[0];"
            "axe.run(document, {resultTypes: ['violations']}).then(done, error => done({error: String(error)}))"
        )
        assert "violations" in found, found
        assert found["passes"], "axe looked at nothing"
        return [
            f"{fault['id']} ({fault['impact']}): {node['target']} {node['failureSummary']}"
            for fault in found["violations"]
            if fault["impact"] in {"serious", "critical"}
            for node in fault["nodes"][:5]
        ]


@contextmanager
def running_browser() -> Iterator[Browser]:
    """A new profile, thrown away afterwards."""
    found = programs()
    assert found is not None
    options = ChromeOptions()
    options.binary_location = found[0]
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        for flag in (*FLAGS.split(), f"--user-data-dir={profile}"):
            options.add_argument(flag)
        driver = Chrome(options, Service(found[1]))
        try:
            driver.set_script_timeout(60)
            yield Browser(driver)
        finally:
            driver.quit()
