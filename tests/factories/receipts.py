"""The body of a receipt as it is frozen."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

ADDRESS = {
    "line1": "100 Main Street", "line2": "Suite 2", "city": "Austin", "state": "TX", "postal_code": "78701",
}  # fmt: skip

BODY: dict[str, Any] = {
    "number": "RC-000012",
    "issued_on": "2026-11-02",
    "kind": "payment",
    "paid_on": "2026-11-01",
    "paid_by_patient": True,
    "paid_with": "Card (visa 4242)",
    "is_health_account": True,
    "refers_to": None,
    "clinic": {
        "name": "Sample Infusions PLLC",
        "trade_name": "Sample Infusion Clinic",
        "tin": "12-3456789",
        "npi": "1234567893",
        "address": ADDRESS,
        "phone": "+15125550123",
    },
    "site": {"name": "Downtown", "address": ADDRESS},
    "patient": {"name": "Maria Sample", "number": 7},
    "lines": [
        {
            "description": "Ketamine infusion treatment",
            "service_on": "2026-11-03",
            "is_given": False,
            "provider": "Riley Doe, MD",
            "cents": 45_000,
        },
        {
            "description": "Kept as credit for future services",
            "service_on": None,
            "is_given": False,
            "provider": None,
            "cents": 2_550,
        },
    ],
    "amount_cents": 47_550,
}


def receipt_body(**more: Any) -> dict[str, Any]:
    return {**deepcopy(BODY), **deepcopy(more)}
