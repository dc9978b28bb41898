"""Lists by cursor: newest first, by id, since ids sort by birth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from marshmallow import Schema, fields

from billing.platform.http.fields import OpaqueId, StrictSchema, WholeNumber

T = TypeVar("T")

USUAL_LIMIT = 50
LARGEST_LIMIT = 200


class QueryLimit(WholeNumber):
    """The same as a WholeNumber, read out of a query string."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> Any:
        digits = isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 10
        return super()._deserialize(int(value) if digits else None, attr, data, **more)


def page_args(prefix: str) -> type[StrictSchema]:
    """The query of a list: `cursor` is the last id of the page before, `limit` 1 to 200."""
    return StrictSchema.from_dict(  # type: ignore[return-value]
        {
            "cursor": OpaqueId(prefix, load_default=None),
            "limit": QueryLimit(min=1, max=LARGEST_LIMIT, load_default=USUAL_LIMIT),
        },
        name=f"{prefix.capitalize()}PageQuery",
    )


@dataclass(frozen=True)
class Page(Generic[T]):
    items: Sequence[T]
    next_cursor: str | None


def page_of(items: Sequence[T], limit: int) -> Page[T]:
    """`items` were read with `limit + 1`, so that one more says there is a next page."""
    if len(items) <= limit:
        return Page(items, None)
    last: Any = items[limit - 1]
    return Page(items[:limit], last.id)


def page_view(item: type[Schema]) -> type[Schema]:
    """The body of a list of `item`."""
    name = item.__name__.removesuffix("View") + "PageView"
    members: dict[str, Any] = {
        "items": fields.List(fields.Nested(item)),
        "next_cursor": fields.String(allow_none=True),
    }
    return Schema.from_dict(members, name=name)
