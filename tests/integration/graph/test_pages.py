"""Listings, followed to their end against a real server."""

import pytest

from connectors.errors import RestartListing, TooMuch, Transport
from connectors.graph.calls import Call
from connectors.graph.client import Graph
from connectors.graph.pages import PageSize
from tests.integration.graph.stage import Script, answer, error, insights, page

ADS = Call("list", "GET", "act_111/ads", {"fields": ["id"]}, "111")


async def _rows(graph: Graph, call: Call, limit: int | PageSize = 500) -> list[str]:
    return [row["id"] async for reply in graph.pages(call, limit) for row in reply.rows()]


async def test_pages_end_when_next_is_absent(graph: Graph, script: Script) -> None:
    """A cursor on the last page leads nowhere; an empty page with a next does."""
    script.will(page([{"id": "1"}], after="A"), page([], after="B"), page([{"id": "2"}]))
    assert await _rows(graph, ADS) == ["1", "2"]
    assert [seen.query.get("after") for seen in script.seen] == [None, "A", "B"]
    assert [seen.query["limit"] for seen in script.seen] == ["500", "500", "500"]


async def test_a_listing_without_paging_is_one_page(graph: Graph, script: Script) -> None:
    """An empty edge may answer with nothing but empty data."""
    script.will(answer({"data": []}))
    assert await _rows(graph, ADS) == []


async def test_a_cursor_that_comes_back_is_an_error(graph: Graph, script: Script) -> None:
    """Round and round is not a listing."""
    script.will(page([{"id": "1"}], after="A"), page([{"id": "2"}], after="B"), page([{"id": "3"}], after="A"))
    with pytest.raises(Transport, match="leads back to a page already read"):
        await _rows(graph, ADS)


async def test_a_next_that_leads_nowhere_is_an_error(graph: Graph, script: Script) -> None:
    """A next page without a way to it would lose rows in silence."""
    script.will(answer({"data": [], "paging": {"next": "https://graph.facebook.com/v25.0/1/ads?limit=25"}}))
    with pytest.raises(Transport, match="nothing leads to it"):
        await _rows(graph, ADS)


async def test_paging_by_time_is_followed(graph: Graph, script: Script) -> None:
    """Where `next` carries no cursor, its times lead on, and still not its token."""
    address = "https://graph.facebook.com/v25.0/1/activities?access_token=T&until=1700000000&limit=25"
    script.will(answer({"data": [{"id": "1"}], "paging": {"next": address}}), page([{"id": "2"}]))
    assert await _rows(graph, ADS) == ["1", "2"]
    assert script.seen[1].query["until"] == "1700000000"
    assert "access_token" not in script.seen[1].query


async def test_too_much_data_halves_the_page_and_asks_the_same_cursor(graph: Graph, script: Script) -> None:
    """The page shrinks, no row is skipped or repeated, and it grows back after five good pages."""
    heavy = answer(
        {"error": {"code": 1, "message": "Please reduce the amount of data you're asking for, then retry"}}, 500
    )
    script.will(page([{"id": "1"}], after="A"), heavy, error(1, 99, status=500))
    script.will(*[page([{"id": str(number)}], after=f"C{number}") for number in range(2, 8)], page([{"id": "8"}]))
    assert await _rows(graph, ADS, 80) == ["1", "2", "3", "4", "5", "6", "7", "8"]
    assert [seen.query["limit"] for seen in script.seen] == ["80", "80", "40", "20", "20", "20", "20", "20", "30", "30"]
    assert [seen.query.get("after") for seen in script.seen[:4]] == [None, "A", "A", "A"]


async def test_a_single_row_that_is_too_much_is_split_work(graph: Graph, script: Script) -> None:
    """At one row a page cannot shrink: then the question must."""
    script.will(*[error(1, 99, status=500) for _ in range(3)])
    with pytest.raises(TooMuch) as caught:
        await _rows(graph, ADS, 4)
    assert not caught.value.page_only
    assert [seen.query["limit"] for seen in script.seen] == ["4", "2", "1"]


async def test_a_learned_page_size_is_kept(graph: Graph, script: Script) -> None:
    """Whoever hands in the size begins the next listing with what worked in the last."""
    size = PageSize(100)
    script.will(error(1, 99, status=500), page([]), page([]))
    await _rows(graph, ADS, size)
    await _rows(graph, ADS, size)
    assert [seen.query["limit"] for seen in script.seen] == ["100", "50", "50"]


async def test_a_dead_cursor_restarts_the_listing(graph: Graph, script: Script) -> None:
    """2642 in the middle is not an end and not a retry."""
    script.will(page([{"id": "1"}], after="A"), error(2642))
    with pytest.raises(RestartListing):
        await _rows(graph, ADS)
    assert len(script.seen) == 2


async def test_too_many_rows_is_not_a_page_size(graph: Graph, script: Script) -> None:
    """1487534 goes straight to whoever can split."""
    script.will(error(100, 1487534))
    with pytest.raises(TooMuch):
        await _rows(graph, insights(kind="page"))
    assert len(script.seen) == 1
