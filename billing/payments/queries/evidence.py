"""What is on file about a disputed payment, as it would be told to the bank."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select

from billing.care.queries import find_session
from billing.catalog.queries import find_site, site_date
from billing.kernel.clock import local_date
from billing.kernel.permissions import SYSTEM, Actor
from billing.patients.queries import find_patient
from billing.payments.models.checkouts import CheckoutRow
from billing.payments.models.mail import MailRow
from billing.payments.models.payments import PaymentRow
from billing.payments.models.receipts import ReceiptRow
from billing.payments.models.refunds import RefundRow
from billing.payments.models.saved_methods import ConsentRow, ConsentTextRow
from billing.payments.queries.disputes import covered_with, credits_brought_by, find_dispute
from billing.payments.queries.payments import find_payment
from billing.payments.queries.reconciliation import listed_at
from billing.payments.queries.refunds import HAS_LEFT_UNBOOKED
from billing.payments.records.checkouts import Way
from billing.payments.records.dispute_answers import EvidenceFact, EvidenceNeeds
from billing.payments.records.disputes import Dispute
from billing.payments.records.payments import Payment, Tender
from billing.payments.records.refunds import RefundMethod
from billing.payments.records.saved_methods import ConsentBy
from billing.payments.rules.dispute_answers import called_for, missing_of
from billing.payments.rules.receipts import given_back_to, paid_with, service_in_words
from billing.payments.states.mail import MailState
from billing.payments.states.payments import PaymentState
from billing.payments.states.refunds import RefundState
from billing.platform.data.database import Read

CLINIC_SERVICES = "Clinic services"
"""All that is told of what was paid for, short of health data."""

NOT_RECEIVED = "product_not_received"
"""The bank's word for: the payer says they did not get the service."""

REPEATED_WITHIN = timedelta(days=60)
"""How far apart two payments may be for one to look like the other once more."""

MOST_EARLIER = 12
CONSENTS_IN_WORDS = {
    ConsentBy.LINK: "The payer agreed on a page of the clinic, before saving the card.",
    ConsentBy.WRITING: "The payer signed this on paper.",
}
WAYS_IN_WORDS = {
    Way.PAGE: "The payer opened the processor's payment page for this invoice and completed it.",
    Way.READER: "The payer presented the card at the clinic's card reader.",
}


def evidence_needs(read: Read, dispute_id: str, actor: Actor) -> EvidenceNeeds:
    """Raises: NoSuchDispute."""
    dispute = find_dispute(read, dispute_id, actor)
    on_file = tuple(facts_on_file(read, dispute))
    return EvidenceNeeds(
        dispute=dispute,
        called_for=called_for(dispute.reason),
        on_file=on_file,
        missing=missing_of(dispute.reason, on_file),
    )


def facts_on_file(read: Read, dispute: Dispute) -> Mapping[EvidenceFact, Any]:
    """Each fact that there is something to tell of, in JSON's terms. SERVICES alone hold health data."""
    payment = find_payment(read, dispute.payment_id, SYSTEM)
    told = {
        EvidenceFact.RECEIPT: _receipt(read, payment),
        EvidenceFact.POLICY: _policy(read, payment),
        EvidenceFact.SERVICES: _services_for(read, dispute, payment),
        EvidenceFact.REFUNDS: _refunds(read, payment),
        EvidenceFact.COMMUNICATION: _communication(read, payment),
        EvidenceFact.EARLIER_PAYMENTS: _earlier_payments(read, payment),
        EvidenceFact.OTHER_PAYMENT: _other_payments(read, payment),
    }
    return {fact: what for fact, what in told.items() if what}


def _receipt(read: Read, payment: Payment) -> Mapping[str, Any] | None:
    number = _receipt_number(read, payment.id)
    return {**_paid(payment, number), "service": CLINIC_SERVICES} if number else None


def _receipt_number(read: Read, payment_id: str) -> str | None:
    return read.session.scalar(select(ReceiptRow.number).where(ReceiptRow.payment_id == payment_id))


def _paid(payment: Payment, number: str | None) -> dict[str, Any]:
    return {
        "number": number,
        "paid_on": payment.received_on,
        "cents": payment.amount.cents,
        "paid_with": paid_with(payment.tender, payment.instrument),
    }


def _policy(read: Read, payment: Payment) -> Mapping[str, Any] | None:
    """The consent that a saved card was charged under, word for word."""
    agreed = read.session.execute(
        select(ConsentRow.at, ConsentRow.signed_on, ConsentRow.told_by, ConsentTextRow.text)
        .join(CheckoutRow, CheckoutRow.consent_id == ConsentRow.id)
        .join(PaymentRow, PaymentRow.checkout_id == CheckoutRow.id)
        .join(ConsentTextRow, ConsentTextRow.sha256 == ConsentRow.text_sha256)
        .where(PaymentRow.id == payment.id)
    ).first()
    if agreed is None:
        return None
    zone = ZoneInfo(find_site(read, payment.site_id).timezone)
    return {
        "agreed_on": agreed.signed_on or local_date(agreed.at, zone),
        "how": CONSENTS_IN_WORDS[ConsentBy(agreed.told_by)],
        "text": agreed.text,
    }


def _services_for(read: Read, dispute: Dispute, payment: Payment) -> Mapping[str, Any] | None:
    """Where the payer says that nothing was given, days of service on which nothing was speak for them."""
    told = _services(read, payment)
    if told and dispute.reason == NOT_RECEIVED and not any(line["is_given"] for line in told["lines"]):
        return None
    return told


def _services(read: Read, payment: Payment) -> Mapping[str, Any] | None:
    """Another payer's bank is told nothing of the patient, whoever approves."""
    if payment.payer_id is not None:
        return None
    lines = []
    for covered in covered_with(read, payment):
        session = find_session(read, covered.session_id, SYSTEM)
        zone = ZoneInfo(find_site(read, session.site_id).timezone)
        began, ended = session.started_at, session.stopped_at
        lines.append({
            "description": service_in_words(session.service),
            "service_on": local_date(began, zone) if began else session.planned_on,
            "is_given": session.stopped_at is not None,
            "from": f"{began.astimezone(zone):%H:%M}" if began else None,
            "until": f"{ended.astimezone(zone):%H:%M}" if ended else None,
            "cents": covered.amount.cents,
        })  # fmt: skip
    if not lines:
        return None
    patient = find_patient(read, payment.patient_id, SYSTEM)
    name = f"{patient.given_name} {patient.family_name}"
    return {"patient": name, "lines": sorted(lines, key=lambda line: line["service_on"])}


def _refunds(read: Read, payment: Payment) -> list[Mapping[str, Any]]:
    """What went back of it, to the card or by check, and has not come back since, booked or not."""
    rows = read.session.scalars(
        select(RefundRow)
        .where(
            or_(RefundRow.state.in_((RefundState.SENT, RefundState.SUCCEEDED)), HAS_LEFT_UNBOOKED),
            or_(
                RefundRow.payment_id == payment.id,
                RefundRow.lot_id.in_(credits_brought_by(read, payment.id)),
            ),
        )
        .order_by(RefundRow.id)
    )
    return [
        {
            "number": read.session.scalar(select(ReceiptRow.number).where(ReceiptRow.refund_id == row.id)),
            "refunded_on": row.refunded_on or _listed_on(read, row),
            "cents": row.amount_cents,
            "how": given_back_to(RefundMethod(row.method), row.reference),
        }
        for row in rows
    ]


def _listed_on(read: Read, row: RefundRow) -> date:
    """When the processor says that it left which is not booked yet."""
    return site_date(read, row.site_id, listed_at(read, str(row.reference)) or row.requested_at)


def _communication(read: Read, payment: Payment) -> list[Mapping[str, Any]]:
    """What passed between payer and clinic, oldest first; no address and no text of it."""
    zone = ZoneInfo(find_site(read, payment.site_id).timezone)
    checkouts = (
        select(CheckoutRow.opened_at, CheckoutRow.way)
        .join(PaymentRow, PaymentRow.checkout_id == CheckoutRow.id)
        .where(PaymentRow.id == payment.id)
    )
    found = [
        (at, WAYS_IN_WORDS[Way(way)]) for at, way in read.session.execute(checkouts) if way in WAYS_IN_WORDS
    ]
    mails = (
        select(MailRow.sent_at, ReceiptRow.number)
        .join(ReceiptRow, ReceiptRow.id == MailRow.receipt_id)
        .where(ReceiptRow.payment_id == payment.id, MailRow.state == MailState.SENT)
    )
    found += [
        (at, f"A link to receipt {number} was sent by e-mail.")
        for at, number in read.session.execute(mails)
        if at is not None
    ]
    return [{"on": local_date(at, zone), "what": what} for at, what in sorted(found)]


def _earlier_payments(read: Read, payment: Payment) -> list[Mapping[str, Any]]:
    """Those by the same card or account, the latest first, that stood without a dispute's loss."""
    if payment.instrument is None:
        return []
    rows = _payments_like(
        read,
        payment,
        PaymentRow.instrument == payment.instrument,
        PaymentRow.received_at < payment.received_at,
        PaymentRow.lost_cents == 0,
    )
    return [_paid_row(read, row) for row in rows]


def _other_payments(read: Read, payment: Payment) -> list[Mapping[str, Any]]:
    """Those of the same amount at about that time, which this one may be said to repeat."""
    rows = _payments_like(
        read,
        payment,
        PaymentRow.amount_cents == payment.amount.cents,
        PaymentRow.received_on.between(
            payment.received_on - REPEATED_WITHIN, payment.received_on + REPEATED_WITHIN
        ),
    )
    return [
        {**_paid_row(read, row), "is_other_invoice": row.invoice_id != payment.invoice_id} for row in rows
    ]


def _payments_like(read: Read, payment: Payment, *conditions: Any) -> list[PaymentRow]:
    query = select(PaymentRow).where(
        PaymentRow.patient_id == payment.patient_id,
        PaymentRow.id != payment.id,
        PaymentRow.state == PaymentState.RECEIVED,
        PaymentRow.payer_id == payment.payer_id,  # None: the patient's own
        *conditions,
    )
    return list(read.session.scalars(query.order_by(PaymentRow.id.desc()).limit(MOST_EARLIER)))


def _paid_row(read: Read, row: PaymentRow) -> dict[str, Any]:
    return {
        "number": _receipt_number(read, row.id),
        "paid_on": row.received_on,
        "cents": row.amount_cents,
        "paid_with": paid_with(Tender(row.tender), row.instrument),
    }
