"""Owns what `insights init` writes: a first configuration from what the token can see. Pure text."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

MOST_NAMED = 200
"""More accounts than these are left to their businesses: a list of thousands is nobody's to edit."""


def first_configuration(
    accounts: Sequence[Mapping[str, Any]],
    businesses: Sequence[Mapping[str, Any]],
    since: date,
    graph: Mapping[str, str],
) -> str:
    """The text of a configuration that loads these accounts; `graph` are settings of `[graph]` that differ."""
    by_business = len(accounts) > MOST_NAMED and bool(businesses)
    return "\n".join(
        [
            "# Written by `insights init` from what the token can see. Every other setting is explained in the",
            "# project's config/example.toml. Next: `insights check`, `insights plan`, `insights load`.",
            "",
            "[graph]",
            *(f"{name} = {_text(value)}" for name, value in graph.items()),
            '# app_secret_env = "META_APP_SECRET"        # if the app demands appsecret_proof',
            "",
            "[storage]",
            'root = "data"                               # lake/, warehouse.duckdb and state/ go here',
            "",
            "[ads_insights]",
            *_accounts(accounts, commented=by_business),
            *_businesses(businesses, commented=not by_business),
            f"since = {since}                          # the first day wanted; for what was before: insights backfill",
            "",
            "[[ads_insights.reports]]",
            'name = "ads_insights"                       # the table\'s name',
            'level = "ad"',
            "",
            "[ad_objects]                                # campaigns, ad sets, ads, creatives, accounts",
            "",
        ]
    )


def _accounts(accounts: Sequence[Mapping[str, Any]], *, commented: bool) -> list[str]:
    mark = "# " if commented else ""
    lines = [f"{mark}ad_accounts = ["]
    for row in accounts[:MOST_NAMED]:
        name = " ".join(str(row.get("name") or "").split())
        about = ", ".join(filter(None, [name, str(row.get("currency") or ""), str(row.get("timezone_name") or "")]))
        lines.append(f'{mark}    "act_{row["account_id"]}",  # {_printable(about)}')
    return [*lines, f"{mark}]"]


def _businesses(businesses: Sequence[Mapping[str, Any]], *, commented: bool) -> list[str]:
    mark = "# " if commented else ""
    lines = [f"{mark}# or all accounts of these businesses, new ones included:"] if commented else []
    lines.append(f"{mark}business_ids = [")
    lines += [
        f'{mark}    "{row["id"]}",  # {_printable(" ".join(str(row.get("name") or "").split()))}' for row in businesses
    ]
    return [*lines, f"{mark}]"] if businesses else []


def _printable(text: str) -> str:
    """TOML allows no control character in a comment."""
    return "".join(letter for letter in text if letter.isprintable())


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
