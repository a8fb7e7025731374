"""Owns app insights as a family: the entries of its section for each app, narrowed to what a command is about."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from connectors.app_insights import AppInsights
from connectors.errors import TokenRefused
from pipeline.app_insights_due import LOOKBACK_DAYS, due_slices
from pipeline.app_insights_reach import Reach
from pipeline.app_insights_work import AppInsightsWork, AppTask
from pipeline.catalogue import Owned
from pipeline.due import Due
from pipeline.due_slices import Wanted
from pipeline.ledger import Ledger
from pipeline.line import Line
from pipeline.orders import Choice
from pipeline.workshop import Workshop
from schemas.app_insights import APP_INSIGHTS, TABLE_NAME, ZONE, AppMetric
from schemas.periods import Period, today_in

ENTRIES = "entries"
"""The definition of the table: each of its entries has a scope of its own, so it has no grain that could change."""


@dataclass(frozen=True, slots=True)
class AppInsightsFamily:
    """`apps` and `entries` are all that are configured, `since` is the first day wanted."""

    apps: tuple[str, ...]
    entries: tuple[AppMetric, ...]
    since: date
    choice: Choice

    @property
    def name(self) -> str:
        """Its section."""
        return TABLE_NAME

    @property
    def owned(self) -> Sequence[Owned]:
        """Its one table."""
        return (Owned(TABLE_NAME, ENTRIES, ENTRIES, (APP_INSIGHTS,)),)

    @property
    def owners(self) -> Sequence[str]:
        """The apps."""
        return self.apps

    def due(self, ledger: Ledger, now: datetime) -> Sequence[Due]:
        """What is due of each entry and app."""
        reach = Reach(ledger, today_in(ZONE, now))
        return [_as_due(task, reach.days(task.scope)) for task in self._tasks(ledger, now)]

    async def load(self, shop: Workshop, line: Line) -> None:
        """Loads what is due, the apps side by side; a token that is refused is the whole family's fault."""
        ledger, now = shop.committer.store.ledger, shop.clock.now()
        own = line.own.get(self.name)
        asking = AppInsights(line.graph(own), shop.clock, shop.say)
        work = AppInsightsWork(shop, asking, Reach(ledger, today_in(ZONE, now)))
        by_app: dict[str, list[AppTask]] = {}
        for task in self._tasks(ledger, now):
            by_app.setdefault(task.app_id, []).append(task)
        async with asyncio.TaskGroup() as group:
            for tasks in by_app.values():
                group.create_task(work.of_app(tasks))
        if isinstance(work.refused, TokenRefused):
            shop.refusals.families[self.name] = work.refused

    def _tasks(self, ledger: Ledger, now: datetime) -> Iterator[AppTask]:
        choice = self.choice
        if choice.tables and TABLE_NAME not in choice.tables:
            return
        wanted = self._wanted(now)
        for app_id in (app for app in self.apps if not choice.accounts or app in choice.account_ids):
            for entry in self.entries:
                known = ledger.slices_of(TABLE_NAME, entry.scope(app_id))
                due = due_slices(app_id, entry, wanted, known, now)
                if due:
                    yield AppTask(app_id, entry, tuple(due))

    def _wanted(self, now: datetime) -> Wanted:
        choice, today = self.choice, today_in(ZONE, now)
        since, until = choice.since or self.since, min(choice.until or today, today)
        return Wanted(
            days=Period.inclusive(since, max(since, until)),
            since=self.since,
            lookback_days=LOOKBACK_DAYS,
            insist=choice.backfill or choice.only_failed,
            only_failed=choice.only_failed,
            backfill=choice.backfill,
            renew=choice.renew,
        )


def _as_due(task: AppTask, days: int) -> Due:
    why = tuple(sorted({found.why for found in task.slices}))
    calls = sum(1 for _ in task.groups(days))
    return Due(TABLE_NAME, task.scope, len(task.slices), why, calls, task.slices[0].id.start, task.slices[-1].id.start)
