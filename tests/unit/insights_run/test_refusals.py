"""What was refused for good, and what nothing more is sent for because of it."""

import pytest

from connectors.errors import Blocked, Fault, GaveUp, PermissionRefused, TokenRefused, VersionDead
from pipeline.refusals import Refusals


@pytest.mark.parametrize("fault", [TokenRefused("t"), Blocked("b"), VersionDead("v")], ids=lambda f: type(f).__name__)
def test_what_ends_everything_ends_it_for_every_account(fault: Fault) -> None:
    """A refused token, a block for abuse and a dead version leave nobody to ask; only the token is exit 3."""
    refusals = Refusals()
    refusals.learn("111", fault)
    assert refusals.of("222") is fault
    assert refusals.whole_families == isinstance(fault, TokenRefused)


def test_a_permission_is_about_its_account_and_a_failure_about_its_question() -> None:
    """The other accounts are asked on; what was only given up is asked again by the next task."""
    refusals = Refusals()
    refused = PermissionRefused("p")
    refusals.learn("111", refused)
    refusals.learn("222", GaveUp("g"))
    assert (refusals.of("111"), refusals.of("222"), refusals.of("333")) == (refused, None, None)
