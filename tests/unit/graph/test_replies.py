"""What an answer is read as, and where a listing goes on."""

import contextlib
import json
import re

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.errors import Fault, Transport
from connectors.graph.calls import Call
from connectors.graph.replies import Paging, decipher, paging_of

PAGE = Call("sync", "GET", "act_1/insights")
NODE = Call("object", "GET", "1")
NEEDY = Call("object", "GET", "act_1", needs=("account_id", "timezone_name"))
NEEDY_LIST = Call("list", "GET", "me/businesses", needs=("id",))


@pytest.mark.parametrize(
    ("paging", "expected"),
    [
        ({}, Paging()),
        ([], Paging()),
        (None, Paging()),
        ({"cursors": {"after": "A"}}, Paging()),
        (
            {"cursors": {"after": "A"}, "next": "https://g/?access_token=T&limit=5&after=N"},
            Paging(has_next=True, onward=(("after", "N"),)),
        ),
        ({"cursors": {"after": "MTk5"}, "next": "https://g/"}, Paging(has_next=True, onward=(("after", "MTk5"),))),
        ({"next": "https://g/?after=MA%3D%3D"}, Paging(has_next=True, onward=(("after", "MA=="),))),
        (
            {"next": "https://g/?offset=50&since=1&access_token=T"},
            Paging(has_next=True, onward=(("offset", "50"), ("since", "1"))),
        ),
        ({"next": "https://g/?since=1&after=A"}, Paging(has_next=True, onward=(("after", "A"),))),
        ({"next": "nonsense"}, Paging(has_next=True)),
        ({"next": "http://[/"}, Paging(has_next=True)),
        ("text", None),
        ({"next": 5}, None),
    ],
)
def test_next_is_reduced_to_what_leads_on(paging: object, expected: Paging | None) -> None:
    """A list ends only when `next` is absent; of an address only cursor, offset or times remain."""
    assert paging_of(msgspec.Raw(json.dumps(paging).encode())) == expected


def test_rows_are_the_bytes_that_came() -> None:
    """Escapes, big numbers and spaces inside the rows are not touched."""
    body = b'{ "data" : [ {"a": "\\u00e9\\/", "b":12345678901234567890.50} ] , "summary":{"total_count":1} }'
    reply = decipher(200, {"facebook-api-version": "v25.0", "x-fb-trace-id": "T"}, body, PAGE)
    assert reply.body == b'[ {"a": "\\u00e9\\/", "b":12345678901234567890.50} ]'
    assert reply.summary == b'{"total_count":1}'
    assert (reply.version, reply.trace_id) == ("v25.0", "T")


def test_an_object_is_its_whole_body() -> None:
    """A node has no envelope, and a field named data is its own."""
    assert decipher(200, {}, b'{"id":"1","data":{"x":1}}', NODE).object() == {"id": "1", "data": {"x": 1}}


def test_a_reply_does_not_show_its_rows() -> None:
    """Neither a log nor a traceback should hold data."""
    assert "spend" not in repr(decipher(200, {}, b'{"data":[{"spend":"1"}]}', PAGE))


@pytest.mark.parametrize(
    ("call", "body", "lacking"),
    [
        (NEEDY, b"{}", "`account_id`, `timezone_name`"),
        (NEEDY, b'{"account_id":"1","timezone_name":null}', "`timezone_name`"),
        (NEEDY_LIST, b'{"data":[{"id":"1"},{"name":"x"}]}', "`id`"),
        (NEEDY_LIST, b'{"data":[5]}', "`id`"),
    ],
    ids=["an empty object", "a null", "a row without", "no object"],
)
def test_an_answer_without_what_it_must_have_is_asked_again(call: Call, body: bytes, lacking: str) -> None:
    """As an answer that lies: it would end in a traceback where the member is read."""
    with pytest.raises(Transport, match=re.escape(f"an answer without {lacking}")):
        decipher(200, {}, body, call)
    assert decipher(200, {}, b'{"data":[]}', NEEDY_LIST).rows() == []


@example(body=b'{"data":[{"id":1e999}]}', status=200, call=NEEDY_LIST)
@given(
    body=st.binary(max_size=80) | st.text(max_size=80).map(str.encode) | st.just(b"[" * 50_000),
    status=st.sampled_from([200, 302, 400, 403, 500]),
    call=st.sampled_from([PAGE, NODE, NEEDY, NEEDY_LIST, Call("file", "GET", "1"), Call("poll", "GET", "1")]),
)
def test_any_bytes_are_a_reply_or_a_fault(body: bytes, status: int, call: Call) -> None:
    """Nothing that a server sends comes out as another kind of exception."""
    with contextlib.suppress(Fault):
        decipher(status, {}, body, call)
