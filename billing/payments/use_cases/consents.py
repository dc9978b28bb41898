"""What patients agree to about their saved cards: given, recorded from paper, taken back."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime

from sqlalchemy import select

from billing.catalog.queries import find_entity
from billing.kernel.ids import new_id
from billing.kernel.permissions import Actor
from billing.patients.use_cases import lock_patient
from billing.payments.errors import ConsentMissing, NoSuchSavedMethod, NotChargeable
from billing.payments.models.saved_methods import ConsentRow, ConsentTextRow, SavedMethodRow
from billing.payments.queries.days import refuse_unless_past
from billing.payments.queries.saved_methods import find_saved_method, living_consents, saved_method_of
from billing.payments.records.saved_methods import (
    ConsentBy,
    ConsentDeed,
    ConsentText,
    Purpose,
    SavedMethod,
)
from billing.payments.rules.saved_methods import consent_text
from billing.payments.states.saved_methods import KEPT
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx
from billing.platform.data.inserts import insert_unless_there


def record_written_consent(
    tx: Tx, *, saved_method_id: str, purpose: Purpose, signed_on: date, actor: Actor, now: datetime
) -> SavedMethod:
    """The patient signed today's text on paper. Raises: NoSuchSavedMethod, NotChargeable, BadDay."""
    method = find_saved_method(tx, saved_method_id, actor)
    row = lock_method(tx, saved_method_id)
    if row.state not in KEPT:
        raise NotChargeable(f"The card is {row.state}.", state=row.state)
    refuse_unless_past(tx, method.site_id, "signed_on", signed_on, now)
    text = consent_text(purpose, find_entity(tx, method.entity_id).trade_name)
    give_consent(
        tx,
        saved_method_id=row.id,
        text=text,
        told_by=ConsentBy.WRITING,
        signed_on=signed_on,
        actor=actor,
        now=now,
    )
    return saved_method_of(tx, row)


def revoke_consent(
    tx: Tx, *, saved_method_id: str, purpose: Purpose, told_by: ConsentBy, actor: Actor, now: datetime
) -> SavedMethod:
    """The patient takes it back: from now on the card is not charged for that purpose.

    Raises: NoSuchSavedMethod; ConsentMissing when there is none in force.
    """
    find_saved_method(tx, saved_method_id, actor)
    row = lock_method(tx, saved_method_id)
    if purpose not in living_consents(tx, row.id):
        raise ConsentMissing("No consent to that purpose is in force.")
    _take_back(tx, row.id, purpose, told_by, actor, now)
    return saved_method_of(tx, row)


def keep_only(
    tx: Tx, *, saved_method_id: str, purposes: Collection[Purpose], actor: Actor, now: datetime
) -> None:
    """The patient ticked these when the page was shown again: what was ticked before and is not now ends."""
    for purpose in living_consents(tx, saved_method_id):
        if purpose not in purposes:
            _take_back(tx, saved_method_id, purpose, ConsentBy.LINK, actor, now)


def _take_back(
    tx: Tx, saved_method_id: str, purpose: Purpose, told_by: ConsentBy, actor: Actor, now: datetime
) -> None:
    revoked = _row(saved_method_id, purpose, told_by, actor, now)
    revoked.deed = ConsentDeed.REVOKED
    _keep(tx, revoked, actor, now)


def give_consent(
    tx: Tx,
    *,
    saved_method_id: str,
    text: ConsentText,
    told_by: ConsentBy,
    signed_on: date | None,
    actor: Actor,
    now: datetime,
) -> None:
    """Keep a consent with its text; the same text agreed to again while it is in force changes nothing."""
    living = living_consents(tx, saved_method_id).get(text.purpose)
    if living and tx.session.get_one(ConsentRow, living).text_sha256 == text.sha256:
        return
    words = {"sha256": text.sha256, "purpose": text.purpose, "version": text.version, "text": text.text}
    insert_unless_there(tx, ConsentTextRow, words, key=["sha256"])
    row = _row(saved_method_id, text.purpose, told_by, actor, now)
    row.deed, row.text_sha256, row.signed_on = ConsentDeed.GIVEN, text.sha256, signed_on
    _keep(tx, row, actor, now)


def lock_method(tx: Tx, saved_method_id: str) -> SavedMethodRow:
    """Raises: NoSuchSavedMethod."""
    patient_id = tx.session.scalar(
        select(SavedMethodRow.patient_id).where(SavedMethodRow.id == saved_method_id)
    )
    if patient_id is None:
        raise NoSuchSavedMethod("There is no such saved card.")
    lock_patient(tx, patient_id)
    return tx.session.get_one(SavedMethodRow, saved_method_id)


def _row(
    saved_method_id: str, purpose: Purpose, told_by: ConsentBy, actor: Actor, now: datetime
) -> ConsentRow:
    return ConsentRow(
        id=new_id("cst"),
        saved_method_id=saved_method_id,
        purpose=purpose,
        told_by=told_by,
        actor_id=actor.id,
        at=now,
    )


def _keep(tx: Tx, row: ConsentRow, actor: Actor, now: datetime) -> None:
    tx.session.add(row)
    tx.session.flush()
    record_audit(tx, actor=actor, action=f"consent.{row.deed}", subject_id=row.id, now=now)
