"""The first minutes with a real token: `init` writes a configuration, `check` says whether it will work."""

import tomllib

from tests.acceptance.conftest import NOW, Sandbox, Shop

AT = ("--now", NOW.isoformat())


def test_init_writes_what_the_token_sees_and_the_file_loads(shop: Shop, sandbox: Sandbox) -> None:
    """Every account of the token, each named; the file is a whole configuration, and nothing but it is written."""
    done = shop.run("init", "--json", "--base-url", sandbox.url, *AT)
    assert (done.code, done.json) == (0, {"written": str(shop.config)})
    written = tomllib.loads(shop.config.read_text())
    every = {f"act_{found['account_id']}" for found in sandbox.objects("", "ad_accounts")}
    assert set(written["ads_insights"]["ad_accounts"]) == every
    assert written["graph"] == {"access_token_env": "META_ACCESS_TOKEN", "base_url": sandbox.url}
    for found in sandbox.objects("", "ad_accounts"):
        assert found["timezone_name"] in shop.config.read_text()
    assert [path.name for path in shop.folder.iterdir()] == [shop.config.name]
    planned = shop.run("plan", "--json", *AT)
    assert (planned.code, planned.json["slices"] > 0) == (0, True)


def test_init_never_overwrites(shop: Shop, sandbox: Sandbox) -> None:
    """A configuration that is there stays, and nobody is asked."""
    shop.configure()
    before = shop.config.read_text()
    done = shop.run("init", "--base-url", sandbox.url, *AT)
    assert (done.code, "there is a configuration already" in done.err) == (2, True)
    assert shop.config.read_text() == before
    assert sandbox.calls() == []


def test_check_says_what_will_work_and_writes_nothing(shop: Shop) -> None:
    """Token, permissions, accounts with their zones, tier; in words and as a document."""
    shop.configure(accounts=["111", "222"])
    done = shop.run("check", "--json", *AT)
    assert done.code == 0
    assert done.json["user"] == "Sandbox System User (990)"
    assert done.json["permissions"]["ads_read"] == "granted"
    assert [account["id"] for account in done.json["accounts"]] == ["111", "222"]
    assert done.json["tier"] == "standard_access"
    assert any(name.startswith("111/") for name in done.json["quotas"])
    words = shop.run("check", *AT).out
    assert "token: works, as Sandbox System User (990)" in words
    assert "act_111" in words
    assert [path.name for path in shop.folder.iterdir()] == [shop.config.name]


def test_check_names_the_account_that_cannot_be_read(shop: Shop, sandbox: Sandbox) -> None:
    """One account without permission: the others are fine, exit 1."""
    sandbox.script(refused_accounts=["222"])
    shop.configure(accounts=["111", "222"])
    done = shop.run("check", "--json", *AT)
    assert done.code == 1
    assert [account["id"] for account in done.json["accounts"]] == ["111"]
    assert list(done.json["refused"]) == ["222"]
    assert "REFUSED 222" in shop.run("check", *AT).out


def test_check_names_the_permission_that_is_missing(shop: Shop, sandbox: Sandbox) -> None:
    """What a section of the configuration needs and the token has not: exit 3."""
    body = '{"data": [{"permission": "ads_management", "status": "granted"}]}'
    reply = {"status": 200, "body": body}
    sandbox.script({"match": {"path": "me/permissions"}, "times": None, "do": {"reply": reply}})
    shop.configure(accounts=["111"])
    done = shop.run("check", "--json", *AT)
    assert (done.code, done.json["missing"]) == (3, [{"permission": "ads_read", "needed_by": "[ads_insights]"}])


def test_a_token_that_does_not_work_is_said_by_both(shop: Shop, sandbox: Sandbox) -> None:
    """Exit 3, with what to renew; no file is written."""
    shop.environment["META_ACCESS_TOKEN"] = "expired-token"
    for command in (("init", "--base-url", sandbox.url), ("check",)):
        if command[0] == "check":
            shop.configure(accounts=["111"])
        done = shop.run(*command, *AT)
        assert (done.code, "make a new access token" in done.err) == (3, True)
        assert command[0] == "check" or not shop.config.exists()
