"""What every printed document shares: fonts, wrapping, boxes and pages on US Letter.

A document is cut into blocks of known height, the blocks into pages, and only then is anything drawn, so that
each page can say how many there are. Text is real and its fonts are embedded.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

from reportlab.lib.colors import HexColor, black, white
from reportlab.lib.pagesizes import LETTER
from reportlab.pdfbase.pdfmetrics import getFont, registerFont
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from billing.adapters.right_to_left import as_shown
from billing.kernel.clock import day_in_words
from billing.kernel.printable import has_letter

FONTS = Path(__file__).parents[1] / "static" / "fonts"
PLAIN, BOLD = "DejaVuSansCondensed", "DejaVuSansCondensed-Bold"
WIDTH, HEIGHT = LETTER
MARGIN = 40.0
INNER = WIDTH - 2 * MARGIN
BOTTOM = 58.0
CONTINUED = 30.0
"""What the heading of a further page takes."""
GAP = 9.0
SMALL, NORMAL, LARGE = 7.0, 8.5, 15.0
LEADING = 1.32
GREY, RULE, SHADE = HexColor(0x555555), HexColor(0x9AA3AB), HexColor(0xEEF1F3)
WARNING = HexColor(0xB3261E)
BOX_WIDTH = (INNER - GAP) / 2
LABEL_WIDTH = 74.0


@dataclass(frozen=True)
class Block:
    """A part of the page that is never torn. `draw` gets the canvas and the block's upper edge.

    `head` is that of its own table, for a paper of several.
    """

    height: float
    draw: Callable[[Canvas, float], None]
    is_row: bool = False
    head: Block | None = None


DrawPage = Callable[[Canvas, Sequence[Block], int, int], None]
"""Draws a page from its blocks, its number and how many there are."""


def printed(title: str, author: str, pages: Sequence[Sequence[Block]], draw_page: DrawPage) -> bytes:
    """The PDF of these pages.

    The same drawing gives the same bytes.
    """
    register_fonts()
    buffer = BytesIO()
    canvas = Canvas(buffer, pagesize=LETTER, invariant=1, pageCompression=1, initialFontName=PLAIN)
    canvas.setTitle(title)
    canvas.setAuthor(author)
    for number, blocks in enumerate(pages, 1):
        draw_page(canvas, blocks, number, len(pages))
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


@cache
def register_fonts() -> None:
    for name in (PLAIN, BOLD):
        registerFont(TTFont(name, FONTS / f"{name}.ttf"))


def paginated(blocks: Sequence[Block], table_head: Block) -> list[list[Block]]:
    """Fill pages from the top; rows that go on to another page get the head of their table again."""
    pages: list[list[Block]] = [[]]
    left = HEIGHT - MARGIN - BOTTOM
    for block in blocks:
        if block.height > left and pages[-1]:
            pages.append([block.head or table_head] if block.is_row else [])
            left = HEIGHT - MARGIN - BOTTOM - CONTINUED - sum(each.height for each in pages[-1])
        pages[-1].append(block)
        left -= block.height
    return pages


@dataclass(frozen=True)
class Box:
    """A title over labelled values; each value may take several lines."""

    title: str
    rows: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def height(self) -> float:
        return 17 + sum(len(lines) for _, lines in self.rows) * NORMAL * LEADING + 5


def box_of(title: str, rows: Sequence[tuple[str, str | Sequence[str]]]) -> Box:
    told = []
    for label, value in rows:
        lines = [value] if isinstance(value, str) else value
        width = BOX_WIDTH - LABEL_WIDTH - 10
        parts = tuple(part for line in lines for part in wrapped(line, PLAIN, NORMAL, width))
        if parts:
            told.append((label, parts))
    return Box(title, tuple(told))


def pair(left: Box, right: Box) -> Iterator[Block]:
    height = max(left.height, right.height)

    def draw(canvas: Canvas, top: float) -> None:
        _draw_box(canvas, left, MARGIN, top, height)
        _draw_box(canvas, right, MARGIN + BOX_WIDTH + GAP, top, height)

    yield Block(height + GAP, draw)


def _draw_box(canvas: Canvas, box: Box, left: float, top: float, height: float) -> None:
    frame(canvas, left, top, BOX_WIDTH, height, box.title)
    line = top - 14 - NORMAL
    for label, values in box.rows:
        text_at(canvas, left + 6, line, label, PLAIN, SMALL, color=GREY)
        for value in values:
            text_at(canvas, left + LABEL_WIDTH, line, value, PLAIN, NORMAL)
            line -= NORMAL * LEADING


def frame(canvas: Canvas, left: float, top: float, width: float, height: float, title: str) -> None:
    canvas.setStrokeColor(RULE)
    canvas.setLineWidth(0.6)
    canvas.setFillColor(SHADE)
    canvas.rect(left, top - 13, width, 13, stroke=0, fill=1)
    canvas.rect(left, top - height, width, height, stroke=1, fill=0)
    text_at(canvas, left + 6, top - 9.5, title, BOLD, SMALL)


def text_at(
    canvas: Canvas,
    x: float,
    y: float,
    text: str,
    font: str,
    size: float,
    *,
    to_the_right: bool = False,
    color: Any = black,
) -> None:
    canvas.setFillColor(color)
    canvas.setFont(font, size)
    shown = text if text.isascii() else as_shown(drawable(text), is_known)
    (canvas.drawRightString if to_the_right else canvas.drawString)(x, y, shown)


def wrapped(text: str, font: str, size: float, width: float) -> list[str]:
    """Lines that fit, broken at spaces, and inside a word only when it is longer than a line."""
    words = text.split()
    whole = " ".join(words)
    if text_width(whole, font, size) <= width:
        return [whole] if whole else []
    lines, line = [], ""
    for word in words:
        longer = f"{line} {word}".strip()
        if text_width(longer, font, size) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        *full, line = _broken(word, font, size, width)
        lines.extend(full)
    return [*lines, line] if line else lines


def text_width(text: str, font: str, size: float) -> float:
    """In points; as reportlab's stringWidth, which asks for more on its way."""
    return 0.001 * size * sum(map(_widths(font).__getitem__, text))


class _Widths(dict[str, float]):
    """The width of each letter of a font, in thousandths of its size."""

    def __init__(self, font: str) -> None:
        register_fonts()
        face = getFont(font).face
        super().__init__((chr(code), width) for code, width in face.charWidths.items())
        self._of_others: float = face.defaultWidth

    def __missing__(self, letter: str) -> float:
        return self._of_others


@cache
def _widths(font: str) -> _Widths:
    return _Widths(font)


def drawable(text: str) -> str:
    """What the font can draw of a text: signs and joiners that it lacks are left out, letters become `?`."""
    return "".join(each if is_known(each) else _instead_of(each) for each in text)


def is_known(letter: str) -> bool:
    """Whether both faces of the font have it."""
    return has_letter(letter)


def _instead_of(letter: str) -> str:
    return "?" if unicodedata.category(letter).startswith("L") else ""


def _broken(word: str, font: str, size: float, width: float) -> list[str]:
    parts = [""]
    for letter in word:
        if text_width(parts[-1] + letter, font, size) > width:
            parts.append("")
        parts[-1] += letter
    return parts


def _draw_sample_band(canvas: Canvas, top: float) -> None:
    canvas.setFillColor(WARNING)
    canvas.rect(MARGIN, top - 16, INNER, 16, stroke=0, fill=1)
    text = "SAMPLE DATA. Not a real patient or clinic; do not submit to an insurer."
    canvas.setFillColor(white)
    canvas.setFont(BOLD, 9)
    canvas.drawCentredString(WIDTH / 2, top - 11.5, text)


SAMPLE_BAND = Block(22, _draw_sample_band)


def together(blocks: Sequence[Block]) -> Block:
    """One that is not torn, of several."""
    return Block(sum(block.height for block in blocks), lambda canvas, top: stacked(canvas, blocks, top))


def stacked(canvas: Canvas, blocks: Sequence[Block], top: float) -> None:
    """Draw them one below the other."""
    for block in blocks:
        block.draw(canvas, top)
        top -= block.height


def day(iso: str) -> str:
    """`2026-11-03` as the clinic's own papers have it: Nov 3, 2026."""
    return day_in_words(date.fromisoformat(iso))


def day_in_figures(iso: str) -> str:
    """`2026-11-03` as insurers' forms have it: 11/03/2026."""
    year, month, of_month = iso.split("-")
    return f"{month}/{of_month}/{year}"
