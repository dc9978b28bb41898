"""Reads of deposits: what is at the bank, and what is still in the drawer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date

from sqlalchemy import select

from billing.kernel.money import Money
from billing.kernel.permissions import Actor
from billing.ledger.records import Account
from billing.payments.errors import NoSuchDeposit
from billing.payments.models.deposits import BankDepositItemRow, BankDepositRow
from billing.payments.models.payments import PaymentRow
from billing.payments.queries.payments import payment_of
from billing.payments.queries.reach import seen, visible
from billing.payments.records.deposits import BankDeposit
from billing.payments.records.payments import Payment
from billing.payments.rules.tenders import ARRIVES_ON, BANKABLE
from billing.payments.states.payments import PaymentState
from billing.platform.data.database import Read


def find_deposit(read: Read, deposit_id: str, actor: Actor) -> BankDeposit:
    """Raises: NoSuchDeposit."""
    missing = NoSuchDeposit("There is no such deposit.")
    row = seen(read.session.get(BankDepositRow, deposit_id), actor, missing)
    return deposit_of(row, _payments_of(read, [row.id])[row.id])


def list_deposits(
    read: Read, actor: Actor, *, site_id: str | None = None, cursor: str | None = None, limit: int
) -> Sequence[BankDeposit]:
    """Newest first, those before the cursor."""
    query = visible(BankDepositRow, actor, cursor, limit)
    if site_id is not None:
        query = query.where(BankDepositRow.site_id == site_id)
    rows = read.session.scalars(query).all()
    standing = _payments_of(read, [row.id for row in rows])
    return [deposit_of(row, standing[row.id]) for row in rows]


def list_undeposited(
    read: Read, actor: Actor, *, site_id: str | None = None, cursor: str | None = None, limit: int
) -> Sequence[Payment]:
    """Cash and checks that were not taken to the bank yet: newest first, those before the cursor."""
    query = visible(PaymentRow, actor, cursor, limit).where(
        PaymentRow.tender.in_(BANKABLE),
        PaymentRow.state == PaymentState.RECEIVED,
        PaymentRow.id.not_in(select(BankDepositItemRow.payment_id)),
    )
    if site_id is not None:
        query = query.where(PaymentRow.site_id == site_id)
    return [payment_of(row) for row in read.session.scalars(query)]


def deposit_id_of(read: Read, payment_id: str) -> str | None:
    """The deposit that a payment was banked with, if it was."""
    query = select(BankDepositItemRow.deposit_id).where(BankDepositItemRow.payment_id == payment_id)
    return read.session.scalar(query)


def banked_on(read: Read, payment_id: str) -> date | None:
    """The day on which a payment was taken to the bank, if it was."""
    deposit_id = deposit_id_of(read, payment_id)
    return read.session.get_one(BankDepositRow, deposit_id).banked_on if deposit_id else None


def held_in(read: Read, payment: Payment) -> Account:
    """Where the money of a payment is. What corrects a banked payment is at the bank from the start."""
    for payment_id in (payment.id, payment.corrects_id) if payment.tender in BANKABLE else ():
        if payment_id and deposit_id_of(read, payment_id):
            return Account.BANK
    return ARRIVES_ON[payment.tender]


def never_banked(read: Read, payments: Sequence[Payment]) -> frozenset[str]:
    """Of the checks among them that are worth nothing, those that no bank ever had."""
    bounced = {each.id: each.corrects_id for each in payments if each.state is PaymentState.BOUNCED}
    if not bounced:
        return frozenset()
    chain = {*bounced, *(each for each in bounced.values() if each)}
    query = select(BankDepositItemRow.payment_id).where(BankDepositItemRow.payment_id.in_(chain))
    banked = set(read.session.scalars(query))
    return frozenset(each for each, corrects in bounced.items() if not banked & {each, corrects})


def deposit_of(row: BankDepositRow, payment_ids: Sequence[str]) -> BankDeposit:
    return BankDeposit(
        id=row.id,
        entity_id=row.entity_id,
        site_id=row.site_id,
        amount=Money(row.amount_cents),
        float=Money(row.float_cents),
        banked_on=row.banked_on,
        banked_at=row.banked_at,
        payment_ids=tuple(payment_ids),
    )


def _payments_of(read: Read, deposit_ids: Sequence[str]) -> dict[str, list[str]]:
    query = (
        select(BankDepositItemRow.deposit_id, BankDepositItemRow.payment_id)
        .join(PaymentRow, PaymentRow.id == BankDepositItemRow.payment_id)
        .where(BankDepositItemRow.deposit_id.in_(deposit_ids), PaymentRow.state != PaymentState.MOVED)
        .order_by(BankDepositItemRow.payment_id)
    )
    standing: dict[str, list[str]] = defaultdict(list)
    for deposit_id, payment_id in read.session.execute(query):
        standing[deposit_id].append(payment_id)
    return standing
