"""Wait this long, or give up: pure. Attempts and total time are both capped; jitter comes in as an argument."""

from dataclasses import dataclass

from connectors.errors import Fault, Transient


@dataclass(frozen=True, slots=True)
class Policy:
    """How long to go on asking the same: doubling from `base_seconds` to `cap_seconds`.

    Numbers: graph-api.md 1.6, code 2, 5 s to 5 min in 5 to 8 tries [seed 004].
    """

    attempts: int = 6
    total_seconds: float = 900.0
    base_seconds: float = 5.0
    cap_seconds: float = 300.0


@dataclass(frozen=True, slots=True)
class Wait:
    """Ask again after this long."""

    seconds: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Ask no more, and why."""

    reason: str


def decide(policy: Policy, fault: Fault, attempt: int, elapsed: float, jitter: float) -> Wait | GiveUp:
    """What to do after attempt number `attempt` (from 1) failed, `elapsed` seconds after the first began.

    `jitter` in [0, 1] spreads the wait over its upper half; a wait that the server asked for is never shortened.
    """
    if not isinstance(fault, Transient):
        return GiveUp("repeating it does not help")
    attempts = min(policy.attempts, fault.tries or policy.attempts)
    if attempt >= attempts:
        return GiveUp(f"given up after {attempt} attempts")
    seconds = max(_backoff(policy, attempt) * (0.5 + 0.5 * jitter), fault.wait_seconds or 0.0)
    if elapsed + seconds > policy.total_seconds:
        return GiveUp(f"given up after {attempt} attempts in {elapsed:.0f} s")
    return Wait(seconds)


def _backoff(policy: Policy, attempt: int) -> float:
    doublings = min(attempt - 1, 30)  # beyond that every cap is reached, and floats stay small
    return float(min(policy.cap_seconds, policy.base_seconds * 2**doublings))
