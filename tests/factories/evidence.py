"""A packet of evidence as it is frozen."""

from __future__ import annotations

from typing import Any

PAID = {"number": "RC-000012", "paid_on": "2026-11-02", "cents": 90_000, "paid_with": "Card (visa 4242)"}


def evidence_body(**facts: Any) -> dict[str, Any]:
    """With one of everything, unless facts are given."""
    return {
        "number": 2,
        "prepared_on": "2026-11-05",
        "clinic": {"name": "Clinic B, LLC", "trade_name": "Clinic B", "phone": "+1 512 555 0100"},
        "site": "Austin",
        "dispute": {
            "reference": "du_1QxyzABCDEFGHIJKLMNOP",
            "reason": "credit_not_processed",
            "amount_cents": 90_000,
            "opened_on": "2026-11-04",
        },
        "has_health_data": not facts or "services" in facts or "statement" in facts,
        "facts": facts or everything(),
    }


def everything() -> dict[str, Any]:
    return {
        "receipt": {**PAID, "service": "Clinic services"},
        "policy": {
            "agreed_on": "2026-10-20",
            "how": "The payer agreed on a page of the clinic, before saving the card.",
            "text": "I allow Clinic B to save this card with its card processor and to charge it. " * 4,
        },
        "services": {
            "patient": "Maria Sample",
            "lines": [
                {
                    "description": "Ketamine infusion treatment",
                    "service_on": "2026-11-03",
                    "is_given": True,
                    "from": "09:02",
                    "until": "09:51",
                    "cents": 45_000,
                },
                {
                    "description": "Ketamine infusion treatment",
                    "service_on": "2026-11-10",
                    "is_given": False,
                    "from": None,
                    "until": None,
                    "cents": 45_000,
                },
            ],
        },
        "refunds": [
            {
                "number": "RC-000013",
                "refunded_on": "2026-11-04",
                "cents": 10_000,
                "how": "Back to the card or account that paid",
            }
        ],
        "communication": [
            {"on": "2026-11-02", "what": "The payer opened the processor's payment page for this invoice."}
        ],
        "earlier_payments": [{**PAID, "number": None, "paid_on": "2026-09-01"}],
        "other_payment": [{**PAID, "number": "RC-000009", "is_other_invoice": True}],
        "statement": "The payer came to both appointments and signed in at the desk. " * 5,
    }
