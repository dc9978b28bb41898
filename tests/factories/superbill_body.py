"""Frozen superbills made by hand, to look at the page without a clinic behind it."""

from __future__ import annotations

from typing import Any

ADDRESS = {
    "line1": "100 Sample Street",
    "line2": "Suite 200",
    "city": "Austin",
    "state": "TX",
    "postal_code": "78701",
}


def superbill_body(**changes: Any) -> dict[str, Any]:
    """An infusion of 45 minutes at 15% off, paid by card."""
    body: dict[str, Any] = {
        "number": "SB-000123",
        "version": 1,
        "supersedes": None,
        "is_sample": True,
        "issued_on": "2026-11-03",
        "control_number": "ABCDEFGHJKMN2345",
        "clinic": {
            "name": "Sample Infusion Clinic B, PLLC",
            "trade_name": "Sample Infusion Clinic B",
            "tin": "12-3456789",
            "npi": "1234567893",
            "taxonomy": "261QP3300X",
            "address": ADDRESS,
            "phone": "(512) 555-0199",
        },
        "site": {"name": "Downtown", "address": ADDRESS, "phone": "(512) 555-0100"},
        "provider": {
            "name": "Jordan Example",
            "credentials": "MD",
            "npi": "1245319599",
            "license_number": "A1234",
            "license_state": "TX",
        },
        "referring_provider": None,
        "patient": {
            "name": "Alex Sample",
            "born_on": "1985-04-12",
            "address": {**ADDRESS, "line2": ""},
            "phone": "+15125550123",
            "number": 17,
        },
        "insurance": {
            "payer": "Sample Health Plan",
            "payer_id": "SAMPLE01",
            "subscriber": "Alex Sample",
            "relationship": "self",
            "member_id": "M000123456",
            "group": "G-7788",
        },
        "service": {"on": "2026-11-03", "place": "11", "started": "09:02", "stopped": "09:47", "minutes": 45},
        "diagnoses": [{"pointer": "A", "code": "F33.2"}],
        "lines": [line("96365", 38_250), line("J3490", 0, ndc=True)],
        "totals": {
            "list_cents": 45_000,
            "discount_cents": 6_750,
            "net_cents": 38_250,
            "paid_cents": 38_250,
            "balance_cents": 0,
        },
        "payments": [{"on": "2026-11-03", "tender": "card", "cents": 38_250}],
        "statement": (
            "The patient has paid $382.50 for the services above, in full. Please send any reimbursement "
            "to the patient at the address above."
        ),
    }
    return body | changes


def line(code: str, cents: int, *, ndc: bool = False) -> dict[str, Any]:
    described = "Ketamine HCl 50 mg/mL, 40 mg given; included in the infusion" if ndc else "Infusion"
    return {
        "on": "2026-11-03",
        "place": "11",
        "code": code,
        "modifiers": [],
        "pointers": "A",
        "description": described,
        "ndc": {"code": "00409-2051-05", "quantity": "0.8", "unit": "ML"} if ndc else None,
        "time": "09:02-09:47",
        "units": 1,
        "charge_cents": cents,
    }
