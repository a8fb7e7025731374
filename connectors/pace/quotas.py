"""The values of pacing: a quota, a reading of it, and which quotas a call draws on. Refuses to decide anything.

Layers and their owners: graph-api.md 3.1 [seed 004] [docs: RL].
"""

from collections.abc import Iterable
from dataclasses import dataclass

from connectors.errors import Quota

__all__ = [
    "BRAND_SAFETY",
    "INSIGHTS_PLATFORM",
    "PAGES",
    "PLATFORM",
    "Quota",
    "Reading",
    "digits",
    "drawn_by_app",
    "drawn_by_brand_safety",
    "drawn_by_content",
    "drawn_by_insights",
    "drawn_by_objects",
    "lane",
    "of_account",
]


@dataclass(frozen=True, slots=True)
class Reading:
    """What one usage header said of one quota.

    `regain_seconds` is as sent: of an account score, the time until it is back at nothing, blocked or not.
    """

    quota: Quota
    utilisation_percent: float
    regain_seconds: float | None = None
    tier: str | None = None

    @property
    def blocked_seconds(self) -> float | None:
        """How long the header itself says that nothing may be sent; None when it does not say so (3.2 [seed 004])."""
        if not self.regain_seconds or (self.quota.kind == "score" and self.utilisation_percent < 100):  # noqa: PLR2004 percent
            return None
        return self.regain_seconds


PLATFORM = Quota("app", None, "platform")
INSIGHTS_PLATFORM = Quota("app", None, "insights")
BRAND_SAFETY = Quota("app", None, "brand_safety")
PAGES = Quota("app", None, "pages")


def digits(account: str) -> str:
    """The account as usage headers write it: without `act_` (3.2 [obs: o:captured])."""
    return account.removeprefix("act_")


def of_account(account: str, kind: str) -> Quota:
    """One account's quota of this kind."""
    return Quota("account", digits(account), kind)


def drawn_by_insights(account: str) -> frozenset[Quota]:
    """What a submission, a poll, a result page or a synchronous answer of ads insights draws on."""
    return frozenset(
        {PLATFORM, INSIGHTS_PLATFORM, of_account(account, "insights"), of_account(account, "score")},
    )


def drawn_by_objects(account: str | None) -> frozenset[Quota]:
    """What a read of ad objects draws on; without an account, only the app's own."""
    if account is None:
        return frozenset({PLATFORM})
    return frozenset({PLATFORM, of_account(account, "management"), of_account(account, "score")})


def drawn_by_brand_safety() -> frozenset[Quota]:
    """What a brand-safety call draws on (80011, graph-api.md 4.5)."""
    return frozenset({PLATFORM, BRAND_SAFETY})


def drawn_by_content() -> frozenset[Quota]:
    """What a look-up of public content draws on; page calls (code 32) close nothing else (graph-api.md 3.1)."""
    return frozenset({PLATFORM, PAGES})


def drawn_by_app() -> frozenset[Quota]:
    """What any other call draws on: app insights, attribution, businesses, pages."""
    return frozenset({PLATFORM})


def lane(quotas: Iterable[Quota]) -> str:
    """Whose turn a call takes in the round: its account, or the empty text for the app's own calls."""
    return min((quota.account for quota in quotas if quota.account is not None), default="")
