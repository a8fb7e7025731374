"""Owns days: presets, oldest legal day, and how a range is cut into slices (graph-api.md 2.3); pure functions."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from sandbox.faults import invalid, named

DAY = timedelta(days=1)
TOTALS_MONTHS = 37
UNIQUE_MONTHS = 13
FREQUENCY_MONTHS = 6
_MAX_INCREMENT = 90
_QUARTER = 3


@dataclass(frozen=True, slots=True)
class Span:
    """Days from `since` to `until`, both inclusive."""

    since: date
    until: date


def months_before(day: date, months: int) -> date:
    """Return the same day of the month so many months earlier, or that month's last day."""
    index = day.year * 12 + day.month - 1 - months
    year, month = divmod(index, 12)
    for number in range(day.day, 0, -1):
        try:
            return date(year, month + 1, number)
        except ValueError:
            continue
    return date(year, month + 1, 1)


def month_start(day: date, back: int = 0) -> date:
    """Return the first day of the month, so many months back."""
    return months_before(day.replace(day=1), back)


def _quarter_start(day: date, back: int = 0) -> date:
    return months_before(date(day.year, (day.month - 1) // _QUARTER * _QUARTER + 1, 1), _QUARTER * back)


def _week_start(day: date, first_weekday: int) -> date:
    return day - DAY * ((day.weekday() - first_weekday) % 7)


def _last(days: int) -> Callable[[date], Span]:
    return lambda today: Span(today - DAY * days, today - DAY)


def _whole_week(first_weekday: int) -> Callable[[date], Span]:
    def span(today: date) -> Span:
        start = _week_start(today, first_weekday) - DAY * 7
        return Span(start, start + DAY * 6)

    return span


_MONDAY, _SUNDAY = 0, 6
_PRESETS: dict[str, Callable[[date], Span]] = {
    "today": lambda today: Span(today, today),
    "yesterday": _last(1),
    "this_month": lambda today: Span(month_start(today), today),
    "last_month": lambda today: Span(month_start(today, 1), month_start(today) - DAY),
    "this_quarter": lambda today: Span(_quarter_start(today), today),
    "last_quarter": lambda today: Span(_quarter_start(today, 1), _quarter_start(today) - DAY),
    "this_year": lambda today: Span(date(today.year, 1, 1), today),
    "last_year": lambda today: Span(date(today.year - 1, 1, 1), date(today.year - 1, 12, 31)),
    "maximum": lambda today: Span(oldest(today), today),
    "data_maximum": lambda today: Span(oldest(today), today),
    "last_week_mon_sun": _whole_week(_MONDAY),
    "last_week_sun_sat": _whole_week(_SUNDAY),
    "this_week_mon_today": lambda today: Span(_week_start(today, _MONDAY), today),
    "this_week_sun_today": lambda today: Span(_week_start(today, _SUNDAY), today),
    **{f"last_{days}d": _last(days) for days in (3, 7, 14, 28, 30, 90)},
}


def oldest(today: date) -> date:
    """Return the oldest legal first day: 37 months before today."""
    return months_before(today, TOTALS_MONTHS)


def preset(name: str, today: date) -> Span:
    """Return the days that a preset means on the account's `today`."""
    if name not in _PRESETS:
        raise invalid(f"date_preset must be one of the following values: {', '.join(sorted(_PRESETS))}")
    return _PRESETS[name](today)


def span(value: object, today: date) -> Span:
    """Read one time_range; unreal or reversed days are code 100, a start beyond 37 months is 3018."""
    if not isinstance(value, dict) or not {"since", "until"} <= value.keys():
        raise invalid("time_range must have since and until")
    found = Span(_day(value["since"]), _day(value["until"]))
    if found.since > found.until:
        raise invalid("since must not be after until")
    if found.since < oldest(today):
        raise named("3018")
    return found


def _day(text: object) -> date:
    try:
        return date.fromisoformat(str(text))
    except ValueError as error:
        raise invalid(f"{text} is not a valid date, YYYY-MM-DD is expected") from error


def increment(text: str) -> str | int:
    """Read time_increment: 1 to 90, `monthly` or `all_days`."""
    text = text.strip().strip('"')
    if text in {"", "all_days"}:
        return "all_days"
    if text == "monthly":
        return text
    if text.isdigit() and 1 <= int(text) <= _MAX_INCREMENT:
        return int(text)
    raise invalid("time_increment must be an integer between 1 and 90, monthly or all_days")


def slices(whole: Span, step: str | int) -> Iterator[Span]:
    """Cut a range: N days each with the last one cut at the end, calendar months cut at both ends, or all of it."""
    if step == "all_days":
        yield whole
        return
    start = whole.since
    while start <= whole.until:
        follows = month_start(start, -1) if step == "monthly" else start + DAY * int(step)
        yield Span(start, min(follows - DAY, whole.until))
        start = follows


def days(whole: Span) -> Iterator[date]:
    """Return every day of a span."""
    for number in range((whole.until - whole.since).days + 1):
        yield whole.since + DAY * number
