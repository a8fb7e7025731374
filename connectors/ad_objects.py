"""Owns how the objects of an ad account are listed: accounts, campaigns, ad sets, ads, creatives.

Live objects every time; archived and deleted ones when they changed since `gone_since`, or all of them when that is
None. The list edges hide archived and deleted objects unless a filter names them (graph-api.md 7.2).
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from connectors.base import Answer, Receiver
from connectors.errors import Fault, Invalid, PermissionRefused, RestartListing
from connectors.graph.calls import Call, Param
from connectors.graph.client import Graph
from connectors.graph.pages import PageSize
from connectors.http.clock import Clock
from connectors.pace.quotas import drawn_by_objects
from schemas.ad_objects import ObjectTable
from schemas.events import Say

MOST_RESTARTS = 3
NO_PERMISSION_FOR_FIELD = 200


@dataclass(frozen=True, slots=True)
class Listing:
    """One table of one account's objects. `gone_since`: None for all archived and deleted ones."""

    table: ObjectTable
    account: str
    gone_since: datetime | None = None

    @property
    def place(self) -> str:
        """What messages call it."""
        return f"{self.table.table.name} {self.account}"


class AdObjects:
    """Lists objects; remembers the fields that an account refuses and the page sizes that its edges bear."""

    def __init__(self, graph: Graph, clock: Clock, say: Say) -> None:
        self._graph = graph
        self._clock = clock
        self._say = say
        self._refused: dict[str, frozenset[str]] = defaultdict(frozenset)
        self._sizes: dict[tuple[str, str], PageSize] = {}

    async def fetch(self, listing: Listing, receiver: Receiver) -> Answer:
        """Every page of a listing, into the receiver.

        Raises:
            Fault: The objects cannot be listed.
        """
        for attempt in range(MOST_RESTARTS):
            as_of = self._clock.now()
            receiver.begin()
            try:
                await self._all(listing, receiver)
            except RestartListing:
                if attempt == MOST_RESTARTS - 1:
                    raise
            else:
                return Answer(as_of)
        raise AssertionError("the last attempt returns or raises")

    async def by_id(self, listing: Listing, ids: Sequence[str], receiver: Receiver) -> dict[str, Fault]:
        """Objects that no listing shows, each by its id, fifty to a request; the ids that gave nothing, with why."""
        fields = listing.table.fields_without(self._refused[listing.account])
        quotas = drawn_by_objects(listing.account)
        calls = [Call("object", "GET", name, {"fields": fields}, listing.account, quotas, ("id",)) for name in ids]
        refused: dict[str, Fault] = {}
        receiver.begin()
        for name, answer in zip(ids, await self._graph.batch(calls, patient=True), strict=True):
            if isinstance(answer, Fault):
                refused[name] = answer
            else:
                await receiver.take(b"[" + answer.body + b"]")
        return refused

    async def _all(self, listing: Listing, receiver: Receiver) -> None:
        if not listing.table.edge:
            await self._account(listing, receiver)
            return
        await self._list(listing, receiver, {})
        if listing.table.gone_statuses:
            await self._gone(listing, receiver)

    async def _account(self, listing: Listing, receiver: Receiver) -> None:
        reply = await self._with_rights(listing, lambda fields: _node(listing, fields))
        await receiver.take(b"[" + reply + b"]")

    async def _gone(self, listing: Listing, receiver: Receiver) -> None:
        """Archived and deleted ones; where the edge refuses DELETED in a filter, the archived ones (conflict 6)."""
        try:
            await self._list(listing, receiver, _gone_filter(listing, listing.table.gone_statuses))
        except Invalid as fault:
            self._say("objects.deleted_refused", listing=listing.place, because=fault.message)
            await self._list(listing, receiver, _gone_filter(listing, ("ARCHIVED",)))

    async def _list(self, listing: Listing, receiver: Receiver, filters: dict[str, Param]) -> None:
        key = (listing.account, listing.table.table.name)
        size = self._sizes.setdefault(key, PageSize(listing.table.page_size))
        fields = listing.table.fields_without(self._refused[listing.account])
        page = 0
        try:
            async for reply in self._graph.pages(_edge(listing, fields).with_params(**filters), size):
                self._say("objects.page", listing=listing.place, page=page)
                await receiver.take(reply.body)
                page += 1
        except PermissionRefused as fault:
            if page or not self._drop_fields(listing, fault):
                raise
            await self._list(listing, receiver, filters)

    async def _with_rights(self, listing: Listing, call: Callable[[str], Call]) -> bytes:
        while True:
            fields = listing.table.fields_without(self._refused[listing.account])
            try:
                return (await self._graph.call(call(fields))).body
            except PermissionRefused as fault:
                if not self._drop_fields(listing, fault):
                    raise

    def _drop_fields(self, listing: Listing, fault: PermissionRefused) -> bool:
        """A field that needs a further right fails the whole call: such fields are dropped, once (graph-api.md 7.1)."""
        needy = listing.table.needs_rights - self._refused[listing.account]
        if fault.code != NO_PERMISSION_FOR_FIELD or not needy:
            return False
        self._refused[listing.account] |= needy
        self._say("objects.fields_dropped", listing=listing.place, fields=sorted(needy), because=fault.message)
        return True


def _node(listing: Listing, fields: str) -> Call:
    quotas = drawn_by_objects(listing.account)
    return Call("object", "GET", f"act_{listing.account}", {"fields": fields}, listing.account, quotas, ("id",))


def _edge(listing: Listing, fields: str) -> Call:
    path = f"act_{listing.account}/{listing.table.edge}"
    return Call("list", "GET", path, {"fields": fields}, listing.account, drawn_by_objects(listing.account))


def _gone_filter(listing: Listing, statuses: tuple[str, ...]) -> dict[str, Param]:
    return {"filtering": list(_filters(listing, statuses))}


def _filters(listing: Listing, statuses: tuple[str, ...]) -> Iterator[dict[str, object]]:
    level = listing.table.filter_level
    yield {"field": f"{level}.effective_status", "operator": "IN", "value": list(statuses)}
    if listing.gone_since is not None:
        since = int(listing.gone_since.timestamp())
        yield {"field": f"{level}.updated_time", "operator": "GREATER_THAN", "value": since}
