"""Owns how parameters are read: JSON, single-quoted or unquoted JSON, comma lists, PHP brackets (graph-api.md 1.2)."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.faults import invalid

Parameters = Mapping[str, str]

_BRACKET = re.compile(r"^(?P<name>[^\[\]]+)(?P<keys>(\[[^\[\]]*\])+)$")
_KEY = re.compile(r"\[([^\[\]]*)\]")
_SINGLE = re.compile(r"'((?:[^'\\]|\\.)*)'")
_BARE_KEY = re.compile(r"([{,]\s*)([A-Za-z_]\w*)\s*:")
_TRAILING = re.compile(r",\s*([}\]])")
_TRUE = {"true", "1", "yes"}


def gather(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Fold wire pairs into one text per name; bracket forms become JSON, of repeated names the last one wins."""
    plain: dict[str, str] = {}
    trees: dict[str, dict[str, Any]] = {}
    for name, value in pairs:
        match = _BRACKET.match(name)
        if match is None:
            plain[name] = value
        else:
            _plant(trees.setdefault(match["name"], {}), _KEY.findall(match["keys"]), value)
    return plain | {name: json.dumps(_listed(tree)) for name, tree in trees.items()}


def _plant(tree: dict[str, Any], keys: list[str], value: str) -> None:
    for key in keys[:-1]:
        tree = tree.setdefault(key or str(len(tree)), {})
    tree[keys[-1] or str(len(tree))] = value


def _listed(tree: Any) -> Any:
    if not isinstance(tree, dict):
        return tree
    if tree and all(key.isdigit() for key in tree):
        return [_listed(tree[key]) for key in sorted(tree, key=int)]
    return {key: _listed(value) for key, value in tree.items()}


def lenient(text: str) -> Any:
    """Parse JSON as Meta's samples write it: single quotes, bare keys and trailing commas are forgiven."""
    try:
        return json.loads(text)
    except ValueError:
        quoted = _SINGLE.sub(lambda match: json.dumps(match[1].replace("\\'", "'")), text)
        return json.loads(_TRAILING.sub(r"\1", _BARE_KEY.sub(r'\1"\2":', quoted)))


def structure(parameters: Parameters, name: str) -> Any:
    """Return a parameter that must be a JSON list or object, or None when it is absent or empty."""
    text = parameters.get(name, "").strip()
    if not text:
        return None
    try:
        return lenient(text)
    except ValueError as error:
        raise invalid(f"Param {name} must be valid JSON") from error


def words(parameters: Parameters, name: str) -> tuple[str, ...] | None:
    """Return a list parameter, from JSON or a bare comma list; None when absent, () for an empty list."""
    text = parameters.get(name)
    if text is None:
        return None
    value = structure(parameters, name) if text.strip()[:1] in "[{" and text.strip() else text
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list):
        return () if items is None else (str(items),)
    return tuple(str(item).strip() for item in items if str(item).strip())


def whole(parameters: Parameters, name: str) -> int | None:
    """Return a whole number, or None when absent."""
    text = parameters.get(name, "").strip()
    if not text:
        return None
    try:
        return int(text)
    except ValueError as error:
        raise invalid(f"Param {name} must be an integer") from error


def flag(parameters: Parameters, name: str) -> bool:
    """Return a boolean; absent is false."""
    return parameters.get(name, "").strip().lower() in _TRUE
