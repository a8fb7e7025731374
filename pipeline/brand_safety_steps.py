"""Owns brand safety as one family: hourly files, ad-set reports, and after them the content that both name."""

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.brand_safety.hours import Placement
from pipeline.ad_sets_family import AdSetReportsStep
from pipeline.brand_safety_availability import NAME
from pipeline.brand_safety_family import BrandSafety
from pipeline.brand_safety_plan import Span
from pipeline.content_family import ContentStep, named
from pipeline.in_turn import InTurn
from pipeline.orders import Choice
from schemas.brand_safety import AVAILABILITY, IMPRESSIONS
from schemas.brand_safety_ad_sets import AD_SET_IMPRESSIONS


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the configuration wants of brand safety; placements are written as `facebook/feed`."""

    businesses: Sequence[str]
    ad_sets: Sequence[str]
    placements: Sequence[str]
    content: bool


def brand_safety(wanted: Wanted, files_url: str, choice: Choice) -> InTurn:
    """The family, narrowed to what a command is about; without content its tables are none of the configuration."""
    placements = tuple(map(Placement.of, wanted.placements))
    span = Span(choice.since, choice.until, choice.only_failed)
    businesses, ad_sets = tuple(wanted.businesses), tuple(wanted.ad_sets)
    files = choice.chosen(businesses, IMPRESSIONS.name, AVAILABILITY.name)
    reports = choice.chosen(ad_sets, AD_SET_IMPRESSIONS.name)
    wanted_tables = choice.tables or (IMPRESSIONS.name,)
    tables, seen_by = named(choice.tables), (*businesses, *ad_sets)
    look_ups = (ContentStep(choice.chosen(seen_by, *tables), tables, seen_by),) if wanted.content else ()
    return InTurn(
        NAME,
        (
            BrandSafety(files, placements, files_url, businesses, span, hours=IMPRESSIONS.name in wanted_tables),
            AdSetReportsStep(reports, placements, ad_sets, span),
            *look_ups,
        ),
    )
