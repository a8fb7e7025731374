"""Owns what a verification finds: what is wrong with what to do next, what was looked at, and what was not judged."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, order=True)
class Wrong:
    """One thing that is wrong: in which room (`lake`, `ledger`, `warehouse`), where, what, and what to do next."""

    room: str
    place: str
    problem: str
    remedy: str

    def as_data(self) -> dict[str, str]:
        """As plain data."""
        return {"room": self.room, "place": self.place, "problem": self.problem, "remedy": self.remedy}


@dataclass(slots=True)
class Findings:
    """What a verification has found so far. `compared`: how each table of the warehouse was compared with the lake."""

    wrong: list[Wrong] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    files: int = 0
    rows: int = 0
    compared: dict[str, str] = field(default_factory=dict)
    writing: str | None = None

    @property
    def exit_code(self) -> int:
        """1 where something is wrong."""
        return int(bool(self.wrong))

    def as_data(self) -> dict[str, Any]:
        """The document of `--json`."""
        return {
            "sound": not self.wrong,
            "wrong": [one.as_data() for one in sorted(self.wrong)],
            "notes": self.notes,
            "files": self.files,
            "rows": self.rows,
            "compared": self.compared,
            "writing": self.writing,
        }

    def in_words(self) -> str:
        """The same for a terminal."""
        lines = [f"being written by {self.writing}; what it has under way is not judged"] if self.writing else []
        lines += [f"WRONG {one.room} {one.place}: {one.problem}; {one.remedy}" for one in sorted(self.wrong)]
        lines += [f"note: {note}" for note in self.notes]
        ways = {way: [table for table, by in self.compared.items() if by == way] for way in self.compared.values()}
        how = [f"{len(tables)} tables {way}" for way, tables in ways.items()]
        lines.append(
            f"{self.files:,} files with {self.rows:,} rows fit the ledger" if self.files else "no file was read"
        )
        lines.append(f"compared with the warehouse: {', '.join(how)}" if how else "no table was compared")
        lines.append("everything is sound" if not self.wrong else f"{len(self.wrong)} things are wrong")
        return "\n".join(lines)
