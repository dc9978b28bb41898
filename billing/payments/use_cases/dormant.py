"""Credit whose owner shows no sign: listed, written about, set aside, handed to the state."""

from __future__ import annotations

from datetime import date, datetime

from billing.catalog.queries import site_date
from billing.kernel.ids import new_id
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Actor
from billing.ledger.records import Account, Line, Posting, Source, credit, debit
from billing.ledger.use_cases import post
from billing.patients.queries import find_patient
from billing.patients.use_cases import lock_patient
from billing.payments.errors import NotDormant
from billing.payments.models.dormant import DormantCreditRow
from billing.payments.queries.credits import find_credit
from billing.payments.queries.dormant import (
    credits_held_until,
    dormant_of,
    find_dormant,
    last_sign_of_owner,
)
from billing.payments.records.credits import CreditLot, Withdrawal
from billing.payments.records.dormant import DormantCredit
from billing.payments.rules import DORMANCIES, LISTED_AHEAD, dormant_on, may_be_set_aside
from billing.payments.states.dormant import DORMANT_MOVES, DormantEvent, DormantState
from billing.payments.use_cases.credits import give_back, withdraw
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx
from billing.platform.data.inserts import insert_unless_there
from billing.platform.data.states import advance
from billing.platform.data.tasks import open_task

DORMANT = "dormant"
UNCLAIMED_LETTER = "unclaimed-letter"


def list_dormant_credits(tx: Tx, *, actor: Actor, now: datetime) -> int:
    """List credits that are dormant or soon will be, with a task each to write to the owner; how many.

    A credit of a state that the table lacks is not listed.
    """
    shortest = min(dormancy.years for dormancy in DORMANCIES.values())
    until = (now + LISTED_AHEAD).date().replace(day=1)
    lots = credits_held_until(tx, until.replace(year=until.year - shortest))
    return sum(_list(tx, lot, actor, now) for lot in lots)


def record_letter(tx: Tx, *, dormant_id: str, sent_on: date, actor: Actor, now: datetime) -> DormantCredit:
    """The owner was written to. Raises: NoSuchDormantCredit, IllegalMove."""
    row = _moved(tx, dormant_id, DormantEvent.WRITE, actor, now)
    row.letter_on = sent_on
    return _done(tx, row, "dormant.write", actor, now)


def set_aside(tx: Tx, *, dormant_id: str, actor: Actor, now: datetime) -> DormantCredit:
    """The credit is the state's to have: what is left of it leaves the patient's balance.

    Raises: NoSuchDormantCredit, IllegalMove; NotDormant when it is too early, the letter is missing, or the
    owner gave a sign.
    """
    row = _moved(tx, dormant_id, DormantEvent.SET_ASIDE, actor, now)
    lot, today = find_credit(tx, row.lot_id, SYSTEM), site_date(tx, row.site_id, now)
    dormancy = DORMANCIES[row.us_state]
    due_on = dormant_on(last_sign_of_owner(tx, lot), dormancy)
    if not may_be_set_aside(lot.available, dormancy, due_on, row.letter_on, today):
        raise NotDormant("It is too early, the letter is not out for long enough, or the owner gave a sign.")
    reason = Withdrawal.DORMANT
    withdraw(tx, lot_id=lot.id, reason=reason, subject_id=row.id, amount=lot.available, now=now)
    row.amount_cents, row.set_aside_on = lot.available.cents, today
    _post(tx, row, "set-aside", lot.account, Account.UNCLAIMED_PROPERTY, actor, now)
    return _done(tx, row, "dormant.set-aside", actor, now)


def remit(tx: Tx, *, dormant_id: str, reference: str, actor: Actor, now: datetime) -> DormantCredit:
    """The state has it, under its reference. Raises: NoSuchDormantCredit, IllegalMove."""
    row = _moved(tx, dormant_id, DormantEvent.REMIT, actor, now)
    row.remitted_on, row.reference = site_date(tx, row.site_id, now), reference
    _post(tx, row, "remitted", Account.UNCLAIMED_PROPERTY, Account.BANK, actor, now)
    return _done(tx, row, "dormant.remit", actor, now)


def claim(tx: Tx, *, dormant_id: str, actor: Actor, now: datetime) -> DormantCredit:
    """The owner answered: it stays credit, or is credit again when it was set aside.

    Raises: NoSuchDormantCredit; IllegalMove when the state has it.
    """
    row = _moved(tx, dormant_id, DormantEvent.CLAIM, actor, now)
    row.claimed_on = site_date(tx, row.site_id, now)
    if row.amount_cents is not None:
        give_back(tx, lot_id=row.lot_id, amount=Money(row.amount_cents))
        held_in = find_credit(tx, row.lot_id, SYSTEM).account
        _post(tx, row, "claimed", Account.UNCLAIMED_PROPERTY, held_in, actor, now)
    return _done(tx, row, "dormant.claim", actor, now)


def _list(tx: Tx, lot: CreditLot, actor: Actor, now: datetime) -> bool:
    us_state = find_patient(tx, lot.patient_id, SYSTEM).address.state
    if us_state not in DORMANCIES:
        return False
    due_on = dormant_on(last_sign_of_owner(tx, lot), DORMANCIES[us_state])
    if due_on > (now + LISTED_AHEAD).date():
        return False
    values = {
        "id": new_id("drm"),
        "entity_id": lot.entity_id,
        "site_id": lot.site_id,
        "patient_id": lot.patient_id,
        "lot_id": lot.id,
        "us_state": us_state,
        "dormant_on": due_on,
        "state": DormantState.LISTED,
        "listed_at": now,
    }
    insert_unless_there(tx, DormantCreditRow, values, ["lot_id", "dormant_on"])
    if tx.session.get(DormantCreditRow, values["id"]) is None:
        return False
    record_audit(tx, actor=actor, action="dormant.list", subject_id=str(values["id"]), now=now)
    open_task(
        tx,
        kind=UNCLAIMED_LETTER,
        subject_id=str(values["id"]),
        entity_id=lot.entity_id,
        site_id=lot.site_id,
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
