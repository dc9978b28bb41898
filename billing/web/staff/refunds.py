"""Give one payment back, and follow a refund: /staff/payments/<id>/refunds/new and /staff/refunds/<id>."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug import Response

from billing.care.queries import find_session
from billing.catalog.queries import site_date
from billing.invoices.errors import NoSuchPayer
from billing.invoices.queries import find_payer
from billing.invoices.records import Payer
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Actor, Permission
from billing.patients.queries import find_patient
from billing.payments.errors import MoreThanAvailable, RefundableChanged
from billing.payments.queries.credits import find_credit
from billing.payments.queries.deposits import never_banked
from billing.payments.queries.disputes import disputed_payments
from billing.payments.queries.gone import after_failure
from billing.payments.queries.payments import find_payment, of_health_accounts, payments_by_id
from billing.payments.queries.receipts import receipts_by_refund
from billing.payments.queries.refunds import (
    approved_by_itself,
    cards_gone,
    find_refund,
    refundable_of,
    replacement_of,
)
from billing.payments.records.payments import Payment
from billing.payments.records.refunds import (
    Gone,
    Refund,
    Refundable,
    RefundableKind,
    RefundableSource,
    RefundMethod,
    RefundReason,
)
from billing.payments.rules.refunds import LATELY, goes_back_by, needs_second_person, take_in_order
from billing.payments.states.refunds import RefundState
from billing.payments.use_cases.refund_payment import refund_payment
from billing.people.queries import list_staff
from billing.platform.data.database import Read, Tx
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.web import words
from billing.web.forms import amount_of, written
from billing.web.patient_words import OF_ANOTHER_SITE, called, name_of
from billing.web.refusals import REFUSED, believed, choice_of, shown_again
from billing.web.staff.account import why_not

CHOOSE_REASON = "Choose why the money goes back."
CHOOSE_WAY = "Choose how it goes back."
ANOTHER_PAYER = "another payer"
ANOTHER_PROGRAM = "another program or office"
"""Said of one whom the actor may not know."""
CAN_BE_STOPPED = frozenset({RefundState.REQUESTED, RefundState.APPROVED})
WENT_OUT = frozenset({RefundState.SENT, RefundState.SUCCEEDED})


@dataclass(frozen=True, kw_only=True)
class Returning:
    """A payment that somebody wants to give back, as it is at this moment."""

    payment: Payment
    name: str
    payer: str | None
    """Who gave it, when it was not the patient."""
    found: Refundable
    why_not: str | None
    is_card_gone: bool

    @property
    def goes_to_card(self) -> bool:
        return goes_back_by(self.payment.tender) is RefundMethod.CARD


@dataclass(frozen=True)
class Wish:
    """What was entered; `refundable` is what the page had shown."""

    amount: Money
    refundable: Money
    reason: RefundReason
    method: RefundMethod


@dataclass(frozen=True, kw_only=True)
class Followed:
    """A refund with what tells people who and what it is about."""

    refund: Refund
    payment: Payment | None
    name: str
    payer: str | None
    """To whom it goes, when not to the patient."""
    asked_by: str
    approved_by: str
    receipt_id: str | None
    replacement_id: str | None
    after: Gone | None
    """What became of the money of one that failed."""
    leaves_health_account: str | None
    """What to know before it goes out, while it can be stopped."""


def make_blueprint(edge: Edge, limit: Money) -> Blueprint:
    routes = Blueprint("staff_refunds", __name__)
    _add_asking(routes, edge, limit)
    _add_following(routes, edge)
    return routes


def _add_asking(routes: Blueprint, edge: Edge, limit: Money) -> None:
    @routes.get("/staff/payments/<payment_id>/refunds/new")
    @guard(Permission.REFUNDS_REQUEST)
    def ask(payment_id: str) -> str:
        return render_template("staff/refund_ask.html", **_form(edge, payment_id))

    @routes.post("/staff/payments/<payment_id>/refunds/look")
    @guard(Permission.REFUNDS_REQUEST)
    def look(payment_id: str) -> str | tuple[str, int]:
        """What would happen, in words; nothing does yet. A POST, so that no reason stands in an address."""
        page = _form(edge, payment_id)
        try:
            wish = _wish(page["returning"])
            _refuse_old_page(page["returning"].found, wish)
        except REFUSED as error:
            return shown_again("staff/refund_ask.html", error, **page)
        now = edge.clock()
        lately = edge.read(
            lambda read: approved_by_itself(read, page["returning"].payment.patient_id, now - LATELY)
        )
        needs_approval = needs_second_person(wish.amount, lately, limit)
        sources = take_in_order(page["returning"].found.sources, wish.amount)
        return render_template(
            "staff/refund_confirm.html",
            wish=wish,
            taken=words.taken_from(sources),
            uncovered=edge.read(lambda read: _days_to_come(read, sources)),
            needs_approval=needs_approval,
            limit=limit,
            lately=lately,
            **page,
        )

    @routes.post("/staff/payments/<payment_id>/refunds")
    @guard(Permission.REFUNDS_REQUEST)
    def give_back(payment_id: str) -> Response | tuple[str, int]:
        page = _form(edge, payment_id)
        actor, now = current_actor(), edge.clock()

        def work(tx: Tx) -> str:
            asked = vars(_wish(page["returning"]))
            refund = refund_payment(tx, payment_id=payment_id, **asked, limit=limit, actor=actor, now=now)
            return url_for("staff_refunds.refund", refund_id=refund.id)

        try:
            return redirect(written(edge, work), 303)
        except REFUSED as error:
            return shown_again("staff/refund_ask.html", error, **_form(edge, payment_id))


def _add_following(routes: Blueprint, edge: Edge) -> None:
    @routes.get("/staff/refunds/<refund_id>")
    @guard(Permission.REFUNDS_READ)
    def refund(refund_id: str) -> str:
        return render_template("staff/refund.html", **followed_page(edge, refund_id))


def _form(edge: Edge, payment_id: str) -> dict[str, Any]:
    actor = current_actor()
    returning = edge.audited_read(
        lambda read: _returning(read, payment_id, actor),
        actor=actor,
        action="page.refund",
        subject_id=payment_id,
    )
    return {"returning": returning, "words": words, "RefundMethod": RefundMethod}


def _returning(read: Read, payment_id: str, actor: Actor) -> Returning:
    """Raises: NoSuchPayment."""
    payment = find_payment(read, payment_id, actor)
    found = refundable_of(read, payment_id, actor)
    was_banked = not never_banked(read, [payment])
    reason = why_not(payment, disputed_payments(read, payment.patient_id), was_banked=was_banked)
    if reason is None and not found.amount:
        reason = "What is left of it was used elsewhere, or is kept as credit for the next invoice"
    return Returning(
        payment=payment,
        name=name_of(read, payment.patient_id, actor),
        payer=payer_of(read, payment.payer_id, actor),
        found=found,
        why_not=reason,
        is_card_gone=bool(cards_gone(read, [payment_id])),
    )


def _days_to_come(read: Read, sources: Iterable[RefundableSource]) -> list[date]:
    """The days of sessions to come that the refund would take money of."""
    to_come = (source.id for source in sources if source.kind is RefundableKind.TO_COME)
    return sorted(find_session(read, session_id, SYSTEM).planned_on for session_id in to_come)


def _wish(returning: Returning) -> Wish:
    """Raises: InvalidRequest."""
    by_card = returning.goes_to_card
    return Wish(
        amount=amount_of(request.form.get("amount", "")),
        refundable=believed("refundable"),
        reason=choice_of(RefundReason, "reason", CHOOSE_REASON),
        method=choice_of(RefundMethod, "method", CHOOSE_WAY) if by_card else RefundMethod.CHECK,
    )


def _refuse_old_page(found: Refundable, wish: Wish) -> None:
    """The same answers as the refund itself would get, before anybody confirms it."""
    if wish.refundable != found.amount:
        raise RefundableChanged("What can go back changed meanwhile. Look at the new amount, then ask again.")
    if wish.amount > found.amount:
        raise MoreThanAvailable(f"At most {found.amount} can go back of this payment.")


def followed_page(edge: Edge, refund_id: str) -> dict[str, Any]:
    """What the page of one refund shows. Raises: NoSuchRefund."""
    actor = current_actor()
    followed = edge.audited_read(
        lambda read: followed_of(read, [find_refund(read, refund_id, actor)], actor)[0],
        actor=actor,
        action="page.refund",
        subject_id=refund_id,
    )
    refund, now = followed.refund, edge.clock()
    is_check = refund.method is RefundMethod.CHECK
    today = edge.read(lambda read: site_date(read, refund.site_id, now))
    return {
        "today": today.isoformat(),
        "followed": followed,
        "held": edge.read(
            lambda read: min(refund.amount, find_credit(read, refund.lot_id, SYSTEM).available)
        ),
        "words": words,
        "may": actor.may,
        "Permission": Permission,
        "is_own": refund.requested_by_person == actor.person,
        "can_decide": refund.state is RefundState.REQUESTED and actor.may(Permission.REFUNDS_APPROVE),
        "is_out": is_check and refund.state in WENT_OUT and refund.cashed_on is None,
        "is_unwritten": is_check and refund.state is RefundState.APPROVED,
        "pay_to": edge.read(lambda read: _pay_to(read, refund, actor)),
    }


def followed_of(read: Read, refunds: Sequence[Refund], actor: Actor) -> list[Followed]:
    """In few statements, however many refunds."""
    people = {each.id: each.email for each in list_staff(read, actor)}
    people[SYSTEM.id] = "nobody else, it was within the limit"
    payments = payments_by_id(read, {each.payment_id for each in refunds if each.payment_id}, actor)
    names = called(read, {each.patient_id for each in refunds}, actor)
    receipts = receipts_by_refund(read, [each.id for each in refunds])
    after = after_failure(read, refunds)
    stays = [each for each in refunds if each.state in CAN_BE_STOPPED]
    by_check = {
        each.lot_id for each in stays if each.payment_id is None and each.method is RefundMethod.CHECK
    }
    of_one = of_health_accounts(read, by_check)
    return [
        Followed(
            refund=refund,
            after=after.get(refund.id),
            leaves_health_account=words.leaves_health_account(
                payments.get(refund.payment_id or ""),
                refund.method,
                is_credit_of_one=refund.payment_id is None and refund.lot_id in of_one,
            )
            if refund.state in CAN_BE_STOPPED
            else None,
            payment=payments.get(refund.payment_id or ""),
            name=names.get(refund.patient_id, OF_ANOTHER_SITE),
            payer=payer_of(read, refund.payer_id, actor),
            asked_by=people.get(refund.requested_by_person, ANOTHER_PROGRAM),
            approved_by=people.get(refund.approved_by or "", ANOTHER_PROGRAM),
            receipt_id=receipts.get(refund.id) if actor.may(Permission.RECEIPTS_READ) else None,
            replacement_id=replacement_of(read, refund.id) if refund.is_voided else None,
        )
        for refund in refunds
    ]


def payer_of(read: Read, payer_id: str | None, actor: Actor) -> str | None:
    """The name of another payer, as far as the actor may know; none for the patient's own money."""
    if payer_id is None:
        return None
    payer = _known_payer(read, payer_id, actor)
    return payer.name if payer else ANOTHER_PAYER


def _known_payer(read: Read, payer_id: str, actor: Actor) -> Payer | None:
    """None for those who may not know it; the money may be at their site and the payer at another one."""
    if not actor.may(Permission.PAYERS_READ):
        return None
    try:
        return find_payer(read, payer_id, actor)
    except NoSuchPayer:
        return None


def _pay_to(read: Read, refund: Refund, actor: Actor) -> str | None:
    """Whose name stands on a check, a payer's with how to reach them; none for those who may not know."""
    if refund.payer_id is not None:
        payer = _known_payer(read, refund.payer_id, actor)
        return f"{payer.name}, {payer.contact}" if payer else None
    if not actor.may(Permission.PATIENTS_READ):
        return None
    patient = find_patient(read, refund.patient_id, actor)
    return f"{patient.given_name} {patient.family_name}"
