"""Draws a frozen receipt. The same body gives the same bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from reportlab.lib.colors import HexColor, white
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
    NORMAL,
    PLAIN,
    RULE,
    SMALL,
    WIDTH,
    Block,
    box_of,
    day,
    paginated,
    pair,
    printed,
    stacked,
    text_at,
    wrapped,
)
from billing.kernel.money import Money

Body = Mapping[str, Any]

INK, MARK = HexColor(0x27323A), HexColor(0xA32020)
TITLES = {"payment": "RECEIPT", "refund": "REFUND RECEIPT"}
PURPOSES = {
    "payment": "Proof of payment, itemized for your records and for a health account (HSA, FSA, HRA).",
    "refund": "Proof of money given back. A health account that paid for the service may need to be told.",
}
PURPOSES_FOR_OTHERS = {"payment": "Proof of payment.", "refund": "Proof of money given back."}
NOTICE = "This paper is not a bill, and does not say whether a health account covers a service."
DATE, SERVICE, PROVIDER, AMOUNT = MARGIN, MARGIN + 104, MARGIN + 292, WIDTH - MARGIN
SERVICE_WIDTH, PROVIDER_WIDTH = 182.0, 170.0


def render_receipt(body: Body) -> bytes:
    """The PDF of a receipt's frozen body; see payments.use_cases.receipts for its members.

    `why_fell` beside them makes it a copy that is marked as not standing any more.
    """
    head = Block(20, _draw_table_head, is_row=True)
    blocks = [_letterhead(body), *pair(_patient_box(body), _money_box(body)), *_clinic(body), head]
    notices = map(_notice, body.get("notices", ()))
    parts = [*blocks, *map(_row, body["lines"]), _sum(body), *notices]
    pages = paginated(parts, Block(20, _draw_table_head))
    title = f"Receipt {body['number']}"
    return printed(title, body["clinic"]["trade_name"], pages, partial(_draw_page, body))


def _draw_page(body: Body, canvas: Canvas, blocks: Sequence[Block], number: int, count: int) -> None:
    top = HEIGHT - MARGIN
    if why_fell := body.get("why_fell"):
        _draw_mark(canvas, f"DOES NOT STAND ANY MORE: {why_fell}")
    if number > 1:
        text_at(canvas, MARGIN, top - 8, f"{TITLES[body['kind']]} {body['number']}, continued", BOLD, 9)
        top -= CONTINUED
    stacked(canvas, blocks, top)
    canvas.setStrokeColor(RULE)
    canvas.line(MARGIN, 44, WIDTH - MARGIN, 44)
    text_at(canvas, MARGIN, 33, NOTICE, PLAIN, SMALL, color=GREY)
    told = f"Receipt {body['number']}, issued {day(body['issued_on'])}"
    text_at(canvas, MARGIN, 23, told, PLAIN, SMALL, color=GREY)
    text_at(
        canvas, WIDTH - MARGIN, 23, f"Page {number} of {count}", PLAIN, SMALL, to_the_right=True, color=GREY
    )


def _draw_mark(canvas: Canvas, told: str) -> None:
    """Across the head of the page, where nothing of the receipt stands."""
    canvas.setFillColor(MARK)
    canvas.rect(MARGIN, HEIGHT - 32, INNER, 18, stroke=0, fill=1)
    text_at(canvas, MARGIN + 6, HEIGHT - 27, told, BOLD, 10, color=white)


def _letterhead(body: Body) -> Block:
    clinic = body["clinic"]
    name = wrapped(clinic["trade_name"], BOLD, LARGE, 320)
    under = [*_address_lines(body["site"]["address"]), f"Phone {clinic['phone']}"]
    height = len(name) * LARGE * LEADING + len(under) * NORMAL * LEADING + 34

    def draw(canvas: Canvas, top: float) -> None:
        line = top - LARGE
        for text in name:
            text_at(canvas, MARGIN, line, text, BOLD, LARGE)
            line -= LARGE * LEADING
        for text in under:
            text_at(canvas, MARGIN, line + 4, text, PLAIN, NORMAL)
            line -= NORMAL * LEADING
        text_at(canvas, WIDTH - MARGIN, top - 18, TITLES[body["kind"]], BOLD, 18, to_the_right=True)
        text_at(canvas, WIDTH - MARGIN, top - 34, f"No. {body['number']}", BOLD, 9, to_the_right=True)
        issued = f"Receipt date {day(body['issued_on'])}"
        text_at(canvas, WIDTH - MARGIN, top - 46, issued, PLAIN, 9, to_the_right=True)
        purpose = PURPOSES[body["kind"]] if body["patient"] else PURPOSES_FOR_OTHERS[body["kind"]]
        text_at(canvas, MARGIN, top - height + 12, purpose, PLAIN, SMALL, color=GREY)

    return Block(height, draw)


def _patient_box(body: Body) -> Any:
    """Another payer's receipt names them, and no patient."""
    patient = body["patient"]
    if patient is None:
        return box_of("PAYER", [("Name", body["payer"]["name"])])
    return box_of("PATIENT", [("Name", patient["name"]), ("Patient no.", str(patient["number"]))])


def _money_box(body: Body) -> Any:
    if body["kind"] == "refund":
        rows = [("Given back on", day(body["paid_on"])), ("How", body["paid_with"])]
        if paid := body["refers_to"]:
            rows.append(("Of receipt", f"{paid['number']} of {day(paid['issued_on'])}"))
    else:
        rows = [
            ("Paid on", day(body["paid_on"])),
            ("Paid with", body["paid_with"]),
            ("Paid by", "The patient" if body["paid_by_patient"] else "Another payer"),
        ]
    if change := body.get("change_cents"):
        rows.append(("Handed over", f"{_dollars(body['tendered_cents'])}, change {_dollars(change)}"))
    if others := body.get("others_paid_cents"):
        rows.append(("Others paid", _dollars(others)))
    if body["is_health_account"]:
        rows.append(("Health account", "Paid from an HSA or FSA"))
    return box_of("REFUND" if body["kind"] == "refund" else "PAYMENT", rows)


def _clinic(body: Body) -> Iterator[Block]:
    clinic, providers = body["clinic"], {line["provider"] for line in body["lines"] if line["provider"]}
    left = box_of(
        "CLINIC",
        [
            ("Legal name", clinic["name"]),
            ("Tax id (EIN)", clinic["tin"]),
            ("NPI", clinic["npi"]),
            ("Address", _address_lines(clinic["address"])),
        ],
    )
    right = box_of(
        "PLACE OF SERVICE",
        [("Site", body["site"]["name"]), ("Address", _address_lines(body["site"]["address"]))]
        + [("Provider", name) for name in sorted(providers)],
    )
    yield from pair(left, right)


def _draw_table_head(canvas: Canvas, top: float) -> None:
    canvas.setFillColor(INK)
    canvas.rect(MARGIN, top - 15, INNER, 15, stroke=0, fill=1)
    for left, text in ((DATE, "Date of service"), (SERVICE, "Service"), (PROVIDER, "Provider")):
        text_at(canvas, left + 3, top - 10.5, text, BOLD, SMALL, color=white)
    text_at(canvas, AMOUNT - 3, top - 10.5, "Amount", BOLD, SMALL, to_the_right=True, color=white)


def _row(line: Body) -> Block:
    date = day(line["service_on"]) if line["service_on"] else ""
    if date and not line["is_given"]:
        date += " (planned)"
    service = wrapped(line["description"], PLAIN, NORMAL, SERVICE_WIDTH)
    provider = wrapped(line["provider"] or "", PLAIN, NORMAL, PROVIDER_WIDTH)
    height = max(len(service), len(provider), 1) * NORMAL * LEADING + 6

    def draw(canvas: Canvas, top: float) -> None:
        text_at(canvas, DATE + 3, top - NORMAL - 2, date, PLAIN, NORMAL)
        for left, texts in ((SERVICE, service), (PROVIDER, provider)):
            for place, text in enumerate(texts):
                text_at(canvas, left + 3, top - NORMAL - 2 - place * NORMAL * LEADING, text, PLAIN, NORMAL)
        told = _dollars(line["cents"])
        text_at(canvas, AMOUNT - 3, top - NORMAL - 2, told, PLAIN, NORMAL, to_the_right=True)
        canvas.setStrokeColor(RULE)
        canvas.setLineWidth(0.4)
        canvas.line(MARGIN, top - height, WIDTH - MARGIN, top - height)

    return Block(height, draw, is_row=True)


def _sum(body: Body) -> Block:
    by = " by the patient" if body["paid_by_patient"] else ""
    label = "Given back" if body["kind"] == "refund" else f"Paid{by}"

    def draw(canvas: Canvas, top: float) -> None:
        text_at(canvas, PROVIDER + 3, top - 18, label, BOLD, 10)
        text_at(canvas, AMOUNT - 3, top - 18, _dollars(body["amount_cents"]), BOLD, 10, to_the_right=True)

    return Block(30, draw)


def _notice(told: str) -> Block:
    """What has to be known of money that came back."""
    lines = wrapped(told, PLAIN, NORMAL, INNER)

    def draw(canvas: Canvas, top: float) -> None:
        for place, text in enumerate(lines):
            text_at(canvas, MARGIN, top - 14 - place * NORMAL * LEADING, text, PLAIN, NORMAL)

    return Block(len(lines) * NORMAL * LEADING + 10, draw)


def _dollars(cents: int) -> str:
    return str(Money(cents))


def _address_lines(address: Body) -> list[str]:
    town = f"{address['city']}, {address['state']} {address['postal_code']}"
    return [line for line in (address["line1"], address["line2"], town) if line]
