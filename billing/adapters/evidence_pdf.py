"""Draws a frozen packet of evidence for a bank. The same body gives the same bytes."""

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
    NORMAL,
    PLAIN,
    RULE,
    SMALL,
    WIDTH,
    Block,
    box_of,
    day,
    drawable,
    paginated,
    pair,
    printed,
    stacked,
    text_at,
    wrapped,
)
from billing.kernel.money import Money

Body = Mapping[str, Any]

TITLES = {
    "receipt": "The payment and its receipt",
    "policy": "What the payer agreed to",
    "services": "Days of service",
    "refunds": "What was given back",
    "communication": "What passed between payer and clinic",
    "earlier_payments": "Earlier payments by the same card or account",
    "other_payment": "The other payment of this amount",
    "statement": "Statement of the clinic",
}
"""In the order in which a packet tells them."""

HEALTH_NOTICE = "Holds health information, disclosed to obtain payment: 45 CFR 164.506(c)."
PLAIN_NOTICE = "Holds no health information."
LINE = NORMAL * LEADING
PADDING = 3.0
DATE_WIDTH, SUM_WIDTH = 84.0, 70.0
TEXT_WIDTH = INNER - DATE_WIDTH - SUM_WIDTH - 12
TABLE_HEAD = Block(0, lambda _canvas, _top: None)


def render_evidence(body: Body) -> bytes:
    """The PDF of a packet's frozen body; see payments.use_cases.dispute_answers for its members."""
    pages = paginated([_head(body), *_boxes(body), *_sections(body)], TABLE_HEAD)
    title = f"Evidence {body['dispute']['reference']}"
    return printed(title, body["clinic"]["trade_name"], pages, partial(_draw_page, body))


def _draw_page(body: Body, canvas: Canvas, blocks: Sequence[Block], number: int, count: int) -> None:
    top = HEIGHT - MARGIN
    if number > 1:
        again = f"Evidence for dispute {body['dispute']['reference']}, continued"
        text_at(canvas, MARGIN, top - NORMAL, again, BOLD, NORMAL)
        top -= CONTINUED
    stacked(canvas, blocks, top)
    notice = HEALTH_NOTICE if body["has_health_data"] else PLAIN_NOTICE
    text_at(canvas, MARGIN, MARGIN - 6, notice, PLAIN, SMALL, color=GREY)
    told = f"Page {number} of {count}"
    text_at(canvas, WIDTH - MARGIN, MARGIN - 6, told, PLAIN, SMALL, to_the_right=True, color=GREY)


def _head(body: Body) -> Block:
    name = wrapped(body["clinic"]["trade_name"], BOLD, LARGE, INNER * 0.6)
    height = max(len(name) * LARGE * LEADING, 42) + 14

    def draw(canvas: Canvas, top: float) -> None:
        line = top - LARGE
        for text in name:
            text_at(canvas, MARGIN, line, text, BOLD, LARGE)
            line -= LARGE * LEADING
        text_at(canvas, WIDTH - MARGIN, top - 18, "EVIDENCE", BOLD, 18, to_the_right=True)
        prepared = f"Packet {body['number']}, prepared {day(body['prepared_on'])}"
        text_at(canvas, WIDTH - MARGIN, top - 33, prepared, PLAIN, 9, to_the_right=True)

    return Block(height, draw)


def _boxes(body: Body) -> Iterator[Block]:
    dispute, clinic = body["dispute"], body["clinic"]
    left = box_of(
        "DISPUTE",
        [
            ("Number", dispute["reference"]),
            ("Reason given", dispute["reason"].replace("_", " ").capitalize()),
            ("Amount", str(Money(dispute["amount_cents"]))),
            ("Opened on", day(dispute["opened_on"])),
        ],
    )
    right = box_of(
        "CLINIC", [("Legal name", clinic["name"]), ("Site", body["site"]), ("Telephone", clinic["phone"])]
    )
    yield from pair(left, right)


def _sections(body: Body) -> Iterator[Block]:
    facts = body["facts"]
    for fact, title in TITLES.items():
        if fact in facts:
            first, *rest = TOLD[fact](facts[fact])
            yield _together(_title(title), first)
            yield from rest


def _title(text: str) -> Block:
    def draw(canvas: Canvas, top: float) -> None:
        text_at(canvas, MARGIN, top - 20, text, BOLD, 10)
        canvas.setStrokeColor(RULE)
        canvas.setLineWidth(0.8)
        canvas.line(MARGIN, top - 25, WIDTH - MARGIN, top - 25)

    return Block(29, draw)


def _together(title: Block, first: Block) -> Block:
    """So that no title stands alone at the foot of a page."""

    def draw(canvas: Canvas, top: float) -> None:
        title.draw(canvas, top)
        first.draw(canvas, top - title.height)

    return Block(title.height + first.height, draw)


def _row(on: str | None, text: str, cents: int | None = None) -> Block:
    lines = wrapped(text, PLAIN, NORMAL, TEXT_WIDTH)

    def draw(canvas: Canvas, top: float) -> None:
        base = top - NORMAL - PADDING
        text_at(canvas, MARGIN, base, day(on) if on else "", PLAIN, NORMAL)
        for place, line in enumerate(lines):
            text_at(canvas, MARGIN + DATE_WIDTH, base - place * LINE, line, PLAIN, NORMAL)
        if cents is not None:
            told = str(Money(cents))
            text_at(canvas, WIDTH - MARGIN, base, told, PLAIN, NORMAL, to_the_right=True)

    return Block(max(len(lines), 1) * LINE + PADDING, draw)


def _line(text: str) -> Block:
    def draw(canvas: Canvas, top: float) -> None:
        text_at(canvas, MARGIN, top - NORMAL - PADDING, text, PLAIN, NORMAL)

    return Block(LINE + PADDING / 2, draw)


def _paragraphs(text: str) -> Iterator[Block]:
    """Line by line, so that a long text goes on to the next page; some room between paragraphs."""
    for place, paragraph in enumerate(text.splitlines()):
        if place:
            yield Block(LINE / 2, lambda _canvas, _top: None)
        for line in wrapped(drawable(paragraph), PLAIN, NORMAL, INNER):
            yield _line(line)


def _receipt(told: Body) -> Iterator[Block]:
    yield _row(told["paid_on"], f"{told['service']}. {_paid(told)}", told["cents"])


def _paid(told: Body) -> str:
    receipt = f", receipt {told['number']}" if told["number"] else ""
    return f"{told['paid_with']}{receipt}."


def _policy(told: Body) -> Iterator[Block]:
    yield _row(told["agreed_on"], told["how"])
    yield from _paragraphs(told["text"])


def _services(told: Body) -> Iterator[Block]:
    yield _line(f"Patient: {told['patient']}")
    for line in told["lines"]:
        yield _row(line["service_on"], f"{line['description']}: {_given(line)}.", line["cents"])


def _given(line: Body) -> str:
    if not line["is_given"]:
        return "not given so far"
    return f"given, from {line['from']} until {line['until']}" if line["until"] else "given"


def _refunds(told: Sequence[Body]) -> Iterator[Block]:
    for each in told:
        receipt = f", receipt {each['number']}" if each["number"] else ""
        yield _row(each["refunded_on"], f"{each['how']}{receipt}.", each["cents"])


def _communication(told: Sequence[Body]) -> Iterator[Block]:
    for each in told:
        yield _row(each["on"], each["what"])


def _earlier(told: Sequence[Body]) -> Iterator[Block]:
    for each in told:
        yield _row(each["paid_on"], _paid(each), each["cents"])


def _other(told: Sequence[Body]) -> Iterator[Block]:
    for each in told:
        why = "For another invoice." if each["is_other_invoice"] else "For the same invoice, in part."
        yield _row(each["paid_on"], f"{_paid(each)} {why}", each["cents"])


TOLD: dict[str, Callable[[Any], Iterator[Block]]] = {
    "receipt": _receipt,
    "policy": _policy,
    "services": _services,
    "refunds": _refunds,
    "communication": _communication,
    "earlier_payments": _earlier,
    "other_payment": _other,
    "statement": _paragraphs,
}
