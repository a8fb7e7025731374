"""Owns how much room a store takes on disk, how fast that grows, and when the disk will be full. Reads only.

Growth is told by the newest days of data: what the files of the last four weeks take, by the day of their slices. The
day of landing would tell less: a backfill lands a year in one night, and most nights replace what is there already.
Warehouse and ledger grow as the lake does. A publication needs room for one more copy of the warehouse.
"""

import os
import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pipeline.ledger import Ledger
from pipeline.store import Places
from pipeline.warehouse import SPARE_BYTES

WINDOW = timedelta(days=28)
_UNITS = ("B", "kB", "MB", "GB", "TB")
_STEP = 1000


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes of a store, and how many days of data lie in the lake's newest files; `recent`: the bytes of those."""

    lake: int
    warehouse: int
    ledger: int
    recent: int
    recent_days: int

    @property
    def growth(self) -> Mapping[str, float]:
        """Bytes a day by which each part grows."""
        lake = self.recent / self.recent_days if self.recent_days else 0.0
        share = lake / self.lake if self.lake else 0.0
        return {"lake": lake, "warehouse": self.warehouse * share, "ledger": self.ledger * share}


@dataclass(frozen=True, slots=True)
class Disk:
    """One file system and what of the store lies on it."""

    free: int
    parts: tuple[str, ...]

    def days_left(self, sizes: Sizes) -> int | None:
        """Days until nothing more can be published or landed here; None if the store does not grow."""
        growth = sum(sizes.growth[part] for part in self.parts)
        reserve = 0.0
        if "warehouse" in self.parts:
            reserve = sizes.warehouse + SPARE_BYTES
            growth += sizes.growth["warehouse"]  # the copy that a publication needs grows too
        if not growth:
            return None
        return max(0, int((self.free - reserve) / growth))


def footprint(places: Places) -> dict[str, Any]:
    """The room that a store takes, as `insights status --json` prints it."""
    sizes = _measured(places)
    disks = _disks(places)
    left = [days for disk in disks if (days := disk.days_left(sizes)) is not None]
    growth = {name: round(value) for name, value in sizes.growth.items()}
    return {
        "lake_bytes": sizes.lake,
        "warehouse_bytes": sizes.warehouse,
        "ledger_bytes": sizes.ledger,
        "growth_bytes_per_day": {**growth, "from_days": sizes.recent_days},
        "free_bytes": min(disk.free for disk in disks),
        "days_until_full": min(left, default=None),
    }


def in_words(found: Mapping[str, Any]) -> str:
    """The same for a terminal, in one line."""
    parts = [f"{name} {_size(found[f'{name}_bytes'])}" for name in ("lake", "warehouse", "ledger")]
    growth = sum(found["growth_bytes_per_day"][name] for name in ("lake", "warehouse", "ledger"))
    days = found["days_until_full"]
    full = "" if days is None else f"; the disk is full in about {days:,} days"
    return (
        f"disk: {', '.join(parts)}; grows by about {_size(growth)} a day, {_size(found['free_bytes'])} are free{full}"
    )


def _size(count: float) -> str:
    for unit in _UNITS:
        if count < _STEP or unit == _UNITS[-1]:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= _STEP
    raise AssertionError("the last unit takes everything")


def _measured(places: Places) -> Sizes:
    recent, days = _recent(places)
    lake, newest = _lake_bytes(places.lake, recent)
    beside = places.ledger.parent.glob(f"{places.ledger.name}*")
    return Sizes(lake, _bytes(places.warehouse), sum(map(_bytes, beside)), newest, days)


def _recent(places: Places) -> tuple[set[str], int]:
    """The files of the newest days of data, and how many days they are of."""
    ledger = Ledger.read(places.ledger)
    if ledger is None:
        return set(), 0
    with ledger:
        days = ledger.days()
        if days is None:
            return set(), 0
        first, last = (_midnight(day) for day in days)
        since = max(first, last - WINDOW + timedelta(days=1))
        return ledger.files_since(since), (last - since).days + 1


def _midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0)


def _lake_bytes(lake: Path, chosen: Collection[str]) -> tuple[int, int]:
    """Bytes of everything in the lake, and of the chosen files."""
    total = newest = 0
    for folder, _, names in os.walk(lake):
        relative = os.path.relpath(folder, lake)
        for name in names:
            size = _bytes(Path(folder) / name)
            total += size
            newest += size if f"{relative}/{name}" in chosen else 0
    return total, newest


def _bytes(path: Path) -> int:
    """A file's bytes; one that a writer has just taken away has none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _disks(places: Places) -> list[Disk]:
    """The file systems on which the parts of the store lie, or will."""
    found: dict[int, tuple[Path, list[str]]] = {}
    for part, path in (("lake", places.lake), ("warehouse", places.warehouse.parent), ("ledger", places.state)):
        there = next(folder for folder in (path.absolute(), *path.absolute().parents) if folder.exists())
        found.setdefault(there.stat().st_dev, (there, []))[1].append(part)
    return [Disk(shutil.disk_usage(folder).free, tuple(parts)) for folder, parts in found.values()]
