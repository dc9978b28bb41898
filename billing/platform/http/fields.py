"""Schema fields that refuse what no column, page or partner could take: one rule each, in one place."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate
from stdnum import luhn

from billing.kernel.ids import id_pattern
from billing.kernel.money import LARGEST_CENTS, Money

CARD_NUMBER = re.compile(r"(?<!\d)(?:\d[ -]?){12,18}\d(?!\d)")


class StrictSchema(Schema):
    """A request: unknown fields are refused by name."""

    class Meta:
        unknown = RAISE


class Text(fields.String):
    """One line of text, trimmed, without control characters, lone surrogates or card numbers."""

    def __init__(self, *, max: int = 200, min: int = 1, **options: Any) -> None:
        super().__init__(validate=validate.Length(min=min, max=max), **options)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **more: Any) -> str:
        if not isinstance(value, str):
            raise ValidationError("Must be text.")
        text = unicodedata.normalize("NFC", value.strip()) if value.isprintable() else None
        if text is None:
            raise ValidationError("Has characters that cannot be printed.")
        if holds_card_number(text):
            raise ValidationError("Looks like a card number. Send a pay link instead of typing cards.")
        return text


class Paragraphs(Text):
    """As Text, of one or more lines: each is a paragraph, and empty ones are left out."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **more: Any) -> str:
        if not isinstance(value, str):
            raise ValidationError("Must be text.")
        lines = [" ".join(line.split()) for line in value.splitlines()]
        deserialize = super()._deserialize
        deserialize(" ".join(lines), attr, data, **more)  # a card number may stand on two lines
        return "\n".join(deserialize(line, attr, data, **more) for line in lines if line)


def holds_card_number(text: str) -> bool:
    """Whether 13 to 19 digits in the text pass the card check digit (ISO/IEC 7812-1)."""
    return any(luhn.is_valid(re.sub(r"[ -]", "", found)) for found in CARD_NUMBER.findall(text))


class Cents(fields.Integer):
    """A whole number of cents as a JSON number; becomes Money. Refuses 1.0, "5", true and 1e400.

    The bounds are those of a request; what is shown may be a sum, and negative.
    """

    def __init__(self, *, min: int = 1, max: int = LARGEST_CENTS, **options: Any) -> None:
        super().__init__(strict=True, **options)
        self.least, self.most = min, max

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **more: Any) -> Any:
        if type(value) is not int:
            raise ValidationError("Must be a whole number of cents.")
        if not self.least <= value <= self.most:
            raise ValidationError(f"Must be between {self.least} and {self.most} cents.")
        return Money(value)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **more: Any) -> Any:
        return value.cents if isinstance(value, Money) else value


class QueryCents(Cents):
    """The same as Cents, read out of a query string."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **more: Any) -> Any:
        digits = isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 12
        return super()._deserialize(int(value) if digits else None, attr, data, **more)


class WholeNumber(fields.Integer):
    """A JSON integer within bounds; refuses floats, text and booleans."""

    def __init__(self, *, min: int, max: int, **options: Any) -> None:
        super().__init__(strict=True, metadata={"minimum": min, "maximum": max}, **options)
        self._least, self._most = min, max

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **more: Any) -> Any:
        if type(value) is not int or not self._least <= value <= self._most:
            raise ValidationError(f"Must be a whole number from {self._least} to {self._most}.")
        return value


class Measure(fields.Decimal):
    """A dose or weight: a JSON number with at most three decimals, above or at `min`; becomes Decimal."""

    def __init__(self, *, min: int, max: int, **options: Any) -> None:
        super().__init__(metadata={"type": "number", "minimum": min, "maximum": max}, **options)
        self._least, self._most = min, max

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **more: Any) -> Any:
        if type(value) not in (int, float):
            raise ValidationError("Must be a number.")
        number = Decimal(str(value))
        if not number.is_finite() or not self._least <= number <= self._most:
            raise ValidationError(f"Must be a number from {self._least} to {self._most}.")
        if number != round(number, 3):
            raise ValidationError("Must have at most three decimals.")
        return number

    def _serialize(self, value: Any, attr: str | None, obj: Any, **more: Any) -> Any:
        return None if value is None else float(value)


class OpaqueId(fields.String):
    """An id of ours, by its prefix."""

    def __init__(self, prefix: str, **options: Any) -> None:
        super().__init__(validate=validate.Regexp(rf"^{id_pattern(prefix)}\Z"), **options)
        self._prefix = prefix

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **more: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(id_pattern(self._prefix), value):
            raise ValidationError(f"Must be an id that begins with {self._prefix}_.")
        return value


class LocalDate(fields.Date):
    """A clinic-local date, YYYY-MM-DD, between 1900 and 2200."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **more: Any) -> date:
        if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII):
            raise ValidationError("Must be a date as YYYY-MM-DD.")
        try:
            day = date.fromisoformat(value)
        except ValueError:
            raise ValidationError("Is not a day of the calendar.") from None
        if not 1900 <= day.year <= 2200:
            raise ValidationError("Must be between the years 1900 and 2200.")
        return day


class Moment(fields.AwareDateTime):
    """An instant, ISO 8601 with its offset, between 1900 and 2200."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **more: Any
    ) -> datetime:
        try:
            instant = datetime.fromisoformat(value)
        except (TypeError, ValueError):
            raise ValidationError("Must be an instant as 2026-11-02T09:00:00-06:00.") from None
        if instant.tzinfo is None or not 1900 <= instant.year <= 2200:
            raise ValidationError("Must carry its offset, and lie between the years 1900 and 2200.")
        return instant


class UnitsByCode(fields.Dict):
    """Units of each add-on; a flaw is named by the add-on's code alone."""

    def __init__(self, *, min: int, max: int, **options: Any) -> None:
        units = WholeNumber(min=min, max=max)
        super().__init__(keys=Text(max=40), values=units, load_default=dict, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> Any:
        try:
            return super()._deserialize(value, attr, data, **more)  # type: ignore[no-untyped-call]
        except ValidationError as error:
            if not isinstance(error.messages, dict):
                raise
            told = {
                code: [text for part in parts.values() for text in part]
                for code, parts in error.messages.items()
            }
            raise ValidationError(told) from None
