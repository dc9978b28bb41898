"""Draws a letter that asks a patient to choose. The same body gives the same bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from reportlab.pdfgen.canvas import Canvas

from billing.adapters.page_drawing import (
    BOLD,
    HEIGHT,
    INNER,
    LARGE,
    LEADING,
    MARGIN,
    PLAIN,
    Block,
    day,
    paginated,
    printed,
    stacked,
    text_at,
    wrapped,
)
from billing.kernel.money import Money

Body = Mapping[str, Any]

TITLE = "Please choose: money that we hold for you"
TEXT = 10.5
LINE = TEXT * LEADING
TICK = 9.0
INDENT = 18.0
NO_TABLE = Block(0, lambda _canvas, _top: None)
CHOICES = ("Take it off my next invoice.", "Send it back to me.")
ALWAYS = "Do the same from now on, whenever money comes for a visit that I have paid."


def render_choice_letter(body: Body) -> bytes:
    """The PDF of a letter's body; see payments.rules.choice_letters for its members."""
    blocks = [*_head(body), *_asked(body), *_answer(body)]
    return printed(TITLE, body["clinic"]["name"], paginated(blocks, NO_TABLE), _draw_page)


def _draw_page(canvas: Canvas, blocks: Sequence[Block], _number: int, _count: int) -> None:
    stacked(canvas, blocks, HEIGHT - MARGIN)


def _head(body: Body) -> Iterator[Block]:
    clinic, patient = body["clinic"], body["patient"]
    yield from _paragraph(clinic["name"], font=BOLD, size=LARGE)
    for line in [*clinic["address"], f"Telephone {clinic['phone']}"]:
        yield from _paragraph(line)
    yield _space(2 * LINE)
    for line in (patient["name"], *patient["address"]):
        yield from _paragraph(line)
    yield _space(2 * LINE)
    yield from _paragraph(day(body["written_on"]))
    yield _space(LINE)
    yield from _paragraph(TITLE, font=BOLD, size=12)
    yield _space(LINE / 2)


def _asked(body: Body) -> Iterator[Block]:
    yield from _paragraph("You paid for a visit, and money for it came to us afterwards. It is yours:")
    yield _space(LINE / 2)
    for each in body["credits"]:
        told = f"{Money(each['cents'])} for your visit on {day(each['visit_on'])}, "
        yield from _paragraph(f"{told}sent back on {day(each['goes_back_on'])} unless you choose before")
    yield _space(LINE / 2)
    yield from _paragraph(
        "We can take it off your next invoice, or send it back to you. Call us, tell us at the desk, or tick "
        "below, sign, and send this page to us. You can change your mind until the money has moved."
    )
    yield _space(LINE / 2)
    yield from _paragraph(
        "Without a word from you it is sent back on the day that is named above: to the card that you paid "
        "with, where that takes it, or else by check to this address."
    )
    yield _space(2 * LINE)


def _answer(body: Body) -> Iterator[Block]:
    yield from _paragraph("My choice", font=BOLD)
    yield _space(LINE / 2)
    for told in (*CHOICES, ALWAYS):
        yield Block(1.6 * LINE, _ticked(told))
    yield Block(5 * LINE, _signature(f"Patient {body['patient']['number']}: signature and day"))


def _ticked(told: str) -> Callable[[Canvas, float], None]:
    def draw(canvas: Canvas, top: float) -> None:
        canvas.rect(MARGIN, top - TEXT, TICK, TICK, stroke=1, fill=0)
        text_at(canvas, MARGIN + INDENT, top - TEXT, told, PLAIN, TEXT)

    return draw


def _signature(told: str) -> Callable[[Canvas, float], None]:
    def draw(canvas: Canvas, top: float) -> None:
        canvas.line(MARGIN, top - 3 * LINE, MARGIN + 260, top - 3 * LINE)
        text_at(canvas, MARGIN, top - 4 * LINE, told, PLAIN, TEXT)

    return draw


def _paragraph(text: str, *, font: str = PLAIN, size: float = TEXT) -> Iterator[Block]:
    for line in wrapped(text, font, size, INNER):
        yield Block(size * LEADING, _line(line, font, size))


def _line(text: str, font: str, size: float) -> Callable[[Canvas, float], None]:
    return lambda canvas, top: text_at(canvas, MARGIN, top - size, text, font, size)


def _space(height: float) -> Block:
    return Block(height, lambda _canvas, _top: None)
