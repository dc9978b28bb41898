"""A superbill as most programs would lay it out: reportlab's platypus, tables and paragraphs, same fonts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

from reportlab.lib.colors import HexColor, grey, white
from reportlab.lib.pagesizes import LETTER
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table

from billing.adapters.page_drawing import BOLD, INNER, MARGIN, PLAIN, register_fonts

Body = Mapping[str, Any]
Rows = Sequence[tuple[str, str]]

TEXT = ParagraphStyle("text", fontName=PLAIN, fontSize=8.5, leading=11)
SMALL = ParagraphStyle("small", parent=TEXT, fontSize=7, leading=9, textColor=grey)
STRONG = ParagraphStyle("strong", parent=TEXT, fontName=BOLD)
LARGE = ParagraphStyle("large", parent=STRONG, fontSize=15, leading=20)
WHITE = ParagraphStyle("white", parent=STRONG, fontSize=7, textColor=white)
INK, SHADE, RULE = HexColor(0x27323A), HexColor(0xEEF1F3), HexColor(0x9AA3AB)
WIDTHS = (62, 28, 52, 46, 30, 170, 58, 30, 56)
HEADS = (
    "Date of service",
    "Place",
    "CPT/HCPCS",
    "Modifiers",
    "Dx",
    "Description",
    "Start-stop",
    "Units",
    "Charge",
)


def render(body: Body) -> bytes:
    register_fonts()
    buffer = BytesIO()
    document = SimpleDocTemplate(
        buffer, pagesize=LETTER, leftMargin=MARGIN, rightMargin=MARGIN, topMargin=MARGIN, bottomMargin=58
    )
    document.title = f"Superbill {body['number']}"
    document.build(_story(body), canvasmaker=_canvas, onFirstPage=_footer(body), onLaterPages=_footer(body))
    return buffer.getvalue()


def _canvas(*args: Any, **options: Any) -> Canvas:
    return Canvas(*args, **{**options, "invariant": 1, "pageCompression": 1, "initialFontName": PLAIN})


def _footer(body: Body) -> Any:
    def draw(canvas: Canvas, document: SimpleDocTemplate) -> None:
        canvas.setFont(PLAIN, 7)
        canvas.drawString(MARGIN, 34, "Procedure codes are CPT/HCPCS codes; the wording is the clinic's own.")
        canvas.drawString(MARGIN, 24, f"Superbill {body['number']}, version {body['version']}")
        canvas.drawRightString(LETTER[0] - MARGIN, 24, f"Page {document.page}")

    return draw


def _story(body: Body) -> list[Any]:
    clinic, site, patient, provider = body["clinic"], body["site"], body["patient"], body["provider"]
    insurance, service, totals = body["insurance"], body["service"], body["totals"]
    return [
        Paragraph("SAMPLE DATA. Not a real patient or clinic; do not submit to an insurer.", STRONG),
        _head(body, clinic, site),
        _pair(
            _box("PATIENT", (
                ("Name", patient["name"]), ("Date of birth", patient["born_on"]),
                ("Address", _address(patient["address"])), ("Phone", patient["phone"]),
                ("Patient no.", str(patient["number"])),
            )),
            _box("HEALTH PLAN", (
                ("Health plan", insurance["payer"]), ("Payer ID", insurance["payer_id"]),
                ("Subscriber", insurance["subscriber"]), ("Relationship", insurance["relationship"]),
                ("Member ID", insurance["member_id"]), ("Group", insurance["group"]),
            )),
        ),
        _pair(
            _box("RENDERING PROVIDER", (
                ("Name", f"{provider['name']}, {provider['credentials']}"), ("NPI", provider["npi"]),
                ("License", f"{provider['license_number']} ({provider['license_state']})"),
                ("Referred by", body["referring_provider"] or "No referring provider"),
            )),
            _box("BILLING PROVIDER", (
                ("Legal name", clinic["name"]), ("Tax ID (TIN)", clinic["tin"]), ("NPI", clinic["npi"]),
                ("Taxonomy", clinic["taxonomy"]), ("Address", _address(clinic["address"])),
            )),
        ),
        _strip((
            ("Date of service", service["on"]), ("Place of service", f"{service['place']} (office)"),
            ("Start and stop", f"{service['started']}-{service['stopped']} ({service['minutes']} minutes)"),
            ("Patient control number", body["control_number"]),
        )),
        _box("DIAGNOSES (ICD-10-CM)", [(each["pointer"], each["code"]) for each in body["diagnoses"]], INNER),
        Spacer(0, 6),
        _lines(body["lines"]),
        _pair(
            _box("Payments received", [(paid["on"], _dollars(paid["cents"])) for paid in body["payments"]]),
            _box("Amounts", [(name, _dollars(cents)) for name, cents in totals.items()]),
        ),
        _box("REQUEST TO THE HEALTH PLAN", (("", body["statement"]),), INNER),
        Spacer(0, 30),
        Paragraph(f"Signature of {provider['name']}, {provider['credentials']}", SMALL),
    ]  # fmt: skip


def _head(body: Body, clinic: Body, site: Body) -> Table:
    left = [Paragraph(clinic["trade_name"], LARGE), Paragraph(_address(site["address"]), TEXT)]
    left += [Paragraph(f"Phone {site['phone']}", TEXT), Paragraph("Itemized statement of services.", SMALL)]
    right = [Paragraph("SUPERBILL", LARGE), Paragraph(f"No. {body['number']}", STRONG)]
    right += [Paragraph(f"Version {body['version']}, issued {body['issued_on']}", TEXT)]
    return Table(
        [[left, right]], colWidths=(INNER * 0.7, INNER * 0.3), style=[("VALIGN", (0, 0), (-1, -1), "TOP")]
    )


def _pair(left: Table, right: Table) -> Table:
    return Table(
        [[left, right]], colWidths=(INNER / 2, INNER / 2), style=[("VALIGN", (0, 0), (-1, -1), "TOP")]
    )


def _box(title: str, rows: Rows, width: float = INNER / 2 - 12) -> Table:
    cells = [[Paragraph(title, STRONG), ""]]
    cells += [[Paragraph(label, SMALL), Paragraph(text, TEXT)] for label, text in rows]
    style = [
        ("BOX", (0, 0), (-1, -1), 0.6, RULE),
        ("BACKGROUND", (0, 0), (-1, 0), SHADE),
        ("SPAN", (0, 0), (-1, 0)),
    ]
    return Table(cells, colWidths=(74, width - 74), style=[*style, *_TIGHT])


def _strip(facts: Rows) -> Table:
    cells = [[Paragraph(label, SMALL) for label, _ in facts], [Paragraph(text, STRONG) for _, text in facts]]
    return Table(
        cells, colWidths=(105, 105, 170, 152), style=[("BACKGROUND", (0, 0), (-1, -1), SHADE), *_TIGHT]
    )


def _lines(lines: Sequence[Body]) -> Table:
    cells = [[Paragraph(head, WHITE) for head in HEADS]]
    for line in lines:
        text = line["description"]
        if ndc := line["ndc"]:
            text += f"<br/>NDC {ndc['code']}, {ndc['quantity']} {ndc['unit']}"
        row = (
            line["on"], line["place"], line["code"], " ".join(line["modifiers"]), line["pointers"], text,
            line["time"], str(line["units"]), _dollars(line["charge_cents"]),
        )  # fmt: skip
        cells.append([Paragraph(cell, TEXT) for cell in row])
    style = [("BACKGROUND", (0, 0), (-1, 0), INK), ("LINEBELOW", (0, 1), (-1, -1), 0.4, RULE)]
    return Table(cells, colWidths=WIDTHS, repeatRows=1, style=[*style, *_TIGHT])


_TIGHT = [("TOPPADDING", (0, 0), (-1, -1), 1), ("BOTTOMPADDING", (0, 0), (-1, -1), 1)]


def _address(address: Body) -> str:
    town = f"{address['city']}, {address['state']} {address['postal_code']}"
    return "<br/>".join(line for line in (address["line1"], address["line2"], town) if line)


def _dollars(cents: int) -> str:
    return f"${cents / 100:,.2f}"
