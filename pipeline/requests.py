"""Owns what others ask of the process that holds the store: a backfill, carried out in pieces, newest first. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Self

from pipeline.beside import seconds_left
from pipeline.ledger_file import Row
from pipeline.orders import Choice
from pipeline.summary import Summary
from schemas.periods import ONE_DAY

PIECE_DAYS = 30
"""Days of one piece: as many as one report run asks for to begin with."""
OUTCOMES = {0: "complete", 1: "incomplete", 3: "token refused"}
EXIT_CODES = {"complete": 0, "incomplete": 1, "refused": 2, "token refused": 3}
"""How a command ends that follows a request to its end."""


@dataclass(frozen=True, slots=True)
class Doing:
    """How far a request is: the last day of its next piece, what the finished ones gave, and how much of this one.

    `because`: why it was refused. `since` is when its first piece began.
    """

    until: date | None = None
    since: datetime | None = None
    piece_done: float = 0.0
    landed: int = 0
    failed: int = 0
    exit_code: int = 0
    because: str = ""

    def as_data(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "until": self.until.isoformat() if self.until else None,
            "since": self.since.isoformat() if self.since else None,
            **{name: getattr(self, name) for name in ("piece_done", "landed", "failed", "exit_code", "because")},
        }

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        """What `as_data` wrote; of nothing, the beginning."""
        until, since = data.get("until"), data.get("since")
        more = {name: value for name, value in data.items() if name not in {"until", "since"}}
        return cls(
            date.fromisoformat(until) if until else None, datetime.fromisoformat(since) if since else None, **more
        )


@dataclass(frozen=True, slots=True)
class Request:
    """A past range that somebody wants; `choice` names both its days."""

    number: int
    choice: Choice
    force: bool
    outcome: str
    doing: Doing

    @property
    def is_over(self) -> bool:
        """Whether it is carried out, or never will be."""
        return self.outcome in EXIT_CODES

    def piece(self) -> Choice | None:
        """What is next: the newest days that are left; None when nothing is."""
        since, until = self._since, self.doing.until or self._until
        if until < since:
            return None
        return replace(self.choice, since=max(since, until - timedelta(days=PIECE_DAYS - 1)), until=until)

    def after(self, piece: Choice, summary: Summary) -> Doing:
        """How far it is when a piece has ended."""
        counts, doing = summary.totals.slices, self.doing
        return replace(
            doing,
            until=(piece.since or self._since) - ONE_DAY,
            piece_done=0.0,
            landed=doing.landed + counts["landed"] + counts["empty"],
            failed=doing.failed + counts["failed"],
            exit_code=max(doing.exit_code, summary.exit_code),
        )

    @property
    def share(self) -> float:
        """How much of it is done, from 0 to 1, by its days."""
        piece = self.piece()
        if piece is None or piece.since is None or piece.until is None:
            return 1.0
        done = (self._until - piece.until).days + ((piece.until - piece.since).days + 1) * self.doing.piece_done
        return done / ((self._until - self._since).days + 1)

    def seconds_left(self, now: datetime) -> int | None:
        """About how long the rest will take, by how long it took so far; None while nothing tells."""
        if self.doing.since is None:
            return None
        elapsed = max(0.0, (now - self.doing.since).total_seconds())
        return seconds_left(round(self.share * 1000), 1000, elapsed)

    @property
    def _since(self) -> date:
        if self.choice.since is None:
            raise ValueError("a request names its first day")
        return self.choice.since

    @property
    def _until(self) -> date:
        if self.choice.until is None:
            raise ValueError("a request names its last day")
        return self.choice.until


def choice_data(choice: Choice, *, force: bool) -> dict[str, Any]:
    """What is asked, as the ledger keeps it; the same for the same range and things."""
    return {
        "tables": sorted(choice.tables),
        "accounts": sorted(choice.account_ids),
        "since": str(choice.since),
        "until": str(choice.until),
        "force": force,
    }


def read_request(row: Row) -> Request:
    """A request as the ledger keeps it."""
    asked = row["choice"]
    days = date.fromisoformat(asked["since"]), date.fromisoformat(asked["until"])
    choice = Choice(tuple(asked["tables"]), tuple(asked["accounts"]), *days)
    return Request(row["id"], choice, asked["force"], row["outcome"], Doing.read(row["doing"]))
