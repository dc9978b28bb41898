"""Credits, and refunds that nobody takes: listed, written about, set aside, handed to the state."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from billing.catalog.queries import site_date
from billing.kernel.ids import new_id
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Actor
from billing.ledger.records import Account, Line, Posting, Source, credit, debit
from billing.ledger.use_cases import post
from billing.patients.use_cases import lock_patient
from billing.payments.errors import NotDormant
from billing.payments.models.dormant import DormantCreditRow
from billing.payments.queries.credits import find_credit
from billing.payments.queries.days import refuse_unless_past
from billing.payments.queries.dormant import (
    dormant_of,
    find_dormant,
    held_until,
    owed_to,
    states_of_owners,
    still_owed,
    undecided_dormant,
)
from billing.payments.queries.refund_checks import refuse_while_paid_twice
from billing.payments.records.credits import CreditLot, Withdrawal
from billing.payments.records.dormant import DormantCredit, StillOwed
from billing.payments.records.refunds import Refund
from billing.payments.rules.dormant import DORMANCIES, LISTED_AHEAD, dormant_on, may_be_set_aside
from billing.payments.states.dormant import DORMANT_MOVES, DormantEvent, DormantState
from billing.payments.states.refunds import RefundEvent
from billing.payments.use_cases.credits import give_back, withdraw
from billing.payments.use_cases.refund_checks import move_unclaimed
from billing.payments.use_cases.without_rule import ask_for_rules
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx
from billing.platform.data.inserts import insert_unless_there
from billing.platform.data.states import advance
from billing.platform.data.tasks import Sited, ask_a_person, end_tasks

DORMANT = "dormant"
UNCLAIMED_LETTER = "unclaimed-letter"
UNCLAIMED_DUE = "unclaimed-due"
TASKS = (UNCLAIMED_LETTER, UNCLAIMED_DUE)


def list_dormant_credits(tx: Tx, *, actor: Actor, now: datetime) -> int:
    """List what is dormant or soon will be; how many there are that were not listed before.

    That is credit, and refunds that wait for a check. A task asks for the letter where the state wants one,
    another to set aside what is the state's, and each ends when nothing is left to do. What is of a state
    that the table lacks is not listed: a task for each such state asks for its rule.
    """
    shortest = min(dormancy.years for dormancy in DORMANCIES.values())
    until = (now + LISTED_AHEAD).date().replace(day=1)
    held = held_until(tx, until.replace(year=until.year - shortest), SYSTEM)
    owed, states = owed_to(tx, held), states_of_owners(tx, held)
    listed = sum(_list(tx, of, states[of.id], owed[of.id], actor, now) for of in held)
    for dormant in undecided_dormant(tx):
        _ask_for_what_is_due(tx, dormant, actor, now)
    ask_for_rules(tx, actor=actor, now=now)
    return listed


def record_letter(tx: Tx, *, dormant_id: str, sent_on: date, actor: Actor, now: datetime) -> DormantCredit:
    """The owner was written to, after it was listed. Raises: NoSuchDormantCredit, IllegalMove, BadDay."""
    row = _moved(tx, dormant_id, DormantEvent.WRITE, actor, now)
    listed_on = site_date(tx, row.site_id, row.listed_at)
    refuse_unless_past(tx, row.site_id, "sent_on", sent_on, now, since=listed_on)
    row.letter_on = sent_on
    _end_tasks(tx, row, [UNCLAIMED_LETTER], actor, now)
    return _done(tx, row, "dormant.write", actor, now)


def set_aside(tx: Tx, *, dormant_id: str, actor: Actor, now: datetime) -> DormantCredit:
    """It is the state's to have: what is left of the credit, or the refund, is owed to nobody else.

    Raises: NoSuchDormantCredit, IllegalMove; NotDormant when it is too early, the letter is missing, or the
    owner gave a sign; VoidedCheckPaid.
    """
    row = _moved(tx, dormant_id, DormantEvent.SET_ASIDE, actor, now)
    owed, today = still_owed(tx, dormant_of(tx, row)), site_date(tx, row.site_id, now)
    dormancy = DORMANCIES.get(row.us_state)
    if dormancy is None:
        raise NotDormant(f"There is no rule on file for {row.us_state}: look it up, then add it.")
    due_on = dormant_on(owed.last_sign, dormancy)
    if not may_be_set_aside(owed.amount, dormancy, due_on, row.letter_on, today):
        raise NotDormant("It is too early, the letter is not out for long enough, or the owner gave a sign.")
    refuse_while_paid_twice(tx, row.lot_id)
    if row.refund_id is None:
        reason = Withdrawal.DORMANT
        withdraw(
            tx,
            lot_id=row.lot_id,
            reason=reason,
            subject_id=row.id,
            amount=owed.amount,
            withdrawn_on=today,
            now=now,
        )
    else:
        move_unclaimed(tx, refund_id=row.refund_id, event=RefundEvent.SET_ASIDE, actor=actor, now=now)
    row.amount_cents, row.set_aside_on = owed.amount.cents, today
    _post(tx, row, "set-aside", _held_in(tx, row), Account.UNCLAIMED_PROPERTY, actor, now)
    _end_tasks(tx, row, TASKS, actor, now)
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
    _end_tasks(tx, row, TASKS, actor, now)
    return _done(tx, row, "dormant.claim", actor, now)


def _held_in(tx: Tx, row: DormantCreditRow) -> Account:
    if row.refund_id is not None:
        return Account.REFUNDS_PAYABLE
    return find_credit(tx, row.lot_id, SYSTEM).account


def _list(
    tx: Tx, of: CreditLot | Refund, us_state: str, owed: StillOwed, actor: Actor, now: datetime
) -> bool:
    if us_state not in DORMANCIES:
        return False
    due_on = dormant_on(owed.last_sign, DORMANCIES[us_state])
    if due_on > (now + LISTED_AHEAD).date():
        return False
    lot_id, refund_id = (of.lot_id, of.id) if isinstance(of, Refund) else (of.id, None)
    values = {
        "id": new_id("drm"),
        "entity_id": of.entity_id,
        "site_id": of.site_id,
        "patient_id": of.patient_id,
        "lot_id": lot_id,
        "refund_id": refund_id,
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
    return True


def _ask_for_what_is_due(tx: Tx, dormant: DormantCredit, actor: Actor, now: datetime) -> None:
    """What the state wants no letter about waits for its day without a task."""
    owed, dormancy = still_owed(tx, dormant), DORMANCIES.get(dormant.us_state)
    if dormancy is None or not owed.amount or dormant_on(owed.last_sign, dormancy) != dormant.dormant_on:
        _end_tasks(tx, dormant, TASKS, actor, now)
        return
    today = site_date(tx, dormant.site_id, now)
    if may_be_set_aside(owed.amount, dormancy, dormant.dormant_on, dormant.letter_on, today):
        ask_a_person(tx, kind=UNCLAIMED_DUE, about=dormant, actor=actor, now=now)
    elif dormant.letter_on is None and owed.amount >= dormancy.letter_from:
        ask_a_person(tx, kind=UNCLAIMED_LETTER, about=dormant, actor=actor, now=now)


def _end_tasks(tx: Tx, about: Sited, kinds: Sequence[str], actor: Actor, now: datetime) -> None:
    for kind in kinds:
        end_tasks(tx, kind=kind, subject_ids=[about.id], actor=actor, now=now)


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
    return dormant_of(tx, row)
