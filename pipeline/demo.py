"""Owns the demo: a sandbox as a process of its own, a load from it as from Meta, and answers from SQL."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from string import Template

import click
import orjson

from pipeline.query import as_text, ask

TEMPLATE = Path(__file__).resolve().parents[1] / "config" / "demo.toml"
SPEED = "20"
DAYS = 14
TOKEN_VARIABLE = "INSIGHTS_DEMO_TOKEN"  # noqa: S105 - a name, not a secret
QUESTIONS = (
    (
        "Spend and purchases of the last seven days, by account",
        """SELECT a.name AS account, f.account_currency AS currency, sum(f.spend) AS spend,
       sum(f.impressions) AS impressions,
       (SELECT sum(c.value)::BIGINT FROM ads_insights_actions c
        WHERE c.account_id = f.account_id AND c.metric = 'actions' AND c.action_type = 'omni_purchase'
          AND c.date_start > max(f.date_start) - 7) AS purchases
FROM ads_insights f JOIN ad_accounts a USING (account_id)
WHERE f.date_start > (SELECT max(date_start) FROM ads_insights) - 7
GROUP BY f.account_id, a.name, f.account_currency ORDER BY spend DESC""",
    ),
    (
        "The ads with the best return, with their creatives",
        """SELECT d.name AS ad, c.call_to_action_type AS button, sum(f.spend) AS spend,
       round(sum(v.value) / sum(f.spend), 2)::DECIMAL(9, 2) AS return_on_spend
FROM ads_insights f
JOIN ads_insights_actions v USING (account_id, campaign_id, adset_id, ad_id, date_start, date_stop)
JOIN ads d ON d.id = f.ad_id LEFT JOIN adcreatives c ON c.id = d.creative_id
WHERE v.metric = 'action_values' AND v.action_type = 'omni_purchase'
GROUP BY ALL HAVING sum(f.spend) > 0 ORDER BY return_on_spend DESC LIMIT 5""",
    ),
    (
        "What stood beside the ads of the last two days, by language of the content (brand safety)",
        """SELECT coalesce(content_language, 'not told') AS language, sum(impressions)::BIGINT AS impressions,
       sum(impressions) FILTER (content_privacy = 'public')::BIGINT AS beside_public_content,
       count(DISTINCT content_owner_id) AS owners
FROM brand_safety_exposure WHERE date > (SELECT max(date) FROM brand_safety_exposure) - 2
GROUP BY 1 ORDER BY impressions DESC LIMIT 5""",
    ),
    (
        "What the app sold, and to how many users a day, by week (app insights)",
        """SELECT date_trunc('week', p.date_start)::DATE AS week, sum(payments_daily_spend) AS spend,
       sum(payments_daily_refunds) AS refunds, round(avg(u.value))::BIGINT AS users_a_day,
       count(payments_daily_spend) AS days_sent
FROM app_payments p LEFT JOIN app_insights u
  ON u.app_id = p.app_id AND u.time = p.time AND u.metric = 'facebook_features_daily_active_users'
GROUP BY 1 ORDER BY 1""",
    ),
    (
        "What attribution credits to each campaign, last week",
        """SELECT campaign_name AS campaign, net_media_cost AS cost, time_decay_1_conversions AS conversions,
       time_decay_1_mta_revenue AS revenue
FROM attribution_rows_6630000000000000001 ORDER BY revenue DESC""",
    ),
    (
        "Is it complete? Slices by state",
        """SELECT table_name, state, count(*) AS slices, sum("rows") AS "rows", min(slice_start)::DATE AS since,
       max(slice_start)::DATE AS until FROM meta.slices GROUP BY ALL ORDER BY 1, 2""",
    ),
)


def show(root: Path, type_command: Callable[[Sequence[str]], None], *, as_json: bool) -> int:
    """Loads the demo's store below `root` and prints what landed; the load's exit code.

    `type_command` runs a command line: the demo types what a user would type.
    """
    now = datetime.now(UTC).replace(microsecond=0)
    click.echo(
        f"Loading {DAYS} days of five ad accounts, what stood beside their ads, an app and a line of business "
        f"from a sandbox of Meta on this machine into {root}",
        err=True,
    )
    with _sandbox(now) as servers:
        config = _configuration(root, servers, now)
        os.environ[TOKEN_VARIABLE] = "sandbox-token-demo"
        arguments = ["load", "--config", str(config), "--now", now.isoformat(), *(["--json"] if as_json else [])]
        code = _exit_code(type_command, arguments)
    if code == 0 and not as_json:
        for question, sql in QUESTIONS:
            click.echo(f"\n{question}\n{as_text(ask(root / 'warehouse.duckdb', sql))}")
        click.echo(f'\nAsk your own: {_as_typed()} query --config {config} "SELECT ..."')
    return code


def _as_typed() -> str:
    """The command as it can be typed here: `make demo` runs one that lies on no path."""
    typed = Path(sys.argv[0])
    return os.path.relpath(typed) if typed.name == "insights" else "insights"


@contextlib.contextmanager
def _sandbox(now: datetime) -> Iterator[Mapping[str, str]]:
    """The addresses of a running sandbox: `listening`, and `files` for the hourly files."""
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--speed", SPEED, "--now", now.isoformat()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            yield orjson.loads(line)
        finally:
            process.terminate()


def _configuration(root: Path, servers: Mapping[str, str], now: datetime) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    path = root / "insights.toml"
    text = Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        graph=servers["listening"],
        files=servers["files"],
        token_variable=TOKEN_VARIABLE,
        root=root,
        speed=SPEED,
        since=(now - timedelta(days=DAYS)).date(),
    )
    path.write_text(text, encoding="utf-8")
    return path


def _exit_code(type_command: Callable[[Sequence[str]], None], arguments: Sequence[str]) -> int:
    try:
        type_command(arguments)
    except SystemExit as end:
        return int(end.code or 0)
    return 0
