"""How much has gone into getting one answer, and whether to go on. Holds the count; `http.retry` decides."""

from dataclasses import dataclass

from connectors.errors import Fault, GaveUp, TooMuch, Transient
from connectors.http.retry import GiveUp, Policy, Wait, decide


@dataclass(slots=True)
class Effort:
    """Attempts and seconds spent so far; waiting for a quota is neither."""

    policy: Policy
    attempts: int = 0
    seconds: float = 0.0

    def judge(self, fault: Transient, jitter: float) -> Wait | GiveUp:
        """What to do about this fault of the last attempt."""
        return decide(self.policy, fault, self.attempts, self.seconds, jitter)


def spent(fault: Transient, verdict: GiveUp) -> Fault:
    """What an effort that ended is called: too much was asked, where the table says so (2.12), else given up."""
    if fault.then_split:
        return TooMuch(f"{verdict.reason}; last: {fault.message}", page_only=True, **fault.common())
    return GaveUp.after(fault, verdict.reason)
