"""Owns every quota: counting in rolling hours and decaying scores, refusing, and the usage headers (graph-api.md 3)."""

import json
import math
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sandbox.faults import named
from sandbox.options import ServerOptions

INSIGHTS, MANAGEMENT, SAFETY = "ads_insights", "ads_management", "brand_safety"
_HOUR = 3600.0
_BUCKET = 60.0
_FULL = 100.0
_BASE = {
    INSIGHTS: {"development_access": (600, 400), "standard_access": (190_000, 400)},
    MANAGEMENT: {"development_access": (300, 40), "standard_access": (100_000, 40)},
}
_SCORE = {"development_access": (60.0, 300.0), "standard_access": (9_000.0, 60.0)}
"""Most points and seconds of a block."""

_DECAY_SECONDS = 300.0
_APP_CALLS = 200_000
_SAFETY_CALLS = 4_800
"""Brand-safety calls an hour for the app; no source tells the number."""

_WORK_TIER = {"development_access": 1.0, "standard_access": 300.0}
_CALL_WORK, _ROW_WORK = 0.2, 1 / 1000
"""Percent of the Limited tier's time that a call and a computed row cost."""

_ERRORS = {INSIGHTS: "80000", MANAGEMENT: "80004"}
_PASSING_ONE_IN = 3
_REACH_REQUESTS = 10


@dataclass(slots=True)
class Hour:
    """Usage of one allowance in the last hour, kept by the minute; calls are counted, work is in percent."""

    allowance: float
    buckets: deque[tuple[float, float, float]] = field(default_factory=deque)

    def add(self, now: float, calls: float, work: float) -> None:
        """Count at a moment in seconds."""
        minute = now // _BUCKET * _BUCKET
        if self.buckets and self.buckets[-1][0] == minute:
            _, known_calls, known_work = self.buckets.pop()
            calls, work = calls + known_calls, work + known_work
        self.buckets.append((minute, calls, work))

    def used(self, now: float) -> tuple[float, float]:
        """Return percent of calls and of work in the hour before `now`."""
        while self.buckets and self.buckets[0][0] <= now - _HOUR:
            self.buckets.popleft()
        calls = sum(bucket[1] for bucket in self.buckets)
        return _FULL * calls / self.allowance, sum(bucket[2] for bucket in self.buckets)

    def minutes_to_regain(self, now: float) -> int:
        """Return whole minutes until both figures fall under 100 percent; 0 when they are."""
        calls, work = self.used(now)
        for minute, bucket_calls, bucket_work in self.buckets:
            if calls < _FULL and work < _FULL:
                return 0
            calls, work = calls - _FULL * bucket_calls / self.allowance, work - bucket_work
            if calls < _FULL and work < _FULL:
                return max(1, math.ceil((minute + _HOUR - now) / 60))
        return 0


@dataclass(slots=True)
class Score:
    """An ad account's decaying points; a full score blocks, and each call made meanwhile starts the block anew."""

    most: float
    block_seconds: float
    points: float = 0.0
    at: float = 0.0
    blocked_until: float = 0.0

    def admit(self, now: float, cost: float) -> bool:
        """Count a call and tell whether it may pass."""
        self.points = self.current(now)
        self.at = now
        if now < self.blocked_until:
            self.blocked_until = now + self.block_seconds
            return False
        self.points += cost
        if self.points > self.most:
            self.blocked_until = now + self.block_seconds
            return False
        return True

    def current(self, now: float) -> float:
        """Return the points left at a moment."""
        return max(0.0, self.points - (now - self.at) * self.most / _DECAY_SECONDS)

    def usage(self, now: float) -> tuple[float, int]:
        """Return percent and seconds until a block ends."""
        return round(_FULL * self.current(now) / self.most, 2), math.ceil(max(0.0, self.blocked_until - now))


@dataclass(slots=True)
class Bucket:
    """A token bucket: the insights platform's limit on the app's load per second."""

    rate: float
    tokens: float = 0.0
    at: float | None = None
    refused: int = 0

    def admit(self, now: float) -> bool:
        """Take a token; when there is none let about one call in three pass all the same."""
        if not self.rate:
            return True
        waited = _HOUR if self.at is None else now - self.at
        self.tokens, self.at = min(self.rate, self.tokens + waited * self.rate), now
        if self.tokens >= 1:
            self.tokens -= 1
            return True
        self.refused += 1
        return self.refused % _PASSING_ONE_IN == 0

    def percent(self) -> float:
        """Return how much of the second's load is taken."""
        return round(_FULL * (1 - self.tokens / self.rate), 2) if self.rate and self.at is not None else 0.0


class Quotas:
    """Every allowance of one app."""

    def __init__(self, options: ServerOptions, active_ads: dict[str, int]) -> None:
        self._options = options
        self._active = active_ads
        self._hours: dict[tuple[str, str], Hour] = {}
        self._scores: dict[str, Score] = {}
        self._app = Hour(max(1.0, _APP_CALLS * options.quota_scale))
        scale = options.quota_scale if options.safety_scale is None else options.safety_scale
        self._safety = Hour(max(1.0, _SAFETY_CALLS * scale))
        self._platform = Bucket(options.platform_rate)
        self._reach: Counter[tuple[str, date]] = Counter()
        self._overload_count = 0
        self.overload = False

    def admit(self, account: str, kind: str, now: datetime, *, write: bool = False) -> None:
        """Count one call; raises the layer's error when it is refused. A refused call has counted."""
        seconds = now.timestamp()
        if kind == SAFETY:
            _admit_to(self._safety, seconds, "80011")
            return
        if not account:
            _admit_to(self._app, seconds, "4")
            return
        hour = self._hour(account, kind)
        blocked = max(hour.used(seconds)) >= _FULL
        hour.add(seconds, 1, self._work(_CALL_WORK))
        scored = self._score(account).admit(seconds, 3.0 if write else 1.0)
        if blocked:
            raise named(_ERRORS[kind])
        if not scored:
            raise named("17" if self._options.score_error == "17" else "613/1487742")
        if kind == INSIGHTS:
            self._admit_platform(seconds)

    def _admit_platform(self, seconds: float) -> None:
        self._overload_count += self.overload
        if not self._platform.admit(seconds) or (self.overload and self._overload_count % 2):
            raise named("4/1504022")

    def charge(self, account: str, now: datetime, rows: int, *, unique: bool, breakdowns: int) -> None:
        """Count the work of computing rows: threefold for unique metrics, double for each breakdown but the first."""
        factor = (3 if unique else 1) * 2 ** max(0, breakdowns - 1)
        work = self._work(rows * _ROW_WORK * factor)
        self._hour(account, INSIGHTS).add(now.timestamp(), 0, work)

    def count_reach(self, account: str, now: datetime) -> None:
        """Count an asynchronous request for reach with a breakdown and a start beyond 13 months (3.1)."""
        self._reach[account, now.date()] += 1

    def _work(self, percent: float) -> float:
        return percent / (self._options.quota_scale * _WORK_TIER[self._options.tier])

    def _hour(self, account: str, kind: str) -> Hour:
        if (account, kind) not in self._hours:
            base, each = _BASE[kind][self._options.tier]
            allowance = (base + each * self._active.get(account, 0)) * self._options.quota_scale
            self._hours[account, kind] = Hour(max(1.0, allowance))
        return self._hours[account, kind]

    def _score(self, account: str) -> Score:
        if account not in self._scores:
            most, block = _SCORE[self._options.tier]
            self._scores[account] = Score(max(1.0, most * self._score_scale), block)
        return self._scores[account]

    @property
    def _score_scale(self) -> float:
        scale = self._options.score_scale
        return self._options.quota_scale if scale is None else scale

    def headers(self, account: str, kind: str, now: datetime) -> dict[str, str]:
        """Return the usage headers of a reply; a layer at zero is left out (3.2), the insights throttle never is."""
        seconds = now.timestamp()
        if kind == SAFETY:
            return {}
        if not account:
            return self._app_header(seconds)
        found = self._case_header(account, kind, seconds) | self._score_header(account, seconds)
        if kind == INSIGHTS:
            percent = max(self._hour(account, kind).used(seconds))
            found["x-fb-ads-insights-throttle"] = _line(
                app_id_util_pct=self._platform.percent(), acc_id_util_pct=round(percent, 2), **self._tier()
            )
            found |= self._reach_header(account, now)
        return found

    def _reach_header(self, account: str, now: datetime) -> dict[str, str]:
        percent = _FULL * self._reach[account, now.date()] / _REACH_REQUESTS
        usage = _line(app_id_util_pct=0, acc_id_util_pct=percent)
        return {"x-fb-ads-insights-reach-throttle": usage} if percent else {}

    def _tier(self) -> dict[str, str]:
        return {"ads_api_access_tier": self._options.tier}

    def _app_header(self, seconds: float) -> dict[str, str]:
        percent = int(self._app.used(seconds)[0])
        return {"x-app-usage": _line(call_count=percent, total_time=0, total_cputime=0)} if percent else {}

    def _case_header(self, account: str, kind: str, seconds: float) -> dict[str, str]:
        usage = self._case(account, kind, seconds)
        if not any(usage[name] for name in ("call_count", "total_cputime", "total_time")):
            return {}
        return {"x-business-use-case-usage": json.dumps({account: [usage]}, separators=(",", ":"))}

    def _case(self, account: str, kind: str, seconds: float) -> dict[str, Any]:
        hour = self._hour(account, kind)
        calls, work = hour.used(seconds)
        return {
            "type": kind,
            "call_count": int(calls),
            "total_cputime": int(work * 0.8),
            "total_time": int(work),
            "estimated_time_to_regain_access": hour.minutes_to_regain(seconds),
            **self._tier(),
        }

    def _score_header(self, account: str, seconds: float) -> dict[str, str]:
        percent, reset = self._score(account).usage(seconds)
        if not percent and not reset:
            return {}
        usage = _line(acc_id_util_pct=percent, reset_time_duration=reset, **self._tier())
        return {"x-ad-account-usage": usage}

    def report(self, now: datetime) -> dict[str, Any]:
        """Return every quota as the control call shows it."""
        seconds = now.timestamp()
        cases = [{"account": account, **self._case(account, kind, seconds)} for account, kind in self._hours]
        scores = {account: score.usage(seconds) for account, score in self._scores.items()}
        shared = {"app_percent": self._app.used(seconds)[0], "safety_percent": self._safety.used(seconds)[0]}
        return {"use_cases": cases, "scores": scores, **shared}


def _admit_to(hour: Hour, seconds: float, error: str) -> None:
    """Count a call of an allowance that the whole app shares."""
    blocked = max(hour.used(seconds)) >= _FULL
    hour.add(seconds, 1, 0)
    if blocked:
        raise named(error)


def _line(**members: Any) -> str:
    return json.dumps(members, separators=(",", ":"))
