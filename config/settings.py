"""Owns what may be configured: the only reader of the configuration file and of the environment.

Everything wrong is refused before anything is sent, each with one sentence that names the place, the value and, where
there is one, the nearest legal value. Secrets are named in the file and read from where they are named, never written.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from config import app_insights, attribution
from config.errors import Wrong
from schemas.app_insights import AppMetric
from schemas.brand_safety import PLACEMENTS
from schemas.legality import refusals
from schemas.reports import Filter, Report

DEFAULT_PATH = Path("config/insights.toml")
__all__ = [
    "Settings",
    "Wrong",
    "access_token",
    "app_insights_token",
    "app_secret",
    "from_data",
    "read",
    "status_token",
    "where",
]

OBJECT_TABLES = ("ad_accounts", "campaigns", "adsets", "ads", "adcreatives")
DIGITS = re.compile(r"[0-9]+")
SHORTEST_TOKEN = 16
VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")


def _whole_day(value: object) -> object:
    """TOML's own date, or the same as text; no instants, no numbers."""
    if isinstance(value, datetime):
        raise ValueError("write a day without a time, such as 2026-09-01")  # noqa: TRY004 - pydantic wants ValueError
    if isinstance(value, str):
        try:
            day = date.fromisoformat(value)
        except ValueError:
            day = None
        if day is None or day.isoformat() != value:
            raise ValueError("write a day that exists, such as 2026-09-01")
        return day
    return value


def _digits(value: object) -> object:
    """An ad account's id, with or without `act_`, as digits."""
    if isinstance(value, str):
        digits = value.removeprefix("act_")
        if not DIGITS.fullmatch(digits):
            raise ValueError("write an ad account as digits, with or without act_")
        return digits
    return value


def _id(value: object) -> object:
    """An id of anything else: digits."""
    if isinstance(value, str) and not DIGITS.fullmatch(value):
        raise ValueError("write an id as digits")
    return value


def _increment(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError('write a number of days, "monthly" or "all_days"')  # noqa: TRY004 - pydantic wants ValueError
    return value


def _metric(value: object) -> object:
    if not isinstance(value, str | dict):
        raise ValueError('write the name of a metric, or { metric = "...", ... }')  # noqa: TRY004 - as above
    return value


def _is_loopback(host: str) -> bool:
    """Whether an address is reached from this machine alone; any other name may lead anywhere."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _variable(value: object) -> object:
    """The name of an environment variable; its form tells it from a secret that was pasted in its place."""
    if isinstance(value, str) and not VARIABLE.fullmatch(value):
        raise ValueError("name an environment variable in capitals, such as META_ACCESS_TOKEN; write no secret here")
    return value


Day = Annotated[date, BeforeValidator(_whole_day)]
AccountId = Annotated[str, BeforeValidator(_digits)]
Id = Annotated[str, BeforeValidator(_id)]
Increment = Annotated[int | str, BeforeValidator(_increment)]
Metric = Annotated[str | dict[str, Any], BeforeValidator(_metric)]
Variable = Annotated[str, BeforeValidator(_variable)]


class Section(BaseModel):
    """One table of the file: unknown keys and wrong types are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class GraphSection(Section):
    """`[graph]`: which server, which version, whose token."""

    base_url: str = Field("https://graph.facebook.com", pattern=r"^https?://[^?#]+$")
    """Any server that speaks the Graph API."""
    files_url: str = Field("https://api.facebook.com", pattern=r"^https?://[^?#]+$")
    """Lists the hourly brand-safety files."""
    version: str = Field("v25.0", pattern=r"^v\d+\.\d+$")
    """The version that every call names."""
    access_token_env: Variable = "META_ACCESS_TOKEN"  # noqa: S105 - a name, not a secret
    """The environment variable that holds the access token."""
    access_token_file: Path | None = Field(None, strict=False)
    """A file that holds the access token; goes before the variable."""
    app_secret_env: Variable | None = None
    """The variable that holds the app secret; every call then carries appsecret_proof."""
    request_timeout_seconds: float = Field(60, gt=0)
    """How long one call may take."""


class StorageSection(Section):
    """`[storage]`: where the lake, the warehouse and the state lie."""

    root: Path = Field(Path("data"), strict=False)
    """Holds lake/, warehouse.duckdb and state/ unless they are placed on their own."""
    lake: Path | None = Field(None, strict=False)
    """The lake's folder."""
    warehouse: Path | None = Field(None, strict=False)
    """The warehouse's file."""
    state: Path | None = Field(None, strict=False)
    """The folder of the ledger and the lock."""
    keep_days: int = Field(0, ge=0)
    """Days for which hourly files are kept; 0: for ever."""


class PaceSection(Section):
    """`[pace]`: how much of Meta's quotas may be used."""

    target_utilisation: int = Field(85, ge=1, le=100)
    """Percent of every quota that a header reports."""
    clock_speed: float = Field(1, gt=0)
    """Above 1 only against a sandbox that runs as fast."""
    give_up_after_minutes: float = Field(0, ge=0)
    """0: as long as it takes; what is left stays due, exit 1."""


class ReportRunsSection(Section):
    """`[report_runs]`: how report runs are waited for."""

    poll_initial_seconds: float = Field(2, gt=0)
    """The first poll after a submission."""
    poll_max_seconds: float = Field(30, gt=0)
    """The longest time between two polls."""
    deadline_minutes: float = Field(60, gt=0)
    """Past it a run is stuck."""
    max_in_flight_per_account: int = Field(20, ge=1)
    """Report runs of one account that may be alive at once."""

    @model_validator(mode="after")
    def _is_growing(self) -> Self:
        if self.poll_max_seconds < self.poll_initial_seconds:
            raise ValueError("poll_max_seconds is less than poll_initial_seconds; raise the one or lower the other")
        return self


class FilterEntry(Section):
    """One entry of `filtering`, as the API has it."""

    field: str
    operator: str
    value: JsonValue


class ReportEntry(Section):
    """One `[[ads_insights.reports]]`: the API's own words."""

    name: str = "ads_insights"
    level: str = "ad"
    fields: list[str] = []
    """A sound default per level when left out."""
    breakdowns: list[str] = []
    action_breakdowns: list[str] = ["action_type"]
    action_attribution_windows: list[str] = ["1d_click", "7d_click", "1d_view"]
    time_increment: Increment = 1
    filtering: list[FilterEntry] = []
    mode: str = "auto"

    def report(self) -> Report:
        """The report that is meant, whether or not it is legal."""
        return Report(
            name=self.name,
            level=self.level,
            fields=tuple(self.fields),
            breakdowns=tuple(self.breakdowns),
            action_breakdowns=tuple(self.action_breakdowns),
            action_attribution_windows=tuple(self.action_attribution_windows),
            time_increment=self.time_increment,
            filtering=tuple(Filter.of(entry.field, entry.operator, entry.value) for entry in self.filtering),
            mode=self.mode,
        )


class AdsInsightsSection(Section):
    """`[ads_insights]`: whose reports, since when."""

    ad_accounts: list[AccountId] = []
    business_ids: list[Id] = []
    exclude_accounts: list[AccountId] = []
    since: Day
    """The first day wanted."""
    lookback_days: int = Field(28, ge=0, le=1126)
    """Days that Meta may still restate."""
    include_today: bool = False
    reports: list[ReportEntry] = Field(default_factory=lambda: [ReportEntry()])

    @model_validator(mode="after")
    def _has_accounts(self) -> Self:
        if not self.ad_accounts and not self.business_ids:
            raise ValueError("names no account: set ad_accounts = [...] or business_ids = [...]")
        return self


class AdObjectsSection(Section):
    """`[ad_objects]`: which tables of objects."""

    tables: list[Literal["ad_accounts", "campaigns", "adsets", "ads", "adcreatives"]] = [
        "ad_accounts",
        "campaigns",
        "adsets",
        "ads",
        "adcreatives",
    ]


class BrandSafetySection(Section):
    """`[brand_safety]`: the hourly files."""

    business_ids: list[Id] = []
    """Businesses whose hourly files are wanted."""
    placements: list[str] = ["facebook/feed", "facebook/reels"]
    """Pairs of platform and position."""
    ad_sets: list[Id] = []
    """Ad sets whose report is wanted, with a row for each content beside each impression."""
    content: bool = True
    """Whether the posts, videos, photos, pages and Instagram media beside the ads are looked up."""


class AppInsightsSection(Section):
    """`[app_insights]`: metrics of apps."""

    app_ids: list[Id] = []
    access_token_env: Variable | None = None
    """The variable that holds a token for these apps; the token of [graph] when left out."""
    app_secret_env: Variable | None = None
    """The variable that holds the secret of that token's app; its calls then carry appsecret_proof."""
    since: Day
    """The first day wanted, in GMT-8 as all days of app insights."""
    metrics: list[Metric] = []
    """Names of metrics, or { metric = "...", ... }; see `config/app_insights.py`."""


class AttributionSection(Section):
    """`[attribution]`: Advanced Attribution reports."""

    line_of_business_ids: list[Id]
    reports: list[dict[str, Any]] = []
    """Definitions to create and run; existing reports are run when left out."""
    campaign_filter_by: dict[str, Any] = {}
    publisher_filter_by: dict[str, Any] = {}
    conversion_event_filter_by: dict[str, Any] = {}

    @property
    def filters(self) -> Mapping[str, Mapping[str, Any]]:
        """The filters by their keys."""
        return {name: getattr(self, name) for name in type(self).model_fields if name.endswith("_filter_by")}


class ScheduleSection(Section):
    """`[schedule]`: when the nightly load runs and where the status page listens."""

    nightly_at: str = Field("03:30", pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    status_port: int = Field(8765, ge=0, le=65535)
    status_host: str = "127.0.0.1"
    """Where the status page listens; beyond this machine only with a token."""
    status_token_env: Variable | None = None
    """The variable that holds the token which the status page demands; none by default."""

    @model_validator(mode="after")
    def _is_guarded(self) -> Self:
        if not _is_loopback(self.status_host) and self.status_token_env is None:
            raise ValueError(
                f"status_host = {self.status_host!r} is reached from other machines; set status_token_env to the name "
                f"of an environment variable that holds a token, or leave status_host out"
            )
        return self


class AlertsSection(Section):
    """`[alerts]`: what counts as trouble, and who is told."""

    webhook_url_env: Variable | None = None
    """The variable that holds the address told of trouble; it is a secret, since who knows it can write there."""
    late_after_hours: float = Field(36, gt=0)
    """A table of ads insights or ad objects is late when an account's newest answer is older."""
    promises: dict[str, Annotated[float, Field(gt=0)]] = {}
    """Hours for single tables of every family, by their names; the other families are late only by these."""
    quota_closed_minutes: float = Field(30, gt=0)
    """A quota that stays closed longer is trouble."""
    token_expires: Day | None = None
    """The last day of the access token; none for one that does not expire."""
    token_warning_days: int = Field(14, ge=0)
    """So many days before it is said that the token expires."""


class Settings(Section):
    """The whole file. A family whose section is missing is not loaded."""

    graph: GraphSection = GraphSection()
    storage: StorageSection = StorageSection()
    pace: PaceSection = PaceSection()
    report_runs: ReportRunsSection = ReportRunsSection()
    ads_insights: AdsInsightsSection | None = None
    ad_objects: AdObjectsSection | None = None
    brand_safety: BrandSafetySection | None = None
    app_insights: AppInsightsSection | None = None
    attribution: AttributionSection | None = None
    schedule: ScheduleSection = ScheduleSection()
    alerts: AlertsSection = AlertsSection()

    @property
    def lake(self) -> Path:
        """The lake's folder."""
        return self.storage.lake or self.storage.root / "lake"

    @property
    def warehouse(self) -> Path:
        """The warehouse's file."""
        return self.storage.warehouse or self.storage.root / "warehouse.duckdb"

    @property
    def state(self) -> Path:
        """The folder of the ledger and the lock."""
        return self.storage.state or self.storage.root / "state"

    @property
    def reports(self) -> tuple[Report, ...]:
        """The configured reports of ads insights."""
        return tuple(entry.report() for entry in self.ads_insights.reports) if self.ads_insights else ()

    @property
    def first_days(self) -> dict[str, date]:
        """The first day wanted of each section that has one."""
        sections = {"ads_insights": self.ads_insights, "app_insights": self.app_insights}
        return {name: section.since for name, section in sections.items() if section is not None}

    @property
    def app_metrics(self) -> tuple[AppMetric, ...]:
        """The configured entries of app insights."""
        return app_insights.entries(self.app_insights.metrics) if self.app_insights else ()


def where(path: Path | None, environment: Mapping[str, str] = os.environ) -> Path:
    """The file to read: `--config`, else `INSIGHTS_CONFIG`, else the default."""
    return path or Path(environment.get("INSIGHTS_CONFIG") or DEFAULT_PATH)


def read(path: Path, today: date) -> Settings:
    """The settings in `path`, legal in every key.

    Raises:
        Wrong: With one line for each thing that is wrong.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Wrong(
            f"{path}: there is no configuration here; copy config/example.toml to it, or name one with --config"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise Wrong(f"{path}: cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise Wrong(f"{path}: this is not TOML: {error}{_line_of(error, path)}") from None
    return from_data(data, str(path), today)


def from_data(data: Mapping[str, Any], source: str, today: date) -> Settings:
    """Settings from the file's content; `source` is what messages call it.

    Raises:
        Wrong: As `read`.
    """
    try:
        settings = Settings.model_validate(data)
    except ValidationError as error:
        lines = [f"{source}: {_sentence(details)}" for details in _told_once(error.errors())]
        raise Wrong("\n".join(lines)) from None
    _refuse_illegal(settings, source, today)
    return settings


def _refuse_illegal(settings: Settings, source: str, today: date) -> None:
    """What only the values together show; each section answers for its own."""
    sections = (_of_ads_insights, _of_app_insights, _of_attribution)
    lines = [line for section in sections for line in section(settings, today)]
    lines += _of_brand_safety(settings)
    if lines:
        raise Wrong("\n".join(f"{source}: {line}" for line in lines))


def _of_ads_insights(settings: Settings, today: date) -> list[str]:
    insights = settings.ads_insights
    if insights is None:
        return ["[ad_objects] has no account: add a section [ads_insights] with them"] if settings.ad_objects else []
    lines = []
    if insights.since > today:
        lines.append(f"[ads_insights] since = {insights.since} lies after today, {today}; write a day that has been")
    names = [report.name for report in settings.reports]
    lines += [
        f"[[ads_insights.reports]] name = {name!r} is given twice; each report needs a table of its own"
        for name in sorted({name for name in names if names.count(name) > 1})
    ]
    for number, report in enumerate(settings.reports, 1):
        lines += [f"[[ads_insights.reports]] number {number}: {refusal}" for refusal in refusals(report, today)]
    return lines


def _of_app_insights(settings: Settings, today: date) -> list[str]:
    section = settings.app_insights
    if section is None:
        return []
    lines = list(app_insights.wrong(section.app_ids, section.since, section.metrics, today))
    if section.app_secret_env and not section.access_token_env:
        lines.append("[app_insights] app_secret_env goes only with access_token_env; [graph] has its own")
    return lines


def _of_attribution(settings: Settings, _today: date) -> list[str]:
    section = settings.attribution
    if section is None:
        return []
    return attribution.refusals(section.line_of_business_ids, section.reports, section.filters)


def _of_brand_safety(settings: Settings) -> list[str]:
    safety = settings.brand_safety
    if safety is None:
        return []
    lines = (
        []
        if safety.business_ids or safety.ad_sets
        else ["[brand_safety] names no business and no ad set: set business_ids"]
    )
    for placement in (name for name in safety.placements if name not in PLACEMENTS):
        near = nearest(placement, PLACEMENTS)
        meant = f"did you mean {near!r}?" if near else f"there are {', '.join(PLACEMENTS)}"
        lines.append(f"[brand_safety] placements = {placement!r}: there is no such placement; {meant}")
    return lines


def _line_of(error: tomllib.TOMLDecodeError, path: Path) -> str:
    """Where the line that is no TOML begins; what stands behind `=` may be a secret that was pasted there."""
    told = re.search(r"at line (\d+)", str(error))
    lines = path.read_text(encoding="utf-8").splitlines()
    return f": {lines[int(told[1]) - 1].partition('=')[0].strip()} ..." if told and int(told[1]) <= len(lines) else ""


def _told_once(found: Sequence[ErrorDetails]) -> Iterator[ErrorDetails]:
    """What pydantic found, without the keys that are missing only because they are misspelt."""
    misspelt = {
        (*details["loc"][:-1], nearest(str(details["loc"][-1]), tuple(_legal(details["loc"][:-1]))))
        for details in found
        if details["type"] == "extra_forbidden"
    }
    yield from (details for details in found if details["type"] != "missing" or details["loc"] not in misspelt)


def _sentence(details: ErrorDetails) -> str:
    """What pydantic found, as a sentence with the place, the value and the nearest legal value."""
    loc, value = details["loc"], details["input"]
    place = _place(loc)
    if details["type"] == "extra_forbidden":
        near = nearest(str(loc[-1]), tuple(_legal(loc[:-1])))
        section = near if len(loc) > 1 else f"[{near}]"
        return f"{place} is not a setting" + (f"; did you mean {section}?" if near else "; remove it")
    if details["type"] == "missing":
        return f"{place} is missing; add it"
    if details["type"] == "value_error" and isinstance(value, dict):
        return f"{place} {_wanted(details)}"
    if str(loc[-1]).endswith("_env"):
        return f"{place}: {_wanted(details)}"
    return f"{place} = {_shown(value)}: {_wanted(details)}"


def _wanted(details: ErrorDetails) -> str:
    """What should stand in the place of a value."""
    loc, value, kind = details["loc"], details["input"], details["type"]
    if kind == "string_pattern_mismatch":
        return f"write it as in {_legal(loc[:-1])[str(loc[-1])].default!r}"
    words = _WANTED.get(kind) or details["msg"].removeprefix("Value error, ").replace("Input should", "should")
    if kind == "list_type" and isinstance(value, str):
        return f'{words}; write ["{value}"]'
    if kind == "list_type" and isinstance(value, dict):
        return f"{words}; write [[{'.'.join(map(str, loc))}]]"
    near = nearest(value, OBJECT_TABLES) if kind == "literal_error" and isinstance(value, str) else None
    return f"{words}; did you mean {near!r}?" if near else words


_WANTED: Mapping[str, str] = {
    "model_type": "is a section; give it a line of its own and its keys below",
    "string_type": "should be a valid string, in quotes",
    "path_type": "should be a path, in quotes",
    "invalid-json-value": "should be a text, a number or a list of these; write a day in quotes",
}


def _shown(value: object) -> str:
    """A value as the file shows it."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, date) else repr(value)


def _place(loc: Sequence[str | int]) -> str:
    """`[section] key`, as the file shows it; entries of a list are counted from 1."""
    names = [step for step in loc if isinstance(step, int) or "[" not in step]
    section, keys = f"[{names[0]}]", names[1:]
    match names:
        case [_, "reports", int(entry), *_]:
            section, keys = f"[[{names[0]}.reports]] number {entry + 1}:", names[3:]
        case _:
            pass
    words = [f"number {step + 1}" if isinstance(step, int) else step for step in keys]
    return " ".join([section, *words])


def _legal(loc: Sequence[str | int]) -> Mapping[str, FieldInfo]:
    """The keys that are legal at a place of the file."""
    if not loc:
        return Settings.model_fields
    if "filtering" in loc:
        return FilterEntry.model_fields
    if "reports" in loc:
        return ReportEntry.model_fields
    sections: dict[str, type[Section]] = {
        "graph": GraphSection,
        "storage": StorageSection,
        "pace": PaceSection,
        "report_runs": ReportRunsSection,
        "ads_insights": AdsInsightsSection,
        "ad_objects": AdObjectsSection,
        "brand_safety": BrandSafetySection,
        "app_insights": AppInsightsSection,
        "attribution": AttributionSection,
        "schedule": ScheduleSection,
    }
    section = sections.get(str(loc[0]))
    return section.model_fields if section else {}


def nearest(value: str, legal: Sequence[str]) -> str | None:
    """The legal value that looks most like this one; None if none does."""
    found = difflib.get_close_matches(value.lower(), legal, n=1, cutoff=0.6)
    return found[0] if found else None


def access_token(graph: GraphSection, environment: Mapping[str, str] = os.environ) -> str:
    """The access token from where the configuration says it is.

    Raises:
        Wrong: It is not there.
    """
    if graph.access_token_file is not None:
        place = f"[graph] access_token_file = {str(graph.access_token_file)!r}"
        try:
            token = graph.access_token_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "this is no text"
            raise Wrong(f"{place}: {why}; put the token there") from None
        if token:
            return token
        raise Wrong(f"{place}: the file is empty; put the token there")
    token = environment.get(graph.access_token_env, "").strip()
    if not token:
        raise Wrong(
            f"[graph] access_token_env = {graph.access_token_env!r}: this variable is not set; "
            f"export {graph.access_token_env}=... with a token that has ads_read"
        )
    return token


def app_secret(graph: GraphSection, environment: Mapping[str, str] = os.environ) -> str | None:
    """The app secret, if one is configured.

    Raises:
        Wrong: One is configured and is not there.
    """
    if graph.app_secret_env is None:
        return None
    secret = environment.get(graph.app_secret_env, "").strip()
    if not secret:
        raise Wrong(f"[graph] app_secret_env = {graph.app_secret_env!r}: this variable is not set; export it")
    return secret


def webhook_url(alerts: AlertsSection, environment: Mapping[str, str] = os.environ) -> str | None:
    """The address that is told of trouble, if one is configured.

    Raises:
        Wrong: One is configured and is not there.
    """
    if alerts.webhook_url_env is None:
        return None
    url = environment.get(alerts.webhook_url_env, "").strip()
    if not url.startswith(("http://", "https://")):
        place = f"[alerts] webhook_url_env = {alerts.webhook_url_env!r}"
        raise Wrong(f"{place}: this variable holds no http or https address; export it")
    return url


def app_insights_token(
    section: AppInsightsSection | None, environment: Mapping[str, str] = os.environ
) -> tuple[str, str | None] | None:
    """The token of app insights and its app's secret; None where they have none of their own.

    Raises:
        Wrong: One is configured and is not there.
    """
    if section is None or section.access_token_env is None:
        return None
    found = {}
    for key, name in (("access_token_env", section.access_token_env), ("app_secret_env", section.app_secret_env)):
        found[key] = environment.get(name, "").strip() if name else None
        if name and not found[key]:
            raise Wrong(f"[app_insights] {key} = {name!r}: this variable is not set; export {name}=...")
    return found["access_token_env"] or "", found["app_secret_env"]


def status_token(schedule: ScheduleSection, environment: Mapping[str, str] = os.environ) -> str | None:
    """The token that the status page demands, if one is configured.

    Raises:
        Wrong: One is configured and is not there, or is too short to be one.
    """
    if schedule.status_token_env is None:
        return None
    place = f"[schedule] status_token_env = {schedule.status_token_env!r}"
    token = environment.get(schedule.status_token_env, "").strip()
    if not token:
        raise Wrong(f"{place}: this variable is not set; export it")
    if len(token) < SHORTEST_TOKEN:
        raise Wrong(f"{place}: the token is shorter than {SHORTEST_TOKEN} characters; make one that nobody can guess")
    return token
