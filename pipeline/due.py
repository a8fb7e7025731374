"""Owns what a plan says of a family's work: one entry for each table and scope in which something is due."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Due:
    """What is due of one table and scope; `since` and `until` are the first and the last slice, local wall time."""

    table: str
    scope: str
    slices: int
    why: tuple[str, ...]
    calls: int
    since: datetime | None = None
    until: datetime | None = None

    def as_data(self) -> Mapping[str, Any]:
        """The entry of `insights plan --json`."""
        days = {"since": self.since.isoformat(), "until": self.until.isoformat()} if self.since and self.until else {}
        return {
            "table": self.table,
            "scope": self.scope,
            **days,
            "slices": self.slices,
            "why": list(self.why),
            "calls": self.calls,
        }
