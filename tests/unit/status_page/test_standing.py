"""What the counts of a ledger say: what is missing, and one sentence."""

from datetime import date

import pytest

from pipeline.status_page.marks import Mark
from pipeline.status_page.overview import searched, square_of
from pipeline.status_page.standing import Marks, Scope, day_cells, headline, scopes_of

AS_OF = "2026-11-26T03:31:00.000000Z"


def row(scope: str, state: str, slices: int, asked_at: str = AS_OF) -> dict[str, object]:
    return {
        "table_name": "t",
        "scope": scope,
        "state": state,
        "slices": slices,
        "rows": 10 * slices,
        "asked_at": asked_at,
    }


def test_days_that_were_never_asked_for_are_counted() -> None:
    """What a daily table should have and the ledger does not know was never asked for; a surplus is no debt."""
    rows = [row("1", "landed", 7), row("1", "empty", 1), row("1", "failed", 1, ""), row("2", "landed", 12)]
    one, two = scopes_of(rows, lambda _table, _scope: 10)
    assert one.marks == {Mark.LANDED: 8, Mark.FAILED: 1, Mark.NEVER: 1}
    assert two.marks == {Mark.LANDED: 12}
    assert (one.rows, one.owner) == (90, "1")
    assert one.asked_at is not None
    assert one.asked_at.hour == 3


@pytest.mark.parametrize(
    ("marks", "word", "sentence"),
    [
        ({}, "Empty", "Nothing was loaded yet: run `insights load`."),
        ({Mark.NEVER: 3}, "Empty", "Nothing was loaded yet: run `insights load`."),
        ({Mark.LANDED: 1}, "Complete", "Everything that was wanted has landed: 1 slice."),
        ({Mark.LANDED: 9, Mark.UNKNOWN: 1}, "Complete", "Everything that was wanted has landed: 10 slices."),
        ({Mark.LANDED: 996, Mark.FAILED: 3, Mark.NEVER: 1}, "Incomplete", "Of 1,000 slices: 3 failed, 1 never asked."),
    ],
)
def test_one_sentence_answers(marks: dict[Mark, int], word: str, sentence: str) -> None:
    """Complete, incomplete by what, or nothing at all."""
    assert headline(marks) == (word, sentence)


def test_a_day_over_all_scopes_shows_its_worst() -> None:
    """Counted per table: another table's slices do not stand in for those that are missing."""
    first, second = date(2026, 11, 24), date(2026, 11, 25)
    rows = [
        {"table_name": "t", "day": "2026-11-24", "state": "landed", "slices": 3},
        {"table_name": "u", "day": "2026-11-24", "state": "landed", "slices": 9},
        {"table_name": "t", "day": "2026-11-25", "state": "landed", "slices": 2},
        {"table_name": "u", "day": "2026-11-25", "state": "landed", "slices": 9},
    ]
    cells = day_cells(rows, {"t": 3}, (first, date(2026, 11, 27)))
    assert {at: cell.mark for at, cell in cells.items()} == {
        first: Mark.LANDED,
        second: Mark.NEVER,
        date(2026, 11, 26): Mark.NEVER,
    }
    assert cells[second].label == "Wed 25 Nov 2026: 11 landed, 1 never asked"
    assert cells[second].href == "day?day=2026-11-25"


def test_a_square_tells_a_reader_what_it_shows() -> None:
    """Table, account, counts, the last day, and whether it was asked today."""
    scopes = [
        Scope("t", "9/a", Marks({Mark.LANDED: 3}), 30, None),
        Scope("t", "9/b", Marks({Mark.LANDED: 2}), 20, None),
    ]
    square = square_of(scopes, "Nine", date(2026, 11, 25), behind=True)
    assert (square.mark, square.href) == (Mark.DUE, "account?id=9#t")
    assert square.label == "t of Nine: 5 landed, to Wed 25 Nov 2026, not asked yet today"


def test_accounts_are_found_by_name_or_id() -> None:
    """Whatever the case, with or without act_."""
    owners = {"111": "Straße One", "222": "Two", "3": "act_ors"}
    assert searched(owners, "") == [("3", "act_ors"), ("111", "Straße One"), ("222", "Two")]
    assert searched(owners, " act_22 ") == [("222", "Two")]
    assert searched(owners, "STRASSE") == [("111", "Straße One")]
    assert searched(owners, "nobody") == []
