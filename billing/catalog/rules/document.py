"""Reads a YAML or JSON file key by key and notes each flaw with its line, so that all are named at once.

Scalars are read from their text, never through a float: `450.00` is exact, and a ZIP code keeps its zero.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection
from datetime import date
from decimal import Decimal
from typing import TypeVar

import yaml

from billing.catalog.errors import ClinicFileRefused
from billing.kernel.errors import Flaw
from billing.kernel.printable import WRITE_OTHERWISE, is_printed

LARGEST_FILE = 1_000_000
"""Characters. A clinic's file has a few thousand."""

_DOLLARS = re.compile(r"(0|[1-9]\d{0,6})(?:\.(\d{1,2}))?", re.ASCII)
_WHOLE = re.compile(r"0|[1-9]\d{0,8}", re.ASCII)
_DECIMAL = re.compile(r"(0|[1-9]\d{0,5})(\.\d{1,3})?", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_NOT_TEXT = ("tag:yaml.org,2002:null", "tag:yaml.org,2002:bool")

T = TypeVar("T")


class Block:
    """One mapping of the file. A flawed value is noted, and a stand-in returned: the file is refused."""

    def __init__(self, document: Document, node: yaml.Node) -> None:
        self._document = document
        self.line = line_of(node)
        self._unread: dict[str, yaml.Node] = {}
        self._lines: dict[str, int] = {}
        self._is_mapping = isinstance(node, yaml.MappingNode)
        if isinstance(node, yaml.MappingNode):
            self._index(node)
        else:
            document.note(self.line, "a block of `key: value` lines belongs here")

    def _index(self, node: yaml.MappingNode) -> None:
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else "?"
            if name in self._lines:
                first = self._lines[name]
                self._document.note(line_of(key), f"`{name}` is given twice; the first is in line {first}")
                continue
            self._lines[name] = line_of(key)
            self._unread[name] = value

    def note(self, key: str, message: str) -> None:
        """A flaw of a value that was read, or of the whole block when the key is not there."""
        self._document.note(self._lines.get(key, self.line), message)

    def _note_missing(self, message: str) -> None:
        """Said of a mapping only: of anything else it is said already that it is none."""
        if self._is_mapping:
            self._document.note(self.line, message)

    def note_unread(self) -> None:
        for name in self._unread:
            self.note(name, f"`{name}` is not known here; check the spelling")

    def has(self, key: str) -> bool:
        return key in self._lines

    def _scalar(self, key: str, stand_in: T, read: Callable[[yaml.ScalarNode], T | None], wanted: str) -> T:
        if key not in self._lines:
            self._note_missing(f"`{key}` is missing: {wanted}")
            return stand_in
        node = self._unread.pop(key, None)
        value = read(node) if isinstance(node, yaml.ScalarNode) else None
        if value is None:
            self.note(key, f"`{key}` must be {wanted}")
            return stand_in
        return value

    def text(self, key: str, is_right: Callable[[str], bool] = bool, wanted: str = "a text") -> str:
        text = self._scalar(key, "", lambda node: _text(node, is_right), wanted)
        if not is_printed(text):
            self.note(key, f"`{key}`: {WRITE_OTHERWISE}")
        return text

    def choice(self, key: str, allowed: Collection[str]) -> str:
        return self.text(key, lambda text: text in allowed, "one of " + ", ".join(sorted(allowed)))

    def whole(self, key: str, least: int, most: int) -> int:
        def read(node: yaml.ScalarNode) -> int | None:
            value = int(node.value) if _is_number(node, _WHOLE) else -1
            return value if least <= value <= most else None

        return self._scalar(key, least, read, f"a whole number from {least} to {most}")

    def decimal(self, key: str) -> Decimal:
        def read(node: yaml.ScalarNode) -> Decimal | None:
            return Decimal(node.value) if _DECIMAL.fullmatch(node.value) else None

        return self._scalar(key, Decimal(0), read, "a number with at most 3 decimals, such as 80 or 1.5")

    def dollars(self, key: str) -> int:
        """Cents, from dollars such as `450` or `"450.00"`."""
        return self._scalar(key, 0, _cents, "dollars and whole cents, such as 450 or 450.00")

    def percent(self, key: str) -> int:
        """Basis points, from a percentage such as `15` or `12.5`."""

        def read(node: yaml.ScalarNode) -> int | None:
            points = _cents(node)
            return points if points is not None and 0 < points <= 10_000 else None

        return self._scalar(key, 0, read, "a percentage above 0 and up to 100, such as 15 or 12.5")

    def day(self, key: str) -> date:
        return self._scalar(key, date.min, _date, "a date such as 2026-01-31")

    def yes_or_no(self, key: str) -> bool:
        def read(node: yaml.ScalarNode) -> bool | None:
            return {"true": True, "false": False}.get(node.value) if node.style is None else None

        return self._scalar(key, False, read, "true or false")

    def block(self, key: str) -> Block | None:
        """The mapping under a key, or None when it is missing, which is noted."""
        if key not in self._lines:
            self._note_missing(f"`{key}` is missing")
            return None
        return self._document.block(self._unread.pop(key))

    def blocks(self, key: str) -> list[Block]:
        """The mappings of the list under a key; no list is no mapping, and no flaw."""
        return [self._document.block(node) for node in self._items(key)]

    def texts(self, key: str, is_right: Callable[[str], bool], wanted: str) -> tuple[str, ...]:
        found = []
        for node in self._items(key):
            text = _text(node, is_right) if isinstance(node, yaml.ScalarNode) else None
            if text is None:
                self._document.note(line_of(node), f"each of `{key}` must be {wanted}")
            found.append(text or "")
        return tuple(found)

    def _items(self, key: str) -> list[yaml.Node]:
        node = self._unread.pop(key, None)
        if node is None:
            return []
        if not isinstance(node, yaml.SequenceNode):
            self.note(key, f"`{key}` must be a list")
            return []
        return list(node.value)


class Document:
    """A file that is being read: its blocks and the flaws found so far."""

    def __init__(self, text: str) -> None:
        self.flaws: list[Flaw] = []
        self._blocks: list[Block] = []
        self.root = self.block(_root_of(text))

    def block(self, node: yaml.Node) -> Block:
        block = Block(self, node)
        self._blocks.append(block)
        return block

    def note(self, line: int, message: str) -> None:
        self.flaws.append(Flaw(f"line {line}", message))

    def refuse_if_flawed(self) -> None:
        """Raises: ClinicFileRefused with every flaw, unread keys included, in the order of the lines."""
        for block in self._blocks:
            block.note_unread()
        if self.flaws:
            raise refusal(sorted(self.flaws, key=lambda flaw: int(flaw.pointer.removeprefix("line "))))


def line_of(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def refusal(flaws: list[Flaw]) -> ClinicFileRefused:
    return ClinicFileRefused("Nothing was loaded; correct these lines and load the file again.", flaws)


def _root_of(text: str) -> yaml.Node:
    """The file as nodes that know their lines; JSON too, once it is sure to be JSON."""
    if len(text) > LARGEST_FILE:
        raise refusal([Flaw("line 1", f"the file is longer than {LARGEST_FILE:,} characters")])
    if text.lstrip("\ufeff \t\r\n").startswith(("{", "[")):
        text = _checked_json(text)
    try:
        root = _NoAliases(text).get_single_node()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise refusal([Flaw(f"line {line}", f"this is not YAML: {error.problem}")]) from None
    except (yaml.YAMLError, RecursionError):
        unreadable = "this is not YAML: it holds characters or depths that cannot be read"
        raise refusal([Flaw("line 1", unreadable)]) from None
    if root is None:
        raise refusal([Flaw("line 1", "the file is empty")])
    return root


class _NoAliases(yaml.SafeLoader):
    """An alias could make a small file a huge one."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.get_mark()
            raise yaml.MarkedYAMLError(problem="aliases are not read; write it out", problem_mark=mark)
        return super().compose_node(parent, index)


def _checked_json(text: str) -> str:
    """The text with its tabs as spaces, which YAML's reader wants between the parts of JSON."""
    try:
        json.loads(text.removeprefix("\ufeff"), parse_int=str, parse_float=str)
    except json.JSONDecodeError as error:
        raise refusal([Flaw(f"line {error.lineno}", f"this is not JSON: {error.msg}")]) from None
    except RecursionError:
        raise refusal([Flaw("line 1", "this is not JSON: it is nested too deeply")]) from None
    return text.replace("\t", " ")


def _text(node: yaml.ScalarNode, is_right: Callable[[str], bool]) -> str | None:
    text = str(node.value).strip()
    if node.style is None and node.tag in _NOT_TEXT:
        return None
    return text if 0 < len(text) <= 200 and text.isprintable() and is_right(text) else None


def _is_number(node: yaml.ScalarNode, form: re.Pattern[str]) -> bool:
    return node.style is None and form.fullmatch(node.value) is not None


def _cents(node: yaml.ScalarNode) -> int | None:
    match = _DOLLARS.fullmatch(node.value)
    return int(match[1]) * 100 + int((match[2] or "0").ljust(2, "0")) if match else None


def _date(node: yaml.ScalarNode) -> date | None:
    try:
        return date.fromisoformat(node.value) if _DAY.fullmatch(node.value) else None
    except ValueError:
        return None
