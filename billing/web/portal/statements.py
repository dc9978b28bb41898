"""/pay/<token>/statement: a patient's statement for who has the link and knows the birth date.

How it opens: birth_dates. Each look at it is on the trail.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from flask import Blueprint, redirect, render_template, request
from werkzeug import Response

from billing.accounting.api.statements import statement_pdf, year_pdf
from billing.accounting.ports import RenderStatement, RenderYearEnd
from billing.accounting.queries.statement_links import LINK_PURPOSE, holder_of_statement_link
from billing.accounting.queries.statements import statement_for, year_end_for
from billing.accounting.records.statement_links import StatementHolder
from billing.accounting.records.statements import Statement
from billing.accounting.records.year_statements import YearEnd
from billing.accounting.rules import statement_words as words
from billing.accounting.use_cases.statement_links import open_statement_link
from billing.platform.data.database import Read
from billing.platform.http.edge import Edge
from billing.web import statement_tables as tables
from billing.web.periods import day_in_query, year_in_query
from billing.web.portal.birth_dates import WRONG, Door
from billing.web.refusals import REFUSED, shown_again

PUBLIC_ENDPOINTS = frozenset({
    "statement.show", "statement.open_it", "statement.pdf", "statement.year", "statement.pdf_of_year",
})  # fmt: skip
PAGE, YEAR_PAGE = "portal/statement.html", "portal/year_statement.html"

T = TypeVar("T")


def make_blueprint(edge: Edge, render: RenderStatement, render_year: RenderYearEnd) -> Blueprint:
    routes = Blueprint("statement", __name__)
    door = Door(
        edge=edge,
        name="statement",
        purpose=LINK_PURPOSE,
        open_link=open_statement_link,
        title="Your statement",
        heading="Your statement",
        button="Open the statement",
        refused=f"This did not open a statement. {WRONG}; ask the clinic for a new one.",
    )

    @routes.get("/pay/<token>/statement")
    def show(token: str) -> str | tuple[str, int]:
        return _page(door, token, PAGE, _statement)

    @routes.post("/pay/<token>/statement")
    def open_it(token: str) -> Response | tuple[str, int]:
        return door.open_it(token)

    @routes.get("/pay/<token>/statement.pdf")
    def pdf(token: str) -> Response:
        found = _found(door, token, _statement)
        return statement_pdf(render, found) if found else redirect(f"/pay/{token}/statement", 303)

    @routes.get("/pay/<token>/year-statement")
    def year(token: str) -> str | tuple[str, int]:
        return _page(door, token, YEAR_PAGE, _year)

    @routes.get("/pay/<token>/year-statement.pdf")
    def pdf_of_year(token: str) -> Response:
        found = _found(door, token, _year)
        return year_pdf(render_year, found) if found else redirect(f"/pay/{token}/statement", 303)

    return routes


def _page(
    door: Door, token: str, page: str, look: Callable[[Read, StatementHolder, datetime], Statement | YearEnd]
) -> str | tuple[str, int]:
    shown: dict[str, Any] = {"token": token, "words": words, "tables": tables, "asked": request.args}
    try:
        found = _found(door, token, look)
    except REFUSED as error:
        return shown_again(page, error, **shown, statement=None)
    if found is None:
        return door.ask(token)
    return render_template(page, **shown, statement=found)


def _statement(read: Read, holder: StatementHolder, now: datetime) -> Statement:
    """Raises: InvalidRequest, BadPeriod."""
    first, last = day_in_query("from"), day_in_query("to")
    return statement_for(read, holder.patient_id, first, last, actor=holder.actor, now=now)


def _year(read: Read, holder: StatementHolder, now: datetime) -> YearEnd:
    """Raises: InvalidRequest, BadPeriod."""
    return year_end_for(read, holder.patient_id, year_in_query(), actor=holder.actor, now=now)


def _found(door: Door, token: str, look: Callable[[Read, StatementHolder, datetime], T]) -> T | None:
    """What this visitor may see, when they opened this very link a short while ago."""
    link_id, edge = door.opened(token), door.edge
    if link_id is None:
        return None
    now = edge.clock()
    holder = edge.read(lambda read: holder_of_statement_link(read, link_id, now))
    if holder is None:
        return None
    return edge.audited_read(
        lambda read: look(read, holder, now),
        actor=holder.actor,
        action="statement.read",
        subject_id=holder.patient_id,
    )
