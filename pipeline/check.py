"""Owns what `insights check` finds out: the token, its permissions, the accounts, the tier, the quotas in use.

It asks and writes nothing. Permissions: graph-api.md 1.3 [seed 004] [seed 001] [seed 002].
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.errors import Fault, PermissionRefused, TokenRefused
from connectors.graph.calls import Call
from connectors.graph.client import Graph
from connectors.graph.replies import Reply
from connectors.pace.quotas import Reading, drawn_by_app, drawn_by_insights
from pipeline.account import Account

PROBE = {"level": "account", "fields": "impressions", "date_preset": "yesterday"}
TIERS: Mapping[str, str] = {
    "development_access": "Limited: 600 calls an hour and account, and 400 more for each active ad",
    "standard_access": "Full",
}
"""Names in headers, and what they are called since 2026-05 (graph-api.md 3.2, 3.3 [docs: RL])."""


@dataclass(frozen=True, slots=True)
class Need:
    """A permission, and which section of the configuration needs it."""

    permission: str
    section: str


@dataclass(slots=True)
class Checked:
    """What was found."""

    user: str = ""
    permissions: dict[str, str] = field(default_factory=dict)
    missing: list[Need] = field(default_factory=list)
    accounts: list[Account] = field(default_factory=list)
    refused: dict[str, Fault] = field(default_factory=dict)
    readings: dict[str, Reading] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """0: everything can be loaded; 1: some accounts cannot; 3: a permission is missing."""
        return 3 if self.missing else 1 if self.refused or not self.accounts else 0

    @property
    def tier(self) -> str | None:
        """The access tier as the headers name it; None where no header told."""
        return next((reading.tier for reading in self.readings.values() if reading.tier), None)

    def as_data(self) -> dict[str, Any]:
        """The document of `check --json`."""
        return {
            "user": self.user,
            "permissions": self.permissions,
            "missing": [{"permission": need.permission, "needed_by": need.section} for need in self.missing],
            "accounts": [
                {"id": a.id, "name": a.name, "time_zone": a.zone, "currency": a.currency} for a in self.accounts
            ],
            "refused": {name: str(fault) for name, fault in self.refused.items()},
            "tier": self.tier,
            "quotas": {name: reading.utilisation_percent for name, reading in sorted(self.readings.items())},
        }

    def in_words(self) -> str:
        """The same for a terminal."""
        lines = [f"token: works, as {self.user}"]
        lines += [
            f"MISSING {need.permission}: {need.section} needs it; grant it and make a new token"
            for need in self.missing
        ]
        if not self.missing:
            lines.append("permissions: " + (", ".join(sorted(self.permissions)) or "not told"))
        lines.append(f"accounts: {len(self.accounts)} can be read")
        lines += [f"  act_{a.id:<20} {a.zone:<24} {a.currency:<4} {a.name}" for a in self.accounts]
        lines += [f"REFUSED {name}: {fault}" for name, fault in self.refused.items()]
        lines.append(
            f"access tier: {self.tier} ({TIERS.get(self.tier, 'unknown')})"
            if self.tier
            else "access tier: not told yet"
        )
        used = [f"{name} {reading.utilisation_percent:g} %" for name, reading in sorted(self.readings.items())]
        lines.append("quotas in use: " + (", ".join(used) or "none worth a header"))
        return "\n".join(lines)


async def who_and_what(graph: Graph, needs: Iterable[Need], checked: Checked) -> None:
    """Whose the token is and what it may do.

    Raises:
        TokenRefused: It does not work at all.
    """
    me = (await graph.call(Call("object", "GET", "me", {"fields": "id,name"}))).object()
    checked.user = f"{me.get('name', 'unnamed')} ({me.get('id', '?')})"
    try:
        rows = (await graph.call(Call("list", "GET", "me/permissions", needs=("permission", "status")))).rows()
    except TokenRefused:
        raise
    except Fault:
        return  # some kinds of tokens are not told; what they cannot do shows at the accounts
    checked.permissions = {str(row["permission"]): str(row["status"]) for row in rows}
    granted = {name for name, status in checked.permissions.items() if status == "granted"}
    checked.missing = [need for need in needs if need.permission not in granted]


async def probe(graph: Graph, accounts: Sequence[Account], checked: Checked) -> None:
    """Whether each account's insights can be read, by the least question there is; its headers tell the rest."""
    calls = [
        Call("sync", "GET", f"act_{account.id}/insights", PROBE, account.id, drawn_by_insights(account.id))
        for account in accounts
    ]
    for account, answer in zip(accounts, await graph.batch(calls, patient=True), strict=True):
        if isinstance(answer, Reply):
            checked.accounts.append(account)
            checked.readings |= {str(reading.quota): reading for reading in answer.usage}
        else:
            checked.refused[account.id] = answer


async def accounts_of_token(graph: Graph) -> list[dict[str, Any]]:
    """Every ad account that the token sees, as Meta shows it."""
    call = Call(
        "list", "GET", "me/adaccounts", {"fields": "account_id,name,currency,timezone_name"}, None, drawn_by_app()
    )
    return [row async for reply in graph.pages(call, 100) for row in reply.rows()]


async def businesses_of_token(graph: Graph) -> list[dict[str, Any]]:
    """Every business that the token sees; none where it lacks the permission to."""
    call = Call("list", "GET", "me/businesses", {"fields": "id,name"}, None, drawn_by_app(), ("id",))
    try:
        return [row async for reply in graph.pages(call, 100) for row in reply.rows()]
    except PermissionRefused:
        return []
