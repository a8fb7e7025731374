"""`give_up_after_minutes`: a run ends in its time, what is left stays due, and nothing that was begun is lost."""

from datetime import timedelta

from tests.acceptance.conftest import NOW, Sandbox, Shop

STUCK = {"match": {"op": "submit", "account": "222"}, "times": None, "do": {"run_stuck_at": 40}}


def test_what_does_not_end_in_time_is_skipped_and_stays_due(shop: Shop, sandbox: Sandbox) -> None:
    """One account's report run never ends: the others land, that one is due again, and lands once Meta answers."""
    sandbox.script(STUCK)
    shop.configure(accounts=["111", "222"], more="")
    shop.config.write_text(shop.config.read_text().replace("[pace]", "[pace]\ngive_up_after_minutes = 10"))
    ended = shop.load()
    assert ended.code == 1
    assert {failure["scope"] for failure in ended.json["failures"]} == {"222"}
    assert {failure["remedy"] for failure in ended.json["failures"]} == {"next load"}
    of_facts = "SELECT scope, list(DISTINCT state) FROM meta.slices WHERE table_name = 'ads_insights' GROUP BY 1"
    states = dict(shop.ask(of_facts))
    assert states["222"] == ["skipped"]
    assert "skipped" not in states["111"]
    assert shop.ask("SELECT DISTINCT reason FROM meta.slices WHERE state = 'skipped'") == [
        ("[pace] give_up_after_minutes is over; it stays due and the next load asks it again",)
    ]
    later = NOW + timedelta(hours=13)
    sandbox.script()
    sandbox.move_to(later)
    assert shop.load(now=later).code == 0
    assert shop.ask("SELECT count(*) FROM meta.slices WHERE state = 'skipped'") == [(0,)]
