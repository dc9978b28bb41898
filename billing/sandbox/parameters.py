"""Parameters of a request: `a[b][0]=c` to nested values, each checked, and none that is not known."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from billing.sandbox.errors import ApiError, missing_parameter, unknown_parameters

Parser = Callable[[Any, str], Any]
"""Takes the raw value and the parameter's full name; raises ApiError."""

NAME = re.compile(r"([A-Za-z0-9_]+)((?:\[[A-Za-z0-9_ .:-]*\])*)")
DEEPEST = 6
DEEPEST_EXPANSION = 4


@dataclass(frozen=True)
class Form:
    """The parameters that an operation, or a nested hash, knows."""

    fields: Mapping[str, Parser] = field(default_factory=dict)
    required: frozenset[str] = frozenset()

    def __call__(self, raw: Any, name: str = "") -> dict[str, Any]:
        if not isinstance(raw, dict):
            raise ApiError(f"Invalid hash: {name}", param=name)
        full = {key: f"{name}[{key}]" if name else key for key in [*raw, *self.required]}
        unknown = [full[key] for key in raw if key not in self.fields]
        if unknown:
            raise unknown_parameters(unknown)
        for key in self.fields:
            if key in self.required and key not in raw:
                raise missing_parameter(full[key])
        return {key: self.fields[key](value, full[key]) for key, value in raw.items()}


def nested(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """`[("a[b]", "1"), ("c[]", "2")]` is `{"a": {"b": "1"}, "c": {"0": "2"}}`."""
    root: dict[str, Any] = {}
    for name, value in pairs:
        _put(root, _path(name), value, name)
    return root


def _path(name: str) -> list[str]:
    match = NAME.fullmatch(name)
    if match is None:
        raise unknown_parameters([name])
    path = [match[1], *re.findall(r"\[([^\]]*)\]", match[2])]
    if len(path) > DEEPEST:
        raise unknown_parameters([name])
    return path


def _put(root: dict[str, Any], path: list[str], value: str, name: str) -> None:
    here = root
    for step in path[:-1]:
        here = here.setdefault(step or str(len(here)), {})
        if not isinstance(here, dict):
            raise ApiError(f"Invalid hash: {name}", param=name)
    last = path[-1] or str(len(here))
    if isinstance(here.get(last), dict):
        raise ApiError(f"Invalid string: {name}", param=name)
    here[last] = value


def text(longest: int = 5000) -> Parser:
    def parse(raw: Any, name: str) -> str:
        if not isinstance(raw, str):
            raise ApiError(f"Invalid string: {name}", param=name)
        if not raw:
            raise ApiError(f"'{name}' cannot be unset.", code="parameter_invalid_empty", param=name)
        if len(raw) > longest:
            message = f"Invalid string: {name} must be at most {longest} characters"
            raise ApiError(message, code="parameter_invalid_string", param=name)
        return raw

    return parse


def descriptor(least: int = 1) -> Parser:
    """What is read on a statement. Source: docs.stripe.com/get-started/account/statement-descriptors."""

    def parse(raw: Any, name: str) -> str:
        words = str(text(22)(raw, name))
        if len(words) < least:
            raise ApiError(f"The {name} must be at least {least} characters.", param=name)
        if any(letter in "<>\\'\"*" for letter in words) or not words.isascii():
            message = f"Invalid {name}: Latin characters only, without any of < > \\ ' \" *."
            raise ApiError(message, param=name)
        if not any(letter.isalpha() for letter in words):
            raise ApiError(f"The {name} must contain at least one letter.", param=name)
        return words

    return parse


def address() -> Parser:
    def parse(raw: Any, name: str) -> str:
        url = str(text()(raw, name))
        if not url.startswith(("http://", "https://")) or any(letter.isspace() for letter in url):
            raise ApiError("Not a valid URL", code="url_invalid", param=name)
        return url

    return parse


def whole(least: int = 0, most: int = 2**53) -> Parser:
    def parse(raw: Any, name: str) -> int:
        written = text(20)(raw, name)
        if not re.fullmatch(r"-?[0-9]+", written):
            raise ApiError(f"Invalid integer: {written}", code="parameter_invalid_integer", param=name)
        number = int(written)
        if not least <= number <= most:
            bound = f"greater than or equal to {least}" if number < least else f"less than or equal to {most}"
            message = f"This value must be {bound}."
            raise ApiError(message, code="parameter_invalid_integer", param=name)
        return number

    return parse


def choice(*values: str) -> Parser:
    def parse(raw: Any, name: str) -> str:
        if raw not in values:
            raise ApiError(f"Invalid {name}: must be one of {_either(values)}", param=name)
        return str(raw)

    return parse


def _either(values: Sequence[str]) -> str:
    """`a`, `a or b`, `a, b, or c`."""
    if len(values) < 3:
        return " or ".join(values)
    return f"{', '.join(values[:-1])}, or {values[-1]}"


def currency() -> Parser:
    """In capitals or not."""

    def parse(raw: Any, name: str) -> str:
        code = str(text(20)(raw, name)).lower()
        if code != "usd":
            raise ApiError(f"Invalid currency: {code}. The stand-in takes usd only.", param=name)
        return code

    return parse


def flag() -> Parser:
    def parse(raw: Any, name: str) -> bool:
        if raw not in ("true", "false"):
            raise ApiError(f"Invalid boolean: {raw}", param=name)
        return bool(raw == "true")

    return parse


def mail_address() -> Parser:
    """An empty string removes it."""

    def parse(raw: Any, name: str) -> str:
        address = str(unsettable(512)(raw, name))
        if address and not re.fullmatch(r"[^@\s]+@[^@\s]+", address):
            raise ApiError(f"Invalid email address: {address}", code="email_invalid", param=name)
        return address

    return parse


def listed(item: Parser, most: int = 100) -> Parser:
    def parse(raw: Any, name: str) -> list[Any]:
        if not isinstance(raw, dict) or not all(key.isdigit() for key in raw):
            raise ApiError("Invalid array", param=name)
        if not 1 <= len(raw) <= most:
            raise ApiError(f"{name} takes from 1 to {most} entries.", param=name)
        return [item(raw[key], f"{name}[{key}]") for key in sorted(raw, key=int)]

    return parse


def unsettable(longest: int = 5000) -> Parser:
    """Text that an empty string removes."""

    def parse(raw: Any, name: str) -> str:
        return raw if raw == "" else str(text(longest)(raw, name))

    return parse


def metadata() -> Parser:
    """At most 50 keys of 40 characters, values of 500. Source: docs.stripe.com/api/metadata."""

    def parse(raw: Any, name: str) -> dict[str, str]:
        return {key: value for key, value in _keys(raw, name).items() if value}

    return parse


def metadata_change() -> Parser:
    """An empty value removes its key; an empty string instead of the keys removes all."""

    def parse(raw: Any, name: str) -> dict[str, str] | None:
        return None if raw == "" else _keys(raw, name)

    return parse


def changed_metadata(old: dict[str, str], params: Mapping[str, Any]) -> dict[str, str]:
    """What becomes of an object's metadata by an update. Raises: ApiError when it would hold too much."""
    change = params.get("metadata", {})
    if change is None:
        return {}
    changed = {key: value for key, value in {**old, **change}.items() if value}
    _refuse_many(changed, "metadata")
    return changed


def _keys(raw: Any, name: str) -> dict[str, str]:
    if not isinstance(raw, dict):
        raise ApiError(f"Invalid hash: {name}", param=name)
    _refuse_many(raw, name)
    for key, value in raw.items():
        if len(key) > 40 or not isinstance(value, str) or len(value) > 500:
            message = "Metadata keys have up to 40 characters, values up to 500."
            raise ApiError(message, param=f"{name}[{key}]")
    return raw


def _refuse_many(keys: Mapping[str, str], name: str) -> None:
    if len(keys) > 50:
        raise ApiError("Metadata can have up to 50 keys.", param=name)


def span() -> Parser:
    """An instant in seconds, or bounds of one: `created[gte]=...`. Answers (operator, seconds) pairs."""
    operators = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
    bounds = Form({key: whole() for key in operators})

    def parse(raw: Any, name: str) -> list[tuple[str, int]]:
        if isinstance(raw, str):
            return [("=", whole()(raw, name))]
        return [(operators[key], value) for key, value in bounds(raw, name).items()]

    return parse


def no_longer(parameter: str) -> Parser:
    """Of a parameter that the API has taken away, and says so by its name."""

    def parse(_raw: Any, name: str) -> None:
        message = f"The parameter {parameter} is no longer supported: use allowed_{parameter}."
        raise ApiError(message, code=f"{parameter}_no_longer_supported", param=name)

    return parse


def expansion() -> Parser:
    """The path of what is to be shown whole. Source: docs.stripe.com/expand."""

    def parse(raw: Any, name: str) -> str:
        path = str(text(200)(raw, name))
        if path.count(".") >= DEEPEST_EXPANSION:
            message = (
                f"You cannot expand more than {DEEPEST_EXPANSION} levels of a property. Property: {path}"
            )
            raise ApiError(message, param="expand")
        return path

    return parse


EXPAND: Mapping[str, Parser] = {"expand": listed(expansion(), 20)}
PAGED: Mapping[str, Parser] = {
    **EXPAND,
    "limit": whole(1, 100),
    "starting_after": text(255),
    "ending_before": text(255),
    "created": span(),
}
"""What every list takes."""

NOTHING = Form(EXPAND)
