"""A form that was not accepted, shown again with the reason beside the field that has to change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, TypeVar

from flask import render_template, request
from marshmallow import ValidationError

from billing.kernel.errors import BillingError, Conflict, Denied, Flaw, Invalid
from billing.kernel.money import Money
from billing.platform.http.errors import InvalidRequest
from billing.platform.http.fields import Text
from billing.platform.http.problems import status_of

Choice = TypeVar("Choice", bound=StrEnum)

REFUSED = (Conflict, Invalid, Denied)
"""What a person can do something about. What does not exist, or does not answer, is an error page."""

FIELDS = {
    "more-than-available": "amount",
    "more-than-owed": "amount",
    "refundable-changed": "amount",
    "check-booked-before": "number",
    "check-not-banked": "fee",
    "check-number-used": "number",
    "too-small-for-card": "asked",
    "takeback-known": "demand",
    "transfer-booked-before": "reference",
    "check-postdated": "dated_on",
    "check-stale": "dated_on",
    "float-not-there": "float",
    "fact-not-on-file": "facts",
    "remittance-posted-before": "check_number",
    "claim-kept": "reason",
    "claim-outdated": "reason",
}
"""Beside which field an error belongs that names none itself."""


@dataclass(frozen=True)
class Refusal:
    field: str | None
    sentence: str
    code: str


def shown_again(template: str, error: BillingError, *, row: str = "", **page: Any) -> tuple[str, int]:
    """The form with what was entered, and why it was refused; `row` is in which of several like rows."""
    flaws = error.flaws if isinstance(error, Invalid) else []
    field = _field_at(flaws[0].pointer) if flaws else FIELDS.get(error.code)
    sentence = flaws[0].message if flaws else error.detail
    refusal = Refusal(f"{row}-{field}" if row else field, sentence, error.code)
    html = render_template(template, refusal=refusal, entered=request.values, **page)
    return html, status_of(error)


def _field_at(pointer: str) -> str:
    """The form's field for a place of the API: `/session_ids/0` and `/amount_cents` belong to one each."""
    return pointer.removeprefix("/").partition("/")[0].removesuffix("_cents")


def choice_of(kind: type[Choice], field: str, message: str) -> Choice:
    """Raises: InvalidRequest."""
    try:
        return kind(request.values.get(field, ""))
    except ValueError:
        raise InvalidRequest(message, [Flaw(f"/{field}", message)]) from None


def date_of(field: str) -> date:
    """Raises: InvalidRequest."""
    try:
        return date.fromisoformat(request.form.get(field, ""))
    except ValueError:
        message = "Choose a day."
        raise InvalidRequest(message, [Flaw(f"/{field}", message)]) from None


def text_of(field: str, most: int) -> str:
    """One line of text, as the API takes it. Raises: InvalidRequest."""
    typed = request.form.get(field, "").strip()
    try:
        return str(Text(max=most).deserialize(typed))
    except ValidationError as error:
        message = str(error.messages[0]) if typed else "Fill this in."
        raise InvalidRequest(message, [Flaw(f"/{field}", message)]) from None


def believed(field: str) -> Money:
    """The amount that the form was shown with, which tells a stale page. Raises: InvalidRequest."""
    text = request.values.get(field, "")
    if not (text.isascii() and text.isdigit() and len(text) <= 11):
        raise InvalidRequest("This form is not complete. Load the page again.")
    return Money(int(text))


def days_of(field: str, most: int) -> int:
    """A number of days from 1 on. Raises: InvalidRequest."""
    typed = request.form.get(field, "").strip()
    days = int(typed) if typed.isascii() and typed.isdigit() and len(typed) <= len(str(most)) else 0
    if not 1 <= days <= most:
        message = f"Type a number of days from 1 to {most:,}."
        raise InvalidRequest(message, [Flaw(f"/{field}", message)])
    return days


def check_number(field: str = "number") -> str:
    """Raises: InvalidRequest."""
    number = request.form.get(field, "").strip()
    if not (number.isascii() and number.isdigit() and len(number) <= 12):
        message = "Type the number printed on the check: digits only, at most 12."
        raise InvalidRequest(message, [Flaw(f"/{field}", message)])
    return number
