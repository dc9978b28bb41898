"""Checks that refunds go out by: /staff/outstanding-checks, and what is done on a refund's page."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug import Response

from billing.catalog.queries import site_date
from billing.invoices.queries import find_payer
from billing.kernel.ids import id_pattern
from billing.kernel.permissions import Actor, Permission
from billing.payments.flows.refund_checks import cash_or_ask
from billing.payments.queries.refund_checks import outstanding_checks, outstanding_total
from billing.payments.queries.refunds import unwritten_checks
from billing.payments.records.refund_checks import OutstandingCheck
from billing.payments.records.refunds import Refund
from billing.payments.use_cases.refund_checks import (
    cash_check,
    send_check,
    settle_by_voided_check,
    take_back_cashing,
    void_check,
)
from billing.platform.data.database import Read, Tx
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.web.forms import written
from billing.web.patient_words import OF_ANOTHER_SITE, called
from billing.web.refusals import REFUSED, check_number, date_of, shown_again
from billing.web.staff.refunds import followed_page

MOST = 100
A_CHECK = re.compile(id_pattern("ref"))


def make_blueprint(edge: Edge) -> Blueprint:
    routes = Blueprint("staff_refund_checks", __name__)
    _add_writing(routes, edge)
    _add_voiding(routes, edge)
    _add_cashing(routes, edge)
    return routes


def _add_writing(routes: Blueprint, edge: Edge) -> None:
    @routes.post("/staff/refunds/<refund_id>/check")
    @guard(Permission.REFUNDS_REQUEST)
    def check(refund_id: str) -> Response | tuple[str, int]:
        """The check was written and goes out today."""
        actor, now = current_actor(), edge.clock()

        def work(tx: Tx) -> str:
            send_check(tx, refund_id=refund_id, check_number=check_number(), actor=actor, now=now)
            return _page_of(refund_id)

        return _done_or_shown(edge, lambda: written(edge, work), refund_id, "The check is recorded.")


def _add_voiding(routes: Blueprint, edge: Edge) -> None:
    @routes.post("/staff/refunds/<refund_id>/void-check")
    @guard(Permission.REFUNDS_APPROVE)
    def void(refund_id: str) -> Response | tuple[str, int]:
        actor, now = current_actor(), edge.clock()

        def work(tx: Tx) -> str:
            void_check(tx, refund_id=refund_id, actor=actor, now=now)
            return _page_of(refund_id)

        return _done_or_shown(edge, lambda: written(edge, work), refund_id, "The check is void.")

    @routes.post("/staff/refunds/<refund_id>/settle")
    @guard(Permission.REFUNDS_APPROVE)
    def settle(refund_id: str) -> Response | tuple[str, int]:
        actor, now = current_actor(), edge.clock()

        def work(tx: Tx) -> str:
            settle_by_voided_check(tx, refund_id=refund_id, actor=actor, now=now)
            return _page_of(refund_id)

        return _done_or_shown(
            edge, lambda: written(edge, work), refund_id, "It is settled. Nothing goes out any more."
        )


def _add_cashing(routes: Blueprint, edge: Edge) -> None:
    @routes.get("/staff/outstanding-checks")
    @guard(Permission.REFUNDS_READ)
    def outstanding() -> str:
        return render_template("staff/outstanding_checks.html", **_outstanding_page(edge))

    @routes.post("/staff/refunds/<refund_id>/cashed")
    @guard(Permission.LEDGER_WRITE)
    def cash(refund_id: str) -> Response | tuple[str, int]:
        actor, now = current_actor(), edge.clock()

        def work(tx: Tx) -> str:
            cash_check(tx, refund_id=refund_id, cashed_on=date_of("cashed_on"), actor=actor, now=now)
            return url_for("staff_refund_checks.outstanding")

        def cash_it() -> str:
            return cash_or_ask(
                edge.database, lambda: written(edge, work), refund_id=refund_id, actor=actor, now=now
            )

        return _done_or_shown(edge, cash_it, refund_id, "It is recorded that the bank paid the check.")

    @routes.post("/staff/refunds/<refund_id>/not-cashed")
    @guard(Permission.LEDGER_WRITE)
    def not_cashed(refund_id: str) -> Response | tuple[str, int]:
        actor, now = current_actor(), edge.clock()

        def work(tx: Tx) -> str:
            take_back_cashing(tx, refund_id=refund_id, actor=actor, now=now)
            return _page_of(refund_id)

        return _done_or_shown(edge, lambda: written(edge, work), refund_id, "The check is outstanding again.")


def _done_or_shown(
    edge: Edge, write: Callable[[], str], refund_id: str, done: str
) -> Response | tuple[str, int]:
    try:
        to = write()
    except REFUSED as error:
        return shown_again("staff/refund.html", error, **followed_page(edge, refund_id))
    flash(done, "done")
    return redirect(to, 303)


def _page_of(refund_id: str) -> str:
    return url_for("staff_refunds.refund", refund_id=refund_id)


def _outstanding_page(edge: Edge) -> dict[str, Any]:
    """A page of them, those after the check that `after` names."""
    actor, now = current_actor(), edge.clock()
    after = A_CHECK.fullmatch(request.args.get("after", ""))
    page = edge.audited_read(
        lambda read: _outstanding(read, after and after[0], actor, now),
        actor=actor,
        action="page.outstanding_checks",
        subject_id=actor.id,
    )
    return {**page, "is_first": after is None, "may_cash": actor.may(Permission.LEDGER_WRITE)}


def _outstanding(read: Read, cursor: str | None, actor: Actor, now: datetime) -> dict[str, Any]:
    checks = outstanding_checks(read, actor, now, cursor=cursor, limit=MOST + 1)
    unwritten, to_write = unwritten_checks(read, actor, limit=MOST)
    return {
        "unwritten": unwritten,
        "to_write": to_write,
        "most": MOST,
        "checks": checks[:MOST],
        "goes_on": len(checks) > MOST,
        "payees": _payees(read, [*checks, *unwritten], actor),
        "today": {each.site_id: site_date(read, each.site_id, now).isoformat() for each in checks},
        "amount": outstanding_total(read, actor),
    }


def _payees(read: Read, checks: Sequence[OutstandingCheck | Refund], actor: Actor) -> Mapping[str, str]:
    """To whom each check is made out, as far as the actor may know."""
    names = called(read, {each.patient_id for each in checks}, actor)
    payer_ids = {each.payer_id for each in checks if each.payer_id}
    reads_payers = actor.may(Permission.PAYERS_READ)
    payers = {key: find_payer(read, key, actor).name for key in payer_ids} if reads_payers else {}
    return {
        each.id: payers.get(each.payer_id, "Another payer")
        if each.payer_id
        else names.get(each.patient_id, OF_ANOTHER_SITE)
        for each in checks
    }
