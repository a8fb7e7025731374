"""Runs `insights` with a listener that kills the process at the n-th event of a name: no clean-up, no warning."""

import os
import signal
import sys
from collections.abc import Mapping

from pipeline.cli import main

EVENT, NTH = sys.argv[1], int(sys.argv[2])
seen = 0


def listener(event: str, _: Mapping[str, object]) -> None:
    global seen  # noqa: PLW0603 - a script of ten lines
    seen += event == EVENT
    if seen == NTH:
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[3:], [listener])
