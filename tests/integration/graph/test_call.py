"""One call, against a real server that says what Graph was seen to say."""

import gzip
import hashlib
import hmac
import json
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from connectors.errors import Fault, GaveUp, Invalid, NotReady, Throttled, TokenRefused, TooMuch, Transport
from connectors.graph.calls import Call, Target
from connectors.graph.client import Graph
from connectors.graph.credentials import Credentials
from connectors.http.client import HttpClient
from connectors.pace.gate import Gate
from connectors.pace.governor import Governor
from connectors.pace.quotas import of_account
from tests.integration.graph.stage import BORN, SECRET, TOKEN, FakeClock, Script, answer, cut, error, insights, page

Events = list[tuple[str, dict[str, Any]]]
NODE = Call("object", "GET", "act_111", {"fields": ["name"]}, "act_111")


async def test_a_page_comes_back_raw_and_decodes_on_demand(graph: Graph, script: Script) -> None:
    """The rows of a page are handed over as bytes and decoded when asked."""
    script.will(page([{"spend": "1.50"}]))
    reply = await graph.call(insights())
    assert reply.body == b'[{"spend": "1.50"}]'
    assert reply.rows() == [{"spend": "1.50"}]
    assert not reply.paging.has_next


async def test_parameters_travel_as_graph_reads_them(graph: Graph, script: Script) -> None:
    """Lists and objects are JSON, booleans are words, a GET carries them in its query."""
    script.will(page([]))
    await graph.call(
        insights(
            fields=["spend", "reach"], time_range={"since": "2026-09-01", "until": "2026-09-02"}, level="ad", on=True
        )
    )
    assert script.seen[0].query["fields"] == '["spend","reach"]'
    assert script.seen[0].query["time_range"] == '{"since":"2026-09-01","until":"2026-09-02"}'
    assert script.seen[0].query["level"] == "ad"
    assert script.seen[0].query["on"] == "true"
    assert "/v25.0/act_111/insights?" in script.seen[0].url


async def test_a_post_carries_a_form_and_the_proof(graph: Graph, script: Script) -> None:
    """A submission is a form; the proof is the HMAC of the token, the token stands in the header only."""
    script.will(answer({"report_run_id": "6023920149050"}))
    reply = await graph.call(Call("submit", "POST", "act_111/insights", {"level": "ad"}, "111"))
    proof = hmac.new(SECRET.encode(), TOKEN.encode(), hashlib.sha256).hexdigest()
    assert reply.object() == {"report_run_id": "6023920149050"}
    assert script.seen[0].form == {"level": "ad", "appsecret_proof": proof}
    assert script.seen[0].query == {}
    assert script.seen[0].headers["Authorization"] == f"Bearer {TOKEN}"


async def test_without_a_secret_there_is_no_proof(
    http: HttpClient, gate: Gate, clock: FakeClock, base_url: str, script: Script
) -> None:
    """Nothing is proven when there is nothing to prove with."""
    script.will(answer({"id": "act_111"}))
    await Graph(http, gate, clock, Credentials(TOKEN), Target(base_url)).call(NODE)
    assert "appsecret_proof" not in script.seen[0].query


@pytest.mark.parametrize(
    ("reaction", "words"),
    [
        (
            cut("HTTP/1.1 200 OK\nContent-Type: application/json\nContent-Length: 100\n", b'{"data":['),
            "ClientPayloadError",
        ),
        (cut("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n", b'5\r\n{"dat\r\n'), "ClientPayloadError"),
        (cut("HTTP/1.1 200 OK\nContent-Encoding: gzip\nContent-Length: 5\n", b"nogzi"), "Error"),
        (
            cut(
                "HTTP/1.1 200 OK\nContent-Encoding: gzip\nContent-Length: 30\n", gzip.compress(b'{"data":[]}' * 40)[:30]
            ),
            "not Graph's JSON",
        ),
        (answer("<html>Sorry, something went wrong.</html>", 502, content_type="text/html"), "text/html"),
        (answer("<html>Sorry, something went wrong.</html>", 200, content_type="application/json"), "application/json"),
        (answer(b"", 200), "empty"),
        (answer(b"", 503), "empty"),
        (answer(b'{"data":[{"name":"\xff\xfe"}]}'), "not Graph's JSON"),
        (answer('{"data":[{"name":"cut'), "not Graph's JSON"),
        (answer({"paging": {}}), "without `data`"),
        (answer({"data": {"id": "1"}}), "no list"),
        (answer({"data": [], "paging": "?"}), "`paging`"),
        (answer([]), "not Graph's JSON"),
        (answer({}, 302, {"Location": "https://elsewhere.example/"}), "not Graph's JSON"),
        (answer({"error": "no object"}, 400), "not Graph's JSON"),
        (answer({"data": ["x" * 200_000]}), "larger than 100000 bytes"),
    ],
)
async def test_what_cannot_be_graphs_is_asked_again(
    graph: Graph, script: Script, events: Events, reaction: Any, words: str
) -> None:
    """A cut, late, lying or empty answer is a transport fault: the same question is asked again and may do."""
    script.will(reaction, page([{"ok": "1"}]))
    reply = await graph.call(insights())
    assert reply.rows() == [{"ok": "1"}]
    assert [event for event, _ in events] == ["call.retry_scheduled"]
    assert words in events[0][1]["message"]
    assert events[0][1]["error"] == "Transport"
    assert len(script.seen) == 2


async def test_a_connection_cut_before_the_answer_is_asked_again(graph: Graph, script: Script, events: Events) -> None:
    """A submission whose answer never came is submitted again: one extra run is the price, and it is bounded."""
    script.will(cut(""), answer({"report_run_id": "1"}))
    reply = await graph.call(Call("submit", "POST", "act_111/insights", {}, "111"))
    assert reply.object() == {"report_run_id": "1"}
    assert [fields["message"] for _, fields in events] == ["ServerDisconnectedError"]


async def test_a_dead_server_ends_in_giving_up(
    http: HttpClient, gate: Gate, clock: FakeClock, closed_port: int
) -> None:
    """Attempts are capped, and the last fault says what happened."""
    graph = Graph(
        http, gate, clock, Credentials(TOKEN, SECRET), Target(f"http://127.0.0.1:{closed_port}"), jitter=lambda: 1
    )
    with pytest.raises(GaveUp) as caught:
        await graph.call(NODE)
    assert isinstance(caught.value.last, Transport)
    assert clock.slept == [5, 10, 20, 40, 80]


async def test_an_address_that_is_none_is_our_fault(http: HttpClient, gate: Gate, clock: FakeClock) -> None:
    """A wrong base URL is not retried."""
    graph = Graph(http, gate, clock, Credentials(TOKEN), Target("graph.facebook.com"))
    with pytest.raises(Invalid, match="no http or https address"):
        await graph.call(NODE)
    assert clock.slept == []


async def test_a_redirect_is_never_followed(graph: Graph, script: Script) -> None:
    """Our token does not travel to another host."""
    script.will(*[answer(b"", 301, {"Location": "http://127.0.0.1:1/"}) for _ in range(3)])
    with pytest.raises(GaveUp):
        await graph.call(insights())
    assert len(script.seen) == 3


async def test_a_file_answers_with_its_place(graph: Graph, script: Script) -> None:
    """A redirect to a file is handed over for whoever fetches it without our token."""
    script.will(answer(b"", 302, {"Location": "https://files.example/x.json"}))
    reply = await graph.call(Call("file", "GET", "800/data"))
    assert reply.location == "https://files.example/x.json"


async def test_an_error_inside_a_good_status_is_an_error(graph: Graph, script: Script) -> None:
    """HTTP 200 with an error object raises its fault."""
    script.will(error(100, 1487534, status=200))
    with pytest.raises(TooMuch) as caught:
        await graph.call(insights())
    assert (caught.value.code, caught.value.subcode, caught.value.page_only) == (100, 1487534, False)


async def test_a_refused_token_is_not_asked_again(graph: Graph, script: Script) -> None:
    """One call, one fault, with what is needed to report it."""
    script.will(error(190, 463))
    with pytest.raises(TokenRefused) as caught:
        await graph.call(NODE)
    assert str(caught.value) == (
        "GET act_111: (#190) says Graph (code 190/463, HTTP 400, fbtrace_id AbCdEfGhIjK); "
        "make a new access token and set it in the environment variable that the configuration names"
    )
    assert len(script.seen) == 1


async def test_a_throttle_waits_for_its_deadline_and_goes_on(
    graph: Graph, script: Script, clock: FakeClock, governor: Governor, events: Events
) -> None:
    """A closed account quota is a deadline from Meta's own header; the call goes out again after it, and only then."""
    usage = '{"111":[{"type":"ads_insights","call_count":101,"estimated_time_to_regain_access":7}]}'
    sent_at: list[float] = []

    def at(response: web.Response) -> Callable[[web.Request], web.Response]:
        def react(_request: web.Request) -> web.Response:
            sent_at.append(clock.seconds)
            return response

        return react

    refusals = [error(80000, 2446079, headers={"X-Business-Use-Case-Usage": usage}) for _ in range(2)]
    script.will(*[at(refusal) for refusal in refusals], at(page([])))
    await graph.call(insights())
    assert sent_at == [0, 462, 924]  # 7 minutes and the jitter of a tenth
    assert graph.tally.throttled == 2
    assert graph.tally.calls == {"sync": 3}
    assert graph.seconds_waited == 924
    assert [fields["seconds"] for event, fields in events if event == "quota.blocked"] == [420, 462, 420, 462]
    assert governor.admit({of_account("111", "insights")}, clock.now()) is None


async def test_a_throttle_uses_up_no_attempt(graph: Graph, script: Script, clock: FakeClock) -> None:
    """Ten refusals in a row climb the ladder of the app and still end in the answer."""
    script.will(*[error(4, 1504022, status=403) for _ in range(10)], page([]))
    await graph.call(insights())
    assert clock.slept[:4] == [66, 132, 264, 528]
    assert max(clock.slept) == 3960


async def test_a_throttle_beyond_the_end_of_patience_gives_up_at_once(
    graph: Graph, script: Script, clock: FakeClock
) -> None:
    """Nothing waits for a deadline that comes too late."""
    script.will(error(80000, 2446079))
    with pytest.raises(GaveUp) as caught:
        await graph.call(insights(), give_up=BORN.replace(minute=4))
    assert isinstance(caught.value.last, Throttled)
    assert caught.value.code == 80000
    assert clock.seconds == 0


async def test_a_throttle_of_a_foreign_quota_still_waits(graph: Graph, script: Script, clock: FakeClock) -> None:
    """A refusal on a quota that the call was not known to draw on does not become a hot loop."""
    script.will(error(80004, 2446079), page([]))
    await graph.call(insights())
    assert clock.seconds == 330


async def test_code_one_is_tried_three_times_and_then_too_much(graph: Graph, script: Script, clock: FakeClock) -> None:
    """An unknown error that stays is taken for too large a question."""
    script.will(*[error(1, status=500) for _ in range(3)])
    with pytest.raises(TooMuch) as caught:
        await graph.call(insights())
    assert caught.value.page_only
    assert clock.slept == [5, 10]


async def test_rows_of_an_unfinished_run_are_not_ready(graph: Graph, script: Script) -> None:
    """2601 is for the conductor: it is raised at once although Graph calls it transient."""
    script.will(error(2601, 1815107, is_transient=True))
    with pytest.raises(NotReady):
        await graph.call(Call("page", "GET", "6044/insights", {}, "111"))


async def test_usage_is_learned_from_good_and_bad_answers(graph: Graph, script: Script, governor: Governor) -> None:
    """The headers of an error teach as much as those of a page."""
    script.will(
        answer({"id": "1"}, headers={"X-App-Usage": '{"call_count":28,"total_time":25,"total_cputime":25}'}),
        error(100, headers={"X-Ad-Account-Usage": '{"acc_id_util_pct":9.67,"reset_time_duration":100}'}),
    )
    await graph.call(NODE)
    with pytest.raises(Invalid):
        await graph.call(NODE)
    assert repr(governor) == ("Governor(target 85 %: 111/score 9.67 %, 0 under way; app/platform 28 %, 0 under way)")


async def test_at_the_target_one_probe_goes_after_a_minute(graph: Graph, script: Script, clock: FakeClock) -> None:
    """Nothing is sent on a quota at the target until a minute has passed."""
    busy = {"X-FB-Ads-Insights-Throttle": '{"app_id_util_pct":85,"acc_id_util_pct":0}'}
    script.will(answer({"data": []}, headers=busy), page([]), page([]))
    await graph.call(insights("111"))
    await graph.call(insights("222"))
    assert clock.seconds == 60
    await graph.call(insights("222"))
    assert clock.seconds == 60


async def test_another_version_is_told_once(graph: Graph, script: Script, events: Events) -> None:
    """When v26.0 answers a call to v25.0, that is an event, once."""
    script.will(*[answer({"id": "1"}, headers={"facebook-api-version": "v26.0"}) for _ in range(2)])
    await graph.call(NODE)
    await graph.call(NODE)
    assert events == [("version.differs", {"asked": "v25.0", "answered": "v26.0"})]


async def test_the_secrets_are_nowhere(graph: Graph, script: Script, events: Events) -> None:
    """Token, secret and proof are in no URL received, event, fault, reply or repr, even if the server repeats them."""
    proof = Credentials(TOKEN, SECRET).proof()
    leak = f"token {TOKEN} EAAB%7Csecret-token secret {SECRET} proof {proof}"
    nested = {
        "id": "1",
        "ads": {"data": [], "paging": {"next": f"https://g/?access_token={TOKEN}&appsecret_proof={proof}"}},
    }
    script.will(
        page([{"a": "1"}], after="X"),
        answer(nested),
        *[error(2, status=503, message=leak) for _ in range(3)],
        error(190, message=leak),
    )
    replies = [await graph.call(insights()), await graph.call(NODE)]
    faults: list[Fault] = []
    for _ in range(2):
        with pytest.raises(Fault) as caught:
            await graph.call(NODE)
        faults.append(caught.value)
    told = [repr(replies), *[reply.body.decode() for reply in replies], json.dumps(events), repr(vars(graph))]
    for fault in faults:
        told += [
            str(fault),
            repr(fault),
            repr(vars(fault)),
            str(pickle.loads(pickle.dumps(fault))),  # noqa: S301 our own
            repr(fault.__context__),
        ]
    for text in told:
        assert not [secret for secret in (TOKEN, "EAAB%7Csecret-token", SECRET, str(proof)) if secret in text]
    assert not [seen.url for seen in script.seen if "secret-token" in seen.url or SECRET in seen.url]


async def test_a_failed_connection_shows_no_query(
    http: HttpClient, gate: Gate, clock: FakeClock, closed_port: int
) -> None:
    """The HTTP library's own error, which holds the whole address, is not attached to ours."""
    graph = Graph(
        http, gate, clock, Credentials(TOKEN, SECRET), Target(f"http://127.0.0.1:{closed_port}"), jitter=lambda: 1
    )
    with pytest.raises(GaveUp) as caught:
        await graph.call(NODE)
    error_: BaseException | None = caught.value
    while error_ is not None:
        assert "appsecret_proof" not in f"{error_} {error_!r}"
        error_ = error_.__cause__ or error_.__context__


async def test_a_long_usage_header_is_read(graph: Graph, script: Script, governor: Governor) -> None:
    """Thirty-two business objects in one header are more than the HTTP library takes by default."""
    entry = {
        "type": "ads_insights",
        "call_count": 1,
        "total_cputime": 1,
        "total_time": 1,
        "estimated_time_to_regain_access": 0,
        "ads_api_access_tier": "development_access",
    }
    header = json.dumps({str(10**16 + number): [entry, entry] for number in range(32)})
    assert len(header) > 8190
    script.will(answer({"data": []}, headers={"X-Business-Use-Case-Usage": header}))
    await graph.call(insights())
    assert "111/insights 1 %" in repr(governor)
