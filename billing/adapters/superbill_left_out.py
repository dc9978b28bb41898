"""The last page of many superbills in one PDF: which are left out, and why. For the clinic alone."""

from __future__ import annotations

from collections.abc import Sequence

from reportlab.pdfgen.canvas import Canvas

from billing.adapters.page_drawing import (
    BOLD,
    CONTINUED,
    GREY,
    HEIGHT,
    MARGIN,
    PLAIN,
    SMALL,
    WIDTH,
    Block,
    DrawPage,
    paginated,
    stacked,
    text_at,
)
from billing.adapters.statement_tables import Column, Table, paragraph
from billing.insurance.records import LeftOut

TITLE = "LEFT OUT"
FOR_THE_CLINIC = (
    "Take this page out before anything leaves the clinic: it is for nobody else, a health plan least of all."
)
TABLE = Table((Column("Superbill", 100), Column("Version", 60), Column("Reason", WIDTH - 2 * MARGIN - 160)))


def left_out_pages(left_out: Sequence[LeftOut]) -> tuple[list[list[Block]], DrawPage]:
    """Numbers and reasons, and nothing of a patient or a visit."""
    rows = [TABLE.row((each.superbill.number, str(each.superbill.version), each.why)) for each in left_out]
    are = "superbill is" if len(left_out) == 1 else "superbills are"
    blocks = [
        Block(30, _draw_title),
        paragraph(f"{len(left_out)} {are} not in this file. A task says what to do about each."),
        paragraph(FOR_THE_CLINIC),
        *TABLE.section("Which, and why", rows, ""),
    ]
    return paginated(blocks, TABLE.head()), _draw_page


def _draw_title(canvas: Canvas, top: float) -> None:
    text_at(canvas, MARGIN, top - 18, TITLE, BOLD, 20)


def _draw_page(canvas: Canvas, blocks: Sequence[Block], number: int, count: int) -> None:
    top = HEIGHT - MARGIN
    if number > 1:
        text_at(canvas, MARGIN, top - 8, f"{TITLE}, continued", BOLD, 9)
        top -= CONTINUED
    stacked(canvas, blocks, top)
    told = f"Page {number} of {count} of what is left out"
    text_at(canvas, WIDTH - MARGIN, 24, told, PLAIN, SMALL, to_the_right=True, color=GREY)
