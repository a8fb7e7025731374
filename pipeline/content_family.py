"""Owns the step of brand safety that looks up content: what is due of it, asked after the impressions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from connectors.brand_safety.content import Content
from pipeline import content_gaps, content_work
from pipeline.brand_safety_availability import NAME
from pipeline.catalogue import Owned
from pipeline.content_work import ContentWork
from pipeline.due import Due
from pipeline.ledger import Ledger
from pipeline.line import Line
from pipeline.workshop import Workshop
from schemas.content import CONTENT_TABLES
from schemas.periods import State
from schemas.work import SliceId

BATCH = 50


@dataclass(frozen=True, slots=True)
class ContentStep:
    """The owners whose impressions name content, narrowed to what a command is about (`pipeline/family.py`)."""

    chosen: tuple[str, ...]
    tables: tuple[str, ...]
    owners: tuple[str, ...]
    name: str = NAME

    @property
    def owned(self) -> Sequence[Owned]:
        """The five tables of content."""
        return content_work.owned()

    def due(self, ledger: Ledger, now: datetime) -> Sequence[Due]:
        """What earlier loads left; what impressions yet to be loaded will name is known to nobody."""
        return [due for owner in self.chosen for name in self.tables for due in _left(name, owner, ledger, now)]

    async def load(self, shop: Workshop, line: Line) -> None:
        """Looks up what the impressions of each owner name, one owner after the other: each id is asked once."""
        work = ContentWork(shop, Content(line.graph()), self.tables)
        for owner in self.chosen:
            await work.close(owner)


def _left(name: str, owner: str, ledger: Ledger, now: datetime) -> Sequence[Due]:
    known, again = ledger.slice(SliceId(name, owner, None)), content_gaps.due_again(name, owner, ledger, now)
    left = ("left by the last load",) if known is not None and known.state in {State.PARTIAL, State.FAILED} else ()
    why = (*left, *(("refused ids are tried again",) if again else ()))
    return [Due(name, owner, 1, why, 1 + len(again) // BATCH)] if why else []


def named(tables: Sequence[str]) -> tuple[str, ...]:
    """The tables of content that a command names; all, if it names none."""
    return tuple(name for name in CONTENT_TABLES if not tables or name in tables)
