"""Owns what an hour of brand safety is to the pipeline: slice, folders, and its record as parts join it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from connectors.brand_safety.hours import Placement
from pipeline.parts import in_words, is_whole, landed
from schemas.brand_safety import ASSUMED_ZONE, IMPRESSIONS
from schemas.periods import State
from schemas.work import ONE_HOUR, SliceFile, SliceId, SliceRecord

DEFINITION = "hourly files"


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of one business and placement, in local wall time of the assumed zone."""

    business_id: str
    placement: Placement
    start: datetime

    @property
    def id(self) -> SliceId:
        """Its slice."""
        return SliceId(IMPRESSIONS.name, scope_of(self.business_id, self.placement), self.start)

    @property
    def folders(self) -> tuple[tuple[str, str], ...]:
        """The folders of its files."""
        placement = tuple(self.placement.parameters.items())
        return (("business_id", self.business_id), *placement, ("date", f"{self.start:%Y-%m-%d}"))

    def record(self, run_id: str, state: State = State.PARTIAL) -> SliceRecord:
        """What is known of it before anything has been read."""
        return SliceRecord(self.id, self.start + ONE_HOUR, ASSUMED_ZONE, state, 0, None, None, run_id, DEFINITION)


def scope_of(business_id: str, placement: Placement) -> str:
    """The scope of a business's hours of one placement."""
    return f"{business_id}/{placement}"


def joined(
    fresh: SliceRecord,
    known: SliceRecord | None,
    files: Sequence[SliceFile],
    asked: datetime,
    now: datetime,
) -> SliceRecord:
    """What an hour is with all these files: when the first of them was asked for, and whether all parts are there."""
    facts = [file for file in files if file.table == IMPRESSIONS.name]
    there = landed(file.path for file in facts)
    whole = is_whole(there)
    earlier = known.as_of if known is not None and known.state is not State.EMPTY else None
    return replace(
        fresh,
        state=State.LANDED if whole else State.PARTIAL,
        rows=sum(file.rows for file in facts),
        as_of=min(asked, earlier) if earlier else asked,
        fetched_at=now,
        reason="" if whole else in_words(there),
    )


def by_hour(records: Mapping[SliceId, SliceRecord]) -> dict[datetime, SliceRecord]:
    """The records of a scope by their hour."""
    return {slice_id.start: record for slice_id, record in records.items() if slice_id.start is not None}
