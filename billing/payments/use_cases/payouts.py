"""What the processor pays out: clearing becomes money at the bank, or comes back."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import select

from billing.catalog.queries import site_date, sites
from billing.kernel.ids import new_id
from billing.kernel.money import Money, total
from billing.kernel.permissions import Actor
from billing.ledger.records import Account, Posting, Source, credit, debit
from billing.ledger.use_cases import post
from billing.payments.errors import UnexplainedMoney
from billing.payments.models.payouts import PayoutLineRow, PayoutRow
from billing.payments.queries.payouts import owner_of, payout_of
from billing.payments.records.payouts import Payout, PayoutFacts, PayoutLineFacts
from billing.payments.states.payouts import PAYOUT_MOVES, PayoutEvent, PayoutState
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx
from billing.platform.data.inserts import insert_unless_there
from billing.platform.data.states import advance
from billing.platform.data.tasks import ask_a_person

PAYOUT_FAILED = "payout-failed"


def record_payout(tx: Tx, *, facts: PayoutFacts, actor: Actor, now: datetime) -> Payout | None:
    """Record what the processor says of a payout now; told again, or told late, it changes nothing.

    None while nothing moved and it cannot be told whose it is.
    Raises: UnexplainedMoney when something moved, and that cannot be told.
    """
    row = _kept(tx, facts)
    if row is None:
        return None
    if facts.lines is not None and row.matched_cents is None:
        _match(tx, row, facts.lines)
    _follow(tx, row, facts.told, actor, now)
    tx.session.flush()
    return payout_of(row)


def _kept(tx: Tx, facts: PayoutFacts) -> PayoutRow | None:
    """The locked row of a payout, made when it is first heard of."""
    query = select(PayoutRow).where(PayoutRow.reference == facts.reference).with_for_update()
    wanted = query.execution_options(populate_existing=True)
    row = tx.session.scalar(wanted)
    if row is not None:
        return row
    entity_id = owner_of(tx, facts.lines or ())
    if entity_id is None:
        if facts.told not in (PayoutEvent.ARRIVE, PayoutEvent.FAIL):
            return None
        raise UnexplainedMoney("It cannot be told which legal entity a payout is of: look it up by hand.")
    values = {
        "id": new_id("pyo"),
        "entity_id": entity_id,
        "site_id": sites(tx, entity_id)[0].id,
        "reference": facts.reference,
        "state": PayoutState.PENDING,
        "amount_cents": facts.amount.cents,
        "arrives_on": facts.arrives_on,
        "is_automatic": facts.is_automatic,
        "matched_cents": None,
    }
    insert_unless_there(tx, PayoutRow, values, ["reference"])
    return tx.session.scalars(wanted).one()


def _match(tx: Tx, row: PayoutRow, lines: tuple[PayoutLineFacts, ...]) -> None:
    row.matched_cents = total(line.net for line in lines).cents
    for line in lines:
        tx.session.add(
            PayoutLineRow(
                id=new_id("pyl"),
                payout_id=row.id,
                reference=line.reference,
                source=line.source,
                reporting_category=line.reporting_category,
                net_cents=line.net.cents,
            )
        )


def _follow(tx: Tx, row: PayoutRow, told: PayoutEvent | None, actor: Actor, now: datetime) -> None:
    """A reading that was overtaken by a later one is no move of the table."""
    before = PayoutState(row.state)
    if told is None or (before, told) not in PAYOUT_MOVES:
        return
    advance(tx, row, PAYOUT_MOVES, told, actor=actor, now=now)
    if told is PayoutEvent.ARRIVE:
        _post(tx, row, "paid", Money(row.amount_cents), row.arrives_on, actor, now)
    if told is PayoutEvent.FAIL:
        if before is PayoutState.PAID:
            on = site_date(tx, row.site_id, now)
            _post(tx, row, "failed", -Money(row.amount_cents), on, actor, now)
        _ask(tx, row, actor, now)


def _post(tx: Tx, row: PayoutRow, purpose: str, amount: Money, on: date, actor: Actor, now: datetime) -> None:
    lines = (debit(Account.BANK, amount), credit(Account.PROCESSOR_CLEARING, amount))
    source = Source("payout", row.id, purpose)
    post(tx, Posting.of(payout_of(row), source, on, lines), actor=actor, now=now)
    detail = {"cents": amount.cents}
    record_audit(tx, actor=actor, action=f"payout.{purpose}", subject_id=row.id, now=now, detail=detail)


def _ask(tx: Tx, row: PayoutRow, actor: Actor, now: datetime) -> None:
    """Until somebody mends the bank account, the processor pays nothing out."""
    ask_a_person(tx, kind=PAYOUT_FAILED, about=row, actor=actor, now=now)
