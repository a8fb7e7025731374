"""Every sample of the page is a file; each reply loads as it stands."""

import json
import urllib.request
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.acceptance.attributing import configure, truth
from tests.acceptance.conftest import Sandbox, Shop

SAMPLES = Path(__file__).parents[1] / "samples" / "attribution"


FIGURES = ("net_media_cost", "time_decay")


def reply(path: str, body: str) -> dict[str, object]:
    """A rule that answers with these very bytes."""
    return {"match": {"op": "list", "path": path}, "times": None, "do": {"reply": {"status": 200, "body": body}}}


def test_the_sample_of_report_columns_loads_as_it_stands(shop: Shop, sandbox: Sandbox) -> None:
    """The one sample reply of the page: its column lands member by member."""
    text = (SAMPLES / "report_columns.json").read_text(encoding="utf-8")
    sandbox.script(reply("^/800/report_columns$", text))
    configure(shop, "")
    ended = shop.load()
    assert ended.code == 0, ended.err
    [row] = shop.rows("attribution_report_columns")
    [column] = json.loads(text)["data"]
    assert {name: row[name] for name in column if name != "incompatibilities"} | {
        "incompatibilities": json.loads(row["incompatibilities"])
    } == column
    assert row["extra"] is None


@pytest.mark.parametrize("name", ["create_reach_effectiveness_report", "create_mta_report"])
def test_a_report_made_by_the_pages_own_call_is_listed_and_run(name: str, shop: Shop, sandbox: Sandbox) -> None:
    """Somebody sent the sample as it stands: its report lands as it was sent, and is run."""
    body = (SAMPLES / f"{name}.txt").read_text(encoding="utf-8")
    body = body.replace("<CAMPAIGN_ID>", "6600000000000000001").replace("<CONVERSION_EVENT_ID>", "6620000000000000001")
    send(sandbox, "800/reports", {"reports": body})
    [made] = truth(sandbox)["reports"]
    send(sandbox, f"{made['id']}/report_schedules", {"report_schedules": schedule()})
    configure(shop, "")
    ended = shop.load()
    assert ended.code == 0, ended.err
    [row] = shop.rows("attribution_reports")
    assert json.loads(row["definition"]) == made["definition"]
    assert (row["name"], row["is_email_enabled"]) == (made["name"], True)
    assert shop.ask(f"SELECT count(*) > 0 FROM attribution_rows_{made['id']}") == [(True,)]
    described = shop.ask(f"SELECT column_name, column_type FROM (DESCRIBE attribution_rows_{made['id']})")
    kinds = {kind for column, kind in described if column.startswith(FIGURES)}
    assert kinds == ({"DECIMAL(38,6)"} if "mta" in name else set())
    [scheduled] = shop.rows("attribution_report_schedules")
    assert (scheduled["recurrence_type"], scheduled["minute_of_day"]) == ("weekly", 240)
    assert json.loads(scheduled["date_range"])["begin_date"] == "2017-06-01T00:00:00"


def schedule() -> str:
    return (SAMPLES / "create_report_schedule.txt").read_text(encoding="utf-8")


def send(sandbox: Sandbox, path: str, form: dict[str, str]) -> None:
    """A call as curl would send it."""
    data = urlencode({"access_token": "sandbox-token-of-somebody", **form}).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{sandbox.url}/v25.0/{path}", data)) as answer:
        assert answer.status == 200
