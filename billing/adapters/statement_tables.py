"""Tables of a statement: a dark head that comes again on each page, rows, and what stands below a row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from reportlab.lib.colors import HexColor, black, white
from reportlab.pdfgen.canvas import Canvas

from billing.adapters.page_drawing import (
    BOLD,
    GREY,
    INNER,
    LEADING,
    MARGIN,
    NORMAL,
    PLAIN,
    RULE,
    SMALL,
    WIDTH,
    Block,
    text_at,
    together,
    wrapped,
)

INK = HexColor(0x27323A)
TOGETHER = 15
HEAD, LINE, PAD = 15.0, NORMAL * LEADING, 3.0


@dataclass(frozen=True)
class Column:
    """`is_number` puts its text to the right edge."""

    title: str
    width: float
    is_number: bool = False


@dataclass(frozen=True)
class Below:
    """A line under a row: its text from the second column on, and an amount in one of the columns."""

    text: str
    amount: str = ""
    column: int = -1


@dataclass(frozen=True)
class Table:
    """Columns from the left margin to the right one."""

    columns: Sequence[Column]

    @property
    def lefts(self) -> Sequence[float]:
        return [
            MARGIN + sum(each.width for each in self.columns[:place]) for place in range(len(self.columns))
        ]

    def head(self) -> Block:
        return Block(HEAD + 4, self._draw_head)

    def row(self, texts: Sequence[str], below: Sequence[Below] = (), *, is_bold: bool = False) -> list[Block]:
        """The row with what is below it; of very much, a page may end after each TOGETHER lines."""
        font = BOLD if is_bold else PLAIN
        cells = [
            [text] if column.is_number else wrapped(text, font, NORMAL, column.width - 2 * PAD)
            for text, column in zip(texts, self.columns, strict=True)
        ]
        first = Block(max(len(lines) for lines in cells) * LINE + 5, self._drawing(cells, font))
        lines = [self._below(each) for each in below]
        later = range(TOGETHER, len(lines), TOGETHER)
        blocks = [together([first, *lines[:TOGETHER]])]
        blocks += [together(lines[place : place + TOGETHER]) for place in later]
        blocks[-1] = together([blocks[-1], Block(3, _draw_rule)])
        return [Block(each.height, each.draw, is_row=True, head=self.head()) for each in blocks]

    def section(self, title: str, rows: Sequence[Sequence[Block]], empty: str) -> Iterator[Block]:
        """A title that never stands alone, and the rows, or a sentence that says that there are none."""
        if not rows:
            yield together([_title(title), paragraph(empty)])
            return
        blocks = [block for row in rows for block in row]
        yield together([_title(title), self.head(), blocks[0]])
        yield from blocks[1:]

    def _draw_head(self, canvas: Canvas, top: float) -> None:
        canvas.setFillColor(INK)
        canvas.rect(MARGIN, top - HEAD, INNER, HEAD, stroke=0, fill=1)
        for left, column in zip(self.lefts, self.columns, strict=True):
            _put(canvas, left, column, top - 10.5, column.title, BOLD, SMALL, white)

    def _drawing(self, cells: Sequence[Sequence[str]], font: str) -> Callable[[Canvas, float], None]:
        def draw(canvas: Canvas, top: float) -> None:
            for left, column, lines in zip(self.lefts, self.columns, cells, strict=True):
                for place, text in enumerate(lines):
                    _put(canvas, left, column, top - NORMAL - 1 - place * LINE, text, font, NORMAL, black)

        return draw

    def _below(self, below: Below) -> Block:
        """A line that has no amount may go on to the right margin."""
        left = self.lefts[1]
        right = self.lefts[below.column] if below.amount else WIDTH - MARGIN
        lines = wrapped(below.text, PLAIN, NORMAL, right - left - 2 * PAD - 8)

        def draw(canvas: Canvas, top: float) -> None:
            for place, text in enumerate(lines):
                text_at(canvas, left + PAD + 8, top - NORMAL - place * LINE, text, PLAIN, NORMAL, color=GREY)
            if below.amount:
                column = self.columns[below.column]
                _put(canvas, right, column, top - NORMAL, below.amount, PLAIN, NORMAL, GREY)

        return Block(max(1, len(lines)) * LINE, draw)


def paragraph(told: str, *, size: float = NORMAL) -> Block:
    """A sentence or more, as wide as the page."""
    lines = wrapped(told, PLAIN, size, INNER)

    def draw(canvas: Canvas, top: float) -> None:
        for place, text in enumerate(lines):
            text_at(canvas, MARGIN, top - size - 1 - place * size * LEADING, text, PLAIN, size)

    return Block(len(lines) * size * LEADING + 6, draw)


def _title(title: str) -> Block:
    def draw(canvas: Canvas, top: float) -> None:
        text_at(canvas, MARGIN, top - 20, title, BOLD, 10.5)

    return Block(28, draw)


def _put(
    canvas: Canvas, left: float, column: Column, y: float, text: str, font: str, size: float, color: Any
) -> None:
    x = left + column.width - PAD if column.is_number else left + PAD
    text_at(canvas, x, y, text, font, size, to_the_right=column.is_number, color=color)


def _draw_rule(canvas: Canvas, top: float) -> None:
    canvas.setStrokeColor(RULE)
    canvas.setLineWidth(0.4)
    canvas.line(MARGIN, top - 2, WIDTH - MARGIN, top - 2)
