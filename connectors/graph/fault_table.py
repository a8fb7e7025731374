"""The fault tables of graph-api.md 1.5, 1.6, 2.12, 4.5 and 5.6 as data; `faults` looks things up in them.

Sources are the tags of graph-api.md, whose section 0.2 names each page.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from connectors.errors import (
    Blocked,
    Fault,
    Invalid,
    Missing,
    NotReady,
    OutOfRange,
    PermissionRefused,
    RestartListing,
    Resubmit,
    Throttled,
    TokenRefused,
    TooMuch,
    Transient,
    VersionDead,
)
from connectors.pace.quotas import BRAND_SAFETY, INSIGHTS_PLATFORM, PAGES, PLATFORM, Quota

Where = Literal["any", "run"]
RUN: Where = "run"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: these numbers, there, mean this and want that.

    code: one code, or a range with both ends. subcode: None for any that has no line of its own.
    where: `run` when the line holds only for calls about a report run and for its own error fields.
    final: stays as it is although Graph says `is_transient`.
    """

    code: int | range
    subcode: int | None
    where: Where
    meaning: str
    remedy: type[Fault]
    source: str
    more: Mapping[str, Any] = field(default_factory=dict)
    final: bool = False


def _closes(*quotas: Quota, kind: str | None = None) -> dict[str, Any]:
    """What a throttle closes: fixed quotas, or this kind of the call's own account (else of the whole app)."""
    return {"quotas": frozenset(quotas), "account_kind": kind}


SPLIT_AFTER_THREE = {"tries": 3, "then_split": True}

TABLE: tuple[Row, ...] = (
    # ---- ask for less ----
    Row(100, 1487534, "any", "too many rows or data points", TooMuch, "2.12 [seed 004] [obs: o:a11, o:estuary]"),
    Row(100, 1504018, "any", "the synchronous answer timed out", TooMuch, "2.12 [docs: IEC]"),
    Row(2, 1504038, "any", "the synchronous answer timed out", TooMuch, "2.12 [docs: IEC]"),
    Row(-3, 1504045, "any", "the report is too large", TooMuch, "2.12 [docs: IEC]"),
    Row(1, 99, "any", "too much data or a wrong level", TooMuch, "2.12 [obs: o:py510]", {"page_only": True}),
    # ---- the same again ----
    Row(1, None, "any", "unknown, perhaps temporary", Transient, "1.6 [seed 004] [obs: o:py470]", SPLIT_AFTER_THREE),
    Row(2, 1504043, "any", "intermittent", Transient, "2.12 [docs: IEC]"),
    Row(2, 1504044, "any", "unknown", Transient, "2.12 [docs: IEC] [obs: o:estuary]", SPLIT_AFTER_THREE),
    Row(2, None, "any", "the service is down for the moment", Transient, "1.6 [seed 004]"),
    Row(960, None, "any", "the batch timed out", Transient, "1.6 [obs: o:airbyte]"),
    # ---- report runs ----
    Row(2601, 1815107, "run", "the run is not complete", NotReady, "2.12 [obs: o:py293]"),
    Row(-2, 2490547, "any", "the generation failed", Resubmit, "2.12 [docs: IEC]", {"then_split": True}),
    Row(100, 33, "run", "no such report run, or expired", Resubmit, "2.5 [seed 004] [inferred]"),
    # ---- the question is wrong ----
    Row(2, 1504041, "any", "no data for these metrics and breakdowns", Invalid, "2.12 [docs: IEC]", final=True),
    Row(2, 1504042, "any", "invalid custom metrics", Invalid, "2.12 [docs: IEC]", final=True),
    Row(100, 1487561, "any", "bad status filter", Invalid, "2.12 [obs: o:issues]"),
    Row(100, 2349046, "any", "bad brand-safety platform", Invalid, "4.5 [seed 002]"),
    Row(100, 2349047, "any", "bad brand-safety position", Invalid, "4.5 [seed 002]"),
    Row(100, 2349019, "any", "bad platform and position pair", Invalid, "4.5 [docs: FV]"),
    *(
        Row(100, subcode, "any", "bad range of brand-safety dates", Invalid, "4.5 [docs: FV]")
        for subcode in range(2349020, 2349026)
    ),
    Row(100, None, "any", "invalid parameter", Invalid, "1.6 [seed 004]"),
    Row(105, None, "any", "too many parameters", Invalid, "1.6 [seed 004]"),
    Row(2500, None, "any", "path or fields cannot be parsed", Invalid, "1.6 [seed 004]"),
    Row(3001, None, "any", "invalid query", Invalid, "2.12, 5.6 [seed 001] [seed 004]"),
    # ---- too old ----
    Row(3018, None, "any", "begins more than 37 months ago", OutOfRange, "2.12 [seed 004]"),
    Row(100, 2349048, "any", "outside the brand-safety window", OutOfRange, "4.5 [seed 002]"),
    # ---- the cursor ----
    Row(2642, None, "any", "invalid cursor", RestartListing, "1.6 [seed 004]"),
    Row(100, 2349049, "any", "invalid brand-safety cursor", RestartListing, "4.5 [seed 002]"),
    # ---- not ours ----
    Row(100, 33, "any", "no such object, or no right to see it", Missing, "1.5 [obs: o:issues]"),
    Row(100, 3191001, "any", "permission", PermissionRefused, "2.12 [docs: IEC]"),
    Row(3, None, "any", "the app lacks the capability", PermissionRefused, "1.6 [seed 004]"),
    Row(10, None, "any", "permission not granted or removed", PermissionRefused, "1.6 [seed 004]"),
    Row(range(200, 300), None, "any", "permission", PermissionRefused, "1.6 [seed 004]"),
    Row(3000, None, "any", "insights of an app that the caller does not own", PermissionRefused, "5.6 [seed 001]"),
    Row(3003, None, "any", "the metric needs admin rights on the app", PermissionRefused, "5.6 [seed 001]"),
    # ---- the token ----
    Row(102, None, "any", "session or token", TokenRefused, "1.6 [seed 004] [docs: EH]"),
    Row(104, None, "any", "signature or missing token", TokenRefused, "1.6 [seed 004]"),
    Row(190, None, "any", "token expired, withdrawn or malformed", TokenRefused, "1.3 [docs: EH] [obs: o:issues]"),
    Row(range(458, 468), None, "any", "token, told by the subcode's number alone", TokenRefused, "1.6 [docs: EH]"),
    # ---- stop ----
    Row(368, None, "any", "blocked for abuse", Blocked, "1.6 [seed 004]", final=True),
    Row(1404078, None, "any", "blocked for abuse", Blocked, "1.6 [seed 004]", final=True),
    Row(2859015, None, "any", "blocked for abuse", Blocked, "1.6 [seed 004]", final=True),
    Row(2635, None, "any", "the version is too old", VersionDead, "1.6 [seed 004]", final=True),
    # ---- a quota: which one, 3.5 rule 1 ----
    Row(4, 1504022, "any", "insights limit of the app", Throttled, "3.1 [docs: RL]", _closes(INSIGHTS_PLATFORM)),
    Row(4, 1504039, "any", "insights limit of the app", Throttled, "3.1 [docs: RL]", _closes(INSIGHTS_PLATFORM)),
    Row(4, None, "any", "call limit of the app", Throttled, "3.1 [seed 004]", _closes(PLATFORM)),
    Row(17, None, "any", "score of the user or account", Throttled, "3.1 [docs: RL]", _closes(kind="score")),
    Row(32, None, "any", "page calls", Throttled, "3.1 [seed 004]", _closes(PAGES)),
    Row(341, None, "any", "limit of the application", Throttled, "1.6 [seed 004]", _closes(kind="score")),
    Row(613, None, "any", "custom limit of the account", Throttled, "3.1 [docs: RL]", _closes(kind="score")),
    Row(80000, None, "any", "ads insights of the account", Throttled, "3.1 [seed 004]", _closes(kind="insights")),
    Row(80004, None, "any", "ads management of the account", Throttled, "3.1 [seed 004]", _closes(kind="management")),
    Row(80003, None, "any", "custom audiences", Throttled, "3.1 [seed 004]", _closes(kind="custom_audience")),
    Row(80011, None, "any", "brand safety", Throttled, "4.5 [seed 002]", _closes(BRAND_SAFETY)),
    Row(range(80001, 80015), None, "any", "another use case", Throttled, "3.1 [seed 004]", _closes(kind="business")),
)


@dataclass(frozen=True, slots=True)
class TextRule:
    """An error that only its words tell apart; `codes` are those it is known under (None: no code at all)."""

    codes: frozenset[int | None]
    words: re.Pattern[str]
    remedy: type[Fault]
    reason: str
    more: Mapping[str, Any] = field(default_factory=dict)


BY_TEXT: tuple[TextRule, ...] = (
    TextRule(
        frozenset({1, None}),
        re.compile(r"reduce the amount of data"),
        TooMuch,
        "code 1 without subcode also means any unknown error: 1.5, 1.7 [obs: o:fbrads66, o:airbyte]",
        {"page_only": True},
    ),
    TextRule(
        frozenset({100}),
        re.compile(r"Cannot include .* in summary param", re.DOTALL),
        Transient,
        "a glitch under the plain code of wrong parameters, without subcode: 2.12 [obs: o:airbyte]",
    ),
    TextRule(
        frozenset({100}),
        re.compile(r"After Cursor specified exceeds the max limit"),
        TooMuch,
        "paging too deep, under the plain code of wrong parameters, without subcode: 1.7 [seed 004]",
    ),
    TextRule(
        frozenset({2500, 100}),
        re.compile(r"active access token must be used|require an appsecret_proof|Invalid appsecret_proof"),
        TokenRefused,
        "a missing token or a wrong proof under the codes of wrong parameters: 1.3 [obs: o:issues] [inferred]",
    ),
    TextRule(
        frozenset({100}),
        re.compile(r"There cannot be more than \d+ days .* between since and until"),
        TooMuch,
        "a range that is too long, under the plain code of wrong parameters, without subcode: 5.2 [inferred]",
    ),
    TextRule(
        frozenset({100, 2500}),
        re.compile(r"nonexisting field \(app_insights\)"),
        Missing,
        "an edge that was taken away, under the plain code of wrong parameters: 5.1 [inferred]",
    ),
    TextRule(
        frozenset({100}),
        re.compile(r"Missing permissions"),
        PermissionRefused,
        "a permission under the plain code of wrong parameters: 1.5 [seed 004] [obs: o:airbyte]",
    ),
)
