"""Worlds, reports, faults and kills that nobody chose: exactly the truth, or the hole that is declared."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from pipeline.ledger import Ledger
from pipeline.orders import Choice
from pipeline.sizes import Sizes
from sandbox.loop import Loop
from sandbox.options import ServerOptions
from schemas.ads_insights import tables_of
from schemas.columns import Table
from schemas.reports import Report
from tests.acceptance.comparing import as_found, expected_actions, expected_facts, keyed
from tests.acceptance.conftest import Sandbox, Shop, running_sandbox
from tests.acceptance.one_loop import NOW, TOKEN, Row, Stage, in_one_loop, staged
from tests.acceptance.tiny import poison

SINCE, UNTIL = date(2026, 11, 17), date(2026, 11, 19)
DAYS = [SINCE + timedelta(days=n) for n in range(3)]
ACCOUNTS = ("111", "222")
WINDOWS = ("1d_click", "7d_click", "1d_view")
PATIENT = {"report_runs": {"deadline_minutes": 2}}

# ---- what there may be ----

COUNTS = st.integers(0, 10**18)
MONEY = st.decimals(0, 10**9, places=6, allow_nan=False).map(str)
ACTION = st.fixed_dictionaries(
    {"action_type": st.sampled_from(["lead", "link_click", "purchase"]), "value": st.integers(0, 10**6)},
    optional={"7d_click": st.integers(0, 10**6), "1d_view": MONEY},
)
MEASURES = st.fixed_dictionaries(
    {"impressions": COUNTS},
    optional={
        "spend": MONEY,
        "reach": COUNTS,
        "clicks": COUNTS,
        "actions": st.lists(ACTION, min_size=1, max_size=3, unique_by=lambda action: str(action["action_type"])),
        "age": st.sampled_from(["18-24", "65+"]),
    },
)
STATUSES = st.sampled_from(["ACTIVE", "PAUSED", "ARCHIVED", "DELETED"])


@st.composite
def worlds(draw: st.DrawFn) -> dict[str, Any]:
    """Two accounts with up to two campaigns and four ads each, in any status, with facts on some of three days."""
    document: dict[str, list[Any]] = {"accounts": [{"id": account} for account in ACCOUNTS]}
    document |= {"campaigns": [], "adsets": [], "ads": [], "facts": []}
    for account in ACCOUNTS:
        for campaign in range(draw(st.integers(1, 2))):
            document["campaigns"].append({"id": f"{account}1{campaign}", "account_id": account})
            document["adsets"].append({"id": f"{account}2{campaign}", "campaign_id": f"{account}1{campaign}"})
        sets = [adset["id"] for adset in document["adsets"] if adset["id"].startswith(account)]
        for number in range(draw(st.integers(1, 4))):
            ad = {"id": f"{account}3{number}", "adset_id": draw(st.sampled_from(sets))}
            document["ads"].append({**ad, "effective_status": draw(STATUSES)})
            for day in draw(st.lists(st.sampled_from(DAYS), unique=True)):
                document["facts"].append({"ad_id": ad["id"], "date": str(day), **draw(MEASURES)})
    return document


REPORTS = st.builds(
    Report,
    st.just("ads_insights"),
    st.sampled_from(["account", "campaign", "adset", "ad"]),
    breakdowns=st.sampled_from([(), ("age",)]),
    action_attribution_windows=st.just(WINDOWS),
    time_increment=st.sampled_from([1, 1, 2, "all_days"]),
    mode=st.sampled_from(["auto", "async", "sync"]),
)
FAULTS = st.sampled_from(
    [
        "100/1487534",
        "100/1504018",
        "1",
        "1/99",
        "1/reduce",
        "2",
        "2/1504044",
        "2/1504041",
        "100",
        "100/33",
        "100/summary",
        "2601/1815107",
        "2642",
        "3018",
        "4/1504022",
        "4",
        "80000",
        "17",
        "613/1487742",
        "190",
        "200",
    ]
)
BROKEN = st.sampled_from(
    [
        {"cut": 20},
        {"hang": 120},
        {"null_part": True},
        {"empty_page": True},
        {"reply": {"status": 502, "body": "<html>"}},
        {"reply": {"status": 200, "body": "{}"}},
        {"run_status": "Job Failed"},
        {"run_status": "Job Failed", "error_code": -3, "error_subcode": 1504045},
        {"run_status": "Job Failed", "error_code": -2, "error_subcode": 2490547},
        {"run_status": "Job Skipped"},
        {"run_stuck_at": 100},
    ]
)
RULES = st.fixed_dictionaries(
    {
        "match": st.fixed_dictionaries(
            {"op": st.sampled_from(["submit", "poll", "page", "sync", "batch", "object", "any"])},
            optional={"account": st.sampled_from(ACCOUNTS), "nth": st.integers(1, 3), "page": st.integers(0, 2)},
        ),
        "do": FAULTS.map(lambda fault: {"fault": fault}) | BROKEN,
        "times": st.integers(1, 3),
    }
)
POISONS = st.none() | st.tuples(
    st.sampled_from(["111", "222"]).flatmap(lambda account: st.sampled_from([f"{account}30", f"{account}31"])),
    st.sampled_from(["submit", "sync"]),
    st.sampled_from(["100/1487534", "2/1504044", "1/99"]).map(lambda fault: {"fault": fault}),
)


@dataclass(frozen=True)
class Tale:
    """One world, one report, and what goes wrong: rules, an ad that no question may touch, events that kill."""

    world: Mapping[str, Any]
    report: Report
    rules: Sequence[Mapping[str, Any]]
    poison: tuple[str, str, Mapping[str, Any]] | None
    kills: Sequence[int]
    rows_of_a_page: int
    most_rows: int


TALES = st.builds(
    Tale,
    worlds(),
    REPORTS,
    st.lists(RULES, max_size=4),
    POISONS,
    st.lists(st.integers(1, 60), max_size=2),
    st.sampled_from([1, 2, 5000]),
    st.sampled_from([2, 4, 1_000_000]),
)


class Killed(BaseException):
    """The process is gone."""


class Killer:
    """A listener that ends the load at its n-th event, between what was done and what would be done next."""

    def __init__(self, nth: int) -> None:
        self.left = nth

    def __call__(self, _event: str, _fields: Mapping[str, object]) -> None:
        self.left -= 1
        if self.left <= 0:
            raise Killed


# ---- what must be ----


def truth_of(stage: Stage, report: Report) -> list[Row]:
    """As it is asked now: a slice that is still running grows from day to day."""
    yesterday = stage.now.date() - timedelta(days=1)
    until = UNTIL if report.time_increment == 1 else yesterday
    return [row for account in ACCOUNTS for row in stage.truth(report, account, SINCE, until)]


def assert_true_or_declared(stage: Stage, report: Report) -> None:
    """Slice by slice: landed ones equal the truth, failed ones hold nothing, partial ones hold no wrong cell."""
    tables, truth = tables_of(report), truth_of(stage, report)
    assert tables.actions is not None
    with stage.reading():
        slices = stage.rows("SELECT * FROM meta.slices WHERE table_name = 'ads_insights'")
        for table, expected in (
            (tables.facts, expected_facts(report, truth)),
            (tables.actions, expected_actions(report, truth)),
        ):
            _assert_slices(table, slices, keyed(expected, table), _found(stage, table))


def _found(stage: Stage, table: Table) -> dict[tuple[Any, ...], Row]:
    return keyed((as_found(row, table) for row in stage.rows(f"SELECT * FROM {table.name}")), table)


Keyed = Mapping[tuple[Any, ...], Row]


def _assert_slices(table: Table, slices: Sequence[Row], wanted: Keyed, found: Keyed) -> None:
    seen = 0
    for known in slices:
        truth, there = ({k: r for k, r in rows.items() if _inside(r, known)} for rows in (wanted, found))
        seen += len(there)
        if known["state"] in {"landed", "empty"}:
            assert there == truth, (table.name, known)
        elif known["state"] == "failed":
            assert there == {}, (table.name, known)
        else:
            assert known["state"] == "partial"
            assert "left out" in known["reason"]
            assert there.keys() <= truth.keys()
            for key, row in there.items():
                assert all(value in {None, truth[key][name]} for name, value in row.items()), (table.name, known)
    assert seen == len(found), "rows outside of every slice"


def _inside(row: Row, known: Row) -> bool:
    start, end = (_day(known[name]) for name in ("slice_start", "slice_end"))
    return bool(row["account_id"] == known["scope"] and start <= row["date_start"] < end)


def _day(moment: datetime) -> date:
    return moment.date()


# ---- the telling ----


def wanted_of(report: Report) -> dict[str, Any]:
    """The report as it is configured."""
    names = ("name", "level", "time_increment", "mode")
    given = {name: getattr(report, name) for name in names}
    lists = {name: list(getattr(report, name)) for name in ("breakdowns", "action_attribution_windows")}
    return {"ads_insights": {"ad_accounts": list(ACCOUNTS), "since": SINCE, "reports": [{**given, **lists}]}}


async def told(loop: Loop, folder: Path, tale: Tale) -> None:
    options = ServerOptions(async_row_limit=tale.most_rows)
    async with staged(loop, folder, tale.world, {**wanted_of(tale.report), **PATIENT}, options=options) as stage:
        _know_pages(stage, tale)
        if tale.poison is not None:
            poison(stage.state, *tale.poison)
        stage.state.scenario.load(list(tale.rules))
        until = Choice(until=UNTIL)
        for nth in tale.kills:
            await _killed(stage, nth, until)
        summary = await stage.load(choice=until)
        assert_true_or_declared(stage, tale.report)
        assert (summary.exit_code == 0) == (not summary.totals.failures)
        poison(stage.state, "", "submit", {})
        stage.state.options = ServerOptions()
        await stage.a_day_later()
        again = await stage.load(choice=until)
        assert (again.exit_code, again.totals.failures) == (0, [])
        stage.assert_holds(tale.report, truth_of(stage, tale.report))


async def _killed(stage: Stage, nth: int, choice: Choice) -> None:
    try:
        await stage.load(Killer(nth), choice=choice)
    except Killed:
        return
    except BaseExceptionGroup as group:
        if group.split(Killed)[1] is not None:
            raise


def _know_pages(stage: Stage, tale: Tale) -> None:
    """A past in which these accounts bore pages of so many rows."""
    state = stage.folder / "data" / "state"
    state.mkdir(parents=True)
    with Ledger.open(state / "ledger.sqlite", born=NOW, rehearsal=True) as ledger:
        pages = dict.fromkeys(((account, tale.report.name) for account in ACCOUNTS), tale.rows_of_a_page)
        Sizes(ledger, lambda: NOW).save_pages(pages, 5000)


def tell(tale: Tale) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("META_ACCESS_TOKEN", TOKEN)
        in_one_loop(lambda loop: told(loop, Path(folder), tale))


def freely(most: int, *, the_same: bool = False) -> examples:
    """So many examples, however long each takes; `the_same` each time, as a gate must not be a lottery."""
    calm = list(HealthCheck)
    return examples(
        max_examples=most, deadline=None, suppress_health_check=calm, print_blob=not the_same, derandomize=the_same
    )


@freely(200, the_same=True)
@given(TALES)
def test_a_load_ends_in_the_truth_or_in_the_hole_that_it_declares(tale: Tale) -> None:
    """Whatever goes wrong and wherever it is killed: no wrong row, and the next day's load ends with the truth."""
    tell(tale)


@pytest.mark.soak
@freely(5000)
@given(TALES)
def test_five_thousand_loads_end_in_the_truth_or_in_a_declared_hole(tale: Tale) -> None:
    """The same, five thousand times."""
    tell(tale)


# ---- with processes ----

STEPS = st.sampled_from(
    [
        "report_run.submitted",
        "report_run.polled",
        "page.read",
        "landing.begun",
        "landing.file_renamed",
        "landing.renamed",
        "landing.landed",
        "publish.begun",
        "publish.replacing",
        "publish.replaced",
    ]
)


@pytest.mark.soak
@freely(100)
@given(worlds(), REPORTS, st.lists(st.tuples(STEPS, st.integers(1, 4)), min_size=1, max_size=3))
def test_a_hundred_random_worlds_survive_kill_9(
    world: Mapping[str, Any], report: Report, kills: Sequence[tuple[str, int]]
) -> None:
    """Real processes, killed by the machine at named steps, up to three times in a row; then exactly the truth."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "world.json"
        file.write_text(json.dumps(world), encoding="utf-8")
        with running_sandbox("--world", str(file)) as sandbox:
            _survives(Path(folder), sandbox, report, kills)


def _survives(folder: Path, sandbox: Sandbox, report: Report, kills: Sequence[tuple[str, int]]) -> None:
    shop = Shop(folder, sandbox.url)
    table = f'[[ads_insights.reports]]\nname = "ads_insights"\nlevel = "{report.level}"\nmode = "{report.mode}"\n'
    table += f"breakdowns = {json.dumps(list(report.breakdowns))}\ntime_increment = {json.dumps(report.time_increment)}"
    shop.configure(accounts=ACCOUNTS, since=SINCE, reports=table, objects="")
    for event, nth in kills:
        assert shop.dying_load(event, nth) in {-9, 0}
    ended = shop.load()
    assert ended.code == 0, ended.err
    days = {"since": str(SINCE), "until": str(UNTIL)}
    truth = [row for a in ACCOUNTS for row in sandbox.insights(a, NOW, **report.parameters(), time_range=days)]
    facts = tables_of(report).facts
    found = keyed((as_found(row, facts) for row in shop.rows(facts.name)), facts)
    assert found == keyed(expected_facts(report, truth), facts)
