"""A patient's statement over HTTP: for a period, and for a year; as JSON and as PDF."""

from __future__ import annotations

from datetime import date

from flask import Response

from billing.accounting.ports import RenderStatement, RenderYearEnd
from billing.accounting.queries.statements import statement_for, year_end_for
from billing.accounting.records.statements import Statement
from billing.accounting.records.year_statements import YearEnd
from billing.accounting.schemas.statements import StatementQuery, StatementView, YearEndView, YearQuery
from billing.kernel.permissions import Permission
from billing.platform.http.api import ApiBlueprint
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.platform.http.papers import PDF, pdf_answer


def add_statement_routes(
    routes: ApiBlueprint, edge: Edge, render: RenderStatement, render_year: RenderYearEnd
) -> None:
    @routes.route("/patients/<patient_id>/statement", methods=["GET"])
    @routes.arguments(StatementQuery, location="query")
    @routes.response(200, StatementView)
    @guard(Permission.STATEMENTS_READ)
    def show_statement(query: dict[str, date | None], patient_id: str) -> Statement:
        """What a patient owes as things stand, may expect, and got back in the period."""
        return look_at_statement(edge, patient_id, **query)

    @routes.route("/patients/<patient_id>/statement.pdf", methods=["GET"])
    @routes.arguments(StatementQuery, location="query")
    @routes.doc(responses=PDF)  # type: ignore[untyped-decorator]
    @guard(Permission.STATEMENTS_READ)
    def show_statement_pdf(query: dict[str, date | None], patient_id: str) -> Response:
        """The same as a PDF, drawn now."""
        return statement_pdf(render, look_at_statement(edge, patient_id, **query))

    @routes.route("/patients/<patient_id>/year-statement", methods=["GET"])
    @routes.arguments(YearQuery, location="query")
    @routes.response(200, YearEndView)
    @guard(Permission.STATEMENTS_READ)
    def show_year(query: dict[str, int | None], patient_id: str) -> YearEnd:
        """A year by date paid and by date of service, net of refunds and insurers' money."""
        return look_at_year(edge, patient_id, **query)

    @routes.route("/patients/<patient_id>/year-statement.pdf", methods=["GET"])
    @routes.arguments(YearQuery, location="query")
    @routes.doc(responses=PDF)  # type: ignore[untyped-decorator]
    @guard(Permission.STATEMENTS_READ)
    def show_year_pdf(query: dict[str, int | None], patient_id: str) -> Response:
        """The same as a PDF, drawn now."""
        return year_pdf(render_year, look_at_year(edge, patient_id, **query))


def look_at_statement(
    edge: Edge, patient_id: str, starts_on: date | None = None, ends_on: date | None = None
) -> Statement:
    """Raises: NoSuchPatient, BadPeriod."""
    actor, now = current_actor(), edge.clock()
    return edge.audited_read(
        lambda read: statement_for(read, patient_id, starts_on, ends_on, actor=actor, now=now),
        actor=actor,
        action="statement.read",
        subject_id=patient_id,
    )


def look_at_year(edge: Edge, patient_id: str, year: int | None = None) -> YearEnd:
    """Raises: NoSuchPatient, BadPeriod."""
    actor, now = current_actor(), edge.clock()
    return edge.audited_read(
        lambda read: year_end_for(read, patient_id, year, actor=actor, now=now),
        actor=actor,
        action="statement.read-year",
        subject_id=patient_id,
    )


def statement_pdf(render: RenderStatement, statement: Statement) -> Response:
    period = statement.period
    return pdf_answer(render(statement), f"statement-{period.starts_on}-{period.ends_on}")


def year_pdf(render: RenderYearEnd, year_end: YearEnd) -> Response:
    return pdf_answer(render(year_end), f"statement-{year_end.year}")
