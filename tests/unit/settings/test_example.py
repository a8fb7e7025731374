"""The example that is shipped: it parses, every setting is documented in it, and its defaults are the code's."""

import re
import tomllib
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from config.settings import FilterEntry, ReportEntry, Settings, from_data, read

EXAMPLE = Path(__file__).parents[3] / "config" / "example.toml"
TODAY = date(2026, 11, 22)
OPTIONAL = re.compile(r"^# (\[+[a-z_.]+\]+|[a-z_]+ = .*)$", re.MULTILINE)
SHOWN_ONLY = {
    "graph.access_token_file",
    "graph.app_secret_env",
    "schedule.status_token_env",
    "storage.lake",
    "storage.warehouse",
    "storage.state",
    "brand_safety.business_ids",
    "app_insights.access_token_env",
    "alerts.webhook_url_env",
    "alerts.token_expires",
    "app_insights.app_secret_env",
}
"""Settings without a default that could be written; the example shows a value."""

WITH_VALUES = {"ads_insights.ad_accounts", "ads_insights.reports", "app_insights.app_ids", "app_insights.metrics"}
"""Settings that a section cannot do without; the example shows a value."""


def uncommented() -> str:
    """The example with every optional line in force."""
    return OPTIONAL.sub(r"\1", EXAMPLE.read_text(encoding="utf-8"))


def sections() -> Iterator[tuple[str, type[BaseModel]]]:
    """Every section by its name in the file."""
    for name, field in Settings.model_fields.items():
        kinds = [field.annotation, *get_args(field.annotation)]
        yield name, next(kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel))


def settings() -> Iterator[tuple[str, Any]]:
    """Every setting by its place, with its default."""
    for section, model in sections():
        for name, field in model.model_fields.items():
            yield f"{section}.{name}", field.get_default(call_default_factory=True)


def as_written(default: Any) -> Any:
    """A default as TOML has it."""
    return str(default) if isinstance(default, Path) else default


def missing_from(text: str) -> set[str]:
    """The settings that an example does not show."""
    shown = tomllib.loads(text)
    reports = shown["ads_insights"]["reports"]
    known = {f"{section}.{key}" for section, keys in shown.items() for key in keys}
    known |= {f"report.{key}" for report in reports for key in report}
    known |= {f"filter.{key}" for report in reports for entry in report.get("filtering", ()) for key in entry}
    wanted = {place for place, _ in settings()}
    wanted |= {f"report.{key}" for key in ReportEntry.model_fields} | {
        f"filter.{key}" for key in FilterEntry.model_fields
    }
    return wanted - known


def test_it_parses() -> None:
    """As it is shipped it is legal, means what it says, and leaves to the defaults what it comments out."""
    found = read(EXAMPLE, TODAY)
    assert found.ads_insights is not None
    assert found.ads_insights.ad_accounts == ["111", "222"]
    assert found.ads_insights.since == date(2026, 9, 1)
    assert [report.name for report in found.reports] == ["ads_insights", "campaigns_by_age_and_gender"]
    assert found.reports[0] == ReportEntry().report()
    assert (found.graph, found.storage, found.pace) == (Settings().graph, Settings().storage, Settings().pace)
    assert (found.report_runs, found.schedule) == (Settings().report_runs, Settings().schedule)
    assert (found.brand_safety, found.app_insights, found.attribution) == (None, None, None)
    assert found.ad_objects is not None


def test_it_parses_with_everything_in_force() -> None:
    """With every optional line in force it is legal too."""
    from_data(tomllib.loads(uncommented()), "example", TODAY)


def test_every_setting_is_documented() -> None:
    """The walk: no setting of any section, report or filter is missing from it."""
    assert missing_from(uncommented()) == set()


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("lookback_days", "ads_insights.lookback_days"),
        ("status_host", "schedule.status_host"),
        ("mode", "report.mode"),
        ("line_of_business_ids", "attribution.line_of_business_ids"),
    ],
)
def test_the_walk_sees_what_is_missing(line: str, place: str) -> None:
    """A setting whose line is taken out is found to be missing."""
    without = re.sub(rf"^{line} = .*$", "", uncommented(), flags=re.MULTILINE)
    assert missing_from(without) == {place}


@pytest.mark.parametrize(("place", "default"), [*settings()], ids=[place for place, _ in settings()])
def test_defaults(place: str, default: object) -> None:
    """A default that it shows is the default of the code; a setting without one is shown with a value."""
    section, name = place.split(".")
    shown = tomllib.loads(uncommented())[section][name]
    if place in SHOWN_ONLY:
        assert not default
    elif default is not PydanticUndefined and place not in WITH_VALUES:
        assert shown == as_written(default)


def test_defaults_of_a_report() -> None:
    """The first report shows the defaults of every key of a report."""
    shown = tomllib.loads(uncommented())["ads_insights"]["reports"][0]
    assert shown == {
        name: field.get_default(call_default_factory=True) for name, field in ReportEntry.model_fields.items()
    }


def test_no_secret() -> None:
    """It holds nothing that looks like a token."""
    assert re.findall(r"EAA[A-Za-z0-9]{10}|[0-9a-f]{32}", EXAMPLE.read_text(encoding="utf-8")) == []
