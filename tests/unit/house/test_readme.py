"""What the README says is so: its commands exist, its configuration is legal, its links lead somewhere."""

import re
import tomllib
from datetime import date
from pathlib import Path

import click

from config.settings import from_data
from pipeline.cli import insights
from schemas.meta import META_TABLES
from tests.acceptance.test_readers import DUCKDB, POLARS, PYARROW

ROOT = Path(__file__).resolve().parents[3]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_command_that_it_types_exists() -> None:
    """`insights X` in the README is a command, and `make X` is a target."""
    typed = set(re.findall(r"`?insights ([a-z]+)", README)) - {"loads", "ships"}
    assert isinstance(insights, click.Group)
    assert typed <= set(insights.commands)
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"(?:`|^)make ([a-z]+)", README, re.MULTILINE)) <= targets


def test_every_command_is_documented() -> None:
    """No command is left to be found by chance: each stands in the README or says itself in one line of help."""
    assert isinstance(insights, click.Group)
    assert [name for name, command in insights.commands.items() if not command.help] == []


def test_its_configuration_is_legal() -> None:
    """The configuration for a real account can be copied as it stands."""
    [text] = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    settings = from_data(tomllib.loads(text), "README.md", date(2026, 11, 22))
    assert [report.name for report in settings.reports] == ["ads_insights"]


def test_its_links_lead_somewhere() -> None:
    """Every relative link is a file of the project."""
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_its_readers_are_the_tested_ones() -> None:
    """The one-line readers are, letter by letter, those that a test runs over a table that gained columns."""
    assert [line for line in (DUCKDB, POLARS, PYARROW) if line not in README.splitlines()] == []


def test_it_names_every_meta_table() -> None:
    """What is said about the data itself is findable."""
    assert [name for name in META_TABLES if f"`meta.{name}`" not in README] == []
