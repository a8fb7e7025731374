"""Owns a run: every task of a plan, several at once. A failure belongs to its slices; siblings go on."""

import asyncio
from collections.abc import Coroutine, Iterable

from pipeline.insights_work import InsightsWork
from pipeline.objects_work import ObjectsWork
from pipeline.plan import Plan


async def carry_out(
    plan: Plan,
    insights: InsightsWork | None,
    objects: ObjectsWork | None,
    families: Iterable[Coroutine[None, None, None]] = (),
) -> None:
    """Carries out a plan; what happened stands in the committer's totals and in the refusals."""
    async with asyncio.TaskGroup() as group:
        if insights is not None:
            for task in plan.insights:
                group.create_task(insights.do(task))
        if objects is not None:
            for listing in plan.objects:
                group.create_task(objects.do(listing))
        for family in families:
            group.create_task(family)
