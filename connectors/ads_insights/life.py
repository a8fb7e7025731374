"""Owns the life of a report run, as a table, and when to look at it next. Pure: it asks nothing and waits for nothing.

    status              percent   step
    Job Not Started     any       wait
    Job Started         any       wait
    Job Running         any       wait      100 % here is not the end: reading now gives 2601/1815107
    Job Completed       100       read
    Job Completed       below     wait
    Job Failed          any       failed    `error_code` and `error_subcode` say why, from v25 on
    Job Skipped         any       skipped   it expired in the queue: submit the same again

Source: graph-api.md 2.5 [seed 004]; the last moment at 100 % [obs: o:py293, o:nck63].
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

WHOLE = 100
LEAST_SHARE = 1 / 8
"""Of its age a run is left alone for at least so much, so that even a stuck one costs few polls."""


class Step(Enum):
    """What to do with a run that is in this state."""

    WAIT = "wait"
    READ = "read"
    FAILED = "failed"
    SKIPPED = "skipped"


_STEPS: Mapping[str, Step] = {
    "Job Not Started": Step.WAIT,
    "Job Started": Step.WAIT,
    "Job Running": Step.WAIT,
    "Job Completed": Step.READ,
    "Job Failed": Step.FAILED,
    "Job Skipped": Step.SKIPPED,
}


@dataclass(frozen=True, slots=True)
class Seen:
    """A run's state as a poll saw it."""

    status: str
    percent: int
    error_code: int | None = None
    error_subcode: int | None = None
    error_message: str = ""
    took: float | None = None
    """Seconds from submission to end, as Meta's own clock tells; whole ones, so never too few."""

    @classmethod
    def of(cls, node: Mapping[str, Any]) -> "Seen":
        """The state in a run node; a node without the fields that decide is a run that is still waited for."""
        return cls(
            str(node.get("async_status", "")),
            _number(node.get("async_percent_completion")) or 0,
            _number(node.get("error_code")),
            _number(node.get("error_subcode")),
            str(node.get("error_message") or ""),
            _took(_number(node.get("time_ref")), _number(node.get("time_completed"))),
        )

    @property
    def step(self) -> Step:
        """What to do; an unknown status is waited for, and the deadline ends that."""
        step = _STEPS.get(self.status, Step.WAIT)
        return Step.WAIT if step is Step.READ and self.percent < WHOLE else step


def _took(submitted: int | None, completed: int | None) -> float | None:
    """Both are cut to whole seconds; `time_completed` is absent or 0 before the end (graph-api 2.5)."""
    return None if submitted is None or completed is None or completed < submitted else completed - submitted + 1.0


def _number(value: object) -> int | None:
    """A number sent as number or as text; 0 stands for absent in error fields."""
    text = str(value)
    return int(text) if text.removeprefix("-").isdecimal() and int(text) != 0 else None


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often a run is looked at: seconds before the first poll, and the longest between two."""

    initial_seconds: float = 2.0
    max_seconds: float = 30.0
    deadline_seconds: float = 3600.0

    def first(self, usual_seconds: float | None) -> float:
        """The wait before the first poll: what such a run usually takes, if that is known."""
        return min(max(self.initial_seconds, usual_seconds or 0.0), self.max_seconds)

    def next(self, age_seconds: float, percent: int) -> float:
        """The wait before the next poll of a run of this age: towards the end that its percentage foretells.

        Never less than a share of its age: a run that stays at 100 % foretells its end for an hour.
        """
        left = age_seconds * (WHOLE - percent) / percent if percent else age_seconds / 2
        return min(max(self.initial_seconds, left, age_seconds * LEAST_SHARE), self.max_seconds)
