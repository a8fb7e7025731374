r"""Owns what a scenario can say about brand safety: sizes, the fate of hours, spoilt files, lines and listings.

The document is the member `brand_safety` of a scenario:

    {"lines": 200000, "parts": 25,                     exact size of every hour; or an hour's own below
     "shares": {"late": 0, "lost": 0, "partial": 0, "empty": 0},
     "no_capability": ["901"],                         businesses whose listings are refused; ["*"] refuses everything
     "dates": {"latest_datetime": "2024-02-31T23:00"}, replaces members of the ranges, also by impossible dates
     "hours": [{"match": {...}, "lost": true, "arrives": "...", "complete": "...", "vanishes": "...", "parts": 3,
                "lines": 9}],
     "files": [{"match": {...}, "times": 1, "do": {"truncate": 5000}}],
     "lines_of": [{"match": {..., "line": 17}, "do": {"raw": "{\"half"}}],
     "listings": [{"match": {...}, "do": {"again": {"2": "other.gz"}, "rename": {"1": "odd.gz"}, "only": [1, 3]}}]}

A match selects by business, platform, position, datetime, index (of the part) and line (from 1, or `every`: each nth).
Files can: truncate (end after so many octets), cut (the same and drop the connection), wrong_crc, status, html (a page
instead of a file), rate (octets a real second). Lines can: raw (another text), spoil (values that do not fit), set
(members that are added or changed), numeric_ids. A line with raw or spoil is no row of the truth; one with set is.
Hours of the ranges have no business; what shall be true of them must not select by one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sandbox.clock import parse_moment

Placed = Mapping[str, Any]
Do = Mapping[str, Any]

_SHARES = {"late": 0.03, "lost": 0.006, "partial": 0.05, "empty": 0.02}
_PLACES = frozenset({"business", "platform", "position", "datetime", "index", "line", "every"})
_MOMENTS = frozenset({"arrives", "complete", "vanishes"})
_HOURS = _MOMENTS | {"lost", "parts", "lines"}
_FILES = frozenset({"truncate", "cut", "wrong_crc", "status", "html", "rate"})
_LINES = frozenset({"raw", "spoil", "set", "numeric_ids"})
_LISTINGS = frozenset({"again", "rename", "only", "empty"})
_MEMBERS = frozenset({"lines", "parts", "shares", "no_capability", "dates", "hours", "files", "lines_of", "listings"})
_NOTHING: Do = {}


class SafetyScenarioError(ValueError):
    """The document says something that the sandbox does not know."""


@dataclass(slots=True)
class SafetyRule:
    """One deviation, where it holds, and how often it is still to happen (None: always)."""

    match: Placed
    do: Do
    times: int | None = None

    def fits(self, placed: Placed) -> bool:
        """Tell whether the rule means this place; `line` and `every` are looked at by `means_line`."""
        return all(
            str(placed.get(name)) == str(wanted) for name, wanted in self.match.items() if name not in {"line", "every"}
        )

    def means_line(self, number: int) -> bool:
        """Tell whether the rule means the line of that number."""
        line, every = self.match.get("line"), self.match.get("every")
        return (line is None or int(line) == number) and (every is None or number % int(every) == 0)

    def use(self) -> bool:
        """Take one of the times that are left."""
        if self.times == 0:
            return False
        if self.times is not None:
            self.times -= 1
        return True


@dataclass(slots=True)
class SafetyScenario:
    """Everything scripted about brand safety."""

    lines: int | None = None
    parts: int | None = None
    shares: Mapping[str, float] = field(default_factory=lambda: _SHARES)
    no_capability: frozenset[str] = frozenset()
    dates: Mapping[str, Any] = field(default_factory=dict)
    hours: Sequence[SafetyRule] = ()
    files: Sequence[SafetyRule] = ()
    lines_of: Sequence[SafetyRule] = ()
    listings: Sequence[SafetyRule] = ()

    def of_hour(self, placed: Placed) -> Do:
        """Return what is told about an hour; later rules win."""
        told: dict[str, Any] = {}
        for rule in self.hours:
            if rule.fits(placed):
                told |= rule.do
        return told

    def of_file(self, placed: Placed) -> Do:
        """Return what the first usable rule orders for a download, and count it."""
        return next((rule.do for rule in self.files if rule.fits(placed) and rule.use()), _NOTHING)

    def of_lines(self, placed: Placed) -> Sequence[SafetyRule]:
        """Return the rules that mean lines of a part."""
        return [rule for rule in self.lines_of if rule.fits(placed)]

    def of_listing(self, placed: Placed) -> Do:
        """Return what the first usable rule orders for a listing, and count it."""
        return next((rule.do for rule in self.listings if rule.fits(placed) and rule.use()), _NOTHING)

    def lacks_capability(self, business: str) -> bool:
        """Tell whether the app may not read this business's files."""
        return bool(self.no_capability & {business, "*"})


def read_safety(document: Mapping[str, Any]) -> SafetyScenario:
    """Read the member of a scenario; raises SafetyScenarioError for what it cannot mean."""
    _known(document, _MEMBERS, "brand_safety")
    _known(document.get("shares", {}), frozenset(_SHARES), "shares")
    return SafetyScenario(
        lines=document.get("lines"),
        parts=document.get("parts"),
        shares=_SHARES | dict(document.get("shares", {})),
        no_capability=frozenset(map(str, document.get("no_capability", ()))),
        dates=dict(document.get("dates", {})),
        hours=[_hour(entry) for entry in document.get("hours", ())],
        files=[_rule(entry, _FILES, "files") for entry in document.get("files", ())],
        lines_of=[_rule(entry, _LINES, "lines_of") for entry in document.get("lines_of", ())],
        listings=[_rule(entry, _LISTINGS, "listings") for entry in document.get("listings", ())],
    )


def _hour(entry: Mapping[str, Any]) -> SafetyRule:
    told = {name: value for name, value in entry.items() if name != "match"}
    _known(told, _HOURS, "hours")
    moments = {name: parse_moment(told[name]) for name in _MOMENTS if told.get(name) is not None}
    return SafetyRule(_match(entry), told | moments)


def _rule(entry: Mapping[str, Any], deeds: frozenset[str], where: str) -> SafetyRule:
    _known(entry, frozenset({"match", "times", "do"}), where)
    _known(entry.get("do", {}), deeds, where)
    return SafetyRule(_match(entry), entry.get("do", {}), entry.get("times"))


def _match(entry: Mapping[str, Any]) -> Placed:
    match: Placed = entry.get("match", {})
    _known(match, _PLACES, "match")
    return match


def _known(document: Mapping[str, Any], names: frozenset[str], where: str) -> None:
    for name in document.keys() - names:
        raise SafetyScenarioError(f"{where} does not know {name!r}; it knows {', '.join(sorted(names))}")
