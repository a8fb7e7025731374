"""Owns the refusals of this side of the house; each is one sentence that says where, what, and what to do next.

Refused                 the command ends with exit code `exit_code`, nothing more is tried
  Usage        (2)      a wrong option or configuration; nothing was sent, nothing changed
  Store        (2)      a lake, ledger or warehouse that is foreign, unreadable or newer than this program
    Newer      (2)      the last of these: nothing but a newer program may touch it
    Blocked    (2)      nothing is wrong with it, as far as can be seen: the machine does not let it be opened
  Busy         (4)      another process is writing this store
Unpublished             the slices are landed, the warehouse could not be written; made up by the next publication
Inconsistent            rows that contradict each other (a key twice); the read is thrown away and asked again
"""


class Refused(Exception):
    """The command cannot be carried out; the message says where, what, and what to do next."""

    exit_code = 2


class Usage(Refused):
    """A wrong option or configuration."""


class Store(Refused):
    """A store that is foreign, unreadable or newer than this program."""


class Newer(Store):
    """A store that a newer program wrote."""


class Blocked(Store):
    """A store that the machine does not let be opened now: a full disk, a missing permission."""


class Busy(Refused):
    """Another process is writing this store."""

    exit_code = 4


class Unpublished(Exception):
    """The warehouse could not be written; the slices stay landed."""


class Inconsistent(Exception):
    """Rows that contradict each other; nothing of them may land."""
