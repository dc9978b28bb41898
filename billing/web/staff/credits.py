"""A patient's credit taken off an invoice, moved to another one, or given back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug import Response

from billing.invoices.queries import find_invoice
from billing.kernel.errors import Flaw
from billing.kernel.money import Money
from billing.kernel.permissions import Actor, Permission
from billing.payments.errors import MoreThanAvailable, RefundableChanged
from billing.payments.queries.credits import find_application, find_credit
from billing.payments.queries.disputes import disputed_payments
from billing.payments.queries.payments import list_payments, of_health_account
from billing.payments.queries.refunds import approved_by_itself
from billing.payments.records.credits import CreditLot, Election
from billing.payments.records.payments import Payment
from billing.payments.records.refunds import RefundMethod
from billing.payments.rules.refunds import LATELY, goes_back_by, needs_second_person
from billing.payments.use_cases.refunds import request_refund
from billing.payments.use_cases.unapply import move_credit, unapply
from billing.platform.data.database import Read, Tx
from billing.platform.http.edge import Edge
from billing.platform.http.errors import InvalidRequest
from billing.platform.http.guard import current_actor, guard
from billing.web import words
from billing.web.forms import amount_of, written
from billing.web.patient_words import name_of
from billing.web.refusals import REFUSED, believed, shown_again
from billing.web.staff.account import why_not
from billing.web.staff.refunds import payer_of

FORM, CONFIRM = "staff/credit_refund_ask.html", "staff/credit_refund_confirm.html"
BY_CHECK = "check"
"""In the place of a card payment's id."""
MOST_CARDS = 100
CHANGED = "This credit changed meanwhile. Look at it again, then repeat what you wanted."


@dataclass(frozen=True, kw_only=True)
class Held:
    """A credit, the card payments that it could go back to, and why it cannot go back at all."""

    lot: CreditLot
    name: str
    payer: str | None
    """Whose money it is, when it is not the patient's."""
    cards: Sequence[Payment]
    from_health_account: bool
    why_not: str | None


@dataclass(frozen=True)
class Wish:
    amount: Money
    available: Money
    payment: Payment | None

    @property
    def method(self) -> RefundMethod:
        return RefundMethod.CARD if self.payment else RefundMethod.CHECK


def make_blueprint(edge: Edge, limit: Money) -> Blueprint:
    routes = Blueprint("staff_credits", __name__)
    _add_uses(routes, edge)
    _add_refunds(routes, edge, limit)
    return routes


def _add_uses(routes: Blueprint, edge: Edge) -> None:
    @routes.post("/staff/credit-applications/<application_id>/reverse")
    @guard(Permission.CREDITS_WRITE)
    def reverse(application_id: str) -> Response:
        actor, now = current_actor(), edge.clock()

        def work(tx: Tx) -> None:
            unapply(tx, application_id=application_id, undone=believed("undone"), actor=actor, now=now)

        return _back_with(edge, application_id, work, "It is credit again, and the invoice owes it.")

    @routes.post("/staff/credit-applications/<application_id>/move")
    @guard(Permission.CREDITS_WRITE)
    def move(application_id: str) -> Response:
        actor, now = current_actor(), edge.clock()

        def work(tx: Tx) -> None:
            move_credit(
                tx,
                application_id=application_id,
                invoice_id=request.form.get("invoice_id", ""),
                undone=believed("undone"),
                actor=actor,
                now=now,
            )

        return _back_with(edge, application_id, work, "The credit pays the other invoice now.")


def _add_refunds(routes: Blueprint, edge: Edge, limit: Money) -> None:
    @routes.get("/staff/credits/<lot_id>/refunds/new")
    @guard(Permission.REFUNDS_REQUEST)
    def ask(lot_id: str) -> str:
        return render_template(FORM, **_page(edge, lot_id))

    @routes.get("/staff/credits/<lot_id>/refunds/look")
    @guard(Permission.REFUNDS_REQUEST)
    def look(lot_id: str) -> str | tuple[str, int]:
        """What would happen, in words; nothing does yet."""
        page, since = _page(edge, lot_id), edge.clock() - LATELY
        held: Held = page["held"]
        try:
            wish = _wish(held)
            if wish.available != held.lot.available:
                raise RefundableChanged(CHANGED)
            if wish.amount > held.lot.available:
                raise MoreThanAvailable(f"At most {held.lot.available} of this credit is left.")
        except REFUSED as error:
            return shown_again(FORM, error, **page)
        lately = edge.read(lambda read: approved_by_itself(read, held.lot.patient_id, since))
        needs_approval = needs_second_person(wish.amount, lately, limit)
        return render_template(
            CONFIRM, wish=wish, needs_approval=needs_approval, limit=limit, lately=lately, **page
        )

    @routes.post("/staff/credits/<lot_id>/refunds")
    @guard(Permission.REFUNDS_REQUEST)
    def give_back(lot_id: str) -> Response | tuple[str, int]:
        page, actor, now = _page(edge, lot_id), current_actor(), edge.clock()

        def work(tx: Tx) -> str:
            wish = _wish(page["held"])
            refund = request_refund(
                tx,
                lot_id=lot_id,
                amount=wish.amount,
                available=wish.available,
                payment_id=wish.payment.id if wish.payment else None,
                limit=limit,
                actor=actor,
                now=now,
            )
            return url_for("staff_refunds.refund", refund_id=refund.id)

        try:
            return redirect(written(edge, work), 303)
        except REFUSED as error:
            return shown_again(FORM, error, **_page(edge, lot_id))


def _back_with(edge: Edge, application_id: str, work: Callable[[Tx], None], done: str) -> Response:
    actor = current_actor()

    def of_patient(read: Read) -> str:
        return find_invoice(read, find_application(read, application_id, actor).invoice_id, actor).patient_id

    page = url_for("staff_account.account", patient_id=edge.read(of_patient), _anchor="credits-title")

    def lead(tx: Tx) -> str:
        work(tx)
        return page

    try:
        written(edge, lead)
    except REFUSED as error:
        flash(error.detail, "refused")
    else:
        flash(done, "done")
    return redirect(page, 303)


def _page(edge: Edge, lot_id: str) -> dict[str, Any]:
    actor = current_actor()
    held = edge.audited_read(
        lambda read: _held(read, lot_id, actor), actor=actor, action="page.refund", subject_id=lot_id
    )
    return {"held": held, "words": words, "BY_CHECK": BY_CHECK}


def _held(read: Read, lot_id: str, actor: Actor) -> Held:
    """Raises: NoSuchCredit."""
    lot = find_credit(read, lot_id, actor)
    disputed = disputed_payments(read, lot.patient_id)
    paid = list_payments(read, actor, patient_id=lot.patient_id, limit=MOST_CARDS)
    cards = [
        each
        for each in paid
        if goes_back_by(each.tender) is RefundMethod.CARD
        and why_not(each, disputed) is None
        and lot.origin_payment_id in (None, each.id)
        and lot.payer_id == each.payer_id
    ]
    return Held(
        lot=lot,
        name=name_of(read, lot.patient_id, actor),
        payer=payer_of(read, lot.payer_id, actor),
        cards=cards,
        from_health_account=of_health_account(read, lot),
        why_not=_why_not(lot, is_disputed=bool(disputed)),
    )


def _why_not(lot: CreditLot, *, is_disputed: bool) -> str | None:
    if not lot.available:
        return "Nothing of it is left."
    if is_disputed:
        return "A bank disputes a payment of this patient. Refunds wait until it has decided."
    if lot.elected_at is not None and lot.election is Election.CREDIT:
        return "The patient chose to have it taken off the next invoice. Record another choice first."
    return None


def _wish(held: Held) -> Wish:
    """Raises: InvalidRequest."""
    return Wish(
        amount=amount_of(request.values.get("amount", "")),
        available=believed("available"),
        payment=_target(held),
    )


def _target(held: Held) -> Payment | None:
    """The card payment it goes back to, or none for a check. Raises: InvalidRequest."""
    chosen = request.values.get("target", "")
    found = next((each for each in held.cards if each.id == chosen), None)
    if found is None and chosen != BY_CHECK:
        message = "Choose where it goes."
        raise InvalidRequest(message, [Flaw("/target", message)])
    return found
