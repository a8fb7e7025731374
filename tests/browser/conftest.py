"""A served status page and a browser to look at it; without Chromium these tests are skipped and say so."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.lock import writing
from tests.browser.chromium import Browser, programs, running_browser
from tests.browser.showroom import NOW, build

ROOT = Path(__file__).resolve().parents[2]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skips what needs a browser where there is none."""
    if programs() is None:
        reason = "no Chromium here: apt-get install chromium chromium-driver"
        for item in items:
            if "chromium" in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.skip(reason=reason))


@contextmanager
def served(config: Path, *arguments: str, **environment: str) -> Iterator[str]:
    """The address of `insights status --serve` as a process."""
    command = [sys.executable, "-m", "pipeline.cli", "status", "--serve", "--json", "--config", str(config), *arguments]
    env = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=config.parent, env=env) as process:
        try:
            assert process.stdout is not None
            yield json.loads("".join(iter(process.stdout.readline, "}\n")) + "}")["listening"]
        finally:
            process.terminate()


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration of the showroom."""
    return build(tmp_path_factory.mktemp("showroom"))


@pytest.fixture(scope="session")
def page(store: Path) -> Iterator[str]:
    """Its pages, served while a backfill writes the store."""
    with writing(store.parent / "data" / "state", "backfill", NOW), served(store, "--now", NOW.isoformat()) as url:
        yield url


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for all."""
    with running_browser() as browser:
        yield browser


@pytest.fixture
def browser(chromium: Browser) -> Browser:
    """The browser as it is at first: a light desktop with scripts, and nothing complained of."""
    chromium.look()
    chromium.complaints()
    return chromium
