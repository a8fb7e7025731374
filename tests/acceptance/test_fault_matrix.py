"""Every failure that ads insights has (graph-api 2.12), in every place where it can occur, as one table.

A cell has two letters: what becomes of an account whom the fault meets once, and of one whom it meets each time.

    T   its rows are exactly the truth
    F   its slices failed and say why with the code; nothing of them landed, or what had landed before stays
    X   the token is refused: exit 3
    -   cannot occur there

Beside both an account lives that nothing happens to: it lands. The exit code is 0 when all is T, 3 with an X, else 1.
Once the fault is over, the next load ends with exactly the truth for everybody, exit 0. Where a quota refuses, "each
time" is three times, because a quota is waited for as long as it takes. A page holds three rows, so that ten rows have
a first, a middle and a last one. The sync column is a question that history says is small, of rows that have changed.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from pipeline.ledger import Ledger
from pipeline.orders import Choice
from pipeline.sizes import Sizes
from pipeline.summary import Summary
from sandbox.faults import CATALOGUE
from sandbox.loop import Loop
from tests.acceptance.one_loop import NOW, Stage, in_one_loop, staged
from tests.acceptance.one_loop import token as token  # noqa: PLC0414 - a fixture
from tests.acceptance.tiny import ADS, REPORT, SINCE, UNTIL, poison, settings, world

ONCE, ALWAYS, SPARED = "111", "222", "333"
ACCOUNTS = (ONCE, ALWAYS, SPARED)
ROWS_OF_A_PAGE = 3
PATIENCE_SECONDS = 10 * 24 * 3600
THRICE = 3
ENDING_CODES = {102, 104, 190, 2500, 368, 2635}
"""After these nothing more is asked: the third account may have been too late."""

SETTINGS = {**settings(ACCOUNTS), "report_runs": {"deadline_minutes": 2}}

PLACES: Mapping[str, Mapping[str, Any]] = {
    "submit": {"op": "submit"},
    "poll": {"op": "poll"},
    "first": {"op": "page", "page": 0},
    "middle": {"op": "page", "page": 1},
    "last": {"op": "page", "page": 3},
    "sync": {"op": "sync"},
    "batch": {"op": "batch", "nth": 2},
}

MATRIX = """
fault             submit poll first middle last sync
100/1487534       TF     -    TF    TT     TT   TT
100/1504018       -      -    -     -      -    TT
2/1504038         -      -    -     -      -    TT
1                 TF     TF   TF    TF     TT   TT
1/99              TF     -    TF    TF     TT   TT
1/reduce          -      -    TF    TF     TT   TT
2                 TF     TF   TF    TF     TF   TF
2/1504043         TF     -    -     TF     -    -
2/1504044         TF     -    TF    -      TT   TT
2/1504041         FF     -    -     -      -    FF
2/1504042         FF     -    -     -      -    -
100/3191001       FF     FF   -     -      -    -
100               FF     FF   -     FF     -    FF
100/33            FF     TF   TF    TF     TT   FF
100/1487561       -      FF   -     -      -    -
100/summary       -      -    TF    TF     TF   -
2601/1815107      -      TF   TF    TT     TT   -
3018              FF     -    -     -      -    FF
2642              -      -    -     TT     TT   -
3001              FF     -    -     -      -    -
105               FF     -    -     -      -    -
4/1504022         TT     TT   TT    TT     TT   TT
4/1504039         TT     -    -     -      -    -
4                 TT     TT   -     TT     -    -
80000             TT     TT   TT    TT     TT   TT
17                TT     TT   -     -      -    -
17/2446079        TT     -    -     TT     -    -
613               TT     -    -     -      -    -
613/1487742       TT     -    -     TT     -    -
613/1996          TT     -    -     -      -    -
190               XX     XX   -     XX     -    XX
190/463           XX     -    -     -      -    -
102               XX     -    -     -      -    -
104               XX     -    -     -      -    -
2500/token        XX     -    -     -      -    -
200               FF     FF   -     FF     -    -
10                FF     -    -     -      -    -
3                 FF     -    -     -      -    -
294               FF     -    -     -      -    -
2635              FF     -    -     -      -    -
2500              FF     -    -     -      -    -
368               FF     FF   -     -      -    -
not_successful    TF     -    -     -      -    -
cut               TF     -    TF    TF     TF   -
late              TF     -    TF    -      -    -
html              TF     TF   -     TF     -    TF
nothing           TF     -    -     -      TF   -
no_data           TF     TF   TF    -      TF   TF
null_part         -      TF   -     -      -    -
empty_page        -      -    TT    TT     TT   TT
run:-2/2490547    TF     -    -     -      -    -
run:-3/1504045    TF     -    -     -      -    -
run:2/1504044     TF     -    -     -      -    -
run:2/1504041     FF     -    -     -      -    -
run:100/1487534   TF     TF   -     -      -    -
run:4/1504022     TF     -    -     -      -    -
failed            TF     TF   -     -      -    -
skipped           TF     TF   -     -      -    -
stuck_at_100      TF     -    -     -      -    -
stuck_at_40       TF     -    -     -      -    -
never_started     TF     -    -     -      -    -
unknown_status    TF     -    -     -      -    -
"""

BATCH = """
fault             batch
1                 T
2                 T
4                 T
4/1504022         T
960               T
17                T
190               X
cut               T
late              T
html              T
nothing           T
no_data           T
"""
"""A batch of polls that fails as a whole, once: what becomes of both accounts."""


def run_failed(code: int, subcode: int) -> Mapping[str, Any]:
    """The end of a report run as v25 shows it."""
    words = "said by the run"
    return {"run_status": "Job Failed", "error_code": code, "error_subcode": subcode, "error_message": words}


OTHERS: Mapping[str, Mapping[str, Any]] = {
    "not_successful": {"fault": "not successful"},
    "cut": {"cut": 20},
    "late": {"hang": 120},
    "html": {"reply": {"status": 502, "body": "<html>Bad Gateway</html>", "headers": {"Content-Type": "text/html"}}},
    "nothing": {"reply": {"status": 200, "body": ""}},
    "no_data": {"reply": {"status": 200, "body": '{"paging":{}}'}},
    "null_part": {"null_part": True},
    "empty_page": {"empty_page": True},
    "run:-2/2490547": run_failed(-2, 2490547),
    "run:-3/1504045": run_failed(-3, 1504045),
    "run:2/1504044": run_failed(2, 1504044),
    "run:2/1504041": run_failed(2, 1504041),
    "run:100/1487534": run_failed(100, 1487534),
    "run:4/1504022": run_failed(4, 1504022),
    "failed": {"run_status": "Job Failed"},
    "skipped": {"run_status": "Job Skipped"},
    "stuck_at_100": {"run_stuck_at": 100},
    "stuck_at_40": {"run_stuck_at": 40},
    "never_started": {"run_status": "Job Not Started", "percent": 0},
    "unknown_status": {"run_status": "Job Paused", "percent": 20},
}


def deed(fault: str) -> Mapping[str, Any]:
    return OTHERS.get(fault) or {"fault": fault}


def cells(table: str) -> Iterator[tuple[str, str, str]]:
    """Fault, place and fates of each cell that says something."""
    head, *lines = (line.split() for line in table.strip().splitlines())
    for fault, *fates in lines:
        yield from ((fault, place, told) for place, told in zip(head[1:], fates, strict=True) if told != "-")


def is_throttle(fault: str) -> bool:
    return fault.partition("/")[0] in {"4", "17", "613", "80000"}


def know_small_pages(stage: Stage) -> None:
    """A past in which these accounts bore pages of three rows."""
    state = stage.folder / "data" / "state"
    state.mkdir(parents=True)
    with Ledger.open(state / "ledger.sqlite", born=NOW, rehearsal=True) as ledger:
        pages = {(account, REPORT.name): ROWS_OF_A_PAGE for account in ACCOUNTS}
        Sizes(ledger, lambda: NOW).save_pages(pages, 5000)


def rules(fault: str, place: str, do: Mapping[str, Any]) -> list[dict[str, Any]]:
    match = PLACES[place]
    often = THRICE if is_throttle(fault) else None
    if place == "batch":
        return [{"match": match, "do": do, "times": 1}]
    return [
        {"match": {**match, "account": ONCE}, "do": do, "times": 1},
        {"match": {**match, "account": ALWAYS}, "do": do, "times": often},
    ]


def truth_of(stage: Stage, account: str) -> list[dict[str, Any]]:
    return stage.truth(REPORT, account, SINCE, UNTIL)


def fates(stage: Stage, summary: Summary, before: Mapping[str, list[dict[str, Any]]]) -> dict[str, str]:
    """A letter for each account; what is neither truth nor a failure that left all as it was is an error."""
    states: dict[str, set[str]] = {account: set() for account in ACCOUNTS}
    for row in stage.rows("SELECT scope, state FROM meta.slices WHERE table_name = 'ads_insights'"):
        states[row["scope"]].add(row["state"])
    failed = {failure.scope: failure for failure in summary.totals.failures}
    found, rows = {}, []
    for account in ACCOUNTS:
        if account not in failed:
            assert states[account] == {"landed"}
            found[account] = "T"
            rows += truth_of(stage, account)
        else:
            assert states[account] == {"failed"}
            found[account] = "X" if failed[account].remedy == "new token" else "F"
            rows += before.get(account, [])
    stage.assert_holds(REPORT, rows)
    return found


async def cell(loop: Loop, folder: Path, place: str, scripted: Sequence[Mapping[str, Any]], told: str) -> None:
    """One load under a script, and one after it."""
    async with staged(loop, folder, world(ACCOUNTS), SETTINGS) as stage, asyncio.timeout(PATIENCE_SECONDS):
        know_small_pages(stage)
        before: dict[str, list[dict[str, Any]]] = {}
        mutations: list[dict[str, Any]] = []
        choice = Choice(until=UNTIL)
        if place == "sync":
            assert (await stage.load(choice=choice)).exit_code == 0
            before = {account: truth_of(stage, account) for account in ACCOUNTS}
            await stage.a_day_later()
            mutations = [{"mutate": {"date": SINCE.isoformat(), "set": {"impressions": "777"}}}]
        stage.state.scenario.load([*scripted, *mutations])
        summary = await stage.load(choice=choice)
        ends = fates(stage, summary, before)
        codes = {failure.code for failure in summary.totals.failures}
        ends_everything = bool(codes & ENDING_CODES)
        assert ends[ONCE] + ends[ALWAYS] == told
        assert ends[SPARED] == "T" or ends_everything
        assert summary.exit_code == (3 if "X" in told else 1 if "F" in told else 0)
        stage.state.scenario.load(mutations)
        again = await stage.load(choice=choice)
        assert (again.exit_code, again.totals.failures) == (0, [])
        stage.assert_holds(REPORT, [row for account in ACCOUNTS for row in truth_of(stage, account)])


@pytest.mark.parametrize(("fault", "place", "told"), [*cells(MATRIX)])
def test_a_fault_ends_in_the_truth_or_in_a_failure_that_says_so(
    fault: str, place: str, told: str, tmp_path: Path
) -> None:
    """One cell of the table: the same failure once for one account and each time for another."""
    in_one_loop(lambda loop: cell(loop, tmp_path, place, rules(fault, place, deed(fault)), told))


@pytest.mark.parametrize(("fault", "place", "told"), [*cells(BATCH)])
def test_a_batch_of_polls_that_fails_whole_costs_no_row(fault: str, place: str, told: str, tmp_path: Path) -> None:
    """One line of the table: all that was asked in it fares alike."""
    in_one_loop(lambda loop: cell(loop, tmp_path, place, rules(fault, place, deed(fault)), told * 2))


HOLES: Mapping[str, tuple[str, Mapping[str, Any], str | None]] = {
    "submission too large": ("submit", {"fault": "100/1487534"}, None),
    "synchronous answer timed out": ("sync", {"fault": "100/1504018"}, None),
    "run too large": ("submit", run_failed(-3, 1504045), None),
    "run of unknown error": ("submit", run_failed(2, 1504044), None),
    "run that cannot be generated": ("submit", run_failed(-2, 2490547), None),
    "run that failed without a code": ("submit", {"run_status": "Job Failed"}, None),
    "first page too large": ("page", {"fault": "1/99"}, None),
    "page times out": ("page", {"fault": "2/1504044"}, None),
    "one field of it too large": ("submit", {"fault": "100/1487534"}, "spend"),
    "one field of it unknown": ("submit", run_failed(2, 1504044), "spend"),
}


@pytest.mark.parametrize("name", HOLES)
def test_what_one_ad_makes_impossible_is_exactly_its_own_hole(name: str, tmp_path: Path) -> None:
    """Every question that touches one ad fails: all other rows land, the slices say what is left out, exit 1."""
    in_one_loop(lambda loop: hole(loop, tmp_path, *HOLES[name]))


async def hole(loop: Loop, folder: Path, op: str, do: Mapping[str, Any], field_name: str | None) -> None:
    mode = "sync" if op == "sync" else "auto"
    async with staged(loop, folder, world([ONCE]), settings([ONCE], mode=mode)) as stage:
        bad = f"{ONCE}3{ADS - 2}"
        poison(stage.state, bad, op, do, field_name)
        summary = await stage.load()
        if {state for _, state in stage.states()} == {"failed"}:
            summary = await stage.load()  # what Meta cannot generate over several days is asked by days the next time
        assert summary.exit_code == 1
        assert all("left out: " in failure.error for failure in summary.totals.failures)
        assert field_name or all(bad in failure.error for failure in summary.totals.failures)
        truth = truth_of(stage, ONCE)
        if field_name is None:
            stage.assert_holds(REPORT, [row for row in truth if row["ad_id"] != bad])
        else:
            stage.assert_holds(REPORT, [{**row, field_name: None} if row["ad_id"] == bad else row for row in truth])
        assert {state for _, state in stage.states()} == {"partial"}
        poison(stage.state, "", op, do)
        await stage.a_day_later()
        again = await stage.load(choice=Choice(until=UNTIL))
        assert (again.exit_code, again.totals.failures) == (0, [])
        stage.assert_holds(REPORT, truth)


def test_every_line_of_the_catalogue_stands_in_the_table() -> None:
    """What the sandbox can say of graph-api 2.12, the table knows; families other than ads insights have their own."""
    known = {fault for fault, _, _ in (*cells(MATRIX), *cells(BATCH))}
    elsewhere = {"32", "341", "80003", "80004", "80004/2446079", "batch size", "not successful", "100/cursor"}
    elsewhere |= {"-2/2490547", "-3/1504045", "80000/2446079", "613/5044001"}  # runs; same codes without a line
    elsewhere |= {"3000", "3003", "app insights gone", "80011", "10/public", "200/private", "200/capability"}
    families = {fault for fault in CATALOGUE if fault.startswith("100/2349")}
    tokens = {fault for fault in CATALOGUE if fault.startswith("190/")}
    assert set(CATALOGUE) - known - elsewhere - families - tokens == set()
