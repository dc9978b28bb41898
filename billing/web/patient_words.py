"""How pages call patients: by name for who may read about them, and by their number for the others."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from billing.kernel.permissions import Actor, Permission
from billing.patients.queries import names_of, numbers_of
from billing.platform.data.database import Read

OF_ANOTHER_SITE = "Patient of another site"


def called(read: Read, patient_ids: Collection[str], actor: Actor) -> Mapping[str, str]:
    """`Sample, Maria`, or `Patient 7`, by id; those whom the actor may not know of are left out."""
    if actor.may(Permission.PATIENTS_READ):
        return names_of(read, patient_ids, actor)
    return {key: f"Patient {number}" for key, number in numbers_of(read, patient_ids, actor).items()}


def name_of(read: Read, patient_id: str, actor: Actor) -> str:
    return called(read, [patient_id], actor).get(patient_id, OF_ANOTHER_SITE)


def page_of_patients(actor: Actor) -> str:
    """The endpoint at which a patient is looked at: their own page, or that of their money without a name."""
    return "staff_patients.patient" if actor.may(Permission.PATIENTS_READ) else "staff_account.account"
