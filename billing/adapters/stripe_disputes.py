"""Stripe's disputes, and the evidence that answers them."""

from __future__ import annotations

from io import BytesIO

from stripe import Dispute, StripeClient

from billing.adapters.stripe_calls import operation
from billing.adapters.stripe_values import id_of, instant, money
from billing.payments.records.disputes import DisputeFacts, DisputeMovementFacts
from billing.payments.states.disputes import DisputeEvent

DISPUTE_STATUS = {
    "warning_needs_response": DisputeEvent.INQUIRE,
    "warning_under_review": DisputeEvent.INQUIRE,
    "warning_closed": DisputeEvent.CLOSE,
    "prevented": DisputeEvent.CLOSE,
    "needs_response": DisputeEvent.DISPUTE,
    "under_review": DisputeEvent.REVIEW,
    "won": DisputeEvent.WIN,
    "lost": DisputeEvent.LOSE,
}

FILE_NAME = "evidence.pdf"


def upload_evidence(client: StripeClient, packet: bytes, *, key: str) -> str:
    """The file's id there; under a name that tells nothing."""
    file = BytesIO(packet)
    file.name = FILE_NAME
    return client.v1.files.create({"purpose": "dispute_evidence", "file": file}, {"idempotency_key": key}).id


def dispute_facts(dispute: Dispute) -> DisputeFacts:
    due_by = dispute.evidence_details.due_by
    return DisputeFacts(
        reference=dispute.id,
        charge_reference=id_of(dispute.charge) or "",
        told=DISPUTE_STATUS[dispute.status],
        reason=dispute.reason,
        amount=money(dispute.amount, dispute.currency),
        due_at=instant(due_by) if due_by else None,
        opened_at=instant(dispute.created),
        movements=tuple(
            DisputeMovementFacts(
                reference=moved.id,
                reporting_category=moved.reporting_category,
                amount=money(moved.amount, moved.currency),
                fee=money(moved.fee, moved.currency),
                moved_at=instant(moved.created),
            )
            for moved in dispute.balance_transactions
        ),
        operation=operation(dispute.metadata),
    )
