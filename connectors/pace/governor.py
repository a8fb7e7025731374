"""Decides whether a call may go now, and if not, when. Knows deadlines and utilisations; refuses to wait or to send.

A blocked quota is a deadline: nothing is sent on it before, because calls made while blocked fail, count and lengthen
the block (graph-api.md 3.4 [seed 004]). Waits: 3.5 rules 1 to 3 [inferred]. Time and jitter are arguments.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.errors import Throttled
from connectors.pace.quotas import Quota, Reading

MINUTE = 60.0
BUSINESS_LADDER = tuple(minutes * MINUTE for minutes in (5, 10, 20, 40, 60))  # 3.5 rule 2, when Meta gives no hint
APP_LADDER = tuple(minutes * MINUTE for minutes in (1, 2, 4, 8, 15, 30, 60))
SCORE_BLOCK = {"standard_access": 60.0}  # 3.3 [docs: RL]
SCORE_BLOCK_OTHERWISE = 300.0
PAUSE = 60.0  # at the target: at least one minute, then one call that reads the header again (3.5 rule 3)
LONGEST_PAUSE = 960.0  # where nothing decays from one such call to the next, the pause doubles up to this
SCORE_DECAY = 100.0 / 300.0  # percent a second: a full score is back at nothing after 300 s (3.3 [docs: RL])
SHORTEST = 1.0  # a refusal closes for at least this, whatever its hint says
JITTER = 0.1  # of the wait, only ever added: a hint is never shortened

# A reading says nothing any more when all that it counted has decayed (3.3 [seed 004] [docs: RL]).
MEMORY = timedelta(hours=1)
SCORE_MEMORY = timedelta(seconds=300)

# How many calls may be under way on a quota, by the share of the target that is used up.
CAREFUL_FROM, CAREFUL = 0.6, 4
ALONE_FROM, ALONE = 0.85, 1

Deadline = tuple[Quota, datetime]


@dataclass(slots=True)
class Meter:
    """What is known of one quota."""

    utilisation: float | None = None
    read_at: datetime | None = None
    deadline: datetime | None = None
    refusals: int = 0
    refused_until: datetime | None = None  # by refusals alone: a header of the same answer closes too, and is no rung
    pauses: int = 0  # in a row, at the target
    in_flight: int = 0
    tier: str | None = None

    def blocked(self, now: datetime) -> bool:
        """Whether its deadline lies ahead."""
        return self.deadline is not None and now < self.deadline


class Governor:
    """The state of every quota met so far; `repr` shows it whole."""

    def __init__(
        self,
        target_utilisation: float = 85.0,
        on_deadline: Callable[[Quota, datetime], None] | None = None,
        on_reading: Callable[[Quota, datetime, float], None] | None = None,
    ) -> None:
        self.target_utilisation = target_utilisation
        self._on_deadline = on_deadline
        self._on_reading = on_reading
        self._meters: dict[Quota, Meter] = {}

    # ---- decisions: they change nothing ----

    def admit(self, quotas: Iterable[Quota], now: datetime) -> datetime | None:
        """None when no quota forbids a call now, else the moment before which it must not go."""
        known = (self._meters[quota].deadline for quota in quotas if quota in self._meters)
        return max((deadline for deadline in known if deadline is not None and deadline > now), default=None)

    def closed(self, quotas: Iterable[Quota], now: datetime) -> frozenset[Quota]:
        """Which of these are closed now."""
        return frozenset(quota for quota in quotas if quota in self._meters and self._meters[quota].blocked(now))

    def has_room(self, quotas: Iterable[Quota], now: datetime, beside: Mapping[Quota, int] | None = None) -> bool:
        """Whether one more call may be under way on each of these, `beside` those that are about to go with it.

        The nearer to the target, the fewer.
        """
        going = beside or {}
        known = (quota for quota in quotas if quota in self._meters)
        return all(self._room(self._meters[quota], quota, now) > going.get(quota, 0) for quota in known)

    def deadlines(self) -> list[Deadline]:
        """Every deadline there is, the earliest first; what the ledger keeps across restarts."""
        known = [(quota, meter.deadline) for quota, meter in self._meters.items() if meter.deadline is not None]
        return sorted(known, key=lambda pair: (pair[1], str(pair[0])))

    def levels(self, now: datetime) -> list[tuple[Quota, float | None, datetime | None]]:
        """Each quota met so far, with its utilisation in percent as last read and its deadline, while they hold."""
        return [
            (quota, _present(meter, quota, now), meter.deadline if meter.blocked(now) else None)
            for quota, meter in sorted(self._meters.items(), key=_name)
        ]

    def _room(self, meter: Meter, quota: Quota, now: datetime) -> float:
        utilisation = _present(meter, quota, now)
        share = 0.0 if utilisation is None else utilisation / self.target_utilisation
        if share >= ALONE_FROM:
            return ALONE - meter.in_flight
        return CAREFUL - meter.in_flight if share >= CAREFUL_FROM else float("inf")

    # ---- what happened ----

    def sent(self, quotas: Iterable[Quota]) -> None:
        """A call went out on these; each `sent` has its `left`."""
        for quota in quotas:
            self._meter(quota).in_flight += 1

    def left(self, quotas: Iterable[Quota]) -> None:
        """Its answer came, or it came to nothing."""
        for quota in quotas:
            self._meter(quota).in_flight -= 1

    def learn(self, readings: Iterable[Reading], now: datetime) -> list[Deadline]:
        """Take in what the headers of any answer said; the deadlines that are new by it."""
        return [deadline for reading in readings if (deadline := self._learn_one(reading, now)) is not None]

    def refuse(self, fault: Throttled, now: datetime, jitter: float) -> list[Deadline]:
        """Close the quotas of a refusal, `jitter` in [0, 1]; the deadlines that are new by it.

        Refusals that come while the quota is closed already are of calls sent before: the same episode, the same rung.
        """
        fresh = []
        for quota in sorted(fault.quotas, key=str):
            meter = self._meter(quota)
            if meter.refused_until is None or now >= meter.refused_until:
                meter.refusals += 1
            seconds = _block(quota, meter, fault.wait_seconds) * (1 + JITTER * jitter)
            meter.refused_until = now + timedelta(seconds=seconds)
            fresh += self._close(quota, meter.refused_until)
        return fresh

    def succeed(self, quotas: Iterable[Quota], readings: Iterable[Reading], now: datetime) -> None:
        """A good answer: these are open, so their ladders start again.

        A quota of which it brings no reading, long after the last one, is near nothing: its header is left out (3.2).
        """
        told = {reading.quota for reading in readings}
        for quota in quotas:
            meter = self._meter(quota)
            if meter.blocked(now):
                continue
            meter.refusals = 0
            if quota not in told and meter.read_at is not None and (now - meter.read_at).total_seconds() >= PAUSE:
                meter.utilisation = None

    def restore(self, deadlines: Iterable[Deadline]) -> None:
        """Take over the deadlines that an earlier process kept; the later one wins, nobody is called back."""
        for quota, deadline in deadlines:
            meter = self._meter(quota)
            meter.deadline = deadline if meter.deadline is None else max(meter.deadline, deadline)

    def _learn_one(self, reading: Reading, now: datetime) -> Deadline | None:
        meter = self._meter(reading.quota)
        meter.utilisation, meter.read_at = reading.utilisation_percent, now
        meter.tier = reading.tier or meter.tier
        if self._on_reading is not None:
            self._on_reading(reading.quota, now, reading.utilisation_percent)
        seconds = reading.blocked_seconds
        if seconds is None and reading.quota.kind != "reach":
            seconds = self._pause(meter, reading, now)
        return next(iter(self._close(reading.quota, now + timedelta(seconds=seconds))), None) if seconds else None

    def _pause(self, meter: Meter, reading: Reading, now: datetime) -> float | None:
        """How long a quota at its target rests; None below it.

        A score is waited for until it has decayed. What a rolling hour gives back depends on how it was used up, which
        no header tells: the pause doubles as long as nothing comes back, so that few calls go into the last percents.
        """
        above = reading.utilisation_percent - self.target_utilisation
        if above < 0:
            meter.pauses = 0
            return None
        if reading.quota.kind == "score":
            return max(SHORTEST, above / SCORE_DECAY)
        if not meter.blocked(now):
            meter.pauses += 1
        return min(PAUSE * 2.0 ** min(max(meter.pauses, 1) - 1, 10), LONGEST_PAUSE)

    def _close(self, quota: Quota, deadline: datetime) -> list[Deadline]:
        """Move a deadline, never to an earlier moment."""
        meter = self._meter(quota)
        if meter.deadline is not None and meter.deadline >= deadline:
            return []
        meter.deadline = deadline
        if self._on_deadline is not None:
            self._on_deadline(quota, deadline)
        return [(quota, deadline)]

    def _meter(self, quota: Quota) -> Meter:
        return self._meters.setdefault(quota, Meter())

    def __repr__(self) -> str:
        shown = "; ".join(f"{quota} {_shown(meter)}" for quota, meter in sorted(self._meters.items(), key=_name))
        return f"Governor(target {self.target_utilisation:g} %: {shown or 'nothing known'})"


def _present(meter: Meter, quota: Quota, now: datetime) -> float | None:
    """The utilisation as last read; None when there was none or it has decayed since."""
    memory = SCORE_MEMORY if quota.kind == "score" else MEMORY
    if meter.read_at is None or now - meter.read_at >= memory:
        return None
    return meter.utilisation


def _block(quota: Quota, meter: Meter, hint: float | None) -> float:
    """How long a refusal closes a quota: Meta's hint, else by kind and by how often in a row (3.5 rule 2)."""
    if hint:
        return max(hint, SHORTEST)
    if quota.kind == "score":
        return SCORE_BLOCK.get(meter.tier or "", SCORE_BLOCK_OTHERWISE)
    ladder = APP_LADDER if quota.scope == "app" else BUSINESS_LADDER
    return ladder[min(meter.refusals, len(ladder)) - 1]


def _name(item: tuple[Quota, Meter]) -> str:
    return str(item[0])


def _shown(meter: Meter) -> str:
    level = "-" if meter.utilisation is None else f"{meter.utilisation:g} %"
    until = "" if meter.deadline is None else f" not before {meter.deadline.isoformat(timespec='seconds')}"
    return f"{level}, {meter.in_flight} under way{until}"
