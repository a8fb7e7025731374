"""Every way in which a call can fail, named for the remedy. Decided once, where the body is first read.

Fault                       something did not go as asked
  Throttled                 a quota refused: wait for its deadline, go on with everything else
  Transient                 ask the same again, a little later
    Transport               no answer, half an answer, or an answer that is not Graph's
  TooMuch                   ask for less: a smaller page (`page_only`), else split
  NotReady                  the report run is not there yet: keep polling
  Resubmit                  the report run is lost: submit it again
  RestartListing            the cursor is dead: begin the listing at its first page
  Refused                   no repetition helps
    TokenRefused            a new token is needed
    PermissionRefused       this account, app or placement is not ours to read
    Missing                 no such object, or none that this token may see: skip and mark it
    Retired                 Meta has taken the endpoint away: leave its section out
    OutOfRange              older than Meta keeps: leave that part out
    Invalid                 our question is wrong: a bug or a configuration
    Blocked                 blocked for abuse: stop and tell somebody
    VersionDead             this version of the API is gone: raise it
  GaveUp                    attempts or time are spent; `last` is the fault that spent them
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self


@dataclass(frozen=True, slots=True)
class Quota:
    """One allowance that Meta counts: of the whole app, or of one account (digits) under this app.

    `kind` is `platform`, `insights`, `management`, `score`, `reach`, `brand_safety`, or the name Meta's header gives.
    It stands here because a fault names it and this file imports nothing of ours; its room is `pace.quotas`.
    """

    scope: Literal["app", "account"]
    account: str | None
    kind: str

    def __str__(self) -> str:
        return f"{self.account or 'app'}/{self.kind}"


class Fault(Exception):
    """Base of all. Fields, not prose; its text never holds a token. Can be pickled."""

    remedy: ClassVar[str] = "look"
    advice: ClassVar[str] = "see the message"

    def __init__(
        self,
        message: str,
        *,
        place: str = "",
        code: int | None = None,
        subcode: int | None = None,
        status: int | None = None,
        fbtrace_id: str | None = None,
        is_transient: bool = False,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.place = place
        self.code = code
        self.subcode = subcode
        self.status = status
        self.fbtrace_id = fbtrace_id
        self.is_transient = is_transient
        self._take(**more)

    def _take(self) -> None:
        """Keep what only this class has; a subclass names its own fields here."""

    def fields(self) -> dict[str, Any]:
        """What an event or a record of failure says of this fault."""
        return {
            "error": type(self).__name__,
            "code": self.code,
            "subcode": self.subcode,
            "status": self.status,
            "fbtrace_id": self.fbtrace_id,
            "remedy": self.remedy,
            "message": self.message,
        }

    def common(self) -> dict[str, Any]:
        """The fields that every fault has, to build another fault of the same answer."""
        return {
            "place": self.place,
            "code": self.code,
            "subcode": self.subcode,
            "status": self.status,
            "fbtrace_id": self.fbtrace_id,
            "is_transient": self.is_transient,
        }

    def __str__(self) -> str:
        code = "/".join(str(number) for number in (self.code, self.subcode) if number is not None)
        facts = [
            f"code {code}" if code else "",
            f"HTTP {self.status}" if self.status else "",
            f"fbtrace_id {self.fbtrace_id}" if self.fbtrace_id else "",
        ]
        where = f"{self.place}: " if self.place else ""
        known = ", ".join(fact for fact in facts if fact)
        return f"{where}{self.message}{f' ({known})' if known else ''}; {self.advice}"

    def __reduce__(self) -> tuple[Any, ...]:
        return _revive, (type(self), dict(self.__dict__))

    @classmethod
    def _of(cls, state: dict[str, Any]) -> Self:
        fault = cls.__new__(cls, state["message"])
        fault.__dict__.update(state)
        return fault


def _revive(cls: type[Fault], state: dict[str, Any]) -> Fault:
    return cls._of(state)


class Throttled(Fault):
    """A quota refused. `quotas` are closed by it; `wait_seconds` is Meta's own hint, if there was one."""

    remedy = "wait"
    advice = "nothing is sent on this quota before its deadline; the call is asked again after it"
    quotas: frozenset[Quota]
    wait_seconds: float | None

    def _take(self, *, quotas: frozenset[Quota] = frozenset(), wait_seconds: float | None = None) -> None:
        self.quotas = quotas
        self.wait_seconds = wait_seconds


class Transient(Fault):
    """Ask the same again. `tries` caps the attempts of this very fault; `then_split`: after them, ask for less."""

    remedy = "retry"
    advice = "ask the same again later"
    tries: int | None
    then_split: bool
    wait_seconds: float | None

    def _take(
        self,
        *,
        tries: int | None = None,
        then_split: bool = False,
        wait_seconds: float | None = None,
    ) -> None:
        self.tries = tries
        self.then_split = then_split
        self.wait_seconds = wait_seconds


class Transport(Transient):
    """The way failed, or what came back cannot be Graph's: cut, late, HTML, not UTF-8, not the promised shape."""

    advice = "ask the same again; if it stays, look at the network, the proxy and the base URL"


class TooMuch(Fault):
    """The question is too big. `page_only`: first make the page smaller; otherwise split at once."""

    remedy = "split"
    advice = "ask for less: a smaller page, fewer days, fewer objects, fewer fields"
    page_only: bool

    def _take(self, *, page_only: bool = False) -> None:
        self.page_only = page_only


class NotReady(Fault):
    """The rows of a report run were asked before the run was complete."""

    remedy = "poll"
    advice = "keep polling the report run; past its deadline submit it again"


class Resubmit(Fault):
    """The report run failed, was skipped or is gone. `then_split`: after the last time less may do."""

    remedy = "resubmit"
    advice = "submit the same report run again; if it fails again, ask for less"
    then_split: bool

    def _take(self, *, then_split: bool = False) -> None:
        self.then_split = then_split


class RestartListing(Fault):
    """A cursor that Graph no longer knows. What was read of this listing is thrown away."""

    remedy = "restart"
    advice = "begin the listing again at its first page"


class Refused(Fault):
    """No repetition helps."""

    remedy = "stop"
    advice = "repeating it does not help"


class TokenRefused(Refused):
    """The token is expired, withdrawn, malformed or missing."""

    remedy = "new token"
    advice = "make a new access token and set it in the environment variable that the configuration names"


class PermissionRefused(Refused):
    """The token is good, but not for this account, app or placement."""

    remedy = "permission"
    advice = "give the token's user or system user this permission, or leave the account out"


class Missing(Refused):
    """No such object, or none that this token may see."""

    remedy = "skip"
    advice = "the object is skipped and marked as missing"


class Retired(Refused):
    """The endpoint of an old API answers that it does not exist."""

    remedy = "leave out"
    advice = "if the id is right, Meta has retired this endpoint: take its section out of the configuration"


class OutOfRange(Refused):
    """The period begins before what Meta keeps."""

    remedy = "leave out"
    advice = "leave out the part that is too old"


class Invalid(Refused):
    """The question itself is wrong."""

    remedy = "fix"
    advice = "correct the report definition or the configuration; if both are right, this is a bug of ours"


class Blocked(Refused):
    """Blocked for abuse."""

    remedy = "stop"
    advice = "stop all calls for hours and look at the app's dashboard"


class VersionDead(Refused):
    """The version of the API no longer answers."""

    remedy = "upgrade"
    advice = "raise [graph] version in the configuration"


class GaveUp(Fault):
    """Attempts or time are spent. `last` is the fault that spent them; None when only a deadline was too far."""

    remedy = "next load"
    advice = "it stays due and the next load asks it again"
    last: Fault | None

    def _take(self, *, last: Fault | None = None) -> None:
        self.last = last

    @classmethod
    def after(cls, last: Fault, why: str) -> "GaveUp":
        """The end of an effort, with the fields of its last fault."""
        return cls(f"{why}; last: {last.message}", last=last, **last.common())
