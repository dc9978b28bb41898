"""A paper EOB as it is typed: which fields the form has, and what they say.

Claims are numbered from 1, and so are a claim's lines and adjustments: `c2_l1_a3_amount`. What is left empty
is not there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from marshmallow import ValidationError

from billing.insurance.records import Adjustment
from billing.insurance.records.remittances import (
    ClaimAnswer,
    PaperEob,
    TypedClaim,
    TypedLine,
    TypedProviderAdjustment,
)
from billing.insurance.rules.answers import GROUPS
from billing.insurance.rules.provider_adjustments import INTEREST
from billing.kernel.errors import Flaw
from billing.kernel.money import Money
from billing.platform.http.errors import InvalidRequest
from billing.platform.http.fields import Text
from billing.web.forms import amount_of, amount_or_zero_of, signed_amount_of

MOST_CLAIMS, MOST_LINES, MOST_ADJUSTMENTS = 30, 20, 20
FIRST_ADJUSTMENTS, FIRST_OF_LINE = 4, 3
KEPT_BACK = "WO"
CODE = re.compile(r"[A-Z0-9]{1,5}")
LEFT_UNTOUCHED = frozenset({"status"})
"""Fields of a claim that are never empty, and so do not say that there is one."""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """How many claims the form has: by claim, how many lines and how many adjustments of its own."""

    lines: tuple[int, ...] = (0,)
    adjustments: tuple[int, ...] = (FIRST_ADJUSTMENTS,)

    @property
    def claims(self) -> int:
        return len(self.lines)

    def grown(self, by: str) -> Shape:
        """With one claim more, or a line (`line-2`) or some adjustments (`adjustment-2`) of one."""
        what, _, place = by.partition("-")
        at = int(place) - 1 if place.isascii() and place.isdigit() else -1
        lines, adjustments = list(self.lines), list(self.adjustments)
        if what == "claim" and self.claims < MOST_CLAIMS:
            lines.append(0)
            adjustments.append(FIRST_ADJUSTMENTS)
        elif what == "line" and 0 <= at < self.claims:
            lines[at] = min(lines[at] + 1, MOST_LINES)
        elif what == "adjustment" and 0 <= at < self.claims:
            adjustments[at] = min(adjustments[at] + FIRST_ADJUSTMENTS, MOST_ADJUSTMENTS)
        return Shape(lines=tuple(lines), adjustments=tuple(adjustments))


def shape_of(form: Mapping[str, str]) -> Shape:
    """What the form was sent with; nonsense is the smallest form."""
    lines = _numbers(form.get("lines", ""), MOST_LINES)[:MOST_CLAIMS]
    adjustments = _numbers(form.get("adjustments", ""), MOST_ADJUSTMENTS)[:MOST_CLAIMS]
    if not lines or len(lines) != len(adjustments):
        return Shape()
    return Shape(lines=lines, adjustments=adjustments)


def _numbers(text: str, most: int) -> tuple[int, ...]:
    told = text.split(",")
    if not all(each.isascii() and each.isdigit() and len(each) < 4 for each in told):
        return ()
    return tuple(min(int(each), most) for each in told)


def eob_of(form: Mapping[str, str]) -> PaperEob:
    """Raises: InvalidRequest, naming the field of the form."""
    typed = Typed(form)
    shape = shape_of(form)
    claims = [_claim(typed, shape, place) for place in _filled_claims(form, shape)]
    if not claims:
        raise _wrong("c1_charge", "Type at least one claim.")
    return PaperEob(
        payer_name=typed.text("payer_name", 80),
        check_number=typed.text("check_number", 50),
        amount=typed.money("amount"),
        paid_on=typed.day("paid_on"),
        claims=tuple(claims),
        provider_adjustments=tuple(_beside_the_claims(typed)),
        is_another_payment="is_another_payment" in form,
    )


def field_of(pointer: str, form: Mapping[str, str]) -> str:
    """The form's field for a place of the API: `/claims/0/lines/1/paid_cents` is `c1_l2_paid`."""
    parts = pointer.strip("/").split("/")
    name = parts[-1].removesuffix("_cents")
    if parts[0] != "claims" or len(parts) < 3:
        return name
    place = _filled_claims(form, shape_of(form))[int(parts[1])]
    at = f"c{place}"
    if parts[2] == "lines" and len(parts) > 4:
        at += f"_l{_filled_lines(form, at, shape_of(form).lines[place - 1])[int(parts[3])]}"
    return f"{at}_{name}"


def _filled_claims(form: Mapping[str, str], shape: Shape) -> list[int]:
    return [place for place in range(1, shape.claims + 1) if _is_filled(form, f"c{place}")]


def _filled_lines(form: Mapping[str, str], claim: str, count: int) -> list[int]:
    return [place for place in range(1, count + 1) if _is_filled(form, f"{claim}_l{place}")]


def _is_filled(form: Mapping[str, str], at: str) -> bool:
    own = (
        name.removeprefix(f"{at}_")
        for name, value in form.items()
        if name.startswith(f"{at}_") and value.strip()
    )
    return any(name not in LEFT_UNTOUCHED for name in own)


def _claim(typed: Typed, shape: Shape, place: int) -> TypedClaim:
    at = f"c{place}"
    return TypedClaim(
        control_number=typed.text_or_none(f"{at}_control_number", 50),
        status=_status(typed.form.get(f"{at}_status", ""), f"{at}_status"),
        charge=typed.money(f"{at}_charge"),
        paid=typed.money(f"{at}_paid"),
        payer_claim_number=typed.text_or_none(f"{at}_payer_claim_number", 50),
        adjustments=_adjustments(typed, at, shape.adjustments[place - 1]),
        lines=tuple(
            _line(typed, f"{at}_l{number}")
            for number in _filled_lines(typed.form, at, shape.lines[place - 1])
        ),
    )


def _line(typed: Typed, at: str) -> TypedLine:
    served_on = f"{at}_served_on"
    return TypedLine(
        procedure=typed.text(f"{at}_procedure", 48),
        charge=typed.money(f"{at}_charge"),
        paid=typed.money(f"{at}_paid"),
        served_on=typed.day(served_on) if typed.form.get(served_on, "").strip() else None,
        adjustments=_adjustments(typed, at, FIRST_OF_LINE),
    )


def _adjustments(typed: Typed, at: str, count: int) -> tuple[Adjustment, ...]:
    """The rows with a code or an amount."""
    found = []
    for place in range(1, count + 1):
        row = f"{at}_a{place}"
        code, amount = (typed.form.get(f"{row}_{name}", "").strip() for name in ("code", "amount"))
        if code or amount:
            found.append(_adjustment(typed, row, code.upper()))
    return tuple(found)


def _adjustment(typed: Typed, row: str, code: str) -> Adjustment:
    group = typed.form.get(f"{row}_group", "")
    if group not in GROUPS:
        raise _wrong(f"{row}_group", "Choose the letters before the code.")
    if not CODE.fullmatch(code):
        raise _wrong(f"{row}_code", "Type the code of the adjustment, such as 1 or 45.")
    return Adjustment(group, code, signed_amount_of(typed.form.get(f"{row}_amount", ""), f"{row}_amount"))


def _beside_the_claims(typed: Typed) -> list[TypedProviderAdjustment]:
    found = []
    if typed.form.get("interest", "").strip():
        interest = amount_of(typed.form["interest"], "interest")
        found.append(TypedProviderAdjustment(code=INTEREST, reference="", amount=-interest))
    if typed.form.get("kept", "").strip():
        kept = amount_of(typed.form["kept"], "kept")
        reference = typed.text_or_none("kept_for", 50)
        found.append(TypedProviderAdjustment(code=KEPT_BACK, reference=reference, amount=kept))
    return found


def _status(text: str, field: str) -> ClaimAnswer:
    try:
        return ClaimAnswer(text)
    except ValueError:
        raise _wrong(field, "Choose what the insurer did.") from None


@dataclass(frozen=True)
class Typed:
    """The fields of a form, each read as what it is. All raise InvalidRequest with the field's name."""

    form: Mapping[str, str]

    def text(self, field: str, most: int) -> str:
        typed = self.form.get(field, "").strip()
        if not typed:
            raise _wrong(field, "Fill this in.")
        try:
            return str(Text(max=most).deserialize(typed))
        except ValidationError as error:
            raise _wrong(field, str(error.messages[0])) from None

    def text_or_none(self, field: str, most: int) -> str:
        return self.text(field, most) if self.form.get(field, "").strip() else ""

    def money(self, field: str) -> Money:
        """Also less than nothing, as of an answer that is taken back."""
        typed = self.form.get(field, "").strip()
        return signed_amount_of(typed, field) if typed.startswith("-") else amount_or_zero_of(typed, field)

    def day(self, field: str) -> date:
        try:
            return date.fromisoformat(self.form.get(field, ""))
        except ValueError:
            raise _wrong(field, "Choose a day.") from None


def _wrong(field: str, message: str) -> InvalidRequest:
    return InvalidRequest(message, [Flaw(f"/{field}", message)])
