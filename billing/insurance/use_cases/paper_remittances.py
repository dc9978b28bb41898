"""An explanation of benefits on paper, keyed in: the path of a file, with its checks and its posting."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from billing.catalog.queries import entities, find_entity
from billing.insurance.errors import PaperEobFlawed, RemittancePostedBefore
from billing.insurance.queries.earlier_answers import matches_of
from billing.insurance.queries.payment_days import payment_day
from billing.insurance.queries.remittances import (
    known_payers,
    matched_by_hand,
    posted_with_number,
    waiting_of,
)
from billing.insurance.records import Remittance, RemittanceTransaction
from billing.insurance.records.remittances import PaperEob
from billing.insurance.rules.answers import fingerprint
from billing.insurance.rules.paper import flaws_of, paper_transaction, payer_id_of
from billing.insurance.states import RemittanceState
from billing.insurance.use_cases.remittance_decisions.matches import match_claim
from billing.insurance.use_cases.remittance_decisions.payments import call_distinct
from billing.insurance.use_cases.remittances import DUPLICATE, post_remittance
from billing.kernel.clock import local_date
from billing.kernel.errors import Flaw
from billing.kernel.permissions import Actor
from billing.platform.data.database import Read, Tx

CHOSEN = "Chosen when it was keyed in from paper"
ANOTHER = "Said when it was keyed in from paper"


def key_in_eob(tx: Tx, *, eob: PaperEob, actor: Actor, now: datetime) -> Remittance:
    """Post a paper EOB, or park it, as a file with the same content; typed again it is a duplicate.

    A claim whose visit was chosen has that visit, also without a superbill.
    Raises: PaperEobFlawed with each field that does not add up; RemittancePostedBefore when the
    number was posted otherwise; NoSuchSession, AnswerNotMatchable for a visit that cannot be the claim's.
    """
    if flaws := flaws_of(eob, _today(tx, actor, now)):
        raise PaperEobFlawed("The figures do not add up. Nothing was booked.", flaws)
    payer_id = eob.payer_id or payer_id_of(eob.payer_name, known_payers(tx, actor))
    transaction = paper_transaction(eob, payer_id)
    kept = post_remittance(
        tx, transaction=transaction, file_sha256=fingerprint(transaction), actor=actor, now=now
    )
    if kept.status == RemittanceState.PARKED and eob.is_another_payment:
        kept = _as_another(tx, kept, actor, now)
    if kept.status == RemittanceState.PARKED:
        kept = _with_chosen_visits(tx, kept, eob, actor, now)
    if kept.status != DUPLICATE and not eob.is_another_payment:
        _refuse_if_booked_otherwise(tx, kept, eob, actor)
    if kept.status == RemittanceState.PARKED:
        _refuse_day_before_visit(tx, kept, transaction, actor, now)
    return kept


def _as_another(tx: Tx, kept: Remittance, actor: Actor, now: datetime) -> Remittance:
    """It stays said, also for when it can be posted later."""
    if posted_with_number(tx, kept.id) is None:
        return kept
    return call_distinct(tx, remittance_id=kept.id, reason=ANOTHER, actor=actor, now=now)


def _with_chosen_visits(tx: Tx, kept: Remittance, eob: PaperEob, actor: Actor, now: datetime) -> Remittance:
    for place in waiting_of(tx, kept.id).unmatched:
        if session_id := eob.claims[place - 1].session_id:
            kept = match_claim(
                tx,
                remittance_id=kept.id,
                claim_id=kept.claims[place - 1].id,
                session_id=session_id,
                reason=CHOSEN,
                actor=actor,
                now=now,
            )
    return kept


def _refuse_day_before_visit(
    tx: Tx, kept: Remittance, transaction: RemittanceTransaction, actor: Actor, now: datetime
) -> None:
    """Whoever types it has the check at hand, so that its day is mended now. Raises: PaperEobFlawed."""
    by_hand = matched_by_hand(tx, kept.id, transaction, actor)
    matches = {**matches_of(tx, transaction, actor), **by_hand}
    day = payment_day(tx, actor.entity_id, transaction, matches, now)
    if day.is_before_visit:
        message = f"{day.doubt} Compare it with the check."
        raise PaperEobFlawed("The day cannot be. Nothing was booked.", [Flaw("/paid_on", message)])


def _refuse_if_booked_otherwise(tx: Tx, kept: Remittance, eob: PaperEob, actor: Actor) -> None:
    """Its file came before, or it was keyed in with another name or date: the money came once."""
    tx.session.flush()
    other = posted_with_number(tx, kept.id)
    if other is not None:
        raise RemittancePostedBefore(
            f"A payment with the number {eob.check_number} is posted already. Look at it; if this is another "
            "one, say so.",
            remittance_id=other,
        )


def _today(read: Read, actor: Actor, now: datetime) -> date:
    """At the actor's clinic; at the first one, for those who work for all."""
    clinic = find_entity(read, actor.entity_id) if actor.entity_id else entities(read)[0]
    return local_date(now, ZoneInfo(clinic.timezone))
