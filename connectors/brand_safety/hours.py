"""Owns what Graph is asked about hourly brand-safety files: which hours it has, and the files of one hour.

graph-api.md 4.2 to 4.4 [seed 002] [docs: FV]. The listing names signed addresses: they are shown to nobody.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from connectors.errors import Transport
from connectors.graph.calls import Call, Param
from connectors.graph.client import Graph
from connectors.graph.pages import Trail
from connectors.graph.replies import Reply
from connectors.pace.quotas import drawn_by_brand_safety

_NAME = re.compile(r"_(\d{1,6})_of_(\d{1,6})\.jsonl\.gz")


@dataclass(frozen=True, slots=True)
class Placement:
    """A platform and a position on it."""

    platform: str
    position: str

    @classmethod
    def of(cls, text: str) -> "Placement":
        """The placement that the configuration writes as `facebook/feed`."""
        platform, _, position = text.partition("/")
        return cls(platform, position)

    def __str__(self) -> str:
        return f"{self.platform}/{self.position}"

    @property
    def parameters(self) -> dict[str, str]:
        """How calls name it."""
        return {"platform": self.platform, "position": self.position}


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file of an hour. `of` is how many there are, if its name says so; then `index` is the name's own."""

    name: str
    index: int
    of: int | None
    url: str = field(repr=False)


async def ranges(graph: Graph, placement: Placement, *, is_download: bool = True) -> dict[str, Any]:
    """Which hours Meta has of a placement, as sent: `earliest_datetime`, `latest_datetime`, `missing_datetimes`.

    `is_download`: of the files, otherwise of ad-set reports.

    Raises:
        Fault: They cannot be read.
    """
    fields = "earliest_datetime,latest_datetime,missing_datetimes"
    params: dict[str, Param] = {**placement.parameters, "is_download": is_download, "fields": fields}
    path = "adjacent_content_delivery_report_date_ranges"
    call = Call("list", "GET", path, params, quotas=drawn_by_brand_safety())
    rows = (await graph.call(call)).rows()
    if len(rows) != 1 or not isinstance(rows[0], dict):
        raise Transport(f"one element was promised, {len(rows)} came", place=call.place)
    return rows[0]


async def files(graph: Graph, business_id: str, placement: Placement, hour: datetime) -> list[ListedFile]:
    """The files of an hour that are listed now: none, some or all; `hour` is local wall time.

    Raises:
        Fault: They cannot be listed.
    """
    path = f"adjacent_content_delivery_reports/{business_id}/file_download"
    params = {**placement.parameters, "datetime": f"{hour:%Y-%m-%dT%H:00}"}
    call = Call("list", "GET", path, params, quotas=drawn_by_brand_safety())
    trail, onward = Trail(call.place), dict[str, str]()
    found: list[ListedFile] = []
    while True:
        reply = await graph.call(call.with_params(**onward))
        found += _listed(reply, call.place, len(found))
        if not reply.paging.has_next:
            return found
        onward = trail.follow(reply.paging)


def _listed(reply: Reply, place: str, before: int) -> Iterator[ListedFile]:
    rows = orjson.loads(reply.body)
    for position, row in enumerate(rows, before + 1):
        if not isinstance(row, dict) or not isinstance(row.get("download_url"), str):
            raise Transport("a file without an address", place=place)
        yield listed_file(row, position)


def listed_file(row: Mapping[str, Any], position: int) -> ListedFile:
    """A file by its name; if that does not tell, by its index, or else by where it stands in the list."""
    name = str(row.get("name") or f"file {position} of the list")
    told = _NAME.search(name)
    if told and name.endswith(told[0]) and 1 <= int(told[1]) <= int(told[2]):
        return ListedFile(name, int(told[1]), int(told[2]), row["download_url"])
    index = str(row.get("index", ""))
    return ListedFile(name, int(index) if index.isdecimal() and int(index) else position, None, row["download_url"])
