"""What is wrong in a configuration is refused in whole sentences: the place, the value, and what to write instead."""

import os
import tomllib
from datetime import date
from pathlib import Path

import pytest

from config.settings import GraphSection, Wrong, access_token, app_secret, from_data, read

TODAY = date(2026, 11, 22)
ACCOUNTS = '[ads_insights]\nad_accounts = ["1"]\nsince = 2026-09-01\n'
REPORT = f"{ACCOUNTS}[[ads_insights.reports]]\n"
FIRST = "[[ads_insights.reports]] number 1:"
SECRET = "EAABsbCS1234567890"


def refusal(text: str) -> str:
    """Everything that is said of a configuration."""
    with pytest.raises(Wrong) as wrong:
        from_data(tomllib.loads(text), "f.toml", TODAY)
    return "\n".join(line.removeprefix("f.toml: ") for line in str(wrong.value).splitlines())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[graf]", "[graf] is not a setting; did you mean [graph]?"),
        ("[zzz]", "[zzz] is not a setting; remove it"),
        ("[graph]\nbase_ur = 'x'", "[graph] base_ur is not a setting; did you mean base_url?"),
        ("[graph]\nzzz = 'x'", "[graph] zzz is not a setting; remove it"),
        (
            ACCOUNTS.replace("since", "sinse"),
            "[ads_insights] sinse is not a setting; did you mean since?",
        ),
        (f"{REPORT}breakdown = ['age']", f"{FIRST} breakdown is not a setting; did you mean breakdowns?"),
        (
            f"{REPORT}filtering = [{{ field = 'ad.id', operator = 'IN', val = 1 }}]",
            f"{FIRST} filtering number 1 val is not a setting; did you mean value?",
        ),
    ],
)
def test_unknown_keys(text: str, says: str) -> None:
    """A key that nobody knows is refused, with the nearest one at that place of the file."""
    assert refusal(text) == says


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("graph = 5", "[graph] = 5: is a section; give it a line of its own and its keys below"),
        ("[graph]\nrequest_timeout_seconds = '60'", "[graph] request_timeout_seconds = '60': should be a valid number"),
        ("[graph]\nbase_url = 'ftp://x'", "[graph] base_url = 'ftp://x': write it as in 'https://graph.facebook.com'"),
        ("[graph]\nversion = '25'", "[graph] version = '25': write it as in 'v25.0'"),
        ("[storage]\nroot = 5", "[storage] root = 5: should be a path, in quotes"),
        ("[pace]\ntarget_utilisation = 101", "[pace] target_utilisation = 101: should be less than or equal to 100"),
        ("[pace]\ntarget_utilisation = 8.5", "[pace] target_utilisation = 8.5: should be a valid integer"),
        ("[pace]\nclock_speed = 0", "[pace] clock_speed = 0: should be greater than 0"),
        (
            "[report_runs]\npoll_max_seconds = 1",
            "[report_runs] poll_max_seconds is less than poll_initial_seconds; raise the one or lower the other",
        ),
        (f"{ACCOUNTS}lookback_days = true", "[ads_insights] lookback_days = true: should be a valid integer"),
        (f"{ACCOUNTS}include_today = 'yes'", "[ads_insights] include_today = 'yes': should be a valid boolean"),
        (
            ACCOUNTS.replace('["1"]', '"1"'),
            "[ads_insights] ad_accounts = '1': should be a valid list; write [\"1\"]",
        ),
        (
            ACCOUNTS.replace('"1"', "1"),
            "[ads_insights] ad_accounts number 1 = 1: should be a valid string, in quotes",
        ),
        (
            ACCOUNTS.replace('"1"', '"1", "act_x"'),
            "[ads_insights] ad_accounts number 2 = 'act_x': write an ad account as digits, with or without act_",
        ),
        (
            ACCOUNTS.replace('"1"', '"act_"'),
            "[ads_insights] ad_accounts number 1 = 'act_': write an ad account as digits, with or without act_",
        ),
        (
            ACCOUNTS.replace('"1"', '"١"'),
            "[ads_insights] ad_accounts number 1 = '١': write an ad account as digits, with or without act_",
        ),
        ("[brand_safety]\nbusiness_ids = ['x']", "[brand_safety] business_ids number 1 = 'x': write an id as digits"),
        ("[brand_safety]", "[brand_safety] names no business and no ad set: set business_ids"),
        (
            "[brand_safety]\nbusiness_ids = ['900']\nplacements = ['facebook/fed']",
            "[brand_safety] placements = 'facebook/fed': there is no such placement; did you mean 'facebook/feed'?",
        ),
        (
            "[brand_safety]\nbusiness_ids = ['900']\nplacements = ['threads/reels']",
            "[brand_safety] placements = 'threads/reels': there is no such placement; did you mean 'threads/feed'?",
        ),
        (
            "[app_insights]\nsince = 2026-09-01\nmetrics = [5]",
            '[app_insights] metrics number 1 = 5: write the name of a metric, or { metric = "...", ... }',
        ),
        (
            "[ad_objects]\ntables = ['adset']",
            (
                "[ad_objects] tables number 1 = 'adset': should be 'ad_accounts', 'campaigns', 'adsets', 'ads' or "
                "'adcreatives'; did you mean 'adsets'?"
            ),
        ),
        ("[schedule]\nnightly_at = '25:00'", "[schedule] nightly_at = '25:00': write it as in '03:30'"),
        (
            "[schedule]\nstatus_host = '0.0.0.0'",
            (
                "[schedule] status_host = '0.0.0.0' is reached from other machines; set status_token_env to the name "
                "of an environment variable that holds a token, or leave status_host out"
            ),
        ),
        ("[schedule]\nstatus_port = 70000", "[schedule] status_port = 70000: should be less than or equal to 65535"),
        (f"{REPORT}fields = 'spend'", f"{FIRST} fields = 'spend': should be a valid list; write [\"spend\"]"),
        (
            f"{REPORT}time_increment = 1.5",
            f'{FIRST} time_increment = 1.5: write a number of days, "monthly" or "all_days"',
        ),
        (
            f"{REPORT}time_increment = true",
            f'{FIRST} time_increment = true: write a number of days, "monthly" or "all_days"',
        ),
        (
            f"{REPORT}filtering = [{{ field = 'ad.created_time', operator = 'AFTER', value = 2026-09-01 }}]",
            (
                f"{FIRST} filtering number 1 value = 2026-09-01: "
                "should be a text, a number or a list of these; write a day in quotes"
            ),
        ),
        (
            f"{REPORT}filtering = [{{ field = 'ad.id', operator = 'IN' }}]",
            f"{FIRST} filtering number 1 value is missing; add it",
        ),
        (
            f"{ACCOUNTS}[ads_insights.reports]\nname = 'x'",
            "[ads_insights] reports = {'name': 'x'}: should be a valid list; write [[ads_insights.reports]]",
        ),
    ],
)
def test_wrong_types(text: str, says: str) -> None:
    """A value of another type, or out of bounds, is refused once, as the file shows it."""
    assert refusal(text) == says


@pytest.mark.parametrize(
    ("since", "says"),
    [
        ('"2026-02-30"', "since = '2026-02-30': write a day that exists, such as 2026-09-01"),
        ('"20260901"', "since = '20260901': write a day that exists, such as 2026-09-01"),
        ('"2026-W36-2"', "since = '2026-W36-2': write a day that exists, such as 2026-09-01"),
        ('"yesterday"', "since = 'yesterday': write a day that exists, such as 2026-09-01"),
        ("20260901", "since = 20260901: should be a valid date"),
        ("2026-09-01T00:00:00", "since = 2026-09-01 00:00:00: write a day without a time, such as 2026-09-01"),
        ("2026-11-23", "since = 2026-11-23 lies after today, 2026-11-22; write a day that has been"),
    ],
)
def test_days(since: str, says: str) -> None:
    """A day that does not exist, is written otherwise, or lies in the future is refused."""
    assert refusal(f'[ads_insights]\nad_accounts = ["1"]\nsince = {since}') == f"[ads_insights] {says}"


def test_no_account() -> None:
    """A family without an account, and one without a first day, say what to add."""
    assert refusal("[ads_insights]\nsince = 2026-09-01") == (
        "[ads_insights] names no account: set ad_accounts = [...] or business_ids = [...]"
    )
    assert refusal('[ads_insights]\nad_accounts = ["1"]') == "[ads_insights] since is missing; add it"


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ('level = "adds"', 'level: "adds" is not a level; the nearest legal value is "adset"'),
        ('fields = ["spnd"]', 'fields: "spnd" is not a field of ads insights; the nearest legal value is "spend"'),
        ('breakdowns = ["gendr"]', 'breakdowns: "gendr" is not a breakdown; the nearest legal value is "gender"'),
        ('mode = "snyc"', 'mode: "snyc" is not a mode; the nearest legal value is "sync"'),
        (
            'time_increment = "weekly"',
            (
                'time_increment: "weekly" is neither a number of days from 1 to 90 nor monthly nor all_days; '
                'the nearest legal value is "7"'
            ),
        ),
        (
            'name = "campaigns"',
            'name: "campaigns" is the table of another family; the nearest legal value is "campaigns_insights"',
        ),
        ('name = "B-C"', 'name: "B-C" is not a table name: [a-z][a-z0-9_]*; the nearest legal value is "b_c"'),
        (
            'name = "some_actions"',
            (
                'name: "some_actions" ends in _actions, which is how the tables of list metrics are named; '
                'the nearest legal value is "some"'
            ),
        ),
    ],
)
def test_illegal_reports(keys: str, says: str) -> None:
    """What the API would refuse, or what would take another table's name, is refused with the nearest legal value."""
    assert refusal(REPORT + keys) == f"{FIRST} {says}"


def test_everything_at_once() -> None:
    """Everything that is wrong is said at once, a line each, reports counted as they stand in the file."""
    reports = ("a", "a", "campaigns")
    text = ACCOUNTS + "".join(f"[[ads_insights.reports]]\nname = '{name}'\n" for name in reports)
    assert refusal(text).splitlines() == [
        "[[ads_insights.reports]] name = 'a' is given twice; each report needs a table of its own",
        (
            '[[ads_insights.reports]] number 3: name: "campaigns" is the table of another family; '
            'the nearest legal value is "campaigns_insights"'
        ),
    ]
    assert refusal("[graph]\nversion = '25'\n[pace]\nclockspeed = 1").splitlines() == [
        "[graph] version = '25': write it as in 'v25.0'",
        "[pace] clockspeed is not a setting; did you mean clock_speed?",
    ]


# ---- files ----


def said_of(path: Path) -> str:
    """What reading a file is refused with, its path left out."""
    with pytest.raises(Wrong) as wrong:
        read(path, TODAY)
    return str(wrong.value).removeprefix(f"{path}: ")


def test_no_file(tmp_path: Path) -> None:
    """Where there is no file, it is said how to come by one."""
    assert said_of(tmp_path / "none.toml") == (
        "there is no configuration here; copy config/example.toml to it, or name one with --config"
    )


def test_no_toml(tmp_path: Path) -> None:
    """A file that is no TOML is refused with the line, but never with what stands behind its `=`."""
    path = tmp_path / "f.toml"
    path.write_text(f"[graph]\naccess_token_env = {SECRET}\n", encoding="utf-8")
    assert said_of(path) == "this is not TOML: Invalid value (at line 2, column 20): access_token_env ..."


def test_no_text(tmp_path: Path) -> None:
    """A file that cannot be read as text is refused with the reason."""
    path = tmp_path / "f.toml"
    path.write_bytes(b"\xff\xfe")
    assert said_of(path) == ("cannot be read: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte")
    assert said_of(tmp_path) == f"cannot be read: [Errno 21] Is a directory: '{tmp_path}'"


# ---- secrets ----


@pytest.mark.parametrize("key", ["access_token_env", "app_secret_env", "access_token", "app_secret", "token"])
def test_a_secret_in_the_file(key: str) -> None:
    """A secret that was pasted into the file is never repeated."""
    assert SECRET not in refusal(f'[graph]\n{key} = "{SECRET}"')


def test_a_secret_instead_of_a_name() -> None:
    """A secret in the place of a variable's name is refused with what belongs there."""
    wanted = "name an environment variable in capitals, such as META_ACCESS_TOKEN; write no secret here"
    assert refusal(f'[graph]\naccess_token_env = "{SECRET}"') == f"[graph] access_token_env: {wanted}"
    assert refusal(f'[app_insights]\nsince = 2026-09-01\naccess_token_env = "{SECRET}"') == (
        f"[app_insights] access_token_env: {wanted}"
    )
    assert refusal("[graph]\napp_secret_env = 5") == "[graph] app_secret_env: should be a valid string, in quotes"


def token_refusal(graph: GraphSection, **environment: str) -> str:
    """What is said of a token that is not there."""
    with pytest.raises(Wrong) as wrong:
        access_token(graph, environment)
    return str(wrong.value)


@pytest.mark.parametrize("environment", [{}, {"META_ACCESS_TOKEN": ""}, {"META_ACCESS_TOKEN": " \n"}], ids=str)
def test_no_token(environment: dict[str, str]) -> None:
    """A variable that is not set, or empty, is named with what to do."""
    assert token_refusal(GraphSection(), **environment) == (
        "[graph] access_token_env = 'META_ACCESS_TOKEN': this variable is not set; "
        "export META_ACCESS_TOKEN=... with a token that has ads_read"
    )


def test_token_from_the_environment() -> None:
    """The token is what the variable holds, without the white space around it."""
    assert access_token(GraphSection(access_token_env="MINE"), {"MINE": f" {SECRET}\n"}) == SECRET


def test_token_from_a_file(tmp_path: Path) -> None:
    """A file goes before the variable; one that is empty, gone or no text is refused, and the variable not tried."""
    path = tmp_path / "token"
    graph = GraphSection(access_token_file=path)
    place = f"[graph] access_token_file = '{path}'"
    others = {"META_ACCESS_TOKEN": "another"}
    assert token_refusal(graph, **others) == f"{place}: No such file or directory; put the token there"
    path.write_text(" \n", encoding="utf-8")
    assert token_refusal(graph, **others) == f"{place}: the file is empty; put the token there"
    path.write_bytes(b"\xff" + SECRET.encode())
    assert token_refusal(graph, **others) == f"{place}: this is no text; put the token there"
    path.write_text(f"{SECRET}\n", encoding="utf-8")
    assert access_token(graph, others) == SECRET


def test_app_secret() -> None:
    """The app secret is optional; one that is configured must be there."""
    assert app_secret(GraphSection(), os.environ) is None
    assert app_secret(GraphSection(app_secret_env="MINE"), {"MINE": f"{SECRET}\n"}) == SECRET
    with pytest.raises(Wrong) as wrong:
        app_secret(GraphSection(app_secret_env="MINE"), {})
    assert str(wrong.value) == "[graph] app_secret_env = 'MINE': this variable is not set; export it"
