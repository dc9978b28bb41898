"""A deposit taken at the desk: /staff/patients/<id>/deposits/new."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug import Response

from billing.catalog.errors import NoScheduleInForce
from billing.catalog.queries import schedule_in_force, site_date
from billing.kernel.money import Money
from billing.kernel.permissions import Actor, Permission
from billing.patients.errors import AccountOnHold
from billing.patients.queries import find_patient, is_on_hold
from billing.patients.records import Patient
from billing.payments.errors.deposit_requests import DepositNotAsked
from billing.payments.flows.deposit_requests import start_deposit, withdraw_deposit
from billing.payments.flows.room import Payments
from billing.payments.ports import GatewayRefused, GatewayTimeout
from billing.payments.queries.checkouts import refused_debits, standing_checkout
from billing.payments.queries.deposit_requests import find_deposit_request, list_deposit_requests
from billing.payments.records.checkouts import Checkout, Way
from billing.payments.records.deposit_requests import DepositRequest
from billing.payments.records.payments import Tender
from billing.payments.records.tenders import Handed, Rest
from billing.payments.states.checkouts import CheckoutState
from billing.payments.states.deposit_requests import DepositRequestState
from billing.payments.use_cases.deposit_requests import ask_for_deposit
from billing.payments.use_cases.links import make_deposit_link
from billing.payments.use_cases.patient_deposits import take_deposit
from billing.platform.data.database import Read, Tx
from billing.platform.data.idempotency import RequestKey
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.web.forms import amount_of, form_sha256, refusals_shown, written
from billing.web.readers import (
    chosen_reader,
    have_ended,
    latest_declines,
    readers_online,
    required_reader,
    why_declined,
)
from billing.web.refusals import REFUSED, check_number, choice_of, date_of, shown_again
from billing.web.words import told_of_debit

FORM = "staff/patient_deposit.html"
BOOKED = "The deposit is booked. It comes off the next invoice."
BOOKED_ON_HOLD = (
    "The deposit is booked and held. It comes off no invoice by itself while charges are stopped."
)
MOST_WAITING = 20
STILL_ASKED = (
    "The deposit stays asked for: send a link from the list below, or withdraw it there before you ask anew."
)
DECLINED = "{why} Nothing was taken. In the list below, ask for another card on the reader, or send a link."
NOTHING_TAKEN = (f"The reader took nothing and does not ask any more. {STILL_ASKED}", "refused")
SAID_OF_READER = {
    CheckoutState.CREATED: (
        f"The reader does not answer; what became of it is looked up by itself. {STILL_ASKED}",
        "refused",
    ),
    CheckoutState.OPEN: ("The reader asks for the deposit. The money is booked when it is paid.", "done"),
    CheckoutState.PROCESSING: ("The money is on its way. It is booked when it comes.", "done"),
    CheckoutState.PAID: ("The deposit is paid.", "done"),
    CheckoutState.REFUSED: NOTHING_TAKEN,
    CheckoutState.EXPIRED: NOTHING_TAKEN,
}


class ByHand(StrEnum):
    """What a deposit is paid with at the desk."""

    CASH = "cash"
    CHECK = "check"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """`usual` is the deposit that the fee schedule names, if it names one; `waiting` is not paid yet.

    By what waits, `paying` is its attempt that stands, `declined` a card that a reader refused lately,
    `refused` a debit that a bank did not pay.
    """

    patient: Patient
    today: str
    usual: Money | None
    waiting: Sequence[DepositRequest]
    paying: Mapping[str, Checkout]
    declined: Mapping[str, Checkout]
    refused: Mapping[str, Checkout]
    is_on_hold: bool

    def why_declined(self, request_id: str) -> str | None:
        return why_declined(self.declined.get(request_id)) or told_of_debit(self.refused.get(request_id))


def make_blueprint(edge: Edge, room: Payments) -> Blueprint:
    routes = Blueprint("staff_patient_deposits", __name__)
    _add_taking(routes, edge, room)
    _add_asking(routes, edge, room)
    return routes


def _add_taking(routes: Blueprint, edge: Edge, room: Payments) -> None:
    @routes.get("/staff/patients/<patient_id>/deposits/new")
    @guard(Permission.PAYMENTS_TAKE)
    def ask(patient_id: str) -> str:
        return render_template(FORM, **_page(edge, room, patient_id))

    @routes.post("/staff/patients/<patient_id>/deposits")
    @guard(Permission.PAYMENTS_TAKE)
    def take(patient_id: str) -> Response | tuple[str, int]:
        actor, now = current_actor(), edge.clock()

        def work(tx: Tx) -> str:
            take_deposit(tx, patient_id=patient_id, handed=_handed(), site_id=None, actor=actor, now=now)
            return url_for("staff_patients.patient", patient_id=patient_id)

        try:
            to = written(edge, work)
        except REFUSED as error:
            return shown_again(FORM, error, **_page(edge, room, patient_id))
        flash(BOOKED_ON_HOLD if _is_on_hold(edge, patient_id) else BOOKED, "done")
        return redirect(to, 303)


def _add_asking(routes: Blueprint, edge: Edge, room: Payments) -> None:
    @routes.post("/staff/patients/<patient_id>/deposit-requests")
    @guard(Permission.PAYMENTS_TAKE)
    def ask_by_card(patient_id: str) -> Response | str | tuple[str, int]:
        """Ask for a deposit: by a new link, shown this once, or on a reader at the desk."""
        actor, now = current_actor(), edge.clock()

        def work(tx: Tx) -> str:
            deposit = ask_for_deposit(
                tx,
                patient_id=patient_id,
                amount=amount_of(request.form.get("asked", ""), "asked"),
                site_id=None,
                actor=actor,
                now=now,
            )
            return deposit.id

        try:
            reader_id = chosen_reader("reader")
            request_id = written(edge, work)
        except REFUSED as error:
            return shown_again(FORM, error, **_page(edge, room, patient_id))
        if reader_id:
            return _asked_on_reader(room, patient_id, request_id, reader_id)
        return _new_link(edge, patient_id, request_id)

    @routes.post("/staff/deposit-requests/<deposit_request_id>/pay-link")
    @guard(Permission.PAYMENTS_TAKE)
    def pay_link(deposit_request_id: str) -> Response | str:
        deposit = edge.read(lambda read: find_deposit_request(read, deposit_request_id, current_actor()))
        return _new_link(edge, deposit.patient_id, deposit.id)

    @routes.post("/staff/deposit-requests/<deposit_request_id>/reader")
    @guard(Permission.PAYMENTS_TAKE)
    def ask_again(deposit_request_id: str) -> Response:
        """For the next card, on a reader: of the same deposit, not of another one."""
        deposit = edge.read(lambda read: find_deposit_request(read, deposit_request_id, current_actor()))
        with refusals_shown():
            return _asked_on_reader(room, deposit.patient_id, deposit.id, required_reader("reader"))
        return redirect(url_for("staff_patient_deposits.ask", patient_id=deposit.patient_id), 303)

    @routes.post("/staff/deposit-requests/<deposit_request_id>/withdraw")
    @guard(Permission.PAYMENTS_TAKE)
    def withdraw(deposit_request_id: str) -> Response:
        actor = current_actor()
        deposit = edge.read(lambda read: find_deposit_request(read, deposit_request_id, actor))
        with refusals_shown():
            withdraw_deposit(room, request_id=deposit.id, actor=actor)
            flash("The deposit is not asked for any more.", "done")
        return redirect(url_for("staff_patient_deposits.ask", patient_id=deposit.patient_id), 303)


def _asked_on_reader(room: Payments, patient_id: str, request_id: str, reader_id: str) -> Response:
    """The deposit stays asked for whatever the reader does; an attempt without an answer is looked up."""
    key = RequestKey(f"{current_actor().id}/{request.form.get('key', '')}", form_sha256())
    with refusals_shown():
        flash(*_said_of_reader(room, request_id, reader_id, key))
    return redirect(url_for("staff_patient_deposits.ask", patient_id=patient_id), 303)


def _said_of_reader(room: Payments, request_id: str, reader_id: str, key: RequestKey) -> tuple[str, str]:
    """What became of this form's attempt, also when it is sent again."""
    try:
        asked = start_deposit(
            room,
            deposit_request_id=request_id,
            asked=Rest(way=Way.READER, reader_id=reader_id),
            request=key,
            actor=current_actor(),
        )
    except GatewayRefused:
        return SAID_OF_READER[CheckoutState.REFUSED]
    except GatewayTimeout:
        return SAID_OF_READER[CheckoutState.CREATED]
    if asked.state is CheckoutState.DECLINED:
        return DECLINED.format(why=why_declined(asked)), "refused"
    return SAID_OF_READER[asked.state]


def _new_link(edge: Edge, patient_id: str, request_id: str) -> Response | str:
    """Shown this once; only its hash is kept. Raises: NoSuchDepositRequest."""
    try:
        link, secret = edge.database.in_transaction(
            lambda tx: make_deposit_link(
                tx, deposit_request_id=request_id, actor=current_actor(), now=edge.clock()
            )
        )
    except (AccountOnHold, DepositNotAsked) as refusal:
        flash(refusal.detail, "refused")
        return redirect(url_for("staff_patient_deposits.ask", patient_id=patient_id), 303)
    back = url_for("staff_patients.patient", patient_id=patient_id)
    return render_template("staff/pay_link.html", link=link, url=f"{edge.public_url}/pay/{secret}", back=back)


def _is_on_hold(edge: Edge, patient_id: str) -> bool:
    return edge.read(lambda read: is_on_hold(read, patient_id))


def _handed() -> Handed:
    """Raises: InvalidRequest."""
    tender = choice_of(ByHand, "tender", "Choose cash or check.")
    amount = amount_of(request.form.get("amount", ""))
    if tender is ByHand.CASH:
        return Handed(tender=Tender.CASH, amount=amount)
    return Handed(
        tender=Tender.CHECK,
        amount=amount,
        number=check_number(),
        dated_on=date_of("dated_on"),
        is_health_account="health_account" in request.form,
        is_another="another" in request.form,
    )


def _page(edge: Edge, room: Payments, patient_id: str) -> dict[str, Any]:
    actor = current_actor()

    def look(read: Read) -> Asked:
        return _asked(read, edge, patient_id, actor)

    asked = edge.audited_read(look, actor=actor, action="page.deposit", subject_id=patient_id)
    if have_ended(room, list(asked.paying.values())):
        asked = edge.read(look)
    return {"asked": asked, "readers": readers_online(room)}


def _asked(read: Read, edge: Edge, patient_id: str, actor: Actor) -> Asked:
    """Raises: NoSuchPatient."""
    patient = find_patient(read, patient_id, actor)
    today = site_date(read, patient.site_id, edge.clock())
    try:
        rates = schedule_in_force(read, patient.entity_id, today).rates
    except NoScheduleInForce:
        rates = ()
    usual = next((Money(rate.cents) for rate in rates if rate.service == "deposit"), None)
    state = DepositRequestState.ASKED
    waiting = list_deposit_requests(read, actor, patient_id=patient_id, state=state, limit=MOST_WAITING)
    return Asked(
        patient=patient,
        today=today.isoformat(),
        usual=usual,
        waiting=waiting,
        paying=deposits_being_paid(read, waiting),
        declined=latest_declines(read, patient_id, edge.clock()),
        refused=refused_debits(read, patient_id),
        is_on_hold=is_on_hold(read, patient_id),
    )


def deposits_being_paid(read: Read, asked: Sequence[DepositRequest]) -> Mapping[str, Checkout]:
    """By deposit that was asked for, the card page, reader or debit that may be paying it at this moment."""
    standing = ((each.id, standing_checkout(read, deposit_request_id=each.id)) for each in asked)
    return {request_id: checkout for request_id, checkout in standing if checkout is not None}
