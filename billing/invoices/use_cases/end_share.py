"""A payer's part that is not paid after all: denied, asked to end, ended by a second person or kept."""

from __future__ import annotations

from datetime import datetime

from billing.care.queries import covered_by, find_session
from billing.invoices.errors import NeverThePatient, OwnShareDecision, ShareNotGiven
from billing.invoices.models import PayerShareRow
from billing.invoices.queries import find_invoice, find_share, share_of, standing_lines
from billing.invoices.records import FORGIVEN, TAKES_ALL, Bearer, EndReason, PayerShare
from billing.invoices.rules import earned_of, ending_share_lines
from billing.invoices.states import SHARE_MOVES, CostsMore, ShareEvent
from billing.invoices.use_cases.shares import PAYER_DENIED, fulfil_share, lower_share, post_share
from billing.invoices.use_cases.take_back import take_back
from billing.kernel.errors import IllegalMove
from billing.kernel.permissions import SYSTEM, Actor
from billing.ledger.records import Account, credit, debit
from billing.patients.use_cases import lock_patient
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx
from billing.platform.data.states import advance
from billing.platform.data.tasks import ask_a_person

NO_AUTHORIZATION = frozenset({EndReason.NOT_AUTHORIZED, EndReason.MISTAKE})
"""Why a part of compensation or the VA may become the patient's: it never was theirs."""


def deny_share(tx: Tx, *, share_id: str, actor: Actor, now: datetime) -> PayerShare:
    """The payer says no, or pays short: a person looks, and the patient owes no more than before.

    Raises: NoSuchShare; IllegalMove when nothing of it is unpaid any more.
    """
    row = _locked(tx, share_id, actor)
    if not row.open_cents:
        raise IllegalMove("Nothing of this part is unpaid any more: it was paid, or has ended.")
    row.denied_at = row.denied_at or now
    ask_a_person(tx, kind=PAYER_DENIED, about=row, actor=actor, now=now)
    return _kept(tx, row, "deny", actor, now)


def ask_to_end(
    tx: Tx, *, share_id: str, reason: EndReason, borne_by: Bearer, actor: Actor, now: datetime
) -> PayerShare:
    """End what a payer has not paid. It ends at once when nobody becomes a debtor or loses money by it.

    Raises: NoSuchShare, IllegalMove, NeverThePatient, ShareNotGiven.
    """
    row = _locked(tx, share_id, actor)
    share = find_share(tx, share_id, actor)
    takes_all, has_given = share.kind in TAKES_ALL, _has_given(tx, share)
    if takes_all and borne_by is Bearer.PATIENT and reason not in NO_AUTHORIZATION:
        raise NeverThePatient("Authorized care is not billed to the patient. Let the clinic bear it.")
    if borne_by is Bearer.CLINIC:
        _refuse_what_is_to_come(tx, share)
    advance(tx, row, SHARE_MOVES, ShareEvent.ASK, actor=actor, now=now)
    row.ending, row.borne_by, row.asked_by_person = reason, borne_by, actor.person
    if takes_all or has_given:
        return _kept(tx, row, "ask-to-end", actor, now)
    return _end(tx, row, SYSTEM, now)


def agree_to_end(tx: Tx, *, share_id: str, actor: Actor, now: datetime) -> PayerShare:
    """Raises: NoSuchShare, IllegalMove, OwnShareDecision, ShareNotGiven."""
    row = _locked(tx, share_id, actor)
    if row.asked_by_person == actor.person:
        raise OwnShareDecision("Somebody else has to agree to what you asked for.")
    return _end(tx, row, actor, now)


def keep_share(tx: Tx, *, share_id: str, actor: Actor, now: datetime) -> PayerShare:
    """It does not end after all. Raises: NoSuchShare, IllegalMove."""
    row = _locked(tx, share_id, actor)
    advance(tx, row, SHARE_MOVES, ShareEvent.KEEP, actor=actor, now=now)
    row.ending = row.borne_by = row.asked_by_person = None
    return _kept(tx, row, "keep", actor, now)


def _end(tx: Tx, row: PayerShareRow, actor: Actor, now: datetime) -> PayerShare:
    advance(tx, row, SHARE_MOVES, ShareEvent.END, actor=actor, now=now)
    row.ended_by_person = actor.person
    tx.session.flush()
    share = find_share(tx, row.id, SYSTEM)
    if share.open_balance:
        (_let_clinic_bear if share.borne_by is Bearer.CLINIC else _bill_patient)(tx, share, actor, now)
    return _kept(tx, tx.session.get_one(PayerShareRow, share.id), "end", actor, now)


def _bill_patient(tx: Tx, share: PayerShare, actor: Actor, now: datetime) -> None:
    lower_share(tx, share, share.open_balance, actor, now)
    parts = take_back(
        tx,
        invoice_id=share.invoice_id,
        source_kind=share.cover,
        source_id=share.id,
        amount=share.open_balance,
        actor=actor,
        now=now,
    ).parts
    post_share(tx, share, "ended", ending_share_lines(parts, share.patient_id), actor, now)
    session_ids = tuple(part.session_id for part in parts)
    tx.emit(CostsMore(session_ids=session_ids, actor=actor, now=now))


def _let_clinic_bear(tx: Tx, share: PayerShare, actor: Actor, now: datetime) -> None:
    """Raises: ShareNotGiven."""
    _refuse_what_is_to_come(tx, share)
    parts = fulfil_share(
        tx,
        share_id=share.id,
        source_kind=FORGIVEN,
        source_id=share.id,
        amount=share.open_balance,
        actor=actor,
        now=now,
    )
    lines = (
        debit(Account.CONCESSIONS, earned_of(parts), share.patient_id),
        credit(Account.OTHER_PAYERS_RECEIVABLE, earned_of(parts), share.patient_id),
    )
    post_share(tx, share, "forgiven", lines, actor, now)


def _refuse_what_is_to_come(tx: Tx, share: PayerShare) -> None:
    if any(not is_given for is_given in _promised_sessions(tx, share)):
        raise ShareNotGiven("Some of it is still to be given. Call those sessions off, or wait for them.")


def _has_given(tx: Tx, share: PayerShare) -> bool:
    return any(_promised_sessions(tx, share))


def _promised_sessions(tx: Tx, share: PayerShare) -> list[bool]:
    """For each session of which something is unpaid, whether it was given."""
    lines = standing_lines(tx, find_invoice(tx, share.invoice_id, SYSTEM))
    return [
        find_session(tx, line.session_id, SYSTEM).is_earned
        for line in lines
        if covered_by(tx, line.session_id, share.cover, share.id)
    ]


def _locked(tx: Tx, share_id: str, actor: Actor) -> PayerShareRow:
    lock_patient(tx, find_share(tx, share_id, actor).patient_id)
    return tx.session.get_one(PayerShareRow, share_id)


def _kept(tx: Tx, row: PayerShareRow, deed: str, actor: Actor, now: datetime) -> PayerShare:
    tx.session.flush()
    record_audit(tx, actor=actor, action=f"payer_share.{deed}", subject_id=row.id, now=now)
    return share_of(tx, row)
