"""Draws a patient's statement, and their year. The same statement gives the same bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from reportlab.pdfgen.canvas import Canvas

from billing.accounting.records.statements import About, Statement, Visit
from billing.accounting.records.year_statements import YearEnd
from billing.accounting.rules import statement_words as words
from billing.adapters.page_drawing import (
    BOLD,
    CONTINUED,
    GREY,
    HEIGHT,
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
    paginated,
    pair,
    printed,
    stacked,
    text_at,
    wrapped,
)
from billing.adapters.statement_tables import Below, Column, Table, paragraph
from billing.catalog.records import Address
from billing.kernel.clock import day_in_words
from billing.kernel.money import Money

VISITS = Table((
    Column("Date", 96), Column("Visit", 146), Column("List price", 56, True), Column("Discount", 54, True),
    Column("Your price", 56, True), Column("Paid or settled", 66, True), Column("Still owed", 58, True),
))  # fmt: skip
SETTLED = 5
MOVED = Table((Column("Date", 96), Column("What", 340), Column("Amount", 96, True)))
HELD = Table((
    Column("Since", 64), Column("Where it came from", 108), Column("What becomes of it", 100),
    Column("Amount", 52, True), Column("Used", 52, True), Column("Back to you", 52, True),
    Column("Gone", 52, True), Column("Left", 52, True),
))  # fmt: skip
BY_PAYMENT = Table((
    Column("Date", 86), Column("What", 302), Column("You paid", 72, True), Column("Back to you", 72, True),
))  # fmt: skip
BY_VISIT = Table((
    Column("Date of service", 82), Column("Service", 138), Column("Price", 60, True),
    Column("You paid", 62, True), Column("Back to you", 62, True), Column("Insurer to you", 64, True),
    Column("Cost to you", 64, True),
))  # fmt: skip


def render_statement(statement: Statement) -> bytes:
    """The PDF of a statement for a period."""
    about, period = statement.about, statement.period
    rows = [("From", day_in_words(period.starts_on)), ("To", day_in_words(period.ends_on))]
    blocks = [
        _letterhead(about, "STATEMENT", words.PURPOSE),
        *_boxes(about, rows),
        *map(paragraph, words.notices_of(about)),
        *_sums(statement),
        *VISITS.section("Your visits", [_visit(visit) for visit in statement.visits], words.NO_VISITS),
        *_money(statement),
    ]
    return _printed("Statement", about, blocks)


def render_year_end(year_end: YearEnd) -> bytes:
    """The PDF of a year by date paid and by date of service."""
    about = year_end.about
    blocks = [
        _letterhead(about, f"STATEMENT FOR {year_end.year}", words.YEAR_PURPOSE),
        *_boxes(about, [("Year", str(year_end.year))]),
        *map(paragraph, words.notices_of(about)),
        *([paragraph(words.HEALTH_ACCOUNT)] if year_end.has_health_account else []),
        *BY_PAYMENT.section("By date paid", _by_payment(year_end), words.NO_MONEY),
        *BY_VISIT.section("By date of service", _by_visit(year_end), words.NO_VISITS),
        *map(paragraph, words.YEAR_NOTES),
    ]
    return _printed(f"Statement for {year_end.year}", about, blocks)


def _printed(title: str, about: About, blocks: Sequence[Block]) -> bytes:
    pages = paginated(blocks, Block(0, lambda _canvas, _top: None))
    return printed(title, about.clinic.trade_name, pages, partial(_draw_page, title, about))


def _draw_page(
    title: str, about: About, canvas: Canvas, blocks: Sequence[Block], number: int, count: int
) -> None:
    top = HEIGHT - MARGIN
    if number > 1:
        text_at(canvas, MARGIN, top - 8, f"{title}, patient no. {about.number}, continued", BOLD, 9)
        top -= CONTINUED
    stacked(canvas, blocks, top)
    canvas.setStrokeColor(RULE)
    canvas.line(MARGIN, 44, WIDTH - MARGIN, 44)
    told = words.AS_OF.format(day=day_in_words(about.made_on), phone=about.clinic.phone)
    text_at(canvas, MARGIN, 33, told, PLAIN, SMALL, color=GREY)
    page = f"Page {number} of {count}"
    text_at(canvas, WIDTH - MARGIN, 23, page, PLAIN, SMALL, to_the_right=True, color=GREY)


def _letterhead(about: About, title: str, purpose: str) -> Block:
    clinic = about.clinic
    name = wrapped(clinic.trade_name, BOLD, LARGE, 290)
    under = [*_address_lines(clinic.address), f"Phone {clinic.phone}"]
    height = len(name) * LARGE * LEADING + len(under) * NORMAL * LEADING + 34

    def draw(canvas: Canvas, top: float) -> None:
        line = top - LARGE
        for text in name:
            text_at(canvas, MARGIN, line, text, BOLD, LARGE)
            line -= LARGE * LEADING
        for text in under:
            text_at(canvas, MARGIN, line + 4, text, PLAIN, NORMAL)
            line -= NORMAL * LEADING
        text_at(canvas, WIDTH - MARGIN, top - 18, title, BOLD, LARGE, to_the_right=True)
        made = f"As things stand on {day_in_words(about.made_on)}"
        text_at(canvas, WIDTH - MARGIN, top - 34, made, PLAIN, 9, to_the_right=True)
        text_at(canvas, MARGIN, top - height + 12, purpose, PLAIN, SMALL, color=GREY)

    return Block(height, draw)


def _boxes(about: About, period: list[tuple[str, str]]) -> Iterator[Block]:
    clinic = about.clinic
    patient = [("Name", about.patient), ("Patient no.", about.number)]
    legal = [("Clinic", clinic.name), ("Tax id (EIN)", clinic.tin), ("NPI", clinic.npi)]
    yield from pair(box_of("PATIENT", patient), box_of("THIS STATEMENT", [*period, *legal]))


def _sums(statement: Statement) -> Iterator[Block]:
    """The answer first: what is owed, what waits and what came back, each with what it is made of."""
    owed, waits, back = words.sums_in_words(statement.totals)
    for sums in (owed, waits, back):
        rows = [(told, str(amount) if isinstance(amount, Money) else amount) for told, amount in sums.parts]
        yield _sum(sums.title, str(sums.amount), rows)


def _sum(title: str, amount: str, rows: Sequence[tuple[str, str]]) -> Block:
    height = 22 + len(rows) * NORMAL * LEADING + 6

    def draw(canvas: Canvas, top: float) -> None:
        text_at(canvas, MARGIN, top - 15, title, BOLD, 11)
        text_at(canvas, WIDTH - MARGIN, top - 15, amount, BOLD, 11, to_the_right=True)
        line = top - 22 - NORMAL
        for told, part in rows:
            text_at(canvas, MARGIN + 10, line, told, PLAIN, NORMAL)
            text_at(canvas, WIDTH - MARGIN, line, part, PLAIN, NORMAL, to_the_right=True)
            line -= NORMAL * LEADING
        canvas.setStrokeColor(RULE)
        canvas.setLineWidth(0.6)
        canvas.line(MARGIN, top - height + 3, WIDTH - MARGIN, top - height + 3)

    return Block(height, draw)


def _visit(visit: Visit) -> list[Block]:
    texts = (
        words.visit_in_words(visit), visit.description, str(visit.charge), str(visit.discount),
        str(visit.net), str(visit.net - visit.owed), str(visit.owed),
    )  # fmt: skip
    parts = [Below(words.part_in_words(part), str(part.amount), SETTLED) for part in visit.parts]
    answers = [Below(words.answer_in_words(answer)) for answer in visit.answers]
    return VISITS.row(texts, [*parts, *answers])


def _money(statement: Statement) -> Iterator[Block]:
    for package in statement.packages:
        yield paragraph(words.package_in_words(package))
    paid = [(each.on, words.received_in_words(each), each.amount) for each in statement.received]
    yield from MOVED.section(
        "You paid", [MOVED.row((day_in_words(on), what, str(sum_))) for on, what, sum_ in paid], words.NO_PAID
    )
    back = [
        MOVED.row((
            day_in_words(each.on) if each.on else "", words.refund_in_words(each), str(each.amount),
        ))
        for each in statement.refunds
    ]  # fmt: skip
    back += [
        MOVED.row((day_in_words(each.on), words.bank_in_words(each), str(each.amount)))
        for each in statement.banks
    ]
    yield from MOVED.section("Back to you, or on its way", back, words.NO_BACK)
    held = [
        HELD.row((
            day_in_words(each.on), words.source_in_words(each), words.choice_in_words(each),
            str(each.amount), str(each.used), str(each.back), str(each.gone), str(each.left),
        ))
        for each in statement.held
    ]  # fmt: skip
    yield from HELD.section("Held for you", held, words.NO_HELD)


def _by_payment(year_end: YearEnd) -> list[list[Block]]:
    rows = [
        BY_PAYMENT.row((day_in_words(each.on), each.told, _or_blank(each.paid), _or_blank(each.back)))
        for each in year_end.payments
    ]
    if rows:
        told = ("", "In all", str(year_end.paid), str(year_end.back))
        what, amount = words.net_in_words(year_end)
        net = ("", what, str(amount), "")
        rows += [BY_PAYMENT.row(told, is_bold=True), BY_PAYMENT.row(net, is_bold=True)]
    return rows


def _by_visit(year_end: YearEnd) -> list[list[Block]]:
    rows = [
        BY_VISIT.row((
            day_in_words(each.on), each.description, str(each.net), str(each.paid), str(each.back),
            str(each.reimbursed), words.cost_in_words(each.cost),
        ))
        for each in year_end.visits
    ]  # fmt: skip
    if rows:
        told = ("", "In all", "", "", "", "", words.cost_in_words(year_end.cost))
        rows.append(BY_VISIT.row(told, is_bold=True))
    return rows


def _or_blank(amount: Money) -> str:
    return str(amount) if amount else ""


def _address_lines(address: Address) -> list[str]:
    town = f"{address.city}, {address.state} {address.postal_code}"
    return [line for line in (address.line1, address.line2, town) if line]
