"""Kill -9 while attribution reports are made and run: no report is made twice, a run at most once more."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.acceptance.attributing import MTA, REACH, configure, landed, names, report_named, rows_of, truth
from tests.acceptance.conftest import NOW, Sandbox, Shop

STEPS = (
    ("attribution.sending", 1),  # before a report is made
    ("attribution.sent", 1),  # Meta has made it, nobody has kept its id
    ("attribution.report_created", 1),
    ("attribution.report_kept", 1),
    ("attribution.sent", 2),  # the second report
    ("attribution.sending", 3),  # before a run is started
    ("attribution.sent", 3),  # it is started, its id is not committed
    ("attribution.run_started", 1),
    ("attribution.run_kept", 1),
    ("attribution.run_kept", 2),
    ("attribution.run_polled", 2),
    ("attribution.downloaded", 1),
    ("landing.begun", 1),
    ("landing.file_renamed", 1),
    ("landing.landed", 1),
    ("attribution.listed", 2),
    ("publish.replacing", 1),
)
NAMES = ["Conversions by device", "Reach by campaign and day"]
ONE_MORE = (("attribution.sent", 2), ("attribution.run_started", 1))
"""Kills between the sending of a run and its commit: the one submission that design invariant 9 allows to be lost."""
NOT_ONE_MORE = (
    ("attribution.run_kept", 1),
    ("attribution.run_polled", 1),
    ("attribution.downloaded", 1),
    ("landing.begun", 1),
    ("landing.renamed", 1),
)


def assert_equal_to_truth(shop: Shop, sandbox: Sandbox) -> None:
    """Each report is there once, and its rows are those of its newest run."""
    assert sorted(names(sandbox)) == NAMES
    for name in NAMES:
        [(run, rows)] = landed(shop, report_named(sandbox, name)).items()
        assert rows == rows_of(sandbox, run)
    states = shop.ask("SELECT DISTINCT state FROM meta.slices WHERE table_name <> 'attribution_report_schedules'")
    assert states == [("landed",)]
    assert list((shop.lake / ".tmp").iterdir()) == []


@pytest.mark.parametrize(("event", "nth"), STEPS, ids=str)
def test_a_kill_at_a_named_step_is_made_up_by_the_next_load(event: str, nth: int, shop: Shop, sandbox: Sandbox) -> None:
    """Whatever was made is found again: by its id, or by its name where the id was not kept; runs are adopted."""
    configure(shop, REACH + MTA)
    assert shop.dying_load(event, nth) == -9
    ended = shop.load(now=NOW + timedelta(minutes=10))
    assert ended.code == 0, ended.err
    assert_equal_to_truth(shop, sandbox)
    for name in NAMES:
        runs = [run for run in truth(sandbox)["report_runs"] if run["report_id"] == report_named(sandbox, name)]
        assert len(runs) <= 2


@pytest.mark.parametrize(("event", "nth"), [*ONE_MORE, *NOT_ONE_MORE], ids=str)
def test_a_run_is_started_once_more_only_if_its_id_was_not_committed(
    event: str, nth: int, shop: Shop, sandbox: Sandbox
) -> None:
    """One report alone, so that runs can be counted: a committed run is adopted, or its landing is finished."""
    configure(shop, REACH)
    assert shop.dying_load(event, nth) == -9
    ended = shop.load(now=NOW + timedelta(minutes=10))
    assert ended.code == 0, ended.err
    assert names(sandbox) == ["Reach by campaign and day"]
    assert len(truth(sandbox)["report_runs"]) == (2 if (event, nth) in ONE_MORE else 1)
    [(run, rows)] = landed(shop, report_named(sandbox, "Reach by campaign and day")).items()
    assert rows == rows_of(sandbox, run)


def test_a_kill_between_the_change_of_a_report_and_its_commit(shop: Shop, sandbox: Sandbox) -> None:
    """The changed report is recognised by what it says: it is neither made nor changed a second time."""
    configure(shop, REACH)
    assert shop.load().code == 0
    configure(shop, REACH.replace('"frequency"', '"clicks"'))
    assert shop.dying_load("attribution.changed", 1, now=NOW + timedelta(hours=1)) == -9
    sandbox.forget_calls()
    ended = shop.load(now=NOW + timedelta(hours=1, minutes=10))
    assert ended.code == 0, ended.err
    assert names(sandbox) == ["Reach by campaign and day"]
    posts = [call["path"].rpartition("/")[2] for call in sandbox.calls() if call["method"] == "POST"]
    assert posts == ["report_runs"]
    report = report_named(sandbox, "Reach by campaign and day")
    [(run, rows)] = landed(shop, report).items()
    assert rows == rows_of(sandbox, run)
    assert "clicks" in rows[0]


def test_a_kill_while_a_schedule_is_made(shop: Shop, sandbox: Sandbox) -> None:
    """There is one schedule, as at most one may be."""
    schedule = 'schedule = { recurrence_type = "daily", minute_of_day = 240 }'
    configure(shop, REACH.replace("[attribution.reports.definition]", f"{schedule}\n[attribution.reports.definition]"))
    assert shop.dying_load("attribution.sent", 2) == -9
    assert len(truth(sandbox)["report_schedules"]) == 1
    assert shop.load(now=NOW + timedelta(minutes=10)).code == 0
    assert len(truth(sandbox)["report_schedules"]) == 1


def test_a_kill_while_a_report_is_divided(tmp_path: Path, sandbox: Sandbox) -> None:
    """Parts are reports too: each is made once, and together their rows are the whole's."""
    sandbox.post("attribution/limits", {"rows": 20})
    steps = (
        ("attribution.sent", 3),
        ("attribution.report_kept", 2),
        ("attribution.divided", 1),
        ("attribution.downloaded", 1),
    )
    for number, (event, nth) in enumerate(steps):
        shop = Shop(tmp_path / str(number), sandbox.url)
        shop.folder.mkdir()
        configure(shop, REACH)
        sandbox.move_to(NOW)
        assert shop.dying_load(event, nth) == -9
        ended = shop.load(now=NOW + timedelta(minutes=10))
        assert ended.code == 0, ended.err
        assert len(names(sandbox)) == len(set(names(sandbox)))
        parts = landed(shop, report_named(sandbox, "Reach by campaign and day"))
        assert len(parts) > 1
        assert all(rows == rows_of(sandbox, run) for run, rows in parts.items())
