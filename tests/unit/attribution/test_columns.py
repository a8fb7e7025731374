"""A definition is checked against the columns that there are before anything is posted, and completed from them."""

from typing import Any

import pytest

from schemas.attribution_cells import Cell, cells
from schemas.attribution_columns import completed, refusals
from schemas.columns import Kind

STANDARD = {"category": "standard", "area": "serving"}
THERE: list[dict[str, Any]] = [
    {
        **STANDARD,
        "key": "campaign_name",
        "name": "Campaign Name",
        "aggregation_usage": "dimension",
        "incompatibilities": [{"category": "standard", "key": "action_requests"}],
    },
    {**STANDARD, "key": "action_requests", "name": "Action Requests", "aggregation_usage": "metric"},
    {**STANDARD, "key": "date", "name": "Date", "aggregation_usage": "dimension", "incompatibilities": []},
    {**STANDARD, "key": "net_media_cost", "name": "Net Media Cost", "aggregation_usage": "metric"},
    {
        "category": "attribution",
        "area": "serving",
        "key": "time_decay_1",
        "name": "Time Decay",
        "aggregation_usage": "metric",
        "attribution_model": "time_exponential_decay",
    },
    {**STANDARD, "key": "cost_per_conversion", "name": "Cost", "aggregation_usage": "metric"},
]
HALF_LIFE = "attribution_time_exponential_decay_param_half_life"
FIRST = "attribution_position_based_param_first_touch_percentage"


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ([{"key": "campain_name"}], "key = 'campain_name': there is no such column; did you mean 'campaign_name'?"),
        ([{"key": "campaign_name"}, {"key": "action_requests"}], "cannot stand beside 'action_requests'"),
        ([{"key": "action_requests"}, {"key": "campaign_name"}], "cannot stand beside 'action_requests'"),
        ([{"key": "date", "aggregation_usage": "metric"}], "aggregation_usage = 'metric': of 'date' it is 'dimension'"),
        ([{"key": "date", "additional_params": {HALF_LIFE: "7"}}], "'date' is no attribution column"),
        ([{"key": "time_decay_1", "additional_params": {FIRST: "7"}}], "only for positional_based"),
        (
            [{"key": "time_decay_1", "additional_params": {"selected_metrics": ["cost_per_conversions"]}}],
            "no column 'cost_per_conversions'; did you mean 'cost_per_conversion'?",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(wanted: list[dict[str, Any]], says: str) -> None:
    """Each refusal names the place, the value and the nearest legal one."""
    assert says in "\n".join(refusals(wanted, THERE))


def test_what_goes_together_is_completed() -> None:
    """Four members and the name are copied; a list of metrics becomes the sample's comma text; own words stay."""
    wanted: list[dict[str, Any]] = [
        {"key": "date", "name": "Tag"},
        {"key": "time_decay_1", "additional_params": {"selected_metrics": ["net_media_cost", "cost_per_conversion"]}},
    ]
    assert refusals(wanted, THERE) == []
    assert completed(wanted, THERE) == [
        {"key": "date", "name": "Tag", "category": "standard", "area": "serving", "aggregation_usage": "dimension"},
        {
            "key": "time_decay_1",
            "name": "Time Decay",
            "category": "attribution",
            "area": "serving",
            "aggregation_usage": "metric",
            "attribution_model": "time_exponential_decay",
            "additional_params": {"selected_metrics": "net_media_cost,cost_per_conversion"},
        },
    ]


def test_cells_are_named_and_typed_by_key_by_name_and_by_what_they_begin_with() -> None:
    """Whichever way a row is keyed, its cell has the column's kind; names that meet are told apart."""
    wanted = [{"key": key} for key in ("campaign_name", "date", "net_media_cost", "time_decay_1")]
    labels = ["Campaign Name", "date", "net_media_cost", "time_decay_1_cost_per_conversion", "Öl", "Row Number", "1st"]
    assert cells(labels, wanted, THERE) == [
        Cell("campaign_name", Kind.TEXT, "Campaign Name"),
        Cell("date", Kind.DAY, "date"),
        Cell("net_media_cost", Kind.AMOUNT, "net_media_cost"),
        Cell("time_decay_1_cost_per_conversion", Kind.AMOUNT, "time_decay_1_cost_per_conversion", quotient=True),
        Cell("l", Kind.TEXT, "Öl"),
        Cell("row_number_2", Kind.TEXT, "Row Number"),
        Cell("column_1st", Kind.TEXT, "1st"),
    ]
