"""Cash and checks taken to the bank, each once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from billing.catalog.errors import NoSuchSite
from billing.catalog.queries import find_site, site_date
from billing.catalog.records import Site
from billing.kernel.clock import day_in_words
from billing.kernel.errors import Flaw
from billing.kernel.ids import new_id
from billing.kernel.money import ZERO, Money, total
from billing.kernel.permissions import Actor
from billing.ledger.records import Account, Posting, Source, credit, debit
from billing.ledger.use_cases import post
from billing.patients.use_cases import lock_patient
from billing.payments.errors import AlreadyBanked, AnotherSite, BadBankingDay, NotBankable
from billing.payments.errors.drawers import DrawerWaits, NothingToBank
from billing.payments.models.deposits import BankDepositItemRow, BankDepositRow
from billing.payments.queries.deposits import deposit_id_of, deposit_of
from billing.payments.queries.payments import find_payment
from billing.payments.records.deposits import BankDeposit
from billing.payments.records.payments import Payment, Tender
from billing.payments.rules.tenders import BANKABLE
from billing.payments.states.drawers import DrawerState
from billing.payments.states.payments import PaymentState
from billing.payments.use_cases.drawers import leave_missing, lock_change, lock_drawers, take_change
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx

BANK_DEPOSIT = "bank_deposit"


def bank_payments(
    tx: Tx,
    *,
    site_id: str,
    payment_ids: Sequence[str],
    banked_on: date,
    float: Money = ZERO,
    actor: Actor,
    now: datetime,
) -> BankDeposit:
    """Record that cash and checks of one site were taken to the bank together: all of them, or none.

    `float` is change of the site that goes along; below zero, what of the payments is missing because
    drawers were short of it.
    Raises: NoSuchSite, NoSuchPayment, AnotherSite, NotBankable, AlreadyBanked, BadBankingDay, DrawerWaits,
    FloatNotThere, NothingToBank.
    """
    site = find_site(tx, site_id)
    if not actor.sees(entity_id=site.entity_id, site_id=site_id):
        raise NoSuchSite(f"There is no site {site_id}.")
    payments = _locked(tx, payment_ids, actor)
    for payment in payments:
        _refuse_unless_bankable(tx, payment, site_id)
    _refuse_unless_possible(banked_on, payments, site_date(tx, site_id, now))
    amount = total(payment.amount for payment in payments) + float
    cash = total(payment.amount for payment in payments if payment.tender is Tender.CASH)
    if amount <= ZERO or cash + float < ZERO:
        raise NothingToBank("More is said to be missing than there is cash to take to the bank.")
    taken_from = _take_out(tx, site, payments, float)
    row = BankDepositRow(
        id=new_id("dep"),
        entity_id=site.entity_id,
        site_id=site_id,
        amount_cents=amount.cents,
        float_cents=float.cents,
        banked_on=banked_on,
        banked_at=now,
    )
    tx.session.add(row)
    tx.session.flush()
    tx.session.add_all(
        BankDepositItemRow(
            payment_id=each.id,
            deposit_id=row.id,
            from_drawer_id=each.drawer_id if each.drawer_id in taken_from else None,
        )
        for each in payments
    )
    tx.session.flush()
    deposit = deposit_of(row, [payment.id for payment in payments])
    _post(tx, deposit, payments, actor, now)
    return deposit


def _post(tx: Tx, deposit: BankDeposit, payments: Sequence[Payment], actor: Actor, now: datetime) -> None:
    lines = (
        debit(Account.BANK, deposit.amount),
        credit(Account.UNDEPOSITED, deposit.float),
        *(credit(Account.UNDEPOSITED, each.amount, each.patient_id) for each in payments),
    )
    source = Source(BANK_DEPOSIT, deposit.id, "banked")
    post(tx, Posting.of(deposit, source, deposit.banked_on, lines), actor=actor, now=now)
    detail = {"cents": deposit.amount.cents, "payments": len(payments)}
    record_audit(tx, actor=actor, action="deposit.bank", subject_id=deposit.id, now=now, detail=detail)


def _take_out(tx: Tx, site: Site, payments: Iterable[Payment], float: Money) -> set[str]:
    """Take what goes to the bank out of drawers and the site's change; returns the drawers that are open.

    Raises: DrawerWaits, FloatNotThere.
    """
    drawer_ids = sorted({payment.drawer_id for payment in payments if payment.drawer_id})
    if not (drawer_ids or float):
        return set()
    fund = lock_change(tx, site)
    states = lock_drawers(tx, drawer_ids)
    for drawer_id, state in states.items():
        if state is DrawerState.COUNTED:
            raise DrawerWaits("Another person has to count that drawer first.", drawer_id=drawer_id)
    if float > ZERO:
        take_change(fund, float)
    else:
        leave_missing(fund, -float)
    return {drawer_id for drawer_id, state in states.items() if state is DrawerState.OPEN}


def _locked(tx: Tx, payment_ids: Iterable[str], actor: Actor) -> list[Payment]:
    """The payments as they are while their patients are held."""
    wanted = sorted(set(payment_ids))
    for patient_id in sorted({find_payment(tx, each, actor).patient_id for each in wanted}):
        lock_patient(tx, patient_id)
    return [find_payment(tx, each, actor) for each in wanted]


def _refuse_unless_bankable(tx: Tx, payment: Payment, site_id: str) -> None:
    named = {"payment_id": payment.id}
    if payment.site_id != site_id:
        raise AnotherSite(f"Payment {payment.id} was taken at another site; bank it there.", **named)
    if payment.tender not in BANKABLE:
        raise NotBankable(f"Payment {payment.id} is neither cash nor a check.", **named)
    if payment.state is not PaymentState.RECEIVED:
        raise NotBankable(f"Payment {payment.id} was {payment.state}; it is not at hand.", **named)
    if deposit_id := deposit_id_of(tx, payment.id):
        raise AlreadyBanked(
            f"Payment {payment.id} was banked with deposit {deposit_id}.", **named, deposit_id=deposit_id
        )


def _refuse_unless_possible(banked_on: date, payments: Iterable[Payment], today: date) -> None:
    site_today = day_in_words(today)
    newest = max(payments, key=lambda payment: payment.received_on, default=None)
    if newest is None and banked_on <= today:
        return
    if newest is None:
        flaw = Flaw("/banked_on", f"Must be {site_today} or earlier.")
        raise BadBankingDay(f"It is {site_today} at the site.", [flaw])
    if newest.received_on <= banked_on <= today:
        return
    came_on = day_in_words(newest.received_on)
    detail = (
        f"It is {site_today} at the site, and payment {newest.id} came on {came_on}: "
        "the money was banked between those days."
    )
    flaw = Flaw("/banked_on", f"Must be from {came_on} to {site_today}.")
    raise BadBankingDay(detail, [flaw], payment_id=newest.id)
