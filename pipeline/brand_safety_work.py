"""Owns one hour of brand safety from its listing to its landed parts: listed, fetched, handed on, told how it ended.

A part is what lands; the hour is `partial` until all that its files' names speak of have. A file that breaks, or whose
address expires, is listed and fetched again; a part that has landed is not.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace

from connectors.brand_safety import hours as listing
from connectors.brand_safety.download import download
from connectors.errors import Fault, GaveUp, OutOfRange, PermissionRefused, RestartListing, Transport
from connectors.graph.client import Graph
from connectors.http.client import HttpClient
from connectors.http.retry import GiveUp, Policy, decide
from pipeline.hour_ids import HourIds
from pipeline.hours import Hour
from pipeline.isolation import own_fault
from pipeline.normalise.hourly_lines import Broken
from pipeline.part_landing import Fetched, OpenHour, PartLanding
from pipeline.parts import NOTHING, Part, in_words, is_whole, landed, wanted
from pipeline.workshop import Workshop
from schemas.brand_safety import IMPRESSIONS
from schemas.periods import State
from schemas.work import SliceFile, SliceRecord

AT_ONCE = 4
"""Parts under way: two that are typed, two that are fetched meanwhile."""
POLICY = Policy(attempts=5)
CAPABILITY = (
    "brand-safety reports may not be read: ask Meta, through your representative, for the capability "
    "brand_safety_feed_verification for your app, and give its user access to the business"
)
VANISHED = "its files were listed before and are not now"


@dataclass(frozen=True, slots=True)
class HoursWork:
    """The hours of one run. `graph` lists files, `http` fetches them, without our token."""

    shop: Workshop
    graph: Graph
    http: HttpClient
    stall_seconds: float
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def do(self, hour: Hour) -> None:
        """Carries one hour out; its faults end in the committer's totals."""
        refused = self.shop.refusals.of(hour.business_id)
        if refused is not None:
            await self.fail(hour, [refused])
            return
        try:
            opened = await self._open(hour)
        except OutOfRange as fault:
            await self.shop.committer.fail([hour.record(self.shop.run_id)], fault, State.LOST)
        except (Fault, OSError) as fault:
            told = in_our_words(fault) if isinstance(fault, PermissionRefused) else fault
            self.shop.refusals.learn(hour.business_id, told)
            await self.fail(hour, [told])
        else:
            await self._carry_out(opened)

    async def _carry_out(self, opened: OpenHour) -> None:
        parts = list(opened.files)
        if not parts and not self._there(opened.hour):
            await self._nothing(opened)
            return
        async with asyncio.TaskGroup() as group:
            for part in parts:
                await self.slots.acquire()
                group.create_task(self._part(opened, part))
        if opened.faults:
            await self.fail(opened.hour, opened.faults)
        elif not is_whole(there := self._there(opened.hour)):
            self.shop.say("hour.partial", hour=str(opened.hour.id), because=in_words(there))

    # ---- the listing ----

    async def _open(self, hour: Hour) -> OpenHour:
        """The hour with the files that are listed and have not landed."""
        lake, ledger = self.shop.committer.store.lake, self.shop.committer.store.ledger
        files = [lake.root / file.path for file in ledger.files_of(hour.id) if file.table == IMPRESSIONS.name]
        opened = OpenHour(hour, HourIds([path for path in files if path.exists()]), self.shop.clock.now())
        await self._list(opened)
        return opened

    async def _list(self, opened: OpenHour) -> None:
        """Asks for the files anew: their addresses do not live long."""
        hour = opened.hour
        listed = await listing.files(self.graph, hour.business_id, hour.placement, hour.start)
        for file in (file for file in listed if file.of is None):
            self.shop.say("hour.odd_file_name", hour=str(hour.id), name=file.name, index=file.index)
        opened.files = dict(wanted(listed, self._there(hour)))
        self.shop.say("hour.listed", hour=str(hour.id), files=len(listed), wanted=len(opened.files))

    def _there(self, hour: Hour) -> frozenset[Part]:
        files = self.shop.committer.store.ledger.files_of(hour.id)
        return landed(file.path for file in files if file.table == IMPRESSIONS.name)

    # ---- one part ----

    async def _part(self, opened: OpenHour, part: Part) -> None:
        """Fetches, types and lands a part; its fault is the hour's."""
        try:
            await self._patiently(opened, part)
        except (Fault, OSError) as fault:
            opened.faults.append(fault)
        except Exception as error:  # noqa: BLE001 - see `isolation`; raised, it would call off parts that hold a slot
            opened.faults.append(own_fault(error, self.shop.say))
        finally:
            self.slots.release()

    async def _patiently(self, opened: OpenHour, part: Part) -> None:
        clock = self.shop.clock
        began, attempt = clock.monotonic(), 0
        while (trouble := await self._once(opened, part)) is not None:
            attempt += 1
            verdict = decide(POLICY, trouble, attempt, clock.monotonic() - began, jitter=0.5)
            if isinstance(verdict, GiveUp):
                raise GaveUp.after(trouble, verdict.reason)
            self.shop.say("part.again", hour=str(opened.hour.id), part=part.stem, because=trouble.message)
            await clock.sleep(0 if attempt == 1 else verdict.seconds)  # mostly a new address is all that it takes
            await self._list(opened)

    async def _once(self, opened: OpenHour, part: Part) -> Transport | None:
        """One attempt; what was wrong with the file or its address, if anything was."""
        try:
            await self._fetched_and_landed(opened, part)
        except RestartListing as fault:
            return Transport(fault.message, place=fault.place, status=fault.status)
        except Transport as fault:
            return fault
        return None

    async def _fetched_and_landed(self, opened: OpenHour, part: Part) -> None:
        file, lake = opened.files.get(part), self.shop.committer.store.lake
        if file is None:
            raise Transport("the file is no longer listed", place=f"GET {part.stem} of {opened.hour.id}")
        packed, scratch = (lake.root / lake.temporary(suffix) for suffix in (".jsonl.gz", ".jsonl"))
        try:
            size = await download(self.http, file.url, file.name, packed, self.stall_seconds)
            self.shop.say("part.fetched", file=file.name, bytes=size)
            counted = await PartLanding(self.shop).land(opened, Fetched(part, file.name, packed, scratch))
        except Broken as broken:
            raise Transport(str(broken), place=f"GET {file.name}") from broken
        finally:
            packed.unlink(missing_ok=True)
        self.shop.say("part.landed", file=file.name, **asdict(counted))

    # ---- hours without parts ----

    async def _nothing(self, opened: OpenHour) -> None:
        """Meta has the hour and no file for this business: nothing happened in it."""

        def record_of(_known: SliceRecord | None, _files: Sequence[SliceFile]) -> SliceRecord:
            record = opened.hour.record(self.shop.run_id, State.EMPTY)
            return replace(record, as_of=opened.asked, fetched_at=self.shop.clock.now())

        known = self.shop.committer.store.ledger.slice(opened.hour.id)
        if known is not None and known.state is State.FAILED:
            await self.fail(opened.hour, [Transport(VANISHED)])
            return
        await self.shop.committer.join(PartLanding(self.shop).writer(opened.hour, NOTHING), record_of)

    async def fail(self, hour: Hour, faults: Sequence[Exception]) -> None:
        """An hour of which some parts have landed is partial; otherwise it failed."""
        there = self._there(hour)
        record, reason = hour.record(self.shop.run_id), faults[0]
        if there and isinstance(reason, Fault):
            reason.message = f"{in_words(there)}: {reason.message}"
        await self.shop.committer.fail([record], reason, State.PARTIAL if there else State.FAILED)


def in_our_words(fault: PermissionRefused) -> PermissionRefused:
    """A refusal that says what to ask Meta for."""
    return PermissionRefused(f"{CAPABILITY} ({fault.message})", **fault.common())
