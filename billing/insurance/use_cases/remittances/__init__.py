"""What insurers answered: kept, matched and posted, one ST transaction at a time, whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select

from billing.catalog.queries import entities
from billing.insurance.models.remittances import RemittanceRow
from billing.insurance.queries import remittance_of, remittance_without_claims
from billing.insurance.queries.earlier_answers import matches_of
from billing.insurance.queries.payees import clinics_of_payee, payee_doubt
from billing.insurance.queries.payment_days import payment_day
from billing.insurance.queries.posting_plans import plan_posting
from billing.insurance.queries.posting_plans.recoveries import owners_of_recoveries
from billing.insurance.queries.remittances import (
    booked_otherwise,
    content_of,
    matched_by_hand,
    remittances_among,
    was_said,
)
from billing.insurance.queries.set_apart import set_apart_in
from billing.insurance.records import Match, Remittance, RemittanceTransaction
from billing.insurance.records.answers import Doubt, PostingPlan
from billing.insurance.records.remittances import DecisionKind, KeptContent
from billing.insurance.rules.answers import as_told_elsewhere, concerns_us, doubt
from billing.insurance.rules.set_apart import without
from billing.insurance.states import REMITTANCE_MOVES, RemittanceEvent, RemittanceState
from billing.insurance.use_cases.parked_remittances import end_waiting, note_copy
from billing.insurance.use_cases.remittances.keeping import Matches, kept_row, lock_given, park
from billing.insurance.use_cases.remittances.posting import carry_out
from billing.kernel.money import ZERO
from billing.kernel.permissions import Actor
from billing.patients.use_cases import lock_patient
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx
from billing.platform.data.states import advance

DUPLICATE = "duplicate"
"""The status of a transaction that was posted or set aside before; nothing is posted again."""


def post_remittance(
    tx: Tx,
    *,
    transaction: RemittanceTransaction,
    file_sha256: str,
    actor: Actor,
    now: datetime,
    told: Callable[[], None] = lambda: None,
) -> Remittance:
    """Post one transaction, or park it with the reason; one that was posted before is a duplicate.

    A parked one is looked at again whenever it is sent again; it stays on file when a corrected one comes and
    is posted. One that was set aside stays so, too, unless it is of another clinic than the one that did.
    What the insurer paid the clinic becomes the patient's credit, for a session already paid; nothing becomes
    a new debt of the patient. Patients are locked before anything is decided. `told` hears of each claim that
    is posted.
    """
    row = _taken_in(tx, transaction, file_sha256, actor, now)
    if row.state != RemittanceState.PARKED:
        note_copy(tx, row, actor=actor, now=now)
        return _as_duplicate(tx, remittance_of(tx, row), actor)
    return _decide(tx, row, transaction, actor, now, told)


def weigh_remittance(
    tx: Tx, *, transaction: RemittanceTransaction, file_sha256: str, actor: Actor, now: datetime
) -> Remittance:
    """What would become of a transaction, decided as posting decides it and not carried out: to be rehearsed.

    Its claims are left out. What waits for another transaction is told as parked.
    """
    row = _taken_in(tx, transaction, file_sha256, actor, now)
    if row.state != RemittanceState.PARKED:
        return _as_duplicate(tx, remittance_without_claims(row), actor)
    matches = _matched(tx, row, transaction, actor)
    row.entity_id = _entity_id(tx, row, transaction, matches, actor)
    plan = _planned(tx, row, transaction, matches, actor, now)
    told = remittance_without_claims(row)
    if isinstance(plan, Doubt):
        return replace(told, status=RemittanceState.PARKED, reason=plan.reason)
    return replace(told, status=RemittanceState.POSTED, reason=None)


def post_parked(tx: Tx, *, remittance_id: str, actor: Actor, now: datetime) -> Remittance:
    """Look at a parked payment again, as it was kept: its reason may be gone by now.

    One that is not parked any more is answered as it is.
    """
    query = select(RemittanceRow).where(RemittanceRow.id == remittance_id).with_for_update()
    row = tx.session.scalars(query.execution_options(populate_existing=True)).one()
    content = content_of(tx, row.id)
    if row.state != RemittanceState.PARKED or content is None:
        return remittance_of(tx, row)
    return _decide(tx, row, content.transaction, actor, now, lambda: None)


def _taken_in(
    tx: Tx, transaction: RemittanceTransaction, file_sha256: str, actor: Actor, now: datetime
) -> RemittanceRow:
    row = kept_row(tx, transaction, file_sha256, actor, now)
    if row.state == RemittanceState.PUT_ASIDE and _is_of_another_clinic(tx, row, transaction, actor):
        row.entity_id = None
        advance(tx, row, REMITTANCE_MOVES, RemittanceEvent.PUT_BACK, actor=actor, now=now)
        record_audit(tx, actor=actor, action="remittance.put_back", subject_id=row.id, now=now)
    return row


def _decide(
    tx: Tx,
    row: RemittanceRow,
    transaction: RemittanceTransaction,
    actor: Actor,
    now: datetime,
    told: Callable[[], None],
) -> Remittance:
    matches = _matched(tx, row, transaction, actor)
    whose = _entity_id(tx, row, transaction, matches, actor)
    if whose != row.entity_id:
        end_waiting(tx, row, actor=actor, now=now)
        row.entity_id = whose
    apart = set_apart_in(tx, row.id, row.entity_id, transaction)
    _lock_patients(tx, row.entity_id, without(transaction, apart), matches, actor)
    if transaction.provider_adjustments:
        lock_given(tx, row.entity_id, row.payer_id)
    plan = _planned(tx, row, transaction, matches, actor, now)
    if isinstance(plan, Doubt):
        sessions = {segment: match.session_id for segment, match in matches.items()}
        park(tx, row, KeptContent(transaction, sessions), plan, actor, now)
    else:
        carry_out(tx, row, plan, actor, now, told)
        end_waiting(tx, row, actor=actor, now=now)
    tx.session.flush()
    return remittance_of(tx, row)


def _matched(
    tx: Tx, row: RemittanceRow, transaction: RemittanceTransaction, actor: Actor
) -> dict[int, Match]:
    return {**matches_of(tx, transaction, actor), **matched_by_hand(tx, row.id, transaction, actor)}


def _planned(
    tx: Tx,
    row: RemittanceRow,
    transaction: RemittanceTransaction,
    matches: Matches,
    actor: Actor,
    now: datetime,
) -> PostingPlan | Doubt:
    apart = set_apart_in(tx, row.id, row.entity_id, transaction)
    reason = (
        _other_content(tx, row)
        or booked_otherwise(tx, row.id)
        or doubt(transaction, apart)
        or _not_for_the_actor(row, actor)
        or payee_doubt(tx, row.entity_id, transaction)
        or _unmatched(transaction, matches)
    )
    if reason:
        return Doubt(reason=reason)
    day = payment_day(tx, row.entity_id, transaction, matches, now)
    if day.doubt and (day.is_to_come or not was_said(tx, row.id, row.entity_id, DecisionKind.RIGHT_DAY)):
        return Doubt(reason=day.doubt)
    return plan_posting(tx, row.entity_id, transaction, matches, actor, day.booked_on, apart)


def _lock_patients(
    tx: Tx,
    entity_id: str | None,
    transaction: RemittanceTransaction,
    matches: Matches,
    actor: Actor,
) -> None:
    """Whose claims these are, and whose earlier payments are taken back, also of one that came meanwhile.

    While a lock was waited for, somebody else's payment may have come under a name that this one says.
    """
    locked: set[str] = set()
    patients = {match.patient_id for match in matches.values()}
    while wanted := (patients | owners_of_recoveries(tx, entity_id, transaction, actor)) - locked:
        for patient_id in sorted(wanted):
            lock_patient(tx, patient_id)
        locked |= wanted


def _other_content(tx: Tx, row: RemittanceRow) -> str | None:
    """Posted once only by entity, payer, trace, amount and date: something else is for a person.

    What was parked under the same key is no hindrance: this may be its correction.
    """
    other = select(RemittanceRow.id).where(
        RemittanceRow.state == RemittanceState.POSTED,
        RemittanceRow.entity_id == row.entity_id,
        RemittanceRow.payer_id == row.payer_id,
        RemittanceRow.trace == row.trace,
        RemittanceRow.amount_cents == row.amount_cents,
        RemittanceRow.paid_on == row.paid_on,
    )
    if tx.session.scalar(other.limit(1)) is None:
        return None
    return "A payment with the same payer, trace, amount and date came before with other content."


def _unmatched(transaction: RemittanceTransaction, matches: Matches) -> str | None:
    for claim in transaction.claims:
        if concerns_us(claim) and claim.segment not in matches:
            return (
                f"The claim at segment {claim.segment} has the control number {claim.control_number}, "
                "which is on no superbill or claim of ours."
            )
    if len({match.entity_id for match in matches.values()}) > 1:
        return "The payment is for sessions of more than one legal entity."
    if transaction.amount and not matches and not transaction.provider_adjustments:
        return "The payment is for no session of ours."
    return None


def _not_for_the_actor(row: RemittanceRow, actor: Actor) -> str | None:
    """A file may pay several clinics; who works for one of them books nothing for another."""
    if actor.entity_id in (None, row.entity_id):
        return None
    return "The payment is for another clinic than that of who sent it. Somebody there has to look at it."


def _entity_id(
    tx: Tx, row: RemittanceRow, transaction: RemittanceTransaction, matches: Matches, actor: Actor
) -> str | None:
    """Whose it is: the matched sessions', else that of the payee's number; else it stays where it waits, or
    is the actor's, or of the only clinic."""
    if matches:
        return next(iter(matches.values())).entity_id
    known, paid = entities(tx), clinics_of_payee(tx, transaction)
    if len(paid) == 1:
        return paid[0]
    only = known[0].id if len(known) == 1 else None
    return row.entity_id or actor.entity_id or only


def _is_of_another_clinic(
    tx: Tx, row: RemittanceRow, transaction: RemittanceTransaction, actor: Actor
) -> bool:
    """Whether one clinic said that it is not theirs, and it comes for another one."""
    if row.entity_id is None or actor.entity_id not in (None, row.entity_id):
        return row.entity_id is not None
    return _entity_id(tx, row, transaction, matches_of(tx, transaction, actor), actor) != row.entity_id


def _as_duplicate(tx: Tx, remittance: Remittance, actor: Actor) -> Remittance:
    """The same answer as before, with nothing newly credited."""
    claims = tuple(replace(claim, status=DUPLICATE, credit=ZERO) for claim in remittance.claims)
    duplicate = replace(remittance, status=DUPLICATE, claims=claims)
    return duplicate if remittances_among(tx, [remittance.id], actor) else as_told_elsewhere(duplicate)
