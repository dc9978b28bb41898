"""Receipts: frozen with the payment or the refund that they are of, never edited."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from billing.care.queries import find_session
from billing.care.states import SessionState
from billing.catalog.queries import find_entity, find_provider, find_site, site_date
from billing.invoices.queries import find_payer, shares_of_invoice
from billing.invoices.records import NO_SHOW, SettledPart
from billing.kernel.clock import local_date
from billing.kernel.ids import new_id
from billing.kernel.money import Money, total
from billing.kernel.permissions import SYSTEM
from billing.patients.queries import find_patient
from billing.payments.models.credits import CreditLotRow
from billing.payments.models.payments import PaymentRow
from billing.payments.models.receipts import ReceiptRow
from billing.payments.queries.payments import health_account_paid
from billing.payments.queries.receipts import receipt_of
from billing.payments.records.credits import CreditLot, CreditSource
from billing.payments.records.payments import Owned, Payment
from billing.payments.records.receipts import PaidService, Receipt
from billing.payments.records.refunds import Refund
from billing.payments.rules.receipts import given_back_to, paid_with, service_in_words
from billing.platform.data.database import Tx
from billing.platform.data.documents import freeze
from billing.platform.data.jobs import enqueue
from billing.platform.data.series import next_number

RECEIPT = "receipt"
"""The kind of the document, and its number series."""
RENDER_RECEIPT = "render-receipt"
"""The job that draws a receipt; its key is the document's id."""
MAIL_RECEIPT = "mail-receipt"
"""The job that mails a new receipt by itself, if anybody wants that; its key is the receipt's id."""
HELD = "Kept as credit for future services"
DEPOSITED = "Deposit, taken off the next invoice"
GIVEN_BACK = "Given back to the patient"
HEALTH_ACCOUNT_PAID = "A health account (HSA or FSA) paid this money."
INSURER_PAID_TOO = (
    "An insurer has paid for a visit for which a health account (HSA or FSA) had paid, in full or in part."
)
WHERE_IT_BELONGS = (
    "What does not go back to that account may count as income, for an HSA with a further tax of 20%, and "
    "the plan of an FSA may ask for it back. Ask the account's administrator or a tax adviser first, and "
    "keep this receipt with the one of the payment. The clinic gives no tax advice."
)
"""Source: 26 U.S.C. 223(d)(2)(A), 223(f)(2), 223(f)(4)(A); IRS Notice 2004-50, questions 37 and 76;
proposed 26 CFR 1.125-6(d)(7); IRS Publication 969.
"""
CARE = "Clinic services"
"""All that another payer is told of what the money was for."""


def issue_payment_receipt(tx: Tx, payment: Payment, parts: Iterable[SettledPart], now: datetime) -> Receipt:
    """The receipt of a payment that was received; `parts` are what it settled.

    It carries the day on which the money came, however late it is issued.
    """
    is_patients = payment.payer_id is None
    services = [_paid_for(tx, part.session_id, part.amount) for part in parts if is_patients]
    said = {
        "kind": "payment",
        "paid_on": payment.received_on,
        "paid_by_patient": is_patients,
        "paid_with": paid_with(payment.tender, payment.instrument),
        "is_health_account": payment.is_health_account,
        "refers_to": None,
        **_told(services, payment.amount, _held_as(tx, payment) if is_patients else CARE),
        **_handed_over(payment),
        **(_others_paid(tx, payment) if is_patients else _payer(tx, payment.payer_id)),
    }
    return _issue(tx, payment, said, payment.amount, now, payment_id=payment.id)


def issue_refund_receipt(tx: Tx, refund: Refund, lot: CreditLot, now: datetime) -> Receipt:
    """The receipt of a refund that was sent, under a number and a day of its own."""
    paid_by = refund.payment_id or lot.origin_payment_id
    is_patients = refund.payer_id is None
    services = [_service(tx, lot.session_id, refund.amount)] if lot.session_id and is_patients else []
    payment = tx.session.get(PaymentRow, paid_by) if paid_by else None
    refers_to = paid_by and tx.session.scalar(select(ReceiptRow).where(ReceiptRow.payment_id == paid_by))
    said = {
        "kind": "refund",
        "paid_on": refund.refunded_on,
        "paid_by_patient": False,
        "paid_with": given_back_to(refund.method, refund.reference),
        "is_health_account": payment is not None and payment.is_health_account,
        "refers_to": {"number": refers_to.number, "issued_on": refers_to.issued_on} if refers_to else None,
        **_told(services, refund.amount, GIVEN_BACK if is_patients else CARE),
        **({"notices": list(_notices(tx, refund, lot, payment))} if is_patients else {}),
        **({} if is_patients else _payer(tx, refund.payer_id)),
    }
    return _issue(
        tx,
        refund,
        said,
        refund.amount,
        now,
        refund_id=refund.id,
        refers_to_id=refers_to.id if refers_to else None,
    )


def _issue(
    tx: Tx, of: Owned, said: Mapping[str, Any], amount: Money, now: datetime, **links: str | None
) -> Receipt:
    receipt_id, issued_on = new_id("rcp"), site_date(tx, of.site_id, now)
    number = f"RC-{next_number(tx, entity_id=of.entity_id, series=RECEIPT):06d}"
    body = {"number": number, "issued_on": issued_on, **_parties(tx, of), **said}
    document = freeze(tx, kind=RECEIPT, subject_id=receipt_id, version=1, body=body, now=now)
    enqueue(tx, kind=RENDER_RECEIPT, key=document.id, due_at=now)
    if body["patient"] is not None:
        enqueue(tx, kind=MAIL_RECEIPT, key=receipt_id, due_at=now)
    row = ReceiptRow(
        id=receipt_id,
        entity_id=of.entity_id,
        site_id=of.site_id,
        patient_id=of.patient_id,
        number=number,
        amount_cents=amount.cents,
        document_id=document.id,
        sha256=document.sha256,
        issued_on=issued_on,
        issued_at=now,
        **links,
    )
    tx.session.add(row)
    tx.session.flush()
    return receipt_of(tx, row)


def _held_as(tx: Tx, payment: Payment) -> str:
    """What a patient is told of money that no session took."""
    deposit = CreditLotRow.source == CreditSource.DEPOSIT
    found = tx.session.scalar(select(CreditLotRow.id).where(CreditLotRow.source_id == payment.id, deposit))
    return DEPOSITED if found else HELD


def _payer(tx: Tx, payer_id: str | None) -> dict[str, Any]:
    """A receipt for another payer names them in the patient's place, and no patient."""
    return {"patient": None, "payer": {"name": find_payer(tx, str(payer_id), SYSTEM).name}}


def _notices(tx: Tx, refund: Refund, lot: CreditLot, payment: PaymentRow | None) -> Iterator[str]:
    """What a patient has to know of money that came back, in the words of the day."""
    if payment and refund.refunded_on and payment.received_on.year < refund.refunded_on.year:
        paid, gone = payment.received_on.year, refund.refunded_on.year
        yield f"This refund belongs to {gone}. The payment of {paid} and its receipt stay as they are."
    if payment and payment.is_health_account:
        yield f"{HEALTH_ACCOUNT_PAID} {WHERE_IT_BELONGS}"
    elif lot.source is CreditSource.REIMBURSEMENT and health_account_paid(tx, str(lot.session_id)):
        yield f"{INSURER_PAID_TOO} {WHERE_IT_BELONGS}"


def _handed_over(payment: Payment) -> dict[str, int]:
    """The cash that was handed over, and what was given back of it at once."""
    if payment.tendered is None or not payment.change:
        return {}
    return {"tendered_cents": payment.tendered.cents, "change_cents": payment.change.cents}


def _others_paid(tx: Tx, payment: Payment) -> dict[str, Any]:
    """What other payers had paid of the same invoice by then; not who they are."""
    if payment.invoice_id is None:
        return {}
    paid = total(share.paid for share in shares_of_invoice(tx, payment.invoice_id, SYSTEM))
    return {"others_paid_cents": paid.cents} if paid else {}


def _parties(tx: Tx, of: Owned) -> dict[str, Any]:
    entity, site = find_entity(tx, of.entity_id), find_site(tx, of.site_id)
    patient = find_patient(tx, of.patient_id, SYSTEM)
    return {
        "clinic": {
            "name": entity.name,
            "trade_name": entity.trade_name,
            "tin": entity.tin,
            "npi": entity.npi,
            "address": asdict(entity.address),
            "phone": entity.phone,
        },
        "site": {"name": site.name, "address": asdict(site.address)},
        "patient": {"name": f"{patient.given_name} {patient.family_name}", "number": patient.number},
    }


def _paid_for(tx: Tx, session_id: str, amount: Money) -> PaidService:
    """What is paid for a session that was missed is a fee, which no health account takes for treatment."""
    service, session = _service(tx, session_id, amount), find_session(tx, session_id, SYSTEM)
    if session.state is not SessionState.NO_SHOW:
        return service
    return replace(service, description=service_in_words(NO_SHOW), is_given=True, provider=None)


def _service(tx: Tx, session_id: str, amount: Money) -> PaidService:
    """A session on its day: as it was, or as it is planned until then."""
    session = find_session(tx, session_id, SYSTEM)
    provider = find_provider(tx, session.provider_id) if session.provider_id else None
    on = session.planned_on
    if session.started_at is not None:
        on = local_date(session.started_at, ZoneInfo(find_site(tx, session.site_id).timezone))
    return PaidService(
        description=service_in_words(session.service),
        service_on=on,
        is_given=session.stopped_at is not None,
        provider=f"{provider.name}, {provider.credentials}" if provider else None,
        amount=amount,
    )


def _told(services: list[PaidService], amount: Money, rest: str) -> dict[str, Any]:
    """All that the amount went to, to the cent."""
    left = amount - total(service.amount for service in services)
    if left:
        services = [
            *services,
            PaidService(description=rest, service_on=None, is_given=False, provider=None, amount=left),
        ]
    lines = [
        {
            "description": service.description,
            "service_on": service.service_on,
            "is_given": service.is_given,
            "provider": service.provider,
            "cents": service.amount.cents,
        }
        for service in services
    ]
    return {"lines": lines, "amount_cents": amount.cents}
