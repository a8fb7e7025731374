"""Owns which content is still to be looked up: ids beside ads that have no row, and refused ones whose time has come.

Read are the impressions that landed since the last look, the hours longest past first, and the attachments of posts
that are known. An id that Meta refuses is tried again after a week, then after two, four and so on.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType

import pyarrow as pa

from pipeline import engine
from pipeline.ledger import Ledger
from pipeline.ledger_file import Row
from schemas.work import SliceFile, SliceId

FILES = "brand_safety_impressions"
REPORTS = "brand_safety_ad_set_impressions"
MOST_IN_A_LOAD = 20_000
"""Look-ups of one table and owner in a load, 400 batches; what is left over comes first at the next load."""
FIRST_AGAIN = timedelta(days=7)
MOST_DOUBLINGS = 4
"""An id that is refused for ever is tried every sixteen weeks."""
NOTE = "content"

_KEYS = ("{0}owner_id || '_' || {0}id", "{0}root_owner_id || '_' || {0}root_id")
_OWN_IDS = ("{0}id", "{0}root_id")
_OWNERS = ("{0}owner_id", "{0}root_owner_id")
_ATTACHED = """
SELECT item ->> '$.target.id' AS id, seen
FROM (
  SELECT seen, unnest((found -> '$.data[*]') || (found -> '$.data[*].subattachments.data[*]')) AS item
  FROM (SELECT attachments::JSON AS found, fetched_at::TIMESTAMP AS seen
        FROM read_parquet(?, union_by_name = true, hive_partitioning = false))
)
WHERE contains(item ->> '$.type', '{kind}')
"""
"""The targets of what posts have attached, also inside albums (graph-api.md 4.6)."""


@dataclass(frozen=True, slots=True)
class Unit:
    """Where the ids of one table stand: by placement, as expressions over a content's columns; `attached` to posts.

    `instagram` ids have names of their own in ad-set reports.
    """

    placements: frozenset[tuple[str, str]]
    ids: tuple[str, ...]
    instagram: bool = False
    attached: str = ""


_FEED, _REELS = ("facebook", "feed"), ("facebook", "reels")
_INSTAGRAM = frozenset({("instagram", "feed"), ("instagram", "reels")})
UNITS: Mapping[str, Unit] = MappingProxyType(
    {
        "content_posts": Unit(frozenset({_FEED}), _KEYS),
        "content_videos": Unit(frozenset({_REELS}), _OWN_IDS, attached="video"),
        "content_photos": Unit(frozenset(), (), attached="photo"),
        "content_ig_media": Unit(_INSTAGRAM, _OWN_IDS, instagram=True),
        "content_pages": Unit(frozenset({_FEED, _REELS}), _OWNERS),
    }
)
"""Reels are videos themselves, and content of Threads cannot be looked up (graph-api.md 4.6)."""


@dataclass(frozen=True, slots=True)
class Landed:
    """Files of impressions of one table and placement."""

    table: str
    placement: tuple[str, str]
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Ids of one table to look up, in this order, and whether there are more than a load takes."""

    ids: tuple[str, ...]
    more: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """What is settled of one table: files that hold its rows, and ids that Meta refused with when they come again."""

    paths: tuple[str, ...]
    refused: Mapping[str, datetime] = field(default_factory=dict)


def landed_since(table: str, owner: str, ledger: Ledger, lake: Path) -> list[Landed]:
    """The impressions of an owner that landed since its last look; all of them for a table that has nothing yet."""
    looked = int(ledger.note(note_of(owner)) or 0) if ledger.slice(SliceId(table, owner, None)) else 0
    found: dict[tuple[str, tuple[str, str]], list[str]] = {}
    for slice_id, place, files in ledger.landed_after(looked):
        if slice_id.table in {FILES, REPORTS} and slice_id.scope.partition("/")[0] == owner:
            folders = dict(place.folders)
            placement = (folders["platform"], folders["position"])
            if placement in UNITS[table].placements:
                paths = found.setdefault((slice_id.table, placement), [])
                paths += [str(lake / file.path) for file in files if _holds_rows(file)]
    return [Landed(table, placement, tuple(paths)) for (table, placement), paths in found.items() if paths]


def _holds_rows(file: SliceFile) -> bool:
    return file.table in {FILES, REPORTS} and file.rows > 0


def note_of(owner: str) -> str:
    """Under which name the ledger keeps up to which landing an owner's impressions were looked at."""
    return f"{NOTE}.{owner}"


def come_again(row: Row) -> datetime:
    """When a refused id is tried again: ever more rarely."""
    doublings = min(int(row["tries"]) - 1, MOST_DOUBLINGS)
    return datetime.fromisoformat(row["last_tried_at"]) + FIRST_AGAIN * (1 << doublings)


def known_of(table: str, ledger: Ledger, lake: Path) -> Known:
    """What is settled of a table, whoever saw it first."""
    paths = [str(lake / file.path) for file in ledger.files_of_table(table) if file.table == table and file.rows]
    refused = {row["id"]: come_again(row) for row in ledger.missing() if row["kind"] == table}
    return Known(tuple(paths), refused)


def due_again(table: str, owner: str, ledger: Ledger, now: datetime) -> tuple[str, ...]:
    """The refused ids of an owner whose time has come, longest refused first."""
    rows = [row for row in ledger.missing() if row["kind"] == table and row["account_id"] == owner]
    return tuple(row["id"] for row in sorted(rows, key=lambda row: row["last_tried_at"]) if come_again(row) <= now)


def wanted(
    table: str,
    landed: Iterable[Landed],
    posts: Sequence[str],
    known: Known,
    again: Sequence[str] = (),
    most: int = MOST_IN_A_LOAD,
) -> Wanted:
    """What is to be looked up of a table: ids never asked, those seen longest ago first, then those tried again.

    `posts` are the files of `content_posts` whose attachments count; no more than `most` are wanted at once.
    """
    sources = list(_sources(UNITS[table], landed, posts))
    if not sources:
        return _cut([*again], most)
    statement = (
        f"SELECT id FROM ({' UNION ALL '.join(text for text, _ in sources)}) WHERE id IS NOT NULL "  # noqa: S608 - declared names
        "AND id NOT IN (SELECT id FROM settled) GROUP BY id ORDER BY min(seen), id LIMIT ?"
    )
    settled = pa.table({"id": pa.array(sorted(_settled(known)), pa.string())})
    values = [*(list(paths) for _, paths in sources), most + 1]
    found = engine.ask(statement, values, settled=settled)
    return _cut([*(str(row[0]) for row in found), *again], most)


def _cut(ids: Sequence[str], most: int) -> Wanted:
    return Wanted(tuple(ids[:most]), len(ids) > most)


def _settled(known: Known) -> set[str]:
    rows = engine.ask("SELECT id FROM read_parquet(?)", [list(known.paths)]) if known.paths else []
    return {str(row[0]) for row in rows} | known.refused.keys()


def _sources(unit: Unit, landed: Iterable[Landed], posts: Sequence[str]) -> Iterator[tuple[str, Sequence[str]]]:
    """Statements that give ids with when they were seen, each over one list of files."""
    for files in landed:
        if files.placement in unit.placements:
            ids = ", ".join(id_text for prefix in _prefixes(files.table, unit) for id_text in _filled(unit, prefix))
            read = "read_parquet(?, union_by_name = true, hive_partitioning = false)"
            yield f"SELECT unnest([{ids}]) AS id, hour AS seen FROM {read}", files.paths  # noqa: S608 - declared names
    if unit.attached and posts:
        yield _ATTACHED.format(kind=unit.attached), posts


def _filled(unit: Unit, prefix: str) -> Iterator[str]:
    """The expressions of a unit; Instagram's ids in ad-set reports come without roots."""
    texts = unit.ids[:1] if prefix == "ig_content_" else unit.ids
    return (text.format(prefix) for text in texts)


def _prefixes(table: str, unit: Unit) -> tuple[str, ...]:
    if table == FILES:
        return ("above_content_", "below_content_")
    return ("ig_content_",) if unit.instagram else ("content_",)
