"""Batches against a real server: parts that fail alone, parts that do not come, batches that fail whole."""

import json
from typing import Any

from connectors.errors import Fault, GaveUp, Missing, Throttled, Transient, Transport
from connectors.graph.calls import Call
from connectors.graph.client import Graph
from connectors.graph.replies import Reply
from connectors.pace.governor import Governor
from connectors.pace.quotas import drawn_by_insights, of_account
from tests.integration.graph.stage import BORN, TOKEN, FakeClock, Script, answer, error, part

Events = list[tuple[str, dict[str, Any]]]
THROTTLE = {"error": {"code": 80000, "error_subcode": 2446079, "message": "(#80000)", "fbtrace_id": "T"}}


def poll(run: str, account: str = "111") -> Call:
    """A status poll of a report run."""
    return Call("poll", "GET", run, {"fields": ["async_status"]}, account, drawn_by_insights(account))


def shown(answers: list[Reply | Fault]) -> list[Any]:
    """Objects of replies, class names of faults."""
    return [one.object()["id"] if isinstance(one, Reply) else type(one).__name__ for one in answers]


async def test_a_batch_is_one_versioned_request(graph: Graph, script: Script) -> None:
    """The operations name version and parameters; headers are asked for; the token stays in the header."""
    script.will(answer([part({"id": "1"}), part({"id": "2"})]))
    assert shown(await graph.batch([poll("1"), poll("2")])) == ["1", "2"]
    assert json.loads(script.seen[0].form["batch"]) == [
        {"method": "GET", "relative_url": "v25.0/1?fields=%5B%22async_status%22%5D"},
        {"method": "GET", "relative_url": "v25.0/2?fields=%5B%22async_status%22%5D"},
    ]
    assert script.seen[0].form["include_headers"] == "true"
    assert TOKEN not in json.dumps(script.seen[0].form)
    assert graph.tally.calls == {"poll": 2}
    assert graph.tally.requests == 1


async def test_parts_fail_alone_and_unanswered_ones_are_asked_again(graph: Graph, script: Script) -> None:
    """A missing object is that part's answer; a null and a server error are asked again, and nothing else is."""
    missing = {"error": {"code": 100, "error_subcode": 33, "message": "Unsupported get request."}}
    down = {"error": {"code": 2, "message": "(#2) Service temporarily unavailable"}}
    node = Call("object", "GET", "9", {}, "111")
    script.will(answer([part({"id": "1"}), None, part(missing, 400), part(down, 503)]))
    script.will(answer([part({"id": "2"}), part({"id": "4"})]))
    answers = await graph.batch([poll("1"), poll("2"), node, poll("4")])
    assert shown(answers) == ["1", "2", "Missing", "4"]
    assert isinstance(answers[2], Missing)
    assert [operation["relative_url"].split("?")[0] for operation in json.loads(script.seen[1].form["batch"])] == [
        "v25.0/2",
        "v25.0/4",
    ]


async def test_a_part_that_never_comes_gives_up_alone(graph: Graph, script: Script) -> None:
    """Attempts are capped for parts as for calls, and the siblings keep their answers."""
    script.will(answer([part({"id": "1"}), None]), answer([None]), answer([None]))
    answers = await graph.batch([poll("1"), poll("2")])
    assert shown(answers) == ["1", "GaveUp"]
    assert isinstance(answers[1], GaveUp)
    assert isinstance(answers[1].last, Transient)


async def test_more_than_fifty_calls_are_several_requests(graph: Graph, script: Script) -> None:
    """Fifty to a request, the answers in the order of the calls."""

    def react(_request: Any) -> Any:
        operations = json.loads(script.seen[-1].form["batch"])
        return answer([part({"id": op["relative_url"].split("/")[1].split("?")[0]}) for op in operations])

    script.will(react, react, react)
    answers = await graph.batch([poll(str(number)) for number in range(120)])
    assert shown(answers) == [str(number) for number in range(120)]
    assert sorted(len(json.loads(seen.form["batch"])) for seen in script.seen) == [20, 50, 50]


async def test_a_throttled_part_closes_its_quota_only(
    graph: Graph, script: Script, governor: Governor, clock: FakeClock
) -> None:
    """One account's refusal is its deadline; the next batch leaves that account out and asks the others."""
    script.will(answer([part(THROTTLE, 400), part({"id": "2"})]), answer([part({"id": "2"})]))
    first = await graph.batch([poll("1", "111"), poll("2", "222")])
    assert shown(first) == ["Throttled", "2"]
    assert governor.deadlines() == [(of_account("111", "insights"), BORN.replace(minute=5, second=30))]
    second = await graph.batch([poll("1", "111"), poll("2", "222")])
    assert shown(second) == ["Throttled", "2"]
    assert isinstance(second[0], Throttled)
    assert second[0].wait_seconds == 330
    assert len(json.loads(script.seen[1].form["batch"])) == 1
    assert clock.seconds == 0


async def test_a_patient_batch_waits_for_its_quotas(graph: Graph, script: Script, clock: FakeClock) -> None:
    """With patience, the throttled part is asked again after the deadline."""
    script.will(answer([part(THROTTLE, 400), part({"id": "2"})]), answer([part({"id": "1"})]))
    assert shown(await graph.batch([poll("1"), poll("2", "222")], patient=True)) == ["1", "2"]
    assert clock.seconds == 330


async def test_patience_ends_at_its_time(graph: Graph, script: Script, clock: FakeClock) -> None:
    """A deadline beyond it is the end of that part alone."""
    script.will(answer([part(THROTTLE, 400), part({"id": "2"})]))
    answers = await graph.batch([poll("1"), poll("2", "222")], patient=True, give_up=BORN.replace(minute=1))
    assert shown(answers) == ["GaveUp", "2"]
    assert clock.seconds == 0


async def test_usage_is_learned_from_each_part(graph: Graph, script: Script, governor: Governor) -> None:
    """Each part brings its own account's headers, good or bad, and the envelope brings the app's."""
    score = {"X-Ad-Account-Usage": '{"acc_id_util_pct":20}'}
    other = {"x-ad-account-usage": '{"acc_id_util_pct":30}'}
    script.will(
        answer(
            [part({"id": "1"}, headers=score), part({"error": {"code": 100, "message": "bad"}}, 400, other)],
            headers={"X-App-Usage": '{"call_count":5}'},
        )
    )
    await graph.batch([poll("1", "111"), poll("2", "222")])
    shown_ = repr(governor)
    assert "111/score 20 %" in shown_
    assert "222/score 30 %" in shown_
    assert "app/platform 5 %" in shown_


async def test_a_batch_that_timed_out_is_asked_in_halves(graph: Graph, script: Script) -> None:
    """960 is about the size of the batch."""
    script.will(error(960), answer([part({"id": "1"})]), answer([part({"id": "2"}), part({"id": "3"})]))
    assert shown(await graph.batch([poll("1"), poll("2"), poll("3")])) == ["1", "2", "3"]


async def test_a_plain_error_instead_of_the_list_speaks_for_all(graph: Graph, script: Script) -> None:
    """A refused token of the whole batch is every part's answer."""
    script.will(error(190, 463))
    assert shown(await graph.batch([poll("1"), poll("2")])) == ["TokenRefused", "TokenRefused"]


async def test_a_throttled_batch_waits_for_the_app(graph: Graph, script: Script, clock: FakeClock) -> None:
    """The app's own quota is everybody's: the next batch waits for it at the gate."""
    script.will(error(4, status=403), answer([part({"id": "1"})]))
    assert shown(await graph.batch([poll("1")])) == ["Throttled"]
    assert shown(await graph.batch([poll("1")])) == ["1"]
    assert clock.seconds == 66


async def test_a_list_of_the_wrong_length_is_no_answer(graph: Graph, script: Script, events: Events) -> None:
    """Answers that cannot be told apart are thrown away and asked again."""
    script.will(answer([part({"id": "1"})]), answer([part({"id": "1"}), part({"id": "2"})]))
    assert shown(await graph.batch([poll("1"), poll("2")])) == ["1", "2"]
    assert events[0][1]["error"] == Transport.__name__


async def test_no_calls_are_no_request(graph: Graph, script: Script) -> None:
    """An empty batch is answered without asking."""
    assert await graph.batch([]) == []
    assert script.seen == []
