"""What is done about a payer's part: their money, their own link, a denial, and its end."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug import Response

from billing.invoices.errors import MoreThanOwed
from billing.invoices.records import Bearer, EndReason, PayerShare
from billing.invoices.use_cases.end_share import agree_to_end, ask_to_end, deny_share, keep_share
from billing.kernel.errors import BillingError, IllegalMove
from billing.kernel.permissions import Permission
from billing.payments.use_cases.links import make_payers_link
from billing.payments.use_cases.payer_payments import (
    take_payers_cash,
    take_payers_check,
    take_payers_transfer,
)
from billing.platform.data.database import Tx
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.web.forms import amount_of, written
from billing.web.refusals import REFUSED, check_number, choice_of, date_of, shown_again, text_of
from billing.web.staff.shares import part_page

PAGE = "staff/share.html"
TAKEN = "The payer's money is booked. What exceeds their part is held for them."
CHANGED = "Somebody decided about this part meanwhile. Look at it again."
CHOOSE_TENDER = "Choose how they paid."
CHOOSE_REASON = "Choose why it ends."
CHOOSE_BEARER = "Choose who bears what is unpaid."


class Brought(StrEnum):
    """What a payer may hand over at the desk."""

    CASH = "cash"
    CHECK = "check"


def make_blueprint(edge: Edge) -> Blueprint:
    routes = Blueprint("staff_share_deeds", __name__)
    _add_money(routes, edge)
    _add_link(routes, edge)
    _add_ending(routes, edge)
    _add_decisions(routes, edge)
    return routes


def _add_money(routes: Blueprint, edge: Edge) -> None:
    @routes.post("/staff/payer-shares/<share_id>/payments")
    @guard(Permission.PAYMENTS_TAKE)
    def take(share_id: str) -> Response | tuple[str, int]:
        """Cash or a check at the desk."""

        def work(tx: Tx) -> None:
            actor, now = current_actor(), edge.clock()
            amount = amount_of(request.form.get("amount", ""))
            if choice_of(Brought, "tender", CHOOSE_TENDER) is Brought.CASH:
                take_payers_cash(tx, share_id=share_id, amount=amount, actor=actor, now=now)
                return
            take_payers_check(
                tx,
                share_id=share_id,
                amount=amount,
                number=check_number(),
                dated_on=date_of("dated_on"),
                is_another="another" in request.form,
                actor=actor,
                now=now,
            )

        return _done_or_shown(edge, share_id, work, TAKEN)

    @routes.post("/staff/payer-shares/<share_id>/transfers")
    @guard(Permission.CREDITS_WRITE)
    def transfer(share_id: str) -> Response | tuple[str, int]:
        """What came to the clinic's bank account by itself."""

        def work(tx: Tx) -> None:
            take_payers_transfer(
                tx,
                share_id=share_id,
                amount=amount_of(request.form.get("transferred", ""), "transferred"),
                reference=text_of("reference", 40),
                is_another="another_transfer" in request.form,
                actor=current_actor(),
                now=edge.clock(),
            )

        return _done_or_shown(edge, share_id, work, TAKEN)


def _add_link(routes: Blueprint, edge: Edge) -> None:
    @routes.post("/staff/payer-shares/<share_id>/pay-link")
    @guard(Permission.PAYMENTS_TAKE)
    def pay_link(share_id: str) -> str | Response:
        """Show a new link, this once; only its hash is kept."""
        try:
            link, secret = edge.database.in_transaction(
                lambda tx: make_payers_link(tx, share_id=share_id, actor=current_actor(), now=edge.clock())
            )
        except MoreThanOwed as refusal:
            flash(refusal.detail, "refused")
            return redirect(url_for("staff_shares.share", share_id=share_id), 303)
        return render_template(
            "staff/pay_link.html",
            link=link,
            url=f"{edge.public_url}/pay/{secret}",
            back=url_for("staff_shares.share", share_id=share_id),
            to="payer",
        )


def _add_ending(routes: Blueprint, edge: Edge) -> None:
    @routes.post("/staff/payer-shares/<share_id>/deny")
    @guard(Permission.PAYERS_WRITE)
    def deny(share_id: str) -> Response | tuple[str, int]:
        return _done_or_shown(
            edge,
            share_id,
            _on(edge, deny_share, share_id),
            "The denial is recorded. A task asks somebody to appeal, or to have the part ended.",
        )

    @routes.post("/staff/payer-shares/<share_id>/end")
    @guard(Permission.PAYERS_WRITE)
    def end(share_id: str) -> Response | tuple[str, int]:
        def work(tx: Tx) -> None:
            ask_to_end(
                tx,
                share_id=share_id,
                reason=choice_of(EndReason, "ending", CHOOSE_REASON),
                borne_by=choice_of(Bearer, "borne_by", CHOOSE_BEARER),
                actor=current_actor(),
                now=edge.clock(),
            )

        return _done_or_shown(edge, share_id, work, "It is recorded. How the part stands now is said below.")


def _add_decisions(routes: Blueprint, edge: Edge) -> None:
    @routes.post("/staff/payer-shares/<share_id>/end/approve")
    @guard(Permission.REFUNDS_APPROVE)
    def approve(share_id: str) -> Response:
        return _decided(edge, _on(edge, agree_to_end, share_id), "The part is ended.")

    @routes.post("/staff/payer-shares/<share_id>/end/reject")
    @guard(Permission.REFUNDS_APPROVE)
    def reject(share_id: str) -> Response:
        return _decided(edge, _on(edge, keep_share, share_id), "The part stays as it was agreed.")


def _on(edge: Edge, decide: Callable[..., PayerShare], share_id: str) -> Callable[[Tx], object]:
    return lambda tx: decide(tx, share_id=share_id, actor=current_actor(), now=edge.clock())


def _done_or_shown(
    edge: Edge, share_id: str, work: Callable[[Tx], object], done: str
) -> Response | tuple[str, int]:
    page = url_for("staff_shares.share", share_id=share_id)

    def lead(tx: Tx) -> str:
        work(tx)
        return page

    try:
        to = written(edge, lead)
    except REFUSED as error:
        return shown_again(PAGE, error, **part_page(edge, share_id))
    flash(done, "done")
    return redirect(to, 303)


def _decided(edge: Edge, work: Callable[[Tx], object], done: str) -> Response:
    page = url_for("staff_approvals.approvals")

    def lead(tx: Tx) -> str:
        work(tx)
        return page

    try:
        written(edge, lead)
    except REFUSED as error:
        flash(_in_words(error), "refused")
    else:
        flash(done, "done")
    return redirect(page, 303)


def _in_words(error: BillingError) -> str:
    return CHANGED if isinstance(error, IllegalMove) else error.detail
