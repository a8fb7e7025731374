"""Splitting loses no row, asks none twice, and ends: whatever is known of the objects, whatever is refused."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.ads_insights.ladder import (
    MOST_IDS,
    Narrowing,
    Part,
    metrics,
    part_of,
    rungs,
    split,
    wanted_ids,
    with_ids,
)
from connectors.ads_insights.questions import Question, ids_of, submission
from schemas.breakdowns import BREAKDOWNS
from schemas.insights_fields import FIELDS
from schemas.periods import Period
from schemas.reports import KEY_IDS, LEVELS, Filter, Report

DAY = Period(date(2026, 11, 1), date(2026, 11, 2))
STATUS = Filter.of("ad.effective_status", "IN", ["ACTIVE", "ARCHIVED"])
SPENT = Filter.of("ad.spend", "GREATER_THAN", 1)
Row = dict[str, str]


@dataclass(frozen=True)
class World:
    """The rows there are in truth, one per ad, and the ids that somebody believes there are."""

    rows: tuple[Row, ...]
    guesses: dict[str, tuple[str, ...]]

    def ids(self, level: str, part: Part) -> set[str]:
        return {row[f"{level}_id"] for row in self.rows if lets_through(part.narrowing, row)}


def lets_through(narrowing: Narrowing, row: Row) -> bool:
    for entry in narrowing.filters:
        level, ids = entry.field.removesuffix(".id"), json.loads(entry.value)
        if (row[f"{level}_id"] in ids) != (entry.operator == "IN"):
            return False
    return True


ids = st.integers(1, 30).map(str)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Ads in ad sets in campaigns; guesses that are complete, incomplete, stale, or all of it."""
    homes = draw(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 3)), max_size=25))
    rows = tuple(
        {"campaign_id": str(c), "adset_id": f"{c}{s}", "ad_id": f"{c}{s}{n:02}"} for n, (c, s) in enumerate(homes)
    )
    guesses = {}
    for level in LEVELS[1:]:
        real = sorted({row[f"{level}_id"] for row in rows})
        kept = draw(st.sets(st.sampled_from(real))) if real else set()
        guesses[level] = tuple(sorted(kept | draw(st.sets(ids, max_size=4))))
    return World(rows, guesses)


def reports() -> st.SearchStrategy[Report]:
    """Reports of every level with some filters and fields, unique metrics among them or alone."""
    fields = st.sets(st.sampled_from(["impressions", "spend", "reach", "frequency", "actions", "results", "clicks"]))
    filters = st.sampled_from([(), (STATUS,), (STATUS, SPENT), (SPENT,)])
    return st.builds(
        lambda level, names, some: Report("r", level, tuple(sorted(names)) or ("spend",), filtering=some),
        st.sampled_from(LEVELS),
        fields,
        filters,
    )


def leaves(part: Part, report: Report, world: World, refused: Callable[[Part], bool]) -> Iterator[Part]:
    """The ladder as the pipeline walks it: the parts that are answered, and those that are holes."""
    if not refused(part):
        yield part
        return
    while (level := wanted_ids(part, report)) is not None:
        before = part
        part = with_ids(part, report, world.guesses[level], asked=False)
        if wanted_ids(part, report) == level:
            part = with_ids(part, report, world.ids(level, before), asked=True)
    children = split(part, report)
    if children is None:
        yield part
        return
    for child in children:
        yield from leaves(child, report, world, refused)


def too_much(world: World, most: int, worth: int) -> Callable[[Part], bool]:
    """Refuses what has too many rows, each row weighing with the number of fields that are asked."""

    def refused(part: Part) -> bool:
        rows = sum(lets_through(part.narrowing, row) for row in world.rows)
        return rows > most or (worth > 0 and rows * (len(part.fields) if part.fields else 99) > worth)

    return refused


@settings(max_examples=300, deadline=None)
@given(worlds(), reports(), st.integers(0, 6), st.integers(0, 12))
def test_the_leaves_are_the_whole_and_nothing_twice(world: World, report: Report, most: int, worth: int) -> None:
    """Every row is in exactly one leaf for each of its fields, though candidates be missing, new or long gone."""
    found = list(leaves(Part(), report, world, too_much(world, most, worth)))
    for row in world.rows:
        mine = [leaf for leaf in found if lets_through(leaf.narrowing, row)]
        fields = [name for leaf in mine for name in (leaf.fields or metrics(report))]
        assert sorted(fields) == sorted(metrics(report))


@settings(max_examples=200, deadline=None)
@given(worlds(), reports(), st.integers(0, 6), st.integers(0, 12))
def test_a_leaf_is_small_enough_or_at_the_floor(world: World, report: Report, most: int, worth: int) -> None:
    """What is still refused is one field of one object of the lowest rung, or of the account."""
    refused = too_much(world, most, worth)
    for leaf in leaves(Part(), report, world, refused):
        if refused(leaf):
            assert len(leaf.fields or metrics(report)) == 1
            asked = {row[f"{level}_id"] for level in rungs(report)[-1:] for row in world.rows if _in(leaf, row)}
            assert len(asked) <= 1


def _in(leaf: Part, row: Row) -> bool:
    return lets_through(leaf.narrowing, row)


@settings(max_examples=100, deadline=None)
@given(worlds(), reports(), st.integers(0, 4), st.integers(0, 8))
def test_every_leaf_keeps_filters_and_key(world: World, report: Report, most: int, worth: int) -> None:
    """What is sent for a leaf holds the report's own filters, status ones too, and every field of the key."""
    whole = submission(Question(report, "111", DAY)).params
    for leaf in leaves(Part(), report, world, too_much(world, most, worth)):
        sent = submission(Question(report, "111", DAY, narrowing=leaf.narrowing)).params
        assert [entry for entry in sent["filtering"] if not _is_ids(entry)] == whole["filtering"]  # type: ignore[union-attr]
        assert set(KEY_IDS[report.level]) <= set(sent["fields"])  # type: ignore[arg-type]
        same = {name: value for name, value in whole.items() if name not in {"fields", "filtering"}}
        assert {name: sent.get(name) for name in same if name != "action_breakdowns"} == {
            name: value for name, value in same.items() if name != "action_breakdowns"
        }


def _is_ids(entry: object) -> bool:
    return isinstance(entry, dict) and str(entry["field"]).endswith(".id")


@settings(max_examples=100, deadline=None)
@given(worlds(), reports(), st.integers(0, 4), st.integers(0, 8))
def test_a_remembered_leaf_asks_the_same_and_splits_on(world: World, report: Report, most: int, worth: int) -> None:
    """Kept as data and read back, leaves are the same division, and each of them can go on down the ladder."""
    refused = too_much(world, most, worth)
    for leaf in leaves(Part(), report, world, refused):
        kept = Narrowing.read(json.loads(json.dumps(leaf.narrowing.as_data())))
        again = part_of(kept)
        assert again.narrowing == leaf.narrowing == kept
        for row in world.rows:
            mine = [e for e in leaves(again, report, world, too_much(world, 0, 1)) if lets_through(e.narrowing, row)]
            fields = [name for child in mine for name in (child.fields or metrics(report))]
            asked = (leaf.fields or metrics(report)) if lets_through(leaf.narrowing, row) else ()
            assert sorted(fields) == sorted(asked)


def test_unique_metrics_are_asked_apart_first() -> None:
    """Reach and frequency are the first to leave the others."""
    report = Report("r", "account", ("impressions", "reach", "spend", "frequency"))
    one, other = split(Part(), report) or (Part(), Part())
    assert (one.fields, other.fields) == (("impressions", "spend"), ("reach", "frequency"))
    assert all(FIELDS[name].unique for name in other.fields or ())


def test_a_long_list_is_several_filters() -> None:
    """No filter holds more ids than a call bears."""
    report = Report("r", "ad", ("spend",))
    part = with_ids(Part(), report, [str(n) for n in range(2600)], asked=False)
    found: list[Part] = []
    while part.ids:
        one, part = split(part, report) or (part, Part())
        found.append(one)
        for leaf in (one, part):
            assert all(len(json.loads(entry.value)) <= MOST_IDS for entry in leaf.narrowing.filters)
    assert sum(len(leaf.ids or ()) for leaf in found) == 2600
    assert sum(len(json.loads(entry.value)) for entry in part.narrowing.filters) == 2600


@pytest.mark.parametrize("breakdown", ["country", "publisher_platform"])
def test_a_breakdown_is_never_sent_as_a_field(breakdown: str) -> None:
    """Neither in a part nor in the question for ids."""
    report = Report("r", "ad", ("spend", "reach"), breakdowns=(breakdown,))
    parts = split(Part(), report) or ()
    for question in (Question(report, "1", DAY, narrowing=part.narrowing) for part in parts):
        assert not set(submission(question).params["fields"]) & set(BREAKDOWNS)  # type: ignore[arg-type]
        assert submission(question).params["breakdowns"] == [breakdown]
        assert "breakdowns" not in submission(ids_of(question, "campaign")).params


def test_a_part_is_never_taken_for_the_whole() -> None:
    """A run of a part is remembered by another definition, so that no later load adopts it as the whole slice."""
    report = Report("r", "ad", ("spend", "reach"))
    whole = Question(report, "1", DAY)
    parts = [Question(report, "1", DAY, narrowing=part.narrowing) for part in split(Part(), report) or ()]
    definitions = {question.definition for question in [whole, *parts, ids_of(whole, "ad")]}
    assert whole.definition == report.definition_hash
    assert len(definitions) == 4
