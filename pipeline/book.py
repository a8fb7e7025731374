"""Owns what the run remembers for the connectors while it lasts: report runs alive, quota deadlines."""

import asyncio
from collections.abc import Iterable
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from connectors.ads_insights.questions import Question, Run
from connectors.http.clock import Clock
from connectors.pace.quotas import Quota
from pipeline.ledger import Ledger
from schemas.periods import State
from schemas.work import SliceId, SliceRecord


@dataclass(frozen=True, slots=True)
class LedgerBook:
    """A `RunBook` over the ledger; commits in the pool, so that the event loop never waits for a disk."""

    ledger: Ledger
    pool: Executor
    clock: Clock
    run_id: str

    async def submitted(self, run: Run, question: Question) -> None:
        """A run was accepted; returns when that is committed."""
        record = SliceRecord(
            id=SliceId.of_day(question.report.name, question.account, question.period.start),
            end=datetime.combine(question.period.end, time.min),
            time_zone="",
            state=State.LANDED,
            rows=0,
            as_of=None,
            fetched_at=None,
            run_id=self.run_id,
            definition=question.definition,
        )
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self.pool, self.ledger.submitted, run.id, record, run.submitted_at)

    async def ended(self, run: Run, state: str, reason: str = "") -> None:
        """A run is no longer waited for."""
        now = self.clock.now()
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self.pool, self.ledger.report_run_ended, run.id, state, now, reason)


LONGEST_BLOCK = timedelta(days=2)
"""No quota stays closed for longer: a deadline further ahead was set under a clock that has been set back since."""


def read_deadlines(kept: Iterable[tuple[str, datetime]], now: datetime) -> list[tuple[Quota, datetime]]:
    """Deadlines as the ledger keeps them, back as the governor knows them."""
    return [(_quota(name), until) for name, until in kept if until - now <= LONGEST_BLOCK]


def _quota(name: str) -> Quota:
    owner, _, kind = name.partition("/")
    return Quota("app", None, kind) if owner == "app" else Quota("account", owner, kind)
