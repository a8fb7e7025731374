"""A store on disk for each test."""

from pathlib import Path

import pytest

from pipeline.store import Places
from tests.integration.landing.stage import Heard, places


@pytest.fixture
def where(tmp_path: Path) -> Places:
    """Where a store will be born."""
    return places(tmp_path / "store")


@pytest.fixture
def heard() -> Heard:
    """Everything that is said."""
    return Heard()
