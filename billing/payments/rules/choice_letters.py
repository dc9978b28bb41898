"""What a letter on paper says that asks a patient to choose: no insurer, no service, no diagnosis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from billing.catalog.records import Address as ClinicAddress
from billing.catalog.records import Entity
from billing.kernel.money import total
from billing.patients.records import Address, Patient
from billing.payments.records.choice_letters import ChoiceLetter, ToChoose


def choice_letter_body(
    letter: ChoiceLetter,
    clinic: Entity,
    patient: Patient,
    credits: Sequence[ToChoose],
    visit_days: Mapping[str, date],
) -> dict[str, Any]:
    """What is printed, and frozen once it was posted; `visit_days` by the credit's id."""
    return {
        "written_on": letter.written_on.isoformat(),
        "clinic": {"name": clinic.name, "address": _lines(clinic.address), "phone": clinic.phone},
        "patient": {
            "name": f"{patient.given_name} {patient.family_name}",
            "address": _lines(patient.address),
            "number": patient.number,
        },
        "credits": [
            {
                "cents": each.amount.cents,
                "visit_on": visit_days[each.lot_id].isoformat(),
                "goes_back_on": each.goes_back_on.isoformat(),
            }
            for each in credits
        ],
        "total_cents": total(each.amount for each in credits).cents,
    }


def _lines(address: Address | ClinicAddress) -> list[str]:
    place = f"{address.city}, {address.state} {address.postal_code}"
    return [line for line in (address.line1, address.line2, place) if line]
