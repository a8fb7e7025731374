"""The ledger of a process that stays: it may be read inside that process, and written beside it, and loses nothing."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from pipeline.ledger import Ledger

NOW = datetime(2026, 11, 20, 14, tzinfo=UTC)
STRANGER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from pipeline.ledger import Ledger
with Ledger.open(Path(sys.argv[1]), born=datetime.now(UTC)) as ledger:
    print(ledger.make_request("backfill", {"since": "2026-09-01"}, datetime.now(UTC)), ledger.note("word"))
"""
ROOT = Path(__file__).resolve().parents[3]


def another_process_asks(path: Path) -> tuple[str, str]:
    """What another process finds after it has left a request and closed the ledger: its number, and our note."""
    command = [sys.executable, "-c", STRANGER, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    number, _, word = done.stdout.strip().partition(" ")
    return number, word


def test_a_ledger_read_inside_the_process_that_writes_it_keeps_its_locks(tmp_path: Path) -> None:
    """Else another process that opens and closes it takes itself for the last one, and removes the log under us."""
    path = tmp_path / "ledger.sqlite"
    with Ledger.open(path, born=NOW) as ledger:
        for turn in range(3):
            reader = Ledger.read(path)
            assert reader is not None
            reader.close()
            ledger.save_note("word", f"turn {turn}")
            assert another_process_asks(path) == (str(turn + 1), f"turn {turn}")
            assert [row["id"] for row in ledger.requests()] == list(range(1, turn + 2))


def test_a_request_is_seen_by_the_process_that_holds_the_store(tmp_path: Path) -> None:
    """Written beside it, carried on by it, ended by it; whoever follows sees each step."""
    path = tmp_path / "ledger.sqlite"
    with Ledger.open(path, born=NOW) as ledger:
        another_process_asks(path)
        [row] = ledger.requests()
        assert (row["command"], row["choice"], row["outcome"]) == ("backfill", {"since": "2026-09-01"}, "waiting")
        ledger.request_is_at(row["id"], {"until": "2026-10-01"})
        with Ledger.open(path, born=NOW) as follower:
            [seen] = follower.requests()
        assert (seen["doing"], seen["outcome"], seen["finished_at"]) == ({"until": "2026-10-01"}, "running", None)
        ledger.end_request(row["id"], "complete", NOW)
        with Ledger.open(path, born=NOW) as follower:
            assert follower.requests()[0]["outcome"] == "complete"
