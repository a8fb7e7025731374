"""One writer per store."""

import fcntl
import json
import os
from pathlib import Path

import pytest

from pipeline.errors import Busy
from pipeline.lock import holder, writing
from pipeline.store import Places
from tests.integration.landing import world
from tests.integration.landing.stage import ROOT, analyst, go_on, line_of, listing, open_store, play

HOLD = f"""
sys.path.insert(0, {str(ROOT)!r})
from datetime import UTC, datetime
from pathlib import Path
from pipeline.lock import writing
with writing(Path(sys.argv[1]), "backfill", datetime(2026, 11, 23, 4, tzinfo=UTC)):
    print("holds", flush=True)
    sys.stdin.readline()
print("let go", flush=True)
sys.stdin.readline()
"""
WAIT = HOLD.replace("tzinfo=UTC))", "tzinfo=UTC), wait=True)").replace(
    "with writing", 'print("waits", flush=True)\nwith writing'
)


def test_a_second_writer_is_told_who_writes(where: Places) -> None:
    """Exit code 4, naming the command, the process and since when; nothing is changed by the attempt."""
    play(where, 7, 0)
    with analyst(HOLD, str(where.state)) as other:
        assert line_of(other) == "holds"
        before = listing(where.state.parent)
        with pytest.raises(Busy) as refused, open_store(where):
            pass
        assert listing(where.state.parent) == before
    assert refused.value.exit_code == 4
    who = f"`insights backfill` (process {other.pid}, since 2026-11-23T04:00:00+00:00)"
    assert str(refused.value) == f"store {where.state}: {who} is writing it; wait for its end or add --wait"


def test_a_killed_writer_leaves_no_lock(tmp_path: Path) -> None:
    """The name it left behind stops nobody and is shown to nobody."""
    with analyst(HOLD, str(tmp_path)) as other:
        assert line_of(other) == "holds"
    assert json.loads((tmp_path / "lock").read_bytes())["pid"] == other.pid
    assert holder(tmp_path) is None
    with writing(tmp_path, "load", world.BORN):
        assert holder(tmp_path) == f"`insights load` (process {os.getpid()}, since 2026-11-10T04:00:00+00:00)"
    assert holder(tmp_path) is None


def test_a_patient_writer_waits(tmp_path: Path) -> None:
    """With `wait` it comes in when the other has let go."""
    with writing(tmp_path, "load", world.BORN):
        patient = analyst(WAIT, str(tmp_path))
        process = patient.__enter__()
        assert line_of(process) == "waits"
        assert holder(tmp_path) == f"`insights load` (process {os.getpid()}, since 2026-11-10T04:00:00+00:00)"
    assert line_of(process) == "holds"
    assert holder(tmp_path) == f"`insights backfill` (process {process.pid}, since 2026-11-23T04:00:00+00:00)"
    assert go_on(process) == "let go"
    patient.__exit__(None, None, None)


def test_looking_who_writes_never_turns_a_writer_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`status` takes the lock for an instant; a writer that comes just then looks again."""
    glance = os.open(tmp_path / "lock", os.O_RDONLY | os.O_CREAT)
    fcntl.flock(glance, fcntl.LOCK_SH)
    monkeypatch.setattr("time.sleep", lambda _: fcntl.flock(glance, fcntl.LOCK_UN))  # it ends while the writer waits
    with writing(tmp_path, "load", world.BORN):
        pass
    os.close(glance)


def test_a_lock_signed_by_something_strange_is_still_a_lock(tmp_path: Path) -> None:
    """What cannot be read is called another process."""
    with writing(tmp_path, "load", world.BORN):
        (tmp_path / "lock").write_text("[1]")
        with pytest.raises(Busy, match="another process is writing it"), writing(tmp_path, "load", world.BORN):
            pass
