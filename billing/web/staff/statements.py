"""/staff/patients/<id>/statement: what a patient owes, may expect and got back; for a period, for a year."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Blueprint, Response, render_template, request

from billing.accounting.api.statements import look_at_statement, look_at_year, statement_pdf, year_pdf
from billing.accounting.ports import RenderStatement, RenderYearEnd
from billing.accounting.rules import statement_words as words
from billing.accounting.use_cases.statement_links import make_statement_link
from billing.kernel.permissions import Permission
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.web import statement_tables as tables
from billing.web.periods import day_in_query, year_in_query
from billing.web.refusals import REFUSED, shown_again

PAGE, YEAR_PAGE = "staff/statement.html", "staff/year_statement.html"


def make_blueprint(edge: Edge, render: RenderStatement, render_year: RenderYearEnd) -> Blueprint:
    routes = Blueprint("staff_statements", __name__)

    @routes.get("/staff/patients/<patient_id>/statement")
    @guard(Permission.STATEMENTS_READ)
    def statement(patient_id: str) -> str | tuple[str, int]:
        try:
            found = look_at_statement(edge, patient_id, *_period())
        except REFUSED as error:
            return shown_again(PAGE, error, **_page(patient_id), statement=None)
        return render_template(PAGE, **_page(patient_id), statement=found)

    @routes.get("/staff/patients/<patient_id>/statement.pdf")
    @guard(Permission.STATEMENTS_READ)
    def pdf(patient_id: str) -> Response:
        return statement_pdf(render, look_at_statement(edge, patient_id, *_period()))

    @routes.get("/staff/patients/<patient_id>/year-statement")
    @guard(Permission.STATEMENTS_READ)
    def year(patient_id: str) -> str | tuple[str, int]:
        try:
            found = look_at_year(edge, patient_id, year_in_query())
        except REFUSED as error:
            return shown_again(YEAR_PAGE, error, **_page(patient_id), statement=None)
        return render_template(YEAR_PAGE, **_page(patient_id), statement=found)

    @routes.get("/staff/patients/<patient_id>/year-statement.pdf")
    @guard(Permission.STATEMENTS_READ)
    def pdf_of_year(patient_id: str) -> Response:
        return year_pdf(render_year, look_at_year(edge, patient_id, year_in_query()))

    @routes.post("/staff/patients/<patient_id>/statement-link")
    @guard(Permission.STATEMENTS_READ)
    def link(patient_id: str) -> str:
        """Show a new link, this once; only its hash is kept."""
        actor, now = current_actor(), edge.clock()
        made, secret = edge.database.in_transaction(
            lambda tx: make_statement_link(tx, patient_id=patient_id, actor=actor, now=now)
        )
        url = f"{edge.public_url}/pay/{secret}/statement"
        of_sites = actor.site_ids is not None
        return render_template("staff/statement_link.html", link=made, url=url, of_sites=of_sites)

    return routes


def _page(patient_id: str) -> dict[str, Any]:
    return {"patient_id": patient_id, "words": words, "tables": tables, "asked": request.args}


def _period() -> tuple[date | None, date | None]:
    """Raises: InvalidRequest."""
    return day_in_query("from"), day_in_query("to")
