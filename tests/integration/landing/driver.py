"""A process of its own that plays rounds into a store, and kills itself with -9 at the n-th event of a name.

LAKE WAREHOUSE STATE SEED FIRST LAST [EVENT NTH ARMED_FROM]; with `recover` for FIRST it only opens and publishes, with
`rebuild` it makes ledger and warehouse anew.
Prints each round when it begins; `--file-size N` makes every file longer than that a failure, as a full disk does.
"""

import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from pipeline.errors import Unpublished
from pipeline.journal import Journal
from pipeline.store import Places
from tests.integration.landing.stage import play, rebuild, recover

ALONE: dict[str, Callable[[Places, Journal], object]] = {
    "recover": recover,
    "rebuild": lambda where, journal: rebuild(where, journal, asked=True),
}


class Killer:
    """Counts the events of one name once it is armed."""

    def __init__(self, event: str, nth: int) -> None:
        self.armed = False
        self._event, self._left = event, nth

    def __call__(self, event: str, _: object) -> None:
        if self.armed and event == self._event:
            self._left -= 1
            if not self._left:
                os.kill(os.getpid(), signal.SIGKILL)


def main(arguments: list[str]) -> None:
    """Plays."""
    if "--file-size" in arguments:
        at = arguments.index("--file-size")
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(arguments[at + 1]),) * 2)
        del arguments[at : at + 2]
    lake, warehouse, state, seed, first, *rest = arguments
    where = Places(Path(lake), Path(warehouse), Path(state))
    last, event, nth, armed_from = (*rest, *("0", "", "0", "0")[len(rest) :])
    killer = Killer(event, int(nth))
    journal = Journal([killer])
    if first in ALONE:
        killer.armed = True
        ALONE[first](where, journal)
        return
    for number in range(int(first), int(last) + 1):
        killer.armed = number >= int(armed_from)
        print(number, flush=True)  # noqa: T201 - the test reads it
        try:
            play(where, int(seed), number, journal)
        except Unpublished as error:
            print(f"unpublished: {error}", flush=True)  # noqa: T201 - as above


if __name__ == "__main__":
    main(sys.argv[1:])
