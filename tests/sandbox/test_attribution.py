"""Advanced Attribution as the page shows it: its own samples over HTTP, lists, runs with a life, files elsewhere."""

import json
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from tests.sandbox.client import Answer, Client
from tests.sandbox.conftest import Start

SAMPLES = Path(__file__).parents[1] / "samples" / "attribution"
CAMPAIGN, EVENT = "6600000000000000001", "6620000000000000001"
ROOT = "/sandbox/attribution"


def sample(name: str, **ids: str) -> str:
    """A sample of the page as it stands, with ids in the places that the page leaves open."""
    text = (SAMPLES / name).read_text(encoding="utf-8")
    for place, found in {"CAMPAIGN_ID": CAMPAIGN, "CONVERSION_EVENT_ID": EVENT, **ids}.items():
        text = text.replace(f"<{place}>", found)
    return text


async def created(client: Client, body: str, path: str = "800/reports") -> str:
    """The id of what a write made, whatever shape its answer has."""
    answer = await client.post(path, **{path.split("/")[1]: body})
    assert answer.status == 200, answer.text
    found = await client.all_rows(path)
    return str(found[-1]["id"])


async def started(client: Client, report: str) -> str:
    return await created(client, sample("create_report_run.txt"), f"{report}/report_runs")


async def download(client: Client, run: str) -> Answer:
    """What the redirect of a run's data leads to, asked without a token."""
    url = f"{client.server.url}/v25.0/{run}/data?filename=test_run"
    async with client.session.get(url, headers=client.headers, allow_redirects=False) as response:
        assert response.status == 302
        address = response.headers["Location"]
    async with client.session.get(address) as file:
        return Answer(file.status, file.headers, await file.read(), "")


@pytest.mark.parametrize("name", ["create_reach_effectiveness_report", "create_mta_report"])
async def test_the_samples_of_creation(client: Client, name: str) -> None:
    """Each sample report can be created as it stands, trailing commas and all, and is read back field by field."""
    report = await created(client, sample(f"{name}.txt"))
    shown = (await client.get(report)).body
    assert shown["id"] == report
    assert shown["file_format"] == "json"
    assert shown["definition"]["date_range"]["quantity"] == "1"
    assert shown["definition"]["filters"]["campaign_ids"] == [CAMPAIGN]


async def test_the_sample_of_an_update(client: Client) -> None:
    """An element with an id changes that report and makes no other."""
    report = await created(client, sample("create_mta_report.txt"))
    answer = await client.post("800/reports", reports=sample("update_report.txt", REPORT_ID=report))
    assert answer.status == 200
    [shown] = await client.all_rows("800/reports")
    assert (shown["id"], shown["name"]) == (report, "Sample reach effectiveness report")


async def test_the_life_of_a_run(client: Client) -> None:
    """The sample run is scheduled, running, completed; its data is refused with code 100 before that."""
    report = await created(client, sample("create_mta_report.txt"))
    run = await started(client, report)
    seen = []
    for _ in range(3):
        seen.append((await client.get(run)).body)
        client.later(0.8)
    assert [shown["status"] for shown in seen] == ["scheduled", "running", "completed"]
    assert set(seen[0]) == {"id", "status"}
    other = await started(client, report)
    assert (await client.get(f"{other}/data")).error["code"] == 100


@pytest.mark.parametrize("fate", ["error", "timeout", "size_exceeded"])
async def test_a_run_that_fails(start: Start, fate: str) -> None:
    """A scenario ends a run in each way that the page names; its data stays refused."""
    rule = {"match": {"op": "create", "path": "/report_runs$"}, "do": {"run_status": fate}}
    async with start(scenario=[rule]) as client:
        run = await started(client, await created(client, sample("create_mta_report.txt")))
        client.later(10)
        assert (await client.get(run)).body["status"] == fate
        assert (await client.get(f"{run}/data")).error["code"] == 100


async def test_limits_of_a_run(client: Client) -> None:
    """More rows than a run may hold are size_exceeded, more days a timeout."""
    report = await created(client, sample("create_mta_report.txt"))
    for limits, fate in (({"rows": 1}, "size_exceeded"), ({"rows": 10_000, "days": 3}, "timeout")):
        async with client.session.post(f"{client.server.url}{ROOT}/limits", json=limits) as answer:
            assert answer.status == 200
        run = await started(client, report)
        client.later(10)
        assert (await client.get(run)).body["status"] == fate


async def test_a_download_goes_elsewhere_and_tells_of_a_token(client: Client) -> None:
    """The redirect leads to another host, which needs no token and notes when one comes along."""
    run = await started(client, await created(client, sample("create_mta_report.txt")))
    client.later(10)
    assert (await download(client, run)).status == 200
    async with client.session.get(f"{client.server.url}{ROOT}/files/{run}/x.json", headers=client.headers) as refused:
        assert refused.status == 403  # a token is no signature
    fetched = (await client.get(f"{ROOT}/downloads")).body["downloads"]
    assert [entry["token"] for entry in fetched] == [False, True]
    assert fetched[0]["host"] != client.server.url.removeprefix("http://")


@pytest.mark.parametrize("file_format", ["json", "xlsx"])
async def test_a_file_holds_the_truth(client: Client, file_format: str) -> None:
    """The rows of either file are the truth's, digit by digit; the workbook is one that another library reads."""
    body = json.loads(sample("update_report.txt", REPORT_ID="x"))
    definition = body[0]["definition"]
    definition["column_definitions"] = [
        {"key": key}
        for key in ("campaign_name", "publisher_name", "impressions", "net_media_cost", "cost_per_conversion")
    ]
    del body[0]["id"], definition["filters"]
    body[0]["file_format"] = file_format
    run = await started(client, await created(client, json.dumps(body)))
    client.later(10)
    truth = (await client.get(f"{ROOT}/truth", run=run)).body["rows"]
    file = (await download(client, run)).body
    assert len(truth) > 10
    assert rows_of(file, file_format) == [numbers(row) for row in truth]


def rows_of(file: bytes, file_format: str) -> list[dict[str, Any]]:
    if file_format == "json":
        return json.loads(file, parse_float=Decimal, parse_int=Decimal)  # type: ignore[no-any-return]  # a list of rows
    lines = list(openpyxl.load_workbook(BytesIO(file)).worksheets[0].values)
    exact = [[Decimal(repr(cell)) if isinstance(cell, int | float) else cell for cell in line] for line in lines]
    return [dict(zip(map(str, lines[0]), line, strict=True)) for line in exact[1:]]


def numbers(row: dict[str, Any]) -> dict[str, Any]:
    """The truth's figures as numbers; ids and names stay text."""
    texts = {"campaign_name", "publisher_name", "Campaign Name", "Publisher"}
    return {key: value if key in texts or value is None else Decimal(value) for key, value in row.items()}


async def test_the_samples_of_filters(client: Client) -> None:
    """The three samples of filter_by narrow campaigns, publishers and conversion events."""
    campaigns = await client.all_rows("800/campaigns", filter_by=sample("filter_campaigns.txt").strip())
    assert {c["type"] for c in campaigns} == {"display"}
    assert all("a" in c["name"].lower() for c in campaigns)
    assert 0 < len(campaigns) < len(await client.all_rows("800/campaigns"))
    publishers = await client.all_rows(f"{CAMPAIGN}/publishers", filter_by=sample("filter_publishers.txt").strip())
    assert [p["name"] for p in publishers] == ["Facebook", "Instagram"]
    events = await client.all_rows("800/fb_conversion_events", filter_by=sample("filter_conversion_events.txt").strip())
    assert [e["name"] for e in events] == ["Purchase", "Add to cart"]


@pytest.mark.parametrize(
    ("wish", "names"),
    [
        ({"alias_filter": {"filter_string": ["EXT-00002"], "string_query_type": "exact_match"}}, ["Autumn sale"]),
        (
            {"name_or_alias_filter": {"filter_strings": ["00004", "Winter"], "string_query_type": "contains"}},
            ["Tents; boots & more", "Winter catalogue"],
        ),
        ({"name_filter": {"filter_strings": ["Autumn"], "string_query_type": "exact_match"}}, []),
    ],
)
async def test_every_filter(client: Client, wish: dict[str, Any], names: list[str]) -> None:
    """Filters by alias and by either are there too, in both spellings of their list."""
    assert [c["name"] for c in await client.all_rows("800/campaigns", filter_by=wish)] == names


async def test_columns_look_as_in_the_sample(client: Client) -> None:
    """The column of the page's sample reply is listed member by member."""
    [shown] = json.loads((SAMPLES / "report_columns.json").read_text(encoding="utf-8"))["data"]
    assert shown in await client.all_rows("800/report_columns", limit="5")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"column_definitions": [{"key": "campaign_name"}, {"key": "action_requests"}]}, "is incompatible with"),
        ({"column_definitions": [{"key": "campain"}]}, "Unknown column"),
        ({"date_range": {"type": "recent"}}, "Param type must be one of"),
        ({"filters": {"publisher_ids": ["6610000000000000001"]}}, "filter only mta reports"),
        ({"attribution_config": {"date_range_option": "conversions"}}, "only for mta reports"),
        ({"filters": {"campaign_ids": ["1"]}}, "There is no campaign 1"),
    ],
)
async def test_refused_definitions(client: Client, change: dict[str, Any], says: str) -> None:
    """A definition that the page does not describe is code 100 and makes no report."""
    body = json.loads(sample("create_reach_effectiveness_report.txt"))
    body[0]["definition"] |= change
    answer = await client.post("800/reports", reports=body)
    assert answer.error["code"] == 100
    assert says in answer.error["message"]
    assert await client.all_rows("800/reports") == []


async def test_one_schedule_for_a_report(client: Client) -> None:
    """The sample schedule can be created once; a second is refused, and its id changes it."""
    report = await created(client, sample("create_mta_report.txt"))
    schedule = await created(client, sample("create_report_schedule.txt"), f"{report}/report_schedules")
    again = await client.post(f"{report}/report_schedules", report_schedules=sample("create_report_schedule.txt"))
    assert again.error["code"] == 100
    changed = [{"id": schedule, "recurrence_type": "monthly", "recurrence_values": [31], "minute_of_day": 1439}]
    assert (await client.post(f"{report}/report_schedules", report_schedules=changed)).status == 200
    assert (await client.get(schedule)).body["minute_of_day"] == 1439
    wrong = [{"id": schedule, "recurrence_type": "weekly", "recurrence_values": [8]}]
    assert (await client.post(f"{report}/report_schedules", report_schedules=wrong)).error["code"] == 100


async def test_retired(client: Client) -> None:
    """Once retired, nodes do not exist and paths are unknown."""
    async with client.session.post(f"{client.server.url}{ROOT}/retire", json={"retired": True}) as answer:
        assert answer.status == 200
    assert (await client.get("800")).error["error_subcode"] == 33
    assert (await client.get("800/reports")).error["code"] == 2500
