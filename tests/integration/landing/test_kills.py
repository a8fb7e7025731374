"""A landing or a publication killed at every named step, and made up by the next start."""

import random
import time
from pathlib import Path

import pytest

from pipeline.store import Places
from tests.integration.landing.stage import (
    SEED,
    Heard,
    assert_holds,
    assert_whole,
    begin,
    drive,
    drive_to_its_end,
    line_of,
    places,
    play,
    recover,
    truth,
)

KILLED = -9
ONCE = (
    "landing.begun",
    "landing.recorded",
    "landing.renamed",
    "landing.landed",
    "landing.file_removed",
    "publish.copied",
    "publish.begun",
    "publish.built",
    "publish.replacing",
    "publish.replaced",
)
STEPS = [*((event, "first") for event in ONCE)]
STEPS += [("landing.file_renamed", which) for which in ("first", "middle", "last")]
SOAK = 300


@pytest.fixture(scope="module")
def counts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """How often each event is said in the second round."""
    where = places(tmp_path_factory.mktemp("counted"))
    begin(where)
    heard = Heard()
    play(where, SEED, 1, heard)
    return {name: heard.names().count(name) for name in heard.names()}


@pytest.mark.parametrize(("event", "which"), STEPS, ids=lambda value: value)
def test_a_round_killed_at_a_named_step_is_made_up(
    event: str, which: str, where: Places, counts: dict[str, int]
) -> None:
    """The next start alone leaves every slice whole, of the one round or the other; the round again gives the truth."""
    nth = {"first": 1, "middle": (counts[event] + 1) // 2, "last": counts[event]}[which]
    begin(where)
    assert drive_to_its_end(where, str(SEED), "1", "1", event, str(nth), "1") == KILLED
    recover(where)
    assert_whole(where, SEED, (0, 1))
    play(where, SEED, 1)
    assert_holds(where, truth(SEED, 1))


@pytest.mark.parametrize("event", ["landing.file_renamed", "publish.replaced"])
def test_the_very_first_round_killed_is_made_up(event: str, where: Places) -> None:
    """There is nothing older to fall back on: what landed is there, the rest is due."""
    assert drive_to_its_end(where, str(SEED), "0", "0", event, "1") == KILLED
    recover(where)
    assert_whole(where, SEED, (0,))
    play(where, SEED, 0)
    assert_holds(where, truth(SEED, 0))


@pytest.mark.parametrize(
    ("event", "nth"), [("landing.file_renamed", 1), ("landing.rolled_forward", 1), ("publish.replacing", 1)]
)
def test_a_recovery_killed_is_made_up(event: str, nth: int, where: Places) -> None:
    """Killed while it finishes what a killed process left, twice in a row."""
    begin(where)
    assert drive_to_its_end(where, str(SEED), "1", "1", "landing.recorded", "1", "1") == KILLED
    for _ in range(2 if event == "publish.replacing" else 1):
        assert drive_to_its_end(where, str(SEED), "recover", "0", event, str(nth)) == KILLED
    recover(where)
    assert_whole(where, SEED, (0, 1))
    play(where, SEED, 1)
    assert_holds(where, truth(SEED, 1))


@pytest.mark.parametrize("seed", range(10))
def test_a_process_killed_at_random_is_made_up(seed: int, where: Places) -> None:
    """Ten kills at moments that nobody chose."""
    _kill_and_compare(where, seed)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 100 + SOAK))
def test_three_hundred_random_kills(seed: int, tmp_path: Path) -> None:
    """The same, three hundred times."""
    _kill_and_compare(places(tmp_path / "store"), seed)


def _kill_and_compare(where: Places, seed: int) -> None:
    """Rounds without end, killed between the beginning and about two rounds later; with and without a start alone."""
    with drive(where, str(seed), "0", "1000") as process:
        began = [line_of(process)]
        time.sleep(random.Random(seed).uniform(0, 0.9))
        process.kill()
        began += list(process.stdout or [])
    last = max(int(line) for line in began)
    if seed % 2:
        recover(where)
        assert_whole(where, seed, range(last + 1))
    play(where, seed, last + 1)
    assert_holds(where, truth(seed, last + 1))
