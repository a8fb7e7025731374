"""Owns what an insights call asks: parameters read and judged by graph-api.md 2.2 to 2.9, then frozen."""

from dataclasses import dataclass
from datetime import date

from sandbox import breakdown_names, field_names, periods
from sandbox.faults import GraphError, invalid, named
from sandbox.filtering import Condition, conditions
from sandbox.parameters import Parameters, flag, structure, whole, words
from sandbox.periods import Span
from sandbox.world import LEVELS, Node

DEFAULT_PAGE = 25
LARGEST_PAGE = 5000
_IDS = {"account": 1, "campaign": 2, "adset": 3, "ad": 4}
WINDOWS = frozenset(
    f"{days}_{kind}{suffix}"
    for days in ("1d", "7d", "28d")
    for kind in ("click", "view")
    for suffix in ("", "_first_conversion", "_all_conversions")
) | {
    "1d_ev",
    "dda",
    "default",
    "skan_view",
    "skan_click",
    "skan_view_second_postback",
    "skan_click_second_postback",
    "skan_view_third_postback",
    "skan_click_third_postback",
    "incrementality",
    "inline",
    "custom",
}
_FIELDS_PAGE = "https://developers.facebook.com/docs/marketing-api/reference/ads-insights/"
_BREAKDOWNS_PAGE = "https://developers.facebook.com/docs/marketing-api/insights/breakdowns/"
_WITH_NO_BREAKDOWN = frozenset(
    {
        "app_store_clicks",
        "newsfeed_avg_position",
        "newsfeed_clicks",
        "newsfeed_impressions",
        "relevance_score",
    }
)
_QUARTILES = frozenset(f"video_p{percent}_watched_actions" for percent in (25, 50, 75, 95, 100))
_NOT_BY_REGION = _QUARTILES | {"video_avg_time_watched_actions"}
_NOT_BY_DMA = frozenset({"estimated_ad_recall_rate", "video_thruplay_watched_actions"})
_BY_ASSET = frozenset({"impressions", "clicks", "spend", "reach", "actions", "action_values"})
_SKAN = {
    "app_id": "total_postbacks",
    "skan_conversion_id": "total_postbacks",
    "skan_campaign_id": "total_postbacks_detailed",
    "is_conversion_id_modeled": "total_postbacks_detailed",
    **dict.fromkeys(
        ("fidelity_type", "coarse_conversion_value", "hsid", "postback_sequence_index", "redownload", "skan_version"),
        "total_postbacks_detailed_v4",
    ),
}


@dataclass(frozen=True, slots=True)
class Query:
    """One legal question; two equal queries have equal rows."""

    object_id: str
    level: str
    fields: tuple[str, ...]
    breakdowns: tuple[str, ...]
    action_breakdowns: tuple[str, ...]
    windows: tuple[str, ...]
    spans: tuple[Span, ...]
    increment: str | int
    filtering: str
    """The parameter's text; conditions are read from it once per evaluation."""
    sort: str
    summary: tuple[str, ...] | None
    product_id_limit: int | None

    def conditions(self) -> tuple[Condition, ...]:
        """Return the conditions."""
        return conditions({"filtering": self.filtering}, self.level)


def read_query(node: Node, parameters: Parameters, today: date) -> Query:
    """Read and judge a call on `node`; raises the documented error for whatever is wrong first."""
    level = parameters.get("level", "").strip() or node.kind
    if level not in LEVELS:
        raise invalid(f"level must be one of the following values: {', '.join(LEVELS)}")
    if LEVELS.index(level) < LEVELS.index(node.kind):
        raise named("1/99")
    asked = words(parameters, "fields")
    query = Query(
        object_id=node.id,
        level=level,
        fields=tuple(dict.fromkeys(asked)) if asked else _default_fields(level),
        breakdowns=words(parameters, "breakdowns") or (),
        action_breakdowns=_action_breakdowns(parameters),
        windows=words(parameters, "action_attribution_windows") or (),
        spans=_spans(parameters, today),
        increment=_increment(parameters),
        filtering=parameters.get("filtering", ""),
        sort=_sort(parameters),
        summary=_summary(parameters, asked or _default_fields(level)),
        product_id_limit=whole(parameters, "product_id_limit"),
    )
    query.conditions()
    _judge_names(query)
    _judge_combination(query, explicit=bool(words(parameters, "action_breakdowns")))
    return query


def _default_fields(level: str) -> tuple[str, ...]:
    ids = tuple(f"{name}_id" for name in LEVELS[: _IDS[level]])
    return (*ids, "impressions", "spend")


def _action_breakdowns(parameters: Parameters) -> tuple[str, ...]:
    asked = words(parameters, "action_breakdowns")
    return ("action_type",) if asked is None else asked


def _spans(parameters: Parameters, today: date) -> tuple[Span, ...]:
    several = structure(parameters, "time_ranges")
    if several:
        return tuple(periods.span(value, today) for value in several)
    one = structure(parameters, "time_range")
    if one:
        return (periods.span(one, today),)
    return (periods.preset(parameters.get("date_preset", "").strip().strip('"') or "last_30d", today),)


def _increment(parameters: Parameters) -> str | int:
    return (
        "all_days" if structure(parameters, "time_ranges") else periods.increment(parameters.get("time_increment", ""))
    )


def _sort(parameters: Parameters) -> str:
    asked = words(parameters, "sort") or ()
    if len(asked) > 1:
        raise invalid("Param sort can have at most one entry")
    return asked[0] if asked else ""


def _summary(parameters: Parameters, fields: tuple[str, ...]) -> tuple[str, ...] | None:
    asked = words(parameters, "summary")
    if asked and asked != ("true",):
        return asked
    return fields if asked == ("true",) or flag(parameters, "default_summary") else None


def _judge_names(query: Query) -> None:
    for name in (*query.fields, *(query.summary or ())):
        if name not in field_names.REQUESTABLE:
            raise _unknown(name, "fields", _FIELDS_PAGE)
    for name in query.breakdowns:
        if name not in breakdown_names.BREAKDOWNS:
            raise _unknown(name, "breakdowns", _BREAKDOWNS_PAGE)
    _judge_enum("action_breakdowns", query.action_breakdowns, breakdown_names.ACTION_BREAKDOWNS)
    _judge_enum("action_attribution_windows", query.windows, WINDOWS)


def _unknown(name: str, parameter: str, page: str) -> GraphError:
    return invalid(f"{name} is not valid for {parameter} param. please check {page} for all valid values")


def _judge_enum(parameter: str, names: tuple[str, ...], known: frozenset[str]) -> None:
    for index, name in enumerate(names):
        if name not in known:
            raise invalid(f"{parameter}[{index}] must be one of the following values: {', '.join(sorted(known))}")


def _judge_combination(query: Query, *, explicit: bool) -> None:
    """Apply the rules under 2.6.2 in their order of numbers."""
    breakdowns, fields = frozenset(query.breakdowns), frozenset(query.fields)
    if not breakdown_names.legal(breakdowns, frozenset(query.action_breakdowns)):
        listed = ", ".join((*query.action_breakdowns, *query.breakdowns))
        raise invalid(f"Current combination of data breakdown columns ({listed}) is invalid")
    if explicit and query.action_breakdowns != ("action_type",) and "actions" not in fields:
        raise invalid("action_breakdowns can only be used when actions is in the fields param")
    if "mmm" in breakdowns:
        raise invalid("breakdowns=mmm is only available as an asynchronous export")
    for name in sorted(_refused(query, breakdowns, fields)):
        raise invalid(f"{name} is not supported with the breakdowns ({', '.join(query.breakdowns)})")


def _refused(query: Query, breakdowns: frozenset[str], fields: frozenset[str]) -> frozenset[str]:
    metrics = fields - field_names.LABELS
    refused = fields & _WITH_NO_BREAKDOWN if breakdowns else frozenset()
    if breakdowns & breakdown_names.HOURLY:
        refused |= {name for name in fields if name.startswith("video_")}
    if "region" in breakdowns:
        refused |= fields & _NOT_BY_REGION
    if "dma" in breakdowns:
        refused |= fields & _NOT_BY_DMA
    if "frequency_value" in breakdowns:
        refused |= metrics - {"reach"}
    if breakdowns & breakdown_names.ASSETS:
        refused |= metrics - _BY_ASSET
    if query.level == "account" and breakdowns & {"image_asset", "video_asset", "place_page_id"}:
        refused |= breakdowns
    for name in breakdowns & _SKAN.keys():
        refused |= metrics - {_SKAN[name]}
    return refused
