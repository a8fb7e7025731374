"""Lines of hourly files for tests, as Meta writes them and as it should not."""

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from schemas.brand_safety import LINE
from schemas.columns import Kind

NAMES = [column.name for column in LINE]


def row(number: int = 1, **more: Any) -> dict[str, Any]:
    """A sound line as an object; `more` replaces or adds members."""
    sides = {
        f"{side}_content_{name}": value
        for side in ("above", "below")
        for name, value in {
            "id": f"77{number}",
            "root_id": None,
            "owner_id": f"88{number}",
            "root_owner_id": None,
            "language": "en" if number % 3 else None,
            "position": side,
            "distance": 1,
            "privacy": "public",
        }.items()
    }
    ids = {"ad_account_id": "111", "campaign_id": "1201", "ad_set_id": "1301", "ad_id": f"14{number % 7}"}
    return {"time_key": "2026-11-05T07:00", **ids, "impression_id": f"im{number}", **sides, **more}


def line(document: Mapping[str, Any] | None = None, **more: Any) -> bytes:
    """A sound line as bytes, compact."""
    return json.dumps(document or row(**more), separators=(",", ":"), ensure_ascii=False).encode()


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=6),
    st.sampled_from(["", "7", "1_000", " 7", "0x10", ":", ":null", "null", "1.5", "ünï", '"', "\\", "a b", "}", ","]),
)
VALUES = st.one_of(SCALARS, st.lists(SCALARS, max_size=2), st.dictionaries(st.text(max_size=3), SCALARS, max_size=2))
KEYS = st.one_of(
    st.sampled_from(NAMES),
    st.sampled_from(["brand_new", "above_content_verified", "", ":", ":null", "AD_ID", "above_content_locality"]),
    st.text(max_size=4),
)
CHANGES = st.dictionaries(KEYS, VALUES, max_size=4)
RAW = st.sampled_from(
    [
        b"",
        b"   ",
        b"null",
        b"[1]",
        b"5",
        b"{}",
        b'{"ad_id":"1"',
        b'{"impression_id":"x"}{"impression_id":"y"}',
        b'{"impression_id":"x",}',
        b'{"impression_id":"x" , }',
        b'{"impression_id":"x","impression_id":"y"}',
        b'{"impression_id":"x","impression_id":null}',
        b'{"impression_id" :"x","new" :5}',
        b'{"impression_id": "x", "new": 5}',
        b'{"impression_id":"x","ad_id":1e5}',
        b'{"impression_id":"x","ad_id":1.50}',
        b'{"impression_id":"x","ad_id":NaN}',
        b'{"impression_id":"x","ad_id":-0}',
        b'{"impression_id":"x","above_content_distance":9007199254740993}',
        b'{"impression_id":"x","above_content_distance":9007199254740993.0}',
        b'{"impression_id":"x","above_content_distance":1e1}',
        b'{"impression_id":"x","above_content_distance":1e400}',
        b'{"impression_id":"x","above_content_distance":"7","ad_id":12}',
        b'{"impression_id":"x","above_content_distance":"7","ad_id":1e3}',
        b'{"impression_id":"x","above_content_verified":true}',
        b'{"impression_id":"x","ad_id":[1,]}',
        b'{"impression_id":"x\\u0000y"}',
        b'{"impression_id":"x\xc3\x28"}',
        b'{"impression_id":"\xef\xbb\xbf"}',
        b'\xef\xbb\xbf{"impression_id":"x"}',
        b'{"impression_id":"x"}\r',
        b'{"impression_id":"\\ud800"}',
        b'{\t"impression_id":"x"}',
        b'{"a":{"b":{"impression_id":"x"}},"impression_id":"y"}',
    ]
)


@st.composite
def lines(draw: st.DrawFn) -> list[bytes]:
    """Some lines, mostly sound, some with members changed, left out or added, some raw."""
    found = []
    for number in range(draw(st.integers(1, 5))):
        changed = row(number, **draw(st.one_of(st.just({}), CHANGES)))
        for name in draw(st.lists(st.sampled_from(NAMES), max_size=2)):
            changed.pop(name, None)
        separators = draw(st.sampled_from([(",", ":"), (", ", ": ")]))
        text = json.dumps(changed, separators=separators, ensure_ascii=draw(st.booleans()))
        found.append(draw(st.one_of(st.just(text.encode("utf-8", "surrogatepass")), RAW)))
    return found


NUMBERS = [column.name for column in LINE if column.kind is Kind.COUNT]
