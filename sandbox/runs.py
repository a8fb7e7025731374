"""Owns report runs: their life in sandbox seconds, what a poll shows, and when rows may be read (graph-api.md 2.5)."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sandbox.digest import draw
from sandbox.query import Query

_EXPIRES = timedelta(days=30)
_NOT_STARTED, _STARTED, _FULL = 0.08, 0.16, 0.88
"""Shares of a run's life at which it starts, runs, and shows 100 percent while still running."""

_ERRORS_SINCE = 25
"""The profile from which failed runs carry error fields (0.3)."""

COMPLETED, FAILED, SKIPPED, RUNNING = "Job Completed", "Job Failed", "Job Skipped", "Job Running"


@dataclass(frozen=True, slots=True)
class Fate:
    """How a run ends other than well: a final status with its error, or a percent at which it stays for ever."""

    status: str
    percent: int
    error: dict[str, Any] = field(default_factory=dict)
    at_once: bool = False


@dataclass(slots=True)
class Run:
    """One report run; `rows` is known once its rows have been worked out."""

    id: str
    account_id: str
    query: Query
    as_of: date
    submitted: datetime
    seconds: float
    rows: int | None = None
    fate: Fate | None = None
    life: float = 0.0
    """The share of its life that is over; time moved back does not undo it."""
    looked_at: datetime | None = None
    highest: int = 0
    """The highest percent ever shown."""

    def state(self, now: datetime) -> tuple[str, int]:
        """Return status and percent at a moment; the percent never falls (2.5, legal moves)."""
        status, percent = self._unfolding(now)
        self.highest = max(self.highest, percent)
        return status, self.highest

    def _unfolding(self, now: datetime) -> tuple[str, int]:
        life = self._life(now)
        status, percent = _stage(life)
        fate = self.fate
        if fate is None:
            return status, percent
        percent = min(percent, fate.percent)
        stuck = fate.status == RUNNING and percent >= fate.percent
        return (fate.status, fate.percent) if fate.at_once or stuck or life >= 1 else (status, percent)

    def _life(self, now: datetime) -> float:
        """Return the share of the run's life that is over; a run whose rows are not known yet waits half-way.

        It is added up from look to look, because the time in which rows were worked out must not be made up
        afterwards: on a slow machine the run would leap over the stages that a client has to see.
        """
        share = (now - (self.looked_at or self.submitted)).total_seconds() / max(self.total_seconds, 1e-9)
        self.looked_at = now
        most = 1.0 if self.rows is not None else (_STARTED + _FULL) / 2
        self.life = max(self.life, min(self.life + max(share, 0.0), most))
        return self.life

    @property
    def total_seconds(self) -> float:
        """Return how long the run takes: its base plus a second for every 5,000 rows."""
        return self.seconds + (self.rows or 0) / 5000

    def completed(self, now: datetime) -> bool:
        """Tell whether rows may be read."""
        return self.state(now) == (COMPLETED, 100)

    def expired(self, now: datetime) -> bool:
        """Tell whether Meta would have forgotten the run."""
        return now - self.submitted > _EXPIRES

    def shown(self, now: datetime, profile: int) -> dict[str, Any]:
        """Return every field of the run's node."""
        status, percent = self.state(now)
        final = status in {COMPLETED, FAILED, SKIPPED}
        found: dict[str, Any] = {
            "id": self.id,
            "account_id": self.account_id,
            "time_ref": int(self.submitted.timestamp()),
            "async_status": status,
            "async_percent_completion": percent,
            "is_running": not final,
            "date_start": str(self.query.spans[0].since),
            "date_stop": str(self.query.spans[-1].until),
            "is_async_export": 0,
        }
        if final:
            ended = min(self.submitted + timedelta(seconds=self.total_seconds), now)
            found["time_completed"] = int(ended.timestamp())
        if status == FAILED and self.fate and profile >= _ERRORS_SINCE:
            found |= self.fate.error
        return found


DEFAULT_FIELDS = (
    "id",
    "account_id",
    "time_ref",
    "time_completed",
    "async_status",
    "async_percent_completion",
    "error_code",
    "error_message",
    "error_subcode",
    "error_user_title",
    "error_user_msg",
)
READABLE = frozenset(
    {
        *DEFAULT_FIELDS,
        "is_running",
        "date_start",
        "date_stop",
        "async_report_url",
        "is_async_export",
        "friendly_name",
        "is_bookmarked",
        "schedule_id",
    }
)


def _stage(life: float) -> tuple[str, int]:
    if life < _NOT_STARTED:
        return "Job Not Started", 0
    if life < _STARTED:
        return "Job Started", 0
    if life < _FULL:
        return RUNNING, min(99, int(100 * (life - _STARTED) / (_FULL - _STARTED)))
    return (RUNNING, 100) if life < 1 else (COMPLETED, 100)


@dataclass(slots=True)
class Runs:
    """Every run of the server by id."""

    seed: int
    seconds: float
    known: dict[str, Run] = field(default_factory=dict)

    def submit(self, query: Query, account_id: str, as_of: date, now: datetime) -> Run:
        """Create a run; its rows are a snapshot as of now."""
        number = 6_044_775_548_468 + len(self.known) * 1_009 + draw(self.seed, len(self.known)) % 1_000
        run = Run(str(number), account_id, query, as_of, now, self.seconds)
        self.known[run.id] = run
        return run

    def report(self, now: datetime) -> list[dict[str, Any]]:
        """Return every run as the control call shows it."""
        return [
            run.shown(now, _ERRORS_SINCE) | {"rows": run.rows, "level": run.query.level} for run in self.known.values()
        ]
