"""What patients want done with whatever insurers pay: chosen once, and changed whenever they like."""

from __future__ import annotations

from datetime import datetime

from billing.catalog.queries import site_date
from billing.kernel.permissions import SYSTEM, Actor
from billing.patients.queries import find_patient
from billing.patients.records import Patient
from billing.patients.use_cases import lock_patient
from billing.payments.models.choices import StandingChoiceRow
from billing.payments.queries.choices import standing_choice, waiting_credits, wanted_back_with_all
from billing.payments.records.credits import Chooser, CreditLot, Election
from billing.payments.use_cases.credits import elect, take_back_choice
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx


def choose_always(
    tx: Tx, *, patient_id: str, election: Election | None, actor: Actor, now: datetime
) -> Election | None:
    """Record what the patient wants done with all that insurers pay, or that they want to be asked.

    What waits for a choice gets this one. What was chosen before for one credit stays; what was only wanted
    back with all the rest, and nobody gave back yet, waits again. The same once more is said of what waits.
    Raises: NoSuchPatient.
    """
    find_patient(tx, patient_id, actor)
    patient = lock_patient(tx, patient_id)
    if standing_choice(tx, patient_id) is not election:
        _change(tx, patient, election, actor, now)
    if election:
        for lot_id in waiting_credits(tx, patient_id):
            elect(tx, lot_id=lot_id, election=election, chooser=Chooser.STANDING, actor=actor, now=now)
    return election


def _change(tx: Tx, patient: Patient, election: Election | None, actor: Actor, now: datetime) -> None:
    tx.session.merge(StandingChoiceRow(patient_id=patient.id, election=election, changed_at=now))
    tx.session.flush()
    chosen = {"on": site_date(tx, patient.site_id, now).isoformat(), "election": election or "ask"}
    record_audit(tx, actor=actor, action="credit.elect-always", subject_id=patient.id, now=now, detail=chosen)
    for lot_id in wanted_back_with_all(tx, patient.id):
        take_back_choice(tx, lot_id=lot_id, actor=actor, now=now)


def choose_as_ever(tx: Tx, lot: CreditLot, now: datetime) -> None:
    """An insurer's money that is newly held goes by the patient's standing choice, where there is one."""
    election = standing_choice(tx, lot.patient_id)
    if election:
        elect(tx, lot_id=lot.id, election=election, chooser=Chooser.STANDING, actor=SYSTEM, now=now)
