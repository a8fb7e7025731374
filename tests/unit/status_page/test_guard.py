"""Who may see the pages."""

import base64

import pytest

from pipeline.status_page.guard import Guard, is_loopback

TOKEN = "a-token-of-some-length"


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("header", "welcome"),
    [
        (None, False),
        ("", False),
        (f"Bearer {TOKEN}", True),
        (f"bearer {TOKEN}", True),
        (f"Bearer {TOKEN}x", False),
        (f"Bearer {TOKEN[:-1]}", False),
        (basic(f"anybody:{TOKEN}"), True),
        (basic(f":{TOKEN}"), True),
        (basic(TOKEN), False),
        (basic(f"{TOKEN}:"), False),
        ("Basic !!!", False),
        ("Basic é", False),
        (f"Digest {TOKEN}", False),
    ],
)
def test_only_the_token_lets_in(header: str | None, welcome: bool) -> None:  # noqa: FBT001 - pytest's
    """As a bearer or as a password, whole, and in no other way."""
    assert Guard(TOKEN).lets_in(header) is welcome
    assert Guard().lets_in(header)


def test_a_colon_may_be_part_of_the_token() -> None:
    """Only the first one parts the name from the password."""
    assert Guard("a:b:c").lets_in(basic("name:a:b:c"))


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("127.0.0.1:8765", True),
        ("localhost", True),
        ("[::1]:8765", True),
        ("evil.example:8765", False),
        ("", False),
        (None, False),
    ],
)
def test_without_a_token_only_this_machine_is_answered_to(host: str | None, known: bool) -> None:  # noqa: FBT001 - pytest's
    """A strange name that was made to lead here is not."""
    assert Guard().knows(host) is known
    assert Guard(TOKEN).knows(host)


def test_loopback_is_told_from_elsewhere() -> None:
    """By address; a name may lead anywhere."""
    assert all(map(is_loopback, ("127.0.0.1", "127.9.9.9", "::1", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.0.2.1", "example.com", "")))  # noqa: S104 - told apart, not bound
