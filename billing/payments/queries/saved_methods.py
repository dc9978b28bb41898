"""Reads of saved cards, of consents, and of links to save a card by."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from billing.kernel.permissions import SYSTEM, Actor
from billing.patients.queries import find_patient, is_on_hold
from billing.payments.errors import ConsentMissing, NoSuchSavedMethod, NotChargeable
from billing.payments.models.saved_methods import (
    CardLinkRow,
    ConsentRow,
    ConsentTextRow,
    ProcessorCustomerRow,
    SavedMethodRow,
)
from billing.payments.queries.checkouts import no_such_link, secret_hash
from billing.payments.queries.reach import seen
from billing.payments.records.saved_methods import (
    CardFacts,
    CardLink,
    Consent,
    ConsentBy,
    ConsentDeed,
    ProcessorCustomer,
    Purpose,
    SavedMethod,
)
from billing.payments.states.saved_methods import KEPT, SavedState
from billing.platform.data.database import Read


def find_saved_method(read: Read, saved_method_id: str, actor: Actor) -> SavedMethod:
    """Raises: NoSuchSavedMethod."""
    missing = NoSuchSavedMethod("There is no such saved card.")
    return saved_method_of(read, seen(read.session.get(SavedMethodRow, saved_method_id), actor, missing))


def list_saved_methods(read: Read, patient_id: str, actor: Actor) -> Sequence[SavedMethod]:
    """All that were ever begun for a patient, newest first. Raises: NoSuchPatient."""
    patient = find_patient(read, patient_id, actor)
    query = select(SavedMethodRow).where(SavedMethodRow.patient_id == patient.id)
    return [
        saved_method_of(read, row) for row in read.session.scalars(query.order_by(SavedMethodRow.id.desc()))
    ]


def kept_methods(read: Read, patient_id: str) -> Sequence[SavedMethod]:
    """Those of a patient that the processor keeps, newest first."""
    return [each for each in list_saved_methods(read, patient_id, SYSTEM) if each.state in KEPT]


def pending_saving(read: Read, patient_id: str) -> SavedMethod | None:
    """The card that a patient is about to save; there is at most one."""
    row = read.session.scalar(
        select(SavedMethodRow).where(
            SavedMethodRow.patient_id == patient_id, SavedMethodRow.state == SavedState.PENDING
        )
    )
    return saved_method_of(read, row) if row else None


def saving_by_page(read: Read, reference: str) -> SavedMethod | None:
    row = read.session.scalar(select(SavedMethodRow).where(SavedMethodRow.page_reference == reference))
    return saved_method_of(read, row) if row else None


def saved_by_reference(read: Read, reference: str) -> SavedMethod | None:
    """By the processor's id of the card."""
    row = read.session.scalar(select(SavedMethodRow).where(SavedMethodRow.method_reference == reference))
    return saved_method_of(read, row) if row else None


def processor_customer(read: Read, customer_id: str) -> ProcessorCustomer:
    row = read.session.get_one(ProcessorCustomerRow, customer_id)
    return ProcessorCustomer(id=row.id, reference=row.reference, made_at=row.made_at)


def unresolved_savings(read: Read, *, before: datetime, now: datetime) -> Sequence[SavedMethod]:
    """Pages whose opening was not confirmed since `before`, and those that are past their end."""
    lost = SavedMethodRow.page_reference.is_(None) & (SavedMethodRow.opened_at < before)
    query = select(SavedMethodRow).where(
        SavedMethodRow.state == SavedState.PENDING, lost | (SavedMethodRow.expires_at <= now)
    )
    return [saved_method_of(read, row) for row in read.session.scalars(query)]


def unresolved_removals(read: Read, *, before: datetime) -> Sequence[SavedMethod]:
    query = select(SavedMethodRow).where(
        SavedMethodRow.state == SavedState.REMOVING, SavedMethodRow.removal_asked_at < before
    )
    return [saved_method_of(read, row) for row in read.session.scalars(query)]


def living_consents(read: Read, saved_method_id: str) -> dict[Purpose, str]:
    """The consent in force for each purpose: the last row of it, unless that one takes it back."""
    query = select(ConsentRow).where(ConsentRow.saved_method_id == saved_method_id).order_by(ConsentRow.id)
    last = {Purpose(row.purpose): row for row in read.session.scalars(query)}
    return {purpose: row.id for purpose, row in last.items() if row.deed == ConsentDeed.GIVEN}


def chargeable_consent(
    read: Read, saved_method_id: str, patient_id: str, purpose: Purpose, actor: Actor
) -> str:
    """The consent by which a saved card may be charged for a purpose, for its own patient alone.

    Raises: NoSuchSavedMethod, NotChargeable, ConsentMissing.
    """
    method = find_saved_method(read, saved_method_id, actor)
    if method.patient_id != patient_id:
        raise NoSuchSavedMethod("There is no such saved card of this patient.")
    if method.state is not SavedState.ACTIVE:
        raise NotChargeable(f"The card is {method.state}: ask for another card.", state=str(method.state))
    consent = living_consents(read, saved_method_id).get(purpose)
    if consent is None:
        raise ConsentMissing("The patient has not agreed to charges of this card for that purpose.")
    return consent


def consent_lives(read: Read, consent_id: str) -> bool:
    """Whether a consent is still the one in force, and its card may be charged."""
    row = read.session.get_one(ConsentRow, consent_id)
    method = read.session.get_one(SavedMethodRow, row.saved_method_id)
    return method.state == SavedState.ACTIVE and consent_id in living_consents(read, method.id).values()


def consents_of(read: Read, saved_method_id: str, actor: Actor) -> Sequence[Consent]:
    """Everything that was agreed to and taken back, oldest first. Raises: NoSuchSavedMethod."""
    method = find_saved_method(read, saved_method_id, actor)
    query = (
        select(ConsentRow, ConsentTextRow.text)
        .outerjoin(ConsentTextRow, ConsentTextRow.sha256 == ConsentRow.text_sha256)
        .where(ConsentRow.saved_method_id == method.id)
        .order_by(ConsentRow.id)
    )
    return [_consent(row, words) for row, words in read.session.execute(query)]


def altered_consent_texts(read: Read) -> tuple[str, ...]:
    """Hashes of texts that were agreed to and read otherwise now; there should be none."""
    rows = read.session.scalars(select(ConsentTextRow).order_by(ConsentTextRow.sha256))
    return tuple(row.sha256 for row in rows if hashlib.sha256(row.text.encode()).hexdigest() != row.sha256)


def find_card_link(read: Read, secret: str, now: datetime) -> CardLink:
    """Raises: NoSuchPayLink, for an unknown and for an expired one alike, and while charges are stopped."""
    row = read.session.scalar(select(CardLinkRow).where(CardLinkRow.secret_sha256 == secret_hash(secret)))
    if row is None or row.expires_at <= now or is_on_hold(read, row.patient_id):
        raise no_such_link()
    return CardLink(
        id=row.id,
        entity_id=row.entity_id,
        site_id=row.site_id,
        patient_id=row.patient_id,
        purposes=tuple(Purpose(each) for each in row.purposes.split()),
        expires_at=row.expires_at,
    )


def saved_method_of(read: Read, row: SavedMethodRow) -> SavedMethod:
    living = living_consents(read, row.id)
    return SavedMethod(
        id=row.id,
        entity_id=row.entity_id,
        site_id=row.site_id,
        patient_id=row.patient_id,
        customer_id=row.customer_id,
        state=SavedState(row.state),
        card=card_of(row),
        blocked_for=row.blocked_for,
        purposes=tuple(each for each in Purpose if each in living),
        page_reference=row.page_reference,
        url=row.url,
        return_url=row.return_url,
        opened_at=row.opened_at,
        expires_at=row.expires_at,
        removal_asked_at=row.removal_asked_at,
    )


def card_of(row: SavedMethodRow) -> CardFacts | None:
    if row.method_reference is None:
        return None
    return CardFacts(
        reference=row.method_reference,
        brand=row.brand or "",
        last4=row.last4 or "",
        exp_month=row.exp_month or 0,
        exp_year=row.exp_year or 0,
    )


def _consent(row: ConsentRow, words: str | None) -> Consent:
    return Consent(
        id=row.id,
        saved_method_id=row.saved_method_id,
        purpose=Purpose(row.purpose),
        deed=ConsentDeed(row.deed),
        told_by=ConsentBy(row.told_by),
        actor_id=row.actor_id,
        signed_on=row.signed_on,
        text_sha256=row.text_sha256,
        text=words,
        at=row.at,
    )
