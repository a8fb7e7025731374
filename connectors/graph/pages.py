"""How a listing is followed: the size of the next page and the trail of cursors. Pure state; asks nothing.

Sizes: halved when Graph says "reduce the amount of data", grown back after successes (graph-api.md 1.7 [seed 004]).
"""

from connectors.errors import Transport
from connectors.graph.replies import Paging

GROW_AFTER = 5  # good pages in a row: a size that was refused costs one call each time it is tried again
STEPS = 8  # back to the top in so many steps


class PageSize:
    """The `limit` of the next page. May be kept by the caller from one listing to the next."""

    def __init__(self, top: int = 500) -> None:
        if top < 1:
            raise ValueError(f"a page holds at least one row, not {top}")
        self.top = top
        self.now = top
        self._good = 0

    def shrink(self) -> bool:
        """Half of it; False when it is a single row already."""
        self._good = 0
        if self.now == 1:
            return False
        self.now //= 2
        return True

    def grow(self) -> None:
        """One more good page."""
        self._good += 1
        if self._good >= GROW_AFTER and self.now < self.top:
            self.now = min(self.top, self.now + max(1, self.top // STEPS))
            self._good = 0

    def __repr__(self) -> str:
        return f"PageSize({self.now} of {self.top})"


class Trail:
    """Every cursor followed in one listing: one that comes back would lead round for ever."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._seen: set[tuple[tuple[str, str], ...]] = set()

    def follow(self, paging: Paging) -> dict[str, str]:
        """The parameters of the next page."""
        if not paging.onward:
            raise Transport("there is a next page, but nothing leads to it", place=self._place)
        if paging.onward in self._seen:
            raise Transport("the listing leads back to a page already read", place=self._place)
        self._seen.add(paging.onward)
        return dict(paging.onward)
