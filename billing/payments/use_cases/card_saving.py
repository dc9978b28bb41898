"""Saving a card: the link, the patient's consent, the page at the processor, and what came of it."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import insert, select

from billing.catalog.queries import find_entity
from billing.kernel.ids import new_id
from billing.kernel.permissions import Actor
from billing.patients.queries import find_patient, refuse_while_on_hold
from billing.patients.use_cases import lock_patient
from billing.payments.errors import ConsentChanged, ConsentMissing
from billing.payments.models.saved_methods import CardLinkRow, ProcessorCustomerRow, SavedMethodRow
from billing.payments.queries.checkouts import secret_hash
from billing.payments.queries.saved_methods import saved_method_of
from billing.payments.records.saved_methods import (
    CardFacts,
    CardLink,
    ConsentBy,
    ConsentText,
    Purpose,
    SavedMethod,
)
from billing.payments.rules.saved_methods import consent_text
from billing.payments.states.saved_methods import SAVED_MOVES, SavedEvent, SavedState
from billing.payments.use_cases.consents import give_consent, keep_only, lock_method
from billing.payments.use_cases.links import LINK_LASTS, SECRET_BYTES
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx
from billing.platform.data.states import advance

PAGE_LASTS = timedelta(hours=1)


def make_card_link(
    tx: Tx, *, patient_id: str, purposes: Collection[Purpose], actor: Actor, now: datetime
) -> tuple[CardLink, str]:
    """A link by which a patient saves a card or removes one, and its secret, which is told once.

    Raises: NoSuchPatient, AccountOnHold.
    """
    patient = find_patient(tx, patient_id, actor)
    refuse_while_on_hold(tx, patient_id)
    secret = secrets.token_urlsafe(SECRET_BYTES)
    link = CardLink(
        id=new_id("cdl"),
        entity_id=patient.entity_id,
        site_id=patient.site_id,
        patient_id=patient.id,
        purposes=tuple(each for each in Purpose if each in purposes),
        expires_at=now + LINK_LASTS,
    )
    tx.session.execute(
        insert(CardLinkRow).values(
            **{name: value for name, value in vars(link).items() if name != "purposes"},
            purposes=" ".join(link.purposes),
            secret_sha256=secret_hash(secret),
            made_by=actor.id,
        )
    )
    record_audit(tx, actor=actor, action="card_link.make", subject_id=link.id, now=now)
    return link, secret


def begin_saving(
    tx: Tx, *, link: CardLink, agreed: Sequence[str], return_url: str, actor: Actor, now: datetime
) -> SavedMethod:
    """Keep what the patient ticked, and the intent to save a card; a page that stands is used again.

    `agreed` holds the hashes of the texts as they were shown.
    Raises: AccountOnHold, ConsentMissing, ConsentChanged.
    """
    lock_patient(tx, link.patient_id)
    refuse_while_on_hold(tx, link.patient_id)
    texts = _agreed_texts(tx, link, agreed)
    row = tx.session.scalar(
        select(SavedMethodRow).where(
            SavedMethodRow.patient_id == link.patient_id, SavedMethodRow.state == SavedState.PENDING
        )
    )
    if row is None:
        row = _new(tx, link, return_url, now)
        record_audit(tx, actor=actor, action="saved_method.begin", subject_id=row.id, now=now)
    ticked = {each.purpose for each in texts}
    keep_only(tx, saved_method_id=row.id, purposes=ticked, actor=actor, now=now)
    for each in texts:
        give_consent(
            tx,
            saved_method_id=row.id,
            text=each,
            told_by=ConsentBy.LINK,
            signed_on=None,
            actor=actor,
            now=now,
        )
    return saved_method_of(tx, row)


def keep_customer(tx: Tx, *, customer_id: str, reference: str, actor: Actor, now: datetime) -> str:
    """Keep the processor's id of a patient, the first one that is told, and answer with it."""
    row = tx.session.get_one(ProcessorCustomerRow, customer_id)
    lock_patient(tx, row.patient_id)
    if row.reference is None:
        row.reference = reference
        record_audit(tx, actor=actor, action="processor_customer.keep", subject_id=row.id, now=now)
    return row.reference


def keep_saving_page(
    tx: Tx, *, saved_method_id: str, reference: str, url: str | None, actor: Actor, now: datetime
) -> SavedMethod:
    """Keep where the card is typed. An answer that came too late changes nothing."""
    row = lock_method(tx, saved_method_id)
    if row.state == SavedState.PENDING and row.page_reference is None:
        row.page_reference, row.url = reference, url
        tx.session.flush()
        record_audit(tx, actor=actor, action="saved_method.open", subject_id=row.id, now=now)
    return saved_method_of(tx, row)


def complete_saving(
    tx: Tx, *, saved_method_id: str, reference: str, card: CardFacts, actor: Actor, now: datetime
) -> SavedMethod:
    """The processor keeps the card: once, however often it is told, and however late."""
    row = lock_method(tx, saved_method_id)
    if (SavedState(row.state), SavedEvent.ACTIVATE) in SAVED_MOVES:
        row.page_reference, row.url, row.method_reference = reference, None, card.reference
        row.brand, row.last4 = card.brand, card.last4
        row.exp_month, row.exp_year = card.exp_month, card.exp_year
        advance(tx, row, SAVED_MOVES, SavedEvent.ACTIVATE, actor=actor, now=now)
        tx.session.flush()
        record_audit(tx, actor=actor, action="saved_method.keep", subject_id=row.id, now=now)
    return saved_method_of(tx, row)


def abandon_saving(tx: Tx, *, saved_method_id: str, actor: Actor, now: datetime) -> SavedMethod:
    """The page is closed, or was never opened, and no card was saved."""
    row = lock_method(tx, saved_method_id)
    if row.state == SavedState.PENDING:
        advance(tx, row, SAVED_MOVES, SavedEvent.ABANDON, actor=actor, now=now)
        row.url = None
        tx.session.flush()
        record_audit(tx, actor=actor, action="saved_method.abandon", subject_id=row.id, now=now)
    return saved_method_of(tx, row)


def _agreed_texts(tx: Tx, link: CardLink, agreed: Sequence[str]) -> list[ConsentText]:
    """Raises: ConsentMissing, ConsentChanged."""
    clinic = find_entity(tx, link.entity_id).trade_name
    shown = [consent_text(purpose, clinic) for purpose in link.purposes]
    if not agreed:
        raise ConsentMissing("Tick what you agree to; without it no card is saved.")
    if not {each.sha256 for each in shown}.issuperset(agreed):
        raise ConsentChanged("The text has changed since you opened this page. Please read it again.")
    return [each for each in shown if each.sha256 in agreed]


def _new(tx: Tx, link: CardLink, return_url: str, now: datetime) -> SavedMethodRow:
    row = SavedMethodRow(
        id=new_id("svm"),
        entity_id=link.entity_id,
        site_id=link.site_id,
        patient_id=link.patient_id,
        customer_id=_customer_of(tx, link, now),
        state=SavedState.PENDING,
        return_url=return_url,
        opened_at=now,
        expires_at=now + PAGE_LASTS,
    )
    tx.session.add(row)
    tx.session.flush()
    return row


def _customer_of(tx: Tx, link: CardLink, now: datetime) -> str:
    known = tx.session.scalar(
        select(ProcessorCustomerRow.id).where(
            ProcessorCustomerRow.patient_id == link.patient_id,
            ProcessorCustomerRow.entity_id == link.entity_id,
        )
    )
    if known is not None:
        return known
    row = ProcessorCustomerRow(
        id=new_id("pcu"), entity_id=link.entity_id, patient_id=link.patient_id, made_at=now
    )
    tx.session.add(row)
    tx.session.flush()
    return row.id
