"""/staff/bank-deposits: cash and checks that wait, and the slip of what goes to the bank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug import Response

from billing.catalog.queries import find_entity, find_site, site_date
from billing.catalog.records import Entity, Site
from billing.kernel.errors import Flaw
from billing.kernel.money import ZERO, Money, total
from billing.kernel.permissions import Actor, Permission
from billing.patients.queries import names_of
from billing.payments.queries.deposits import find_deposit, list_deposits, list_undeposited
from billing.payments.queries.drawers import free_change
from billing.payments.queries.payments import payments_by_id
from billing.payments.records.deposits import BankDeposit
from billing.payments.records.payments import Payment, Tender
from billing.payments.rules.tenders import CHECK_IS_GOOD_FOR
from billing.payments.use_cases.deposits import bank_payments
from billing.platform.data.database import Read, Tx
from billing.platform.http.edge import Edge
from billing.platform.http.errors import InvalidRequest
from billing.platform.http.guard import current_actor, guard
from billing.web import words
from billing.web.forms import amount_or_zero_of, written
from billing.web.refusals import REFUSED, believed, date_of, shown_again

PAGE = "staff/deposits.html"
MOST_WAITING, MOST_PAST = 200, 30


@dataclass(frozen=True, kw_only=True)
class Drawer:
    """What waits at one site, oldest first; `free` is its change that is in no drawer.

    `marked` are the ids of what goes along, `change` what is typed to go with it, `banked_on` the day; of a
    form that was sent and refused, what was entered. `stale` are the ids of checks that a bank need not pay.
    """

    site: Site
    banked_on: str
    free: Money
    payments: Sequence[Payment]
    marked: frozenset[str]
    stale: frozenset[str]
    change: str

    @property
    def amount(self) -> Money:
        return total(payment.amount for payment in self.payments)

    @property
    def together(self) -> Money:
        """What the bank gets, as it is marked and typed; what cannot be read counts nothing."""
        try:
            change = _change_of(self.change)
        except InvalidRequest:
            change = ZERO
        return total(each.amount for each in self.payments if each.id in self.marked) + change


@dataclass(frozen=True, kw_only=True)
class Slip:
    """One deposit as the bank is shown it: no patient is named on it."""

    deposit: BankDeposit
    site: Site
    entity: Entity
    checks: Sequence[Payment]
    stale: frozenset[str]
    cash: Money


def make_blueprint(edge: Edge) -> Blueprint:
    routes = Blueprint("staff_deposits", __name__)

    @routes.get("/staff/bank-deposits")
    @guard(Permission.PAYMENTS_READ)
    def deposits() -> str:
        return render_template(PAGE, **_page(edge))

    @routes.post("/staff/bank-deposits")
    @guard(Permission.PAYMENTS_TAKE)
    def bank() -> Response | tuple[str, int]:
        actor, now = current_actor(), edge.clock()

        def work(tx: Tx) -> str:
            shown = believed("together")
            deposit = bank_payments(
                tx,
                site_id=request.form.get("site_id", ""),
                payment_ids=_chosen(),
                banked_on=date_of("banked_on"),
                float=_change(),
                actor=actor,
                now=now,
            )
            if deposit.amount != shown:
                message = f"What is marked is {deposit.amount} together. Look at it, then book it."
                raise InvalidRequest(message, [Flaw("/together", message)])
            return url_for("staff_deposits.slip", deposit_id=deposit.id)

        try:
            to = written(edge, work)
        except REFUSED as error:
            return shown_again(PAGE, error, **_page(edge))
        flash("The deposit is booked. Print the slip and take it to the bank.", "done")
        return redirect(to, 303)

    @routes.get("/staff/bank-deposits/<deposit_id>")
    @guard(Permission.PAYMENTS_READ)
    def slip(deposit_id: str) -> str:
        actor = current_actor()
        found = edge.read(lambda read: _slip(read, deposit_id, actor))
        return render_template("staff/deposit.html", slip=found)

    return routes


def _change() -> Money:
    """What goes along beside the payments; below zero, what is missing of them. Raises: InvalidRequest."""
    return _change_of(request.form.get("change", ""))


def _change_of(typed: str) -> Money:
    """Raises: InvalidRequest."""
    text = typed.strip()
    if not text.strip("0."):
        return ZERO
    amount = amount_or_zero_of(text.removeprefix("-"), "change")
    return -amount if text.startswith("-") else amount


def _chosen() -> list[str]:
    """Raises: InvalidRequest."""
    chosen = request.form.getlist("payment_id")
    if not chosen and _change() <= ZERO:
        message = "Mark what goes to the bank."
        raise InvalidRequest(message, [Flaw("/payment_id", message)])
    return chosen


def _page(edge: Edge) -> dict[str, Any]:
    actor, now = current_actor(), edge.clock()
    drawers, past, names = edge.audited_read(
        lambda read: _looked_at(read, actor, now), actor=actor, action="page.deposits", subject_id=actor.id
    )
    return {
        "drawers": drawers,
        "past": past,
        "names": names,
        "words": words,
        "may_bank": actor.may(Permission.PAYMENTS_TAKE),
        "most": MOST_WAITING,
    }


def _looked_at(
    read: Read, actor: Actor, now: datetime
) -> tuple[Sequence[Drawer], Sequence[BankDeposit], Mapping[str, str] | None]:
    """What waits, what was banked, and whose it is for those who may know a patient."""
    drawers = _drawers(read, actor, now)
    of = {payment.patient_id for drawer in drawers for payment in drawer.payments}
    names = names_of(read, of, actor) if actor.may(Permission.PATIENTS_READ) else None
    return drawers, list_deposits(read, actor, limit=MOST_PAST), names


def _drawers(read: Read, actor: Actor, now: datetime) -> list[Drawer]:
    waiting = list(reversed(list_undeposited(read, actor, limit=MOST_WAITING)))
    free = free_change(read, actor)
    return [
        _drawer(
            find_site(read, site_id),
            site_date(read, site_id, now),
            free.get(site_id, ZERO),
            [payment for payment in waiting if payment.site_id == site_id],
        )
        for site_id in sorted({payment.site_id for payment in waiting})
    ]


def _drawer(site: Site, today: date, free: Money, payments: Sequence[Payment]) -> Drawer:
    """All is marked that a bank has to take, unless the form was refused: then what was entered stays."""
    form = request.form if request.form.get("site_id") == site.id else None
    stale = _stale_among(payments, today)
    taken = [payment.id for payment in payments if payment.id not in stale]
    return Drawer(
        site=site,
        free=free,
        payments=payments,
        marked=frozenset(form.getlist("payment_id") if form else taken),
        stale=stale,
        change=form.get("change", "") if form else str(min(free, ZERO)).replace("$", ""),
        banked_on=form.get("banked_on", "") if form else today.isoformat(),
    )


def _stale_among(payments: Sequence[Payment], on: date) -> frozenset[str]:
    """Checks that a bank need not pay on a day, by the day on which they came: theirs may be older still."""
    checks = (each for each in payments if each.tender is Tender.CHECK)
    return frozenset(each.id for each in checks if on - each.received_on > CHECK_IS_GOOD_FOR)


def _slip(read: Read, deposit_id: str, actor: Actor) -> Slip:
    """Raises: NoSuchDeposit."""
    deposit = find_deposit(read, deposit_id, actor)
    payments = sorted(payments_by_id(read, deposit.payment_ids, actor).values(), key=lambda each: each.id)
    return Slip(
        deposit=deposit,
        site=find_site(read, deposit.site_id),
        entity=find_entity(read, deposit.entity_id),
        checks=[each for each in payments if each.tender is Tender.CHECK],
        stale=_stale_among(payments, deposit.banked_on),
        cash=total(each.amount for each in payments if each.tender is Tender.CASH) + deposit.float,
    )
