"""Draws a frozen appeal letter. The same body gives the same bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from reportlab.pdfgen.canvas import Canvas

from billing.adapters.page_drawing import (
    BOLD,
    CONTINUED,
    GREY,
    HEIGHT,
    INNER,
    LARGE,
    LEADING,
    MARGIN,
    PLAIN,
    SAMPLE_BAND,
    SMALL,
    WIDTH,
    Block,
    box_of,
    day,
    day_in_figures,
    paginated,
    pair,
    printed,
    stacked,
    text_at,
    wrapped,
)
from billing.kernel.money import Money

Body = Mapping[str, Any]

TEXT = 10.0
LINE = TEXT * LEADING
NO_TABLE = Block(0, lambda _canvas, _top: None)
NOTICE = "Holds health information, disclosed to obtain payment: 45 CFR 164.506(c)."


def render_appeal(body: Body) -> bytes:
    """The PDF of a letter's frozen body; see insurance.rules.appeal for its members."""
    blocks = [*_head(body), *pair(*_boxes(body)), *_decision(body), *_text(body), *_end(body)]
    title = f"Appeal {body['number']}"
    pages = paginated(blocks, NO_TABLE)
    return printed(title, body["clinic"]["name"], pages, partial(_draw_page, title))


def _draw_page(title: str, canvas: Canvas, blocks: Sequence[Block], number: int, count: int) -> None:
    top = HEIGHT - MARGIN
    if number > 1:
        text_at(canvas, MARGIN, top - TEXT, f"{title}, continued", BOLD, TEXT)
        top -= CONTINUED
    stacked(canvas, blocks, top)
    text_at(canvas, MARGIN, MARGIN - 6, NOTICE, PLAIN, SMALL, color=GREY)
    told = f"Page {number} of {count}"
    text_at(canvas, WIDTH - MARGIN, MARGIN - 6, told, PLAIN, SMALL, to_the_right=True, color=GREY)


def _head(body: Body) -> Iterator[Block]:
    if body.get("is_sample"):  # those of before 28 November 2026 do not say
        yield SAMPLE_BAND
    clinic = body["clinic"]
    yield from _paragraph(clinic["name"], font=BOLD, size=LARGE)
    for line in [*clinic["address"], f"Telephone {_phone(clinic['phone'])}"]:
        yield from _paragraph(line)
    yield _space(LINE)
    yield from _paragraph(day(body["written_on"]))
    yield _space(LINE)
    yield from _paragraph(f"To {body['payer']}, appeals")
    yield _space(LINE)
    yield from _paragraph("Request to review a decision", font=BOLD, size=12)
    yield _space(LINE / 2)


def _boxes(body: Body) -> tuple[Any, Any]:
    claim, patient = body["claim"], body["patient"]
    charge = f"{Money(claim['charge_cents'])}, of which {Money(claim['paid_cents'])} was paid by you"
    left = box_of(
        "CLAIM",
        [
            ("Your number", claim["payer_claim_number"]),
            ("Our number", claim["control_number"]),
            ("Day of service", day_in_figures(claim["service_on"])),
            ("Sent on", day_in_figures(claim["filed_on"])),
            ("Charge", charge),
            ("Codes", [f"{line['code']} x {line['units']}" for line in claim["lines"]]),
            ("Diagnoses", ", ".join(claim["diagnoses"])),
        ],
    )
    right = box_of(
        "PATIENT AND PROVIDER",
        [
            ("Patient", patient["name"]),
            ("Born", day_in_figures(patient["born_on"]) if patient["born_on"] else ""),
            ("Member ID", patient["member_id"]),
            ("Group", patient["group_number"]),
            ("Treated by", claim["provider"]),
            ("Clinic's NPI", body["clinic"]["npi"]),
            ("Clinic's TIN", body["clinic"]["tin"]),
        ],
    )
    return left, right


def _decision(body: Body) -> Iterator[Block]:
    reasons = [f"{each['code']} {Money(each['cents'])}" for each in body["reasons"]]
    told = [("Reason codes", reasons), ("Remark codes", body["remarks"])]
    for label, codes in told:
        if codes:
            yield from _paragraph(f"{label} of your answer: {', '.join(codes)}")
    yield _space(LINE)


def _text(body: Body) -> Iterator[Block]:
    for paragraph in body["text"]:
        yield from _paragraph(paragraph)
        yield _space(LINE / 2)


def _end(body: Body) -> Iterator[Block]:
    def sign(canvas: Canvas, top: float) -> None:
        canvas.line(MARGIN, top - 3 * LINE, MARGIN + 220, top - 3 * LINE)
        text_at(canvas, MARGIN, top - 4 * LINE, "For the clinic", PLAIN, TEXT)

    yield Block(5 * LINE, sign)
    yield from _paragraph(f"Enclosed: {', '.join(body['enclosed'])}.")


def _paragraph(text: str, *, font: str = PLAIN, size: float = TEXT) -> Iterator[Block]:
    """Line by line, so that a long one goes on to the next page."""
    for line in wrapped(text, font, size, INNER):
        yield Block(size * LEADING, _line(line, font, size))


def _line(text: str, font: str, size: float) -> Callable[[Canvas, float], None]:
    return lambda canvas, top: text_at(canvas, MARGIN, top - size, text, font, size)


def _space(height: float) -> Block:
    return Block(height, lambda _canvas, _top: None)


def _phone(digits: str) -> str:
    return f"{digits[:3]}-{digits[3:6]}-{digits[6:]}"
