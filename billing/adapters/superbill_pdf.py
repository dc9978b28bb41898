"""Draws a frozen superbill. The same body gives the same bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO

from reportlab.lib.colors import HexColor, white
from reportlab.pdfgen.canvas import Canvas

from billing.adapters.light_pdf import PdfFile, printed_lightly
from billing.adapters.page_drawing import (
    BOLD,
    CONTINUED,
    GAP,
    GREY,
    HEIGHT,
    INNER,
    LARGE,
    LEADING,
    MARGIN,
    NORMAL,
    PLAIN,
    RULE,
    SAMPLE_BAND,
    SHADE,
    SMALL,
    WARNING,
    WIDTH,
    Block,
    Box,
    DrawPage,
    box_of,
    day_in_figures,
    frame,
    paginated,
    pair,
    stacked,
    text_at,
    wrapped,
)
from billing.adapters.superbill_foot import Body, dollars, foot_blocks
from billing.kernel.clock import told_minutes

INK = HexColor(0x27323A)
TITLE = "SUPERBILL"
PURPOSE = (
    "Itemized statement of services, for reimbursement by the patient's health plan. This is not a bill."
)
CODES_NOTICE = (
    "Procedure codes are CPT/HCPCS codes; CPT is a registered trademark of the American Medical Association. "
    "The wording of each line is the clinic's own."
)


@dataclass(frozen=True)
class Column:
    title: str
    left: float
    width: float
    to_the_right: bool = False

    @property
    def edge(self) -> float:
        return self.left + (self.width - 3 if self.to_the_right else 3)


@dataclass(frozen=True)
class Row(Block):
    """A line of service, with what it is charged at."""

    cents: int = 0


def _columns() -> tuple[Column, ...]:
    widths = (
        ("Date of service", 62, False), ("Place", 28, False), ("CPT/HCPCS", 52, False),
        ("Modifiers", 46, False), ("Dx", 30, False), ("Description", 170, False), ("Start-stop", 58, False),
        ("Units", 30, True), ("Charge", 56, True),
    )  # fmt: skip
    columns, left = [], MARGIN
    for title, width, to_the_right in widths:
        columns.append(Column(title, left, width, to_the_right))
        left += width
    return tuple(columns)


COLUMNS = _columns()


def render_superbill(body: Body, mark: str = "") -> bytes:
    """The PDF of a superbill's frozen body; see insurance.rules.superbill for its members.

    A mark stands at the top of each page and moves nothing.
    """
    return printed_lightly(*drawing_of(body, mark))


def print_superbills(bodies: Iterable[Body], stream: BinaryIO) -> None:
    """One PDF of many superbills, which share their fonts; each counts its own pages."""
    file = PdfFile(stream)
    for body in bodies:
        _, _, pages, draw_page = drawing_of(body)
        file.add(pages, draw_page)
    file.close("Superbills", "")


def drawing_of(body: Body, mark: str = "") -> tuple[str, str, list[list[Block]], DrawPage]:
    """Title, author, pages and what draws them: what a way of printing takes."""
    pages = paginated([*_head_blocks(body), *_rows(body), *foot_blocks(body)], Block(18, _draw_table_head))
    title, author = f"Superbill {body['number']}", body["clinic"]["trade_name"]
    return title, author, pages, partial(_draw_page, body, mark)


# ------------------------------------------------------------------------------------------- pages


def _draw_page(
    body: Body, mark: str, canvas: Canvas, blocks: Sequence[Block], number: int, count: int
) -> None:
    top = HEIGHT - MARGIN
    if mark:
        _draw_mark(canvas, mark)
    if number > 1:
        text_at(canvas, MARGIN, top - 8, f"{TITLE} {body['number']}, continued", BOLD, 9)
        text_at(canvas, WIDTH - MARGIN, top - 8, _patient_line(body), PLAIN, 9, to_the_right=True)
        top -= CONTINUED
    stacked(canvas, blocks, top)
    if count > 1:
        _draw_sum_of_page(body, canvas, [block.cents for block in blocks if isinstance(block, Row)])
    canvas.setStrokeColor(RULE)
    canvas.setLineWidth(0.5)
    canvas.line(MARGIN, 44, WIDTH - MARGIN, 44)
    text_at(canvas, MARGIN, 34, CODES_NOTICE, PLAIN, 5.6, color=GREY)
    left = (
        f"Superbill {body['number']}, version {body['version']}, issued {day_in_figures(body['issued_on'])}"
    )
    text_at(
        canvas, MARGIN, 24, left + (". SAMPLE DATA" if body["is_sample"] else ""), PLAIN, SMALL, color=GREY
    )
    text_at(
        canvas, WIDTH - MARGIN, 24, f"Page {number} of {count}", PLAIN, SMALL, to_the_right=True, color=GREY
    )


def _draw_mark(canvas: Canvas, mark: str) -> None:
    """In the margin above the page."""
    canvas.setFillColor(WARNING)
    canvas.rect(MARGIN, HEIGHT - MARGIN + 6, INNER, 20, stroke=0, fill=1)
    canvas.setFillColor(white)
    canvas.setFont(BOLD, 12)
    canvas.drawCentredString(WIDTH / 2, HEIGHT - MARGIN + 12, mark)


def _draw_sum_of_page(body: Body, canvas: Canvas, charges: Sequence[int]) -> None:
    """So that pages that come apart can be held against each other."""
    if charges:
        told = f"Charges on this page {dollars(sum(charges))} of {dollars(body['totals']['net_cents'])}"
        paid = "What was paid stands once, after the last line."
        text_at(canvas, WIDTH - MARGIN, 49, f"{told}. {paid}", PLAIN, SMALL, to_the_right=True)


def _patient_line(body: Body) -> str:
    return f"Patient control number {body['control_number']}"


# -------------------------------------------------------------------------------------------- head


def _head_blocks(body: Body) -> Iterator[Block]:
    if body["is_sample"]:
        yield SAMPLE_BAND
    yield _letterhead(body)
    yield from pair(_patient_box(body), _insurance_box(body))
    yield from pair(_provider_box(body), _clinic_box(body))
    yield _service_strip(body)
    yield _diagnoses(body)
    yield Block(22, lambda canvas, top: _draw_table_head(canvas, top - 4), is_row=True)


def _letterhead(body: Body) -> Block:
    clinic, site = body["clinic"], body["site"]
    left = wrapped(clinic["trade_name"], BOLD, LARGE, 300)
    under = [*_address_lines(site["address"], 300), f"Phone {site['phone']}"]
    right = [
        f"No. {body['number']}",
        f"Version {body['version']}, issued {day_in_figures(body['issued_on'])}",
    ]
    if body["supersedes"]:
        right.append(f"Replaces superbill {body['supersedes']}")
    height = max(len(left) * LARGE * LEADING + len(under) * NORMAL * LEADING, 26 + len(right) * 12) + 20

    def draw(canvas: Canvas, top: float) -> None:
        line = top - LARGE
        for text in left:
            text_at(canvas, MARGIN, line, text, BOLD, LARGE)
            line -= LARGE * LEADING
        for text in under:
            text_at(canvas, MARGIN, line + 4, text, PLAIN, NORMAL)
            line -= NORMAL * LEADING
        text_at(canvas, WIDTH - MARGIN, top - 18, TITLE, BOLD, 20, to_the_right=True)
        for place, text in enumerate(right):
            font = PLAIN if place else BOLD
            text_at(canvas, WIDTH - MARGIN, top - 34 - place * 12, text, font, 9, to_the_right=True)
        text_at(canvas, MARGIN, top - height + 9, PURPOSE, PLAIN, SMALL, color=GREY)

    return Block(height, draw)


def _patient_box(body: Body) -> Box:
    patient = body["patient"]
    rows = [
        ("Name", patient["name"]),
        ("Date of birth", day_in_figures(patient["born_on"])),
        ("Address", _address_lines(patient["address"], 1_000)),
        ("Phone", _phone(patient["phone"] or "")),
        ("Patient no.", str(patient["number"])),
    ]
    return box_of("PATIENT", rows)


def _insurance_box(body: Body) -> Box:
    insurance = body["insurance"]
    if insurance is None:
        return box_of("HEALTH PLAN", [("Health plan", "None on file with the clinic")])
    rows = [
        ("Health plan", insurance["payer"]),
        ("Payer ID", insurance["payer_id"] or ""),
        ("Subscriber", insurance["subscriber"]),
        ("Relationship", insurance["relationship"].capitalize()),
        ("Member ID", insurance["member_id"]),
        ("Group", insurance["group"] or ""),
    ]
    return box_of("HEALTH PLAN", rows)


def _provider_box(body: Body) -> Box:
    provider = body["provider"]
    rows = [
        ("Name", ", ".join(part for part in (provider["name"], provider["credentials"]) if part)),
        ("NPI (individual)", provider["npi"]),
        ("License", f"{provider['license_number']} ({provider['license_state']})"),
        ("Referred by", _referred_by(body["referring_provider"])),
    ]
    return box_of("RENDERING PROVIDER", rows)


def _referred_by(provider: Mapping[str, str] | None) -> str:
    if provider is None:
        return "No referring provider"
    return f"{provider['name']}, NPI {provider['npi']}" if provider["npi"] else provider["name"]


def _clinic_box(body: Body) -> Box:
    clinic = body["clinic"]
    rows = [
        ("Legal name", clinic["name"]),
        ("Tax ID (TIN)", clinic["tin"]),
        ("NPI (group)", clinic["npi"]),
        ("Taxonomy", clinic["taxonomy"]),
        ("Address", _address_lines(clinic["address"], 1_000)),
        ("Phone", clinic.get("phone", "")),
    ]
    return box_of("BILLING PROVIDER", rows)


def _service_strip(body: Body) -> Block:
    service = body["service"]
    facts = (
        ("Date of service", day_in_figures(service["on"])),
        ("Place of service", f"{service['place']} (office)"),
        (
            "Start and stop",
            f"{service['started']} to {service['stopped']} ({told_minutes(service['minutes'])})",
        ),
        ("Patient control number", body["control_number"]),
    )
    lefts = (0, 105, 210, 380)

    def draw(canvas: Canvas, top: float) -> None:
        canvas.setFillColor(SHADE)
        canvas.rect(MARGIN, top - 30, INNER, 30, stroke=0, fill=1)
        for (label, value), left in zip(facts, lefts, strict=True):
            text_at(canvas, MARGIN + left + 6, top - 11, label, PLAIN, SMALL, color=GREY)
            text_at(canvas, MARGIN + left + 6, top - 23, value, BOLD, 9)

    return Block(30 + GAP, draw)


def _diagnoses(body: Body) -> Block:
    """Codes alone, four in a row; or each with what it means, as many lines as that takes."""
    diagnoses = body["diagnoses"]
    across = 4
    cells: list[tuple[int, int, Body, list[str]]] = []
    row = 0
    for place, diagnosis in enumerate(diagnoses):
        if "wording" in diagnosis:
            words = wrapped(diagnosis["wording"], PLAIN, NORMAL, INNER - 84)
            cells.append((0, row, diagnosis, words))
            row += max(1, len(words))
        else:
            cells.append((place % across, row, diagnosis, []))
            row += place % across == across - 1 or place == len(diagnoses) - 1
    height = 17 + row * 13 + 4

    def draw(canvas: Canvas, top: float) -> None:
        frame(canvas, MARGIN, top, INNER, height, "DIAGNOSES (ICD-10-CM)")
        for column, line, diagnosis, words in cells:
            left, below = MARGIN + 8 + column * (INNER / across), top - 24 - line * 13
            text_at(canvas, left, below, diagnosis["pointer"], BOLD, 9)
            text_at(canvas, left + 14, below, diagnosis["code"], PLAIN, 9)
            for number, text in enumerate(words):
                text_at(canvas, left + 68, below - number * 13, text, PLAIN, NORMAL)

    return Block(height + 4, draw)


# ------------------------------------------------------------------------------------------- lines


def _draw_table_head(canvas: Canvas, top: float) -> None:
    canvas.setFillColor(INK)
    canvas.rect(MARGIN, top - 15, INNER, 15, stroke=0, fill=1)
    for column in COLUMNS:
        text_at(
            canvas,
            column.edge,
            top - 10.5,
            column.title,
            BOLD,
            SMALL,
            to_the_right=column.to_the_right,
            color=white,
        )


def _rows(body: Body) -> Iterator[Block]:
    for line in body["lines"]:
        yield _row(line)


def _row(line: Body) -> Block:
    width = COLUMNS[5].width - 6
    description = wrapped(line["description"], PLAIN, NORMAL, width)
    if ndc := line["ndc"]:
        description += wrapped(f"NDC {ndc['code']}, {ndc['quantity']} {ndc['unit']}", PLAIN, NORMAL, width)
    modifiers = wrapped(" ".join(line["modifiers"]), PLAIN, NORMAL, COLUMNS[3].width - 6)
    cells = (
        [day_in_figures(line["on"])], [line["place"]], [line["code"]], modifiers,
        [line["pointers"]], description, [line["time"]], [str(line["units"])],
        [dollars(line["charge_cents"])],
    )  # fmt: skip
    height = max(len(cell) for cell in cells) * NORMAL * LEADING + 6

    def draw(canvas: Canvas, top: float) -> None:
        for column, lines in zip(COLUMNS, cells, strict=True):
            font = BOLD if column.title == "CPT/HCPCS" else PLAIN
            for place, text in enumerate(lines):
                below = top - NORMAL - 2 - place * NORMAL * LEADING
                text_at(canvas, column.edge, below, text, font, NORMAL, to_the_right=column.to_the_right)
        canvas.setStrokeColor(RULE)
        canvas.setLineWidth(0.4)
        canvas.line(MARGIN, top - height, WIDTH - MARGIN, top - height)

    return Row(height, draw, is_row=True, cents=line["charge_cents"])


def _address_lines(address: Body, width: float) -> list[str]:
    town = f"{address['city']}, {address['state']} {address['postal_code']}"
    lines = [address["line1"], address["line2"], town]
    return [part for line in lines if line for part in wrapped(line, PLAIN, NORMAL, width)]


def _phone(number: str) -> str:
    """`+15125550123` as (512) 555-0123; any other stays as it is."""
    if len(number) != len("+15125550123") or not number.startswith("+1"):
        return number
    return f"({number[2:5]}) {number[5:8]}-{number[8:]}"
