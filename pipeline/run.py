"""Owns a run: every task of a plan, several at once. A failure belongs to its slices; siblings go on."""

import asyncio
from collections.abc import Iterable

from pipeline.family import FamilyWork
from pipeline.insights_work import InsightsWork
from pipeline.objects_work import ObjectsWork
from pipeline.plan import Plan


async def carry_out(plan: Plan, insights: InsightsWork, objects: ObjectsWork, families: Iterable[FamilyWork]) -> None:
    """Carries out a plan; what happened stands in the committer's totals and in the refusals."""
    async with asyncio.TaskGroup() as group:
        for left in plan.left_out:
            group.create_task(insights.leave_out(left))
        for task in plan.insights:
            group.create_task(insights.in_time(task))
        for listing in plan.objects:
            group.create_task(objects.in_time(listing))
        for family in families:
            group.create_task(family.in_time())
