"""Owns when a slice is final: that Meta may no longer change it and it was read after that. Pure; computed, not stored.

Each family answers for its own tables; a table that nobody answers for is one of ads insights or of objects.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from pipeline import app_insights_due
from pipeline.attribution_due import final as attribution_final
from pipeline.brand_safety_plan import is_settled
from schemas import app_insights
from schemas.attribution import ROWS as ATTRIBUTION_ROWS
from schemas.brand_safety import IMPRESSIONS
from schemas.brand_safety_ad_sets import AD_SET_IMPRESSIONS
from schemas.periods import Known, Period, is_final
from schemas.work import Place, SliceRecord

Rule = Callable[[SliceRecord], bool]

OF_TABLE: Mapping[str, Rule] = MappingProxyType(
    {
        AD_SET_IMPRESSIONS.name: is_settled,
        app_insights.TABLE_NAME: app_insights_due.final,
        ATTRIBUTION_ROWS: attribution_final,
        IMPRESSIONS.name: is_settled,
    }
)
"""The rules of the families that settle in their own way, by the table that the slice names."""


def final(record: SliceRecord, place: Place | None, lookback_days: int) -> bool:
    """Whether a slice is final under the present settings; objects never are."""
    rule = OF_TABLE.get(record.id.table)
    if rule is not None:
        return rule(record)
    if place is None or place.within is None or record.end is None:
        return False
    known = Known(record.state, record.end.date(), record.as_of)
    return is_final(known, Period(place.within[1], place.within[2]), record.time_zone, lookback_days)
