"""Encoding of calls, packing of batches, and masks."""

import json
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import Fault, Transport, VersionDead
from connectors.graph.batch import pack, unpack
from connectors.graph.calls import Call, Target, encoded, request_of
from connectors.graph.credentials import Credentials

TARGET = Target("https://graph.facebook.com/", "v25.0")
WHO = Credentials("token|1", "secret")

TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT
NESTED = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3))
CONTAINERS = st.lists(NESTED, max_size=3) | st.dictionaries(TEXT, NESTED, max_size=3)


@given(value=CONTAINERS)
def test_lists_and_objects_travel_as_strict_json(value: Any) -> None:
    """Whatever is nested comes out of the text as it went in."""
    assert json.loads(encoded({"p": value})["p"]) == value


def test_simple_values_travel_as_words() -> None:
    """Text as it is, booleans as words, numbers as digits."""
    assert encoded({"a": "x,y", "b": True, "c": False, "d": 500, "e": ()}) == {
        "a": "x,y",
        "b": "true",
        "c": "false",
        "d": "500",
        "e": "[]",
    }


def test_the_request_of_a_get_and_of_a_post() -> None:
    """One carries a query, the other a form; both a version, a proof and a header; neither the token in sight."""
    get = request_of(Call("sync", "GET", "/act_1/insights", {"level": "ad"}), TARGET, WHO)
    post = request_of(Call("submit", "POST", "act_1/insights", {"level": "ad"}), TARGET, WHO)
    proof = "6b4b34a053af59ac9407df572f91d006c814bad069bbbbd84d0afbbdc4778bf1"
    assert get.url == post.url == "https://graph.facebook.com/v25.0/act_1/insights"
    assert (get.query, get.form) == ({"level": "ad", "appsecret_proof": proof}, None)
    assert (post.query, post.form) == ({}, {"level": "ad", "appsecret_proof": proof})
    assert get.headers["Authorization"] == "Bearer token|1"
    assert "token|1" not in repr(get) + repr(WHO) + get.url
    assert proof not in repr(get)


def test_a_path_cannot_smuggle_parameters() -> None:
    """What stands in a path stays in the path."""
    assert TARGET.address("act_1/x?access_token=y") == "https://graph.facebook.com/v25.0/act_1/x%3Faccess_token%3Dy"


PARAMS = st.dictionaries(TEXT.filter(bool), TEXT, max_size=4)


@given(many=st.lists(st.tuples(st.sampled_from(["GET", "POST", "DELETE"]), PARAMS), min_size=1, max_size=50))
def test_what_is_packed_can_be_told_apart(many: list[tuple[Any, dict[str, str]]]) -> None:
    """Every operation keeps its method and parameters, in order, and no operation holds token or proof."""
    calls = [Call("object", method, f"{index}", params) for index, (method, params) in enumerate(many)]
    request = pack(calls, TARGET, WHO)
    assert request.form is not None
    operations = json.loads(request.form["batch"])
    for index, (operation, (method, params)) in enumerate(zip(operations, many, strict=True)):
        address = urlsplit(operation["relative_url"])
        carried = operation["body"] if method == "POST" else address.query
        assert (operation["method"], address.path) == (method, f"v25.0/{index}")
        assert dict(parse_qsl(carried, keep_blank_values=True)) == params
    assert "token" not in parse_qs(request.form["batch"])


BODIES = st.dictionaries(TEXT, SCALARS, max_size=3)


@given(parts=st.lists(st.none() | st.tuples(st.integers(200, 503), BODIES), max_size=50))
def test_what_is_unpacked_is_what_was_answered(parts: list[tuple[int, dict[str, Any]] | None]) -> None:
    """String bodies are kept byte for byte, header names are lowered, nulls stay nulls, order stays order."""
    sent = [
        None
        if part is None
        else {"code": part[0], "headers": [{"name": "X-App-Usage", "value": "{}"}], "body": json.dumps(part[1])}
        for part in parts
    ]
    got = unpack(200, {}, json.dumps(sent).encode(), len(parts))
    assert [part and (part.status, json.loads(part.body)) for part in got] == parts
    assert [dict(part.headers) for part in got if part] == [{"x-app-usage": "{}"} for part in parts if part]


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b'{"error":{"code":2635,"message":"old"}}', VersionDead),
        (b"[null]", Transport),
        (b"[null,null,null]", Transport),
        (b'"text"', Transport),
        (b"<html>", Transport),
        (b"", Transport),
        (b'{"error":"x"}', Transport),
    ],
)
def test_a_batch_that_is_no_list_of_answers_fails_whole(body: bytes, fault: type[Fault]) -> None:
    """A plain error object speaks for all; anything else is no answer."""
    with pytest.raises(fault):
        unpack(200, {}, body, 2)


@pytest.mark.parametrize("part", [1, "x", [], {}, {"code": "200"}, {"code": True, "body": "{}"}])
def test_a_part_that_is_none_is_unanswered(part: object) -> None:
    """Asking again costs one call, guessing costs truth."""
    assert unpack(200, {}, json.dumps([part]).encode(), 1) == [None]


def test_a_batch_has_one_to_fifty_calls() -> None:
    """More is refused by Graph without a code, so it is refused here."""
    for count in (0, 51):
        with pytest.raises(ValueError, match="1 to 50"):
            pack([Call("object", "GET", "1")] * count, TARGET, WHO)


@given(body=st.binary(max_size=60))
def test_masking_leaves_everything_else_alone(body: bytes) -> None:
    """A body without secrets comes out as it went in; with them, without them."""
    assert WHO.masked(body) is body or b"secret" in body or b"token" in body
    assert WHO.masked(body + b" token|1 token%7C1 secret ").endswith(b" *** *** *** ")


def test_a_host_without_versions_is_asked_without_one() -> None:
    """The files' host has none in its addresses; the token stands in the header there as well."""
    call = Call("list", "GET", "adjacent_content_delivery_reports/900/file_download", {"platform": "facebook"})
    request = request_of(call, Target("https://api.facebook.com/", ""), Credentials("token|1"))
    assert request.url == "https://api.facebook.com/adjacent_content_delivery_reports/900/file_download"
    assert request.headers["Authorization"] == "Bearer token|1"
    assert request.query == {"platform": "facebook"}
