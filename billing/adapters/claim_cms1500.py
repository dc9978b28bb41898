"""Prints claims on the paper form CMS-1500: the data alone, for pre-printed sheets, or a view for the screen.

Letters are Courier at ten to the inch, six lines to the inch, as the form's grid. Where a printer pulls the
sheet askew, an offset moves all of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO

from reportlab.lib.colors import HexColor, black
from reportlab.lib.pagesizes import LETTER
from reportlab.pdfgen.canvas import Canvas

from billing.insurance.records.claims import Claim, Offset
from billing.insurance.rules.cms1500 import Entry, sheets_of

LETTER_WIDTH, LINE_HEIGHT = 7.2, 12.0
FONT, SIZE = "Courier", 12
LEFT, TOP = 24.0, 20.0
"""Points from the sheet's edges to the grid."""
CAPTION_FONT, CAPTION_SIZE = "Helvetica", 5.5
MARK_FONT, MARK_SIZE = "Helvetica-Bold", 14
INK, FRAME = HexColor(0x8A3B32), HexColor(0xD8B4AE)
NOT_FOR_OCR = "VIEW ONLY - NOT FOR OCR SUBMISSION. Print the data on the red form of the payer instead."
CAPTIONS = {
    "carrier": "Insurer",
    "1": "1 Other plan",
    "1a": "1a Member number",
    "2": "2 Patient",
    "3": "3 Born, sex M / F",
    "4": "4 Insured",
    "5": "5 Patient's address",
    "6": "6 Self / spouse / child / other",
    "7": "7 Insured's address",
    "10a": "10a Work: no",
    "10b": "10b Car: no",
    "10c": "10c Accident: no",
    "11": "11 Group",
    "11a": "11a Insured born, sex M / F",
    "11d": "11d Other plan: no",
    "12": "12 Release",
    "13": "13 Pay the provider",
    "17": "17 Referring provider",
    "17b": "17b Their NPI",
    "21": "21 Diagnoses",
    "22": "22 Resubmission, original number",
    "24A": "24A From, to",
    "24B": "B",
    "24D": "D Code, modifiers",
    "24E": "E",
    "24F": "F Charge",
    "24G": "G",
    "24J": "J Provider",
    "25": "25 Tax number, EIN",
    "26": "26 Account",
    "27": "27 Accepts: yes / no",
    "28": "28 Charge",
    "29": "29 Paid",
    "32": "32 Place of service, its NPI last",
    "33": "33 Billing provider, its NPI last",
}
"""Of the view: a box's number and what it is, in our own words. Those with no room above them have none."""


def print_cms1500(claims: Iterable[Claim], offset: Offset, *, is_view: bool = False, mark: str = "") -> bytes:
    """A page for each sheet. The same claims give the same bytes."""
    buffer = BytesIO()
    canvas = Canvas(buffer, pagesize=LETTER, invariant=1, pageCompression=1)
    canvas.setTitle("CMS-1500")
    for claim in claims:
        for sheet in sheets_of(claim):
            if is_view:
                _draw_view(canvas, sheet, mark)
            _draw_data(canvas, sheet, Offset() if is_view else offset)
            canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def _draw_data(canvas: Canvas, sheet: Iterable[Entry], offset: Offset) -> None:
    canvas.setFont(FONT, SIZE)
    canvas.setFillColor(black)
    for entry in sheet:
        x, y = _corner(entry)
        canvas.drawString(x + offset.right, y - offset.down, entry.text)


def _draw_view(canvas: Canvas, sheet: Iterable[Entry], mark: str) -> None:
    """Under the data: where each entry stands, and what the first one of each box is."""
    canvas.setFillColor(INK)
    canvas.setFont(MARK_FONT, MARK_SIZE)
    canvas.drawCentredString(LETTER[0] / 2, LETTER[1] - TOP + 8, mark)
    canvas.setStrokeColor(FRAME)
    canvas.setLineWidth(0.4)
    canvas.setFillColor(INK)
    canvas.setFont(CAPTION_FONT, CAPTION_SIZE + 3)
    canvas.drawString(LEFT, LETTER[1] - TOP, NOT_FOR_OCR)
    canvas.setFont(CAPTION_FONT, CAPTION_SIZE)
    named = set()
    for entry in sheet:
        x, y = _corner(entry)
        canvas.rect(x - 1, y - 2.5, entry.width * LETTER_WIDTH + 2, SIZE - 1)
        if entry.box in CAPTIONS and entry.box not in named:
            named.add(entry.box)
            canvas.drawString(x, y + SIZE - 2.5, CAPTIONS[entry.box])


def _corner(entry: Entry) -> tuple[float, float]:
    """Where the first letter's baseline begins."""
    return LEFT + (entry.column - 1) * LETTER_WIDTH, LETTER[1] - TOP - entry.line * LINE_HEIGHT
