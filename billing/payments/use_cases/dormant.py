"""Credits, and refunds that nobody takes: listed, written about, set aside, handed to the state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from billing.catalog.queries import site_date
from billing.kernel.ids import new_id
from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import SYSTEM, Actor
from billing.ledger.records import Account, Line, Posting, Source, credit, debit
from billing.ledger.use_cases import post
from billing.patients.queries import find_patient
from billing.patients.use_cases import lock_patient
from billing.payments.errors import NotDormant
from billing.payments.models.dormant import DormantCreditRow
from billing.payments.queries.credits import find_credit
from billing.payments.queries.days import refuse_unless_past
from billing.payments.queries.dormant import (
    credits_held_until,
    dormant_of,
    find_dormant,
    last_sign_of_owner,
    last_sign_of_refund,
    refunds_owed_since,
)
from billing.payments.queries.refund_checks import refuse_while_paid_twice
from billing.payments.queries.refunds import find_refund
from billing.payments.records.credits import CreditLot, Withdrawal
from billing.payments.records.dormant import DormantCredit
from billing.payments.records.refunds import Refund
from billing.payments.rules import DORMANCIES, LISTED_AHEAD, dormant_on, may_be_set_aside
from billing.payments.states.dormant import DORMANT_MOVES, DormantEvent, DormantState
from billing.payments.states.refunds import RefundEvent, RefundState
from billing.payments.use_cases.credits import give_back, withdraw
from billing.payments.use_cases.refund_checks import move_unclaimed
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx
from billing.platform.data.inserts import insert_unless_there
from billing.platform.data.states import advance
from billing.platform.data.tasks import open_task

DORMANT = "dormant"
UNCLAIMED_LETTER = "unclaimed-letter"


def list_dormant_credits(tx: Tx, *, actor: Actor, now: datetime) -> int:
    """List what is dormant or soon will be, with a task each to write to the owner; how many.

    That is credit, and refunds that wait for a check. What is of a state that the table lacks is not listed.
    """
    shortest = min(dormancy.years for dormancy in DORMANCIES.values())
    until = (now + LISTED_AHEAD).date().replace(day=1)
    since = until.replace(year=until.year - shortest)
    owed = [
        *(_of_credit(tx, lot) for lot in credits_held_until(tx, since)),
        *(_of_refund(tx, refund) for refund in refunds_owed_since(tx, since)),
    ]
    return sum(_list(tx, each, actor, now) for each in owed)


def record_letter(tx: Tx, *, dormant_id: str, sent_on: date, actor: Actor, now: datetime) -> DormantCredit:
    """The owner was written to, after it was listed. Raises: NoSuchDormantCredit, IllegalMove, BadDay."""
    row = _moved(tx, dormant_id, DormantEvent.WRITE, actor, now)
    listed_on = site_date(tx, row.site_id, row.listed_at)
    refuse_unless_past(tx, row.site_id, "sent_on", sent_on, now, since=listed_on)
    row.letter_on = sent_on
    return _done(tx, row, "dormant.write", actor, now)


def set_aside(tx: Tx, *, dormant_id: str, actor: Actor, now: datetime) -> DormantCredit:
    """It is the state's to have: what is left of the credit, or the refund, is owed to nobody else.

    Raises: NoSuchDormantCredit, IllegalMove; NotDormant when it is too early, the letter is missing, or the
    owner gave a sign; VoidedCheckPaid.
    """
    row = _moved(tx, dormant_id, DormantEvent.SET_ASIDE, actor, now)
    owed, today = _owed_now(tx, row), site_date(tx, row.site_id, now)
    dormancy = DORMANCIES[row.us_state]
    due_on = dormant_on(owed.last_sign, dormancy)
    if not may_be_set_aside(owed.amount, dormancy, due_on, row.letter_on, today):
        raise NotDormant("It is too early, the letter is not out for long enough, or the owner gave a sign.")
    refuse_while_paid_twice(tx, row.lot_id)
    if row.refund_id is None:
        reason = Withdrawal.DORMANT
        withdraw(tx, lot_id=row.lot_id, reason=reason, subject_id=row.id, amount=owed.amount, now=now)
    else:
        move_unclaimed(tx, refund_id=row.refund_id, event=RefundEvent.SET_ASIDE, actor=actor, now=now)
    row.amount_cents, row.set_aside_on = owed.amount.cents, today
    _post(tx, row, "set-aside", _held_in(tx, row), Account.UNCLAIMED_PROPERTY, actor, now)
    return _done(tx, row, "dormant.set-aside", actor, now)


def remit(tx: Tx, *, dormant_id: str, reference: str, actor: Actor, now: datetime) -> DormantCredit:
    """The state has it, under its reference. Raises: NoSuchDormantCredit, VoidedCheckPaid, IllegalMove."""
    row = _moved(tx, dormant_id, DormantEvent.REMIT, actor, now)
    refuse_while_paid_twice(tx, row.lot_id)
    row.remitted_on, row.reference = site_date(tx, row.site_id, now), reference
    _post(tx, row, "remitted", Account.UNCLAIMED_PROPERTY, Account.BANK, actor, now)
    return _done(tx, row, "dormant.remit", actor, now)


def claim(tx: Tx, *, dormant_id: str, actor: Actor, now: datetime) -> DormantCredit:
    """The owner answered: it stays what it is, or is credit, or owed by a check, again when it was set aside.

    Raises: NoSuchDormantCredit; IllegalMove when the state has it.
    """
    row = _moved(tx, dormant_id, DormantEvent.CLAIM, actor, now)
    row.claimed_on = site_date(tx, row.site_id, now)
    if row.amount_cents is not None:
        if row.refund_id is None:
            give_back(tx, lot_id=row.lot_id, amount=Money(row.amount_cents))
        else:
            move_unclaimed(tx, refund_id=row.refund_id, event=RefundEvent.CLAIM, actor=actor, now=now)
        _post(tx, row, "claimed", Account.UNCLAIMED_PROPERTY, _held_in(tx, row), actor, now)
    return _done(tx, row, "dormant.claim", actor, now)


@dataclass(frozen=True)
class _Owed:
    """What may be dormant: a credit, or the refund of one, how much of it, and when its owner last spoke."""

    of: CreditLot | Refund
    amount: Money
    last_sign: date

    @property
    def lot_id(self) -> str:
        return self.of.lot_id if isinstance(self.of, Refund) else self.of.id

    @property
    def refund_id(self) -> str | None:
        return self.of.id if isinstance(self.of, Refund) else None


def _of_credit(tx: Tx, lot: CreditLot) -> _Owed:
    return _Owed(lot, lot.available, last_sign_of_owner(tx, lot))


def _of_refund(tx: Tx, refund: Refund) -> _Owed:
    """Once it went out, or was called off, nothing of it is owed."""
    waits = refund.state is RefundState.APPROVED
    return _Owed(refund, refund.amount if waits else ZERO, last_sign_of_refund(tx, refund))


def _owed_now(tx: Tx, row: DormantCreditRow) -> _Owed:
    if row.refund_id is None:
        return _of_credit(tx, find_credit(tx, row.lot_id, SYSTEM))
    return _of_refund(tx, find_refund(tx, row.refund_id, SYSTEM))


def _held_in(tx: Tx, row: DormantCreditRow) -> Account:
    if row.refund_id is not None:
        return Account.REFUNDS_PAYABLE
    return find_credit(tx, row.lot_id, SYSTEM).account


def _list(tx: Tx, owed: _Owed, actor: Actor, now: datetime) -> bool:
    of, us_state = owed.of, find_patient(tx, owed.of.patient_id, SYSTEM).address.state
    if us_state not in DORMANCIES:
        return False
    due_on = dormant_on(owed.last_sign, DORMANCIES[us_state])
    if due_on > (now + LISTED_AHEAD).date():
        return False
    values = {
        "id": new_id("drm"),
        "entity_id": of.entity_id,
        "site_id": of.site_id,
        "patient_id": of.patient_id,
        "lot_id": owed.lot_id,
        "refund_id": owed.refund_id,
        "subject_id": of.id,
        "us_state": us_state,
        "dormant_on": due_on,
        "state": DormantState.LISTED,
        "listed_at": now,
    }
    insert_unless_there(tx, DormantCreditRow, values, ["subject_id", "dormant_on"])
    if tx.session.get(DormantCreditRow, values["id"]) is None:
        return False
    record_audit(tx, actor=actor, action="dormant.list", subject_id=str(values["id"]), now=now)
    open_task(
        tx,
        kind=UNCLAIMED_LETTER,
        subject_id=str(values["id"]),
        entity_id=of.entity_id,
        site_id=of.site_id,
        actor=actor,
        now=now,
    )
    return True


def _moved(tx: Tx, dormant_id: str, event: DormantEvent, actor: Actor, now: datetime) -> DormantCreditRow:
    lock_patient(tx, find_dormant(tx, dormant_id, actor).patient_id)
    row = tx.session.get_one(DormantCreditRow, dormant_id)
    advance(tx, row, DORMANT_MOVES, event, actor=actor, now=now)
    tx.session.flush()
    return row


def _post(
    tx: Tx, row: DormantCreditRow, purpose: str, taken: Account, given: Account, actor: Actor, now: datetime
) -> None:
    amount, on = Money(row.amount_cents or 0), site_date(tx, row.site_id, now)
    lines: tuple[Line, ...] = (debit(taken, amount, row.patient_id), credit(given, amount, row.patient_id))
    post(tx, Posting.of(row, Source(DORMANT, row.id, purpose), on, lines), actor=actor, now=now)


def _done(tx: Tx, row: DormantCreditRow, action: str, actor: Actor, now: datetime) -> DormantCredit:
    tx.session.flush()
    record_audit(tx, actor=actor, action=action, subject_id=row.id, now=now)
    return dormant_of(row)
