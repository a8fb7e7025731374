"""Owns the `fields` language of nodes and edges: names, nested braces, edge arguments (graph-api.md 1.2)."""

from dataclasses import dataclass, field

from sandbox.faults import named
from sandbox.parameters import Parameters, words


@dataclass(frozen=True, slots=True)
class Selected:
    """One selected field with its arguments and what is wanted inside it."""

    name: str
    arguments: dict[str, str] = field(default_factory=dict)
    inner: tuple["Selected", ...] = ()

    def __str__(self) -> str:
        """Write the field as it was asked for."""
        arguments = "".join(f".{name}({value})" for name, value in self.arguments.items())
        inner = f"{{{','.join(map(str, self.inner))}}}" if self.inner else ""
        return f"{self.name}{arguments}{inner}"


def selected(parameters: Parameters) -> tuple[Selected, ...]:
    """Return what `fields` asks for; empty when it is missing."""
    text = parameters.get("fields", "")
    if text.strip().startswith("["):
        text = ",".join(words(parameters, "fields") or ())
    return _Reader(text).everything()


class _Reader:
    """Reads a selection from left to right; any slip is code 2500."""

    def __init__(self, text: str) -> None:
        self.text = text.strip()
        self.at = 0

    def everything(self) -> tuple[Selected, ...]:
        items = self._items("")
        if self.at < len(self.text):
            raise named("2500")
        return items

    def _items(self, end: str) -> tuple[Selected, ...]:
        items: list[Selected] = []
        while self.at < len(self.text) and self.text[self.at] != end:
            items.append(self._item())
            if not self._takes(","):
                break
        return tuple(items)

    def _item(self) -> Selected:
        name = self._word()
        arguments = {}
        while self._takes("."):
            key = self._word()
            arguments[key] = self._argument()
        inner: tuple[Selected, ...] = ()
        if self._takes("{"):
            inner = self._items("}")
            if not self._takes("}"):
                raise named("2500")
        return Selected(name, arguments, inner)

    def _word(self) -> str:
        start = self.at
        while self.at < len(self.text) and (self.text[self.at].isalnum() or self.text[self.at] == "_"):
            self.at += 1
        word = self.text[start : self.at]
        if not word:
            raise named("2500")
        self._blank()
        return word

    def _argument(self) -> str:
        if not self._takes("("):
            raise named("2500")
        start, depth = self.at, 1
        while self.at < len(self.text) and depth:
            depth += {"(": 1, ")": -1}.get(self.text[self.at], 0)
            self.at += 1
        if depth:
            raise named("2500")
        return self.text[start : self.at - 1]

    def _takes(self, mark: str) -> bool:
        self._blank()
        if self.text[self.at : self.at + 1] != mark:
            return False
        self.at += 1
        self._blank()
        return True

    def _blank(self) -> None:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1
