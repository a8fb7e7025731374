"""Owns what a run writes down of itself while it goes: how far it has come, and the quotas that it read."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Self

from connectors.graph.door import Tally
from pipeline.ledger import Ledger
from pipeline.line import Line
from schemas.work import Totals

SAVE_SECONDS = 15.0
"""How often it is written down, in seconds of the run's clock: a page that is looked at is no older."""


@dataclass(frozen=True, slots=True)
class RunMemory:
    """One run's memory of itself in the ledger."""

    ledger: Ledger
    run_id: str
    line: Line
    totals: Totals
    before: Tally
    waited: Mapping[str, float]

    @classmethod
    def of(cls, ledger: Ledger, run_id: str, line: Line, totals: Totals) -> Self:
        """From now on; what went through the line before this run is another's."""
        return cls(ledger, run_id, line, totals, line.tally.copy(), dict(line.gate.waits))

    @property
    def tally(self) -> Tally:
        """What this run has sent."""
        return self.line.tally.since(self.before)

    @property
    def waits(self) -> dict[str, float]:
        """Seconds that this run has waited for each quota."""
        longer = {quota: seconds - self.waited.get(quota, 0.0) for quota, seconds in self.line.gate.waits.items()}
        return {quota: seconds for quota, seconds in longer.items() if seconds > 0}

    @asynccontextmanager
    async def kept(self, planned: int) -> AsyncIterator[None]:
        """While this lasts the run's progress towards `planned` slices is written down, and once more at its end."""
        saving = asyncio.create_task(self._keep_saving(planned))
        try:
            yield
        finally:
            saving.cancel()
            with suppress(asyncio.CancelledError):
                await saving
            self._save(self.progress(planned))

    async def _keep_saving(self, planned: int) -> None:
        while True:
            await asyncio.to_thread(self._save, self.progress(planned))
            await self.line.clock.sleep(SAVE_SECONDS)

    def _save(self, progress: Mapping[str, Any]) -> None:
        self.ledger.save_progress(self.run_id, progress, self.line.readings.taken(), self.line.clock.now())

    def progress(self, planned: int) -> Mapping[str, Any]:
        """How far the run has come: slices, calls, and seconds waited for each quota."""
        counts = self.totals.slices
        return {
            "planned": planned,
            "done": counts["landed"] + counts["empty"] + counts["skipped"],
            "failed": counts["failed"],
            "calls": sum(self.tally.calls.values()),
            "waits": {quota: round(seconds, 3) for quota, seconds in self.waits.items()},
        }
