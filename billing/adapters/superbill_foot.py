"""The end of a superbill's page: what was charged and paid, and what the plan is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reportlab.lib.colors import black
from reportlab.pdfgen.canvas import Canvas

from billing.adapters.page_drawing import (
    BOLD,
    GREY,
    INNER,
    LEADING,
    MARGIN,
    NORMAL,
    PLAIN,
    SMALL,
    WIDTH,
    Block,
    day_in_figures,
    frame,
    text_at,
    wrapped,
)
from billing.kernel.money import Money

Body = Mapping[str, Any]

TENDERS = {
    "ach": "bank debit (ACH)",
    "card_present": "card",
    "bank": "bank transfer",
    "insurer": "health plan",
}
"""Ways to pay that a plan would not know by our word for them."""
SIGNATURE = 300.0
"""How long the line is on which the provider signs."""


def foot_blocks(body: Body) -> Iterator[Block]:
    yield _money_block(body)
    yield _request_block(body)


def _money_block(body: Body) -> Block:
    totals, payments = body["totals"], body["payments"]
    amounts = [
        ("List charge", totals["list_cents"], PLAIN),
        ("Discount", -totals["discount_cents"], PLAIN),
        ("Net charge", totals["net_cents"], BOLD),
        ("Amount paid", totals["paid_cents"], BOLD),
        *((("Paid by the plan", totals["insurer_cents"], PLAIN),) if "insurer_cents" in totals else ()),
        ("Balance", totals["balance_cents"], PLAIN),
    ]
    height = max(len(amounts) * 13.0, 16 + len(payments) * 12.0) + 16

    def draw(canvas: Canvas, top: float) -> None:
        text_at(canvas, MARGIN, top - 18, "Payments received", BOLD, NORMAL)
        if not payments:
            text_at(canvas, MARGIN, top - 31, "None yet", PLAIN, NORMAL)
        for place, payment in enumerate(payments):
            line = top - 31 - place * 12
            told = TENDERS.get(payment["tender"], payment["tender"])
            told = f"{told}, by others" if payment.get("by") == "others" else told
            text_at(canvas, MARGIN, line, f"{day_in_figures(payment['on'])}  {told}", PLAIN, NORMAL)
            text_at(canvas, MARGIN + 210, line, dollars(payment["cents"]), PLAIN, NORMAL, to_the_right=True)
        for place, (label, cents, font) in enumerate(amounts):
            line = top - 18 - place * 13
            text_at(canvas, WIDTH - MARGIN - 195, line, label, font, 9)
            text_at(canvas, WIDTH - MARGIN - 3, line, dollars(cents), font, 9, to_the_right=True)

    return Block(height, draw)


def _request_block(body: Body) -> Block:
    lines = wrapped(body["statement"], PLAIN, NORMAL, INNER - 16)
    height = 20 + len(lines) * NORMAL * LEADING
    provider = body["provider"]
    signer = ", ".join(part for part in (provider["name"], provider["credentials"]) if part)
    signed = wrapped(f"Signature of {signer}", PLAIN, SMALL, SIGNATURE)

    def draw(canvas: Canvas, top: float) -> None:
        frame(canvas, MARGIN, top, INNER, height, "REQUEST TO THE HEALTH PLAN")
        for place, text in enumerate(lines):
            text_at(canvas, MARGIN + 8, top - 24 - place * NORMAL * LEADING, text, PLAIN, NORMAL)
        canvas.setStrokeColor(black)
        canvas.setLineWidth(0.6)
        below = top - height - 36
        canvas.line(MARGIN, below, MARGIN + SIGNATURE, below)
        canvas.line(WIDTH - MARGIN - 150, below, WIDTH - MARGIN, below)
        for place, text in enumerate(signed):
            text_at(canvas, MARGIN, below - 9 - place * SMALL * LEADING, text, PLAIN, SMALL, color=GREY)
        text_at(canvas, WIDTH - MARGIN - 150, below - 9, "Date", PLAIN, SMALL, color=GREY)

    return Block(height + 41 + len(signed) * SMALL * LEADING, draw)


def dollars(cents: int) -> str:
    return str(Money(cents))
