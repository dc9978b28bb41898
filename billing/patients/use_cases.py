"""Writes. Each runs inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, insert, select

from billing.kernel.errors import Flaw
from billing.kernel.ids import new_id
from billing.kernel.permissions import Actor, Permission
from billing.patients.errors import (
    AlreadyOnHold,
    BackdatingNeedsSupervisor,
    HoldLifted,
    InvalidEligibility,
    PatientChangedMeanwhile,
    UnknownSite,
)
from billing.patients.models import (
    AccountHoldRow,
    EligibilityRow,
    PatientLookup,
    PatientRow,
    PlanLimitsRow,
    PolicyRow,
)
from billing.patients.queries import (
    eligibility_of,
    find_hold,
    find_patient,
    fingerprints_of,
    hold_of,
    no_such_patient,
    patient_of,
    person_of,
    policy_of,
    seal_person,
    standing_holds,
)
from billing.patients.records import (
    AccountHold,
    ChargesStopped,
    Eligibility,
    Evidence,
    HoldTerms,
    Patient,
    Person,
    PlanLimits,
    PlanLimitsRecorded,
    Policy,
    PolicyTerms,
)
from billing.patients.rules.entitlements import (
    check_evidence,
    check_policy_dates,
    days_called_today,
    expiry,
    tidy_terms,
)
from billing.patients.rules.holds import check_hold_day
from billing.patients.rules.people import tidy_person
from billing.patients.rules.plan_limits import check_plan_limits
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx
from billing.platform.data.selects import select_where
from billing.platform.data.series import next_number
from billing.platform.data.statements import Statement

LOCK = Statement(select_where(PatientRow, "id").with_for_update())


def lock_patient(tx: Tx, patient_id: str) -> Patient:
    """Hold a patient's row until the transaction ends: what moves a patient's money goes one at a time.

    Several patients are locked by ascending id. What was read before the lock is forgotten, so that the
    caller decides on what is true now.
    Raises: NoSuchPatient.
    """
    locked = LOCK.rows(tx.about(PatientRow), {"id": patient_id})
    if not locked:
        raise no_such_patient()
    tx.forget()
    return patient_of(tx.vault, locked[0])


def add_patient(
    tx: Tx, *, entity_id: str, site_id: str, person: Person, actor: Actor, now: datetime
) -> Patient:
    """Take somebody in at a site, under the entity's next patient number.

    Raises: UnknownSite, InvalidPatient.
    """
    if not actor.sees(entity_id=entity_id, site_id=site_id):
        raise UnknownSite("Choose one of your own sites.", [Flaw("/site_id", "There is no such site.")])
    _, today = days_called_today(now)
    person = tidy_person(person, as_of=today)
    patient_id = new_id("pat")
    row = PatientRow(
        id=patient_id,
        entity_id=entity_id,
        site_id=site_id,
        number=next_number(tx, entity_id=entity_id, series="patient"),
        version=1,
        added_at=now,
        sealed=seal_person(tx.vault, patient_id, person),
    )
    tx.session.add(row)
    tx.session.flush()
    _index(tx, patient_id, person)
    record_audit(tx, actor=actor, action="patient.add", subject_id=patient_id, now=now)
    return patient_of(tx.vault, row)


def amend_patient(
    tx: Tx,
    *,
    patient_id: str,
    changes: Mapping[str, Any],
    expected_version: int,
    actor: Actor,
    now: datetime,
) -> Patient:
    """Change fields of records.Person by name. Changes that change nothing leave the version as it is.

    Raises: NoSuchPatient, PatientChangedMeanwhile, InvalidPatient.
    """
    find_patient(tx, patient_id, actor)
    row = _locked_row(tx, patient_id)
    if row.version != expected_version:
        raise PatientChangedMeanwhile("Somebody else changed this patient. Read it again, then amend it.")
    former = person_of(patient_of(tx.vault, row))
    _, today = days_called_today(now)
    person = tidy_person(replace(former, **changes), as_of=today)
    if person == former:
        return patient_of(tx.vault, row)
    row.sealed = seal_person(tx.vault, patient_id, person)
    row.version += 1
    tx.session.flush()
    tx.session.execute(delete(PatientLookup).where(PatientLookup.patient_id == patient_id))
    _index(tx, patient_id, person)
    detail: dict[str, str | int] = {"fields": " ".join(sorted(changes)), "version": row.version}
    record_audit(tx, actor=actor, action="patient.amend", subject_id=patient_id, now=now, detail=detail)
    return patient_of(tx.vault, row)


def add_policy(
    tx: Tx,
    *,
    patient_id: str,
    terms: PolicyTerms,
    effective_from: date,
    ends_on: date | None,
    actor: Actor,
    now: datetime,
) -> Policy:
    """Enter insurance from a day on. To correct a policy, enter it again from the same day.

    Raises: NoSuchPatient, InvalidPolicy.
    """
    find_patient(tx, patient_id, actor)
    check_policy_dates(effective_from, ends_on)
    policy_id = new_id("pol")
    row = PolicyRow(
        id=policy_id,
        patient_id=patient_id,
        effective_from=effective_from,
        ends_on=ends_on,
        added_at=now,
        sealed=tx.vault.seal(PolicyRow.__tablename__, policy_id, asdict(tidy_terms(terms))),
    )
    tx.session.add(row)
    tx.session.flush()
    detail = {"policy_id": policy_id}
    record_audit(tx, actor=actor, action="policy.add", subject_id=patient_id, now=now, detail=detail)
    return policy_of(tx.vault, row)


def verify_eligibility(
    tx: Tx, *, patient_id: str, evidence: Evidence, verified_on: date, actor: Actor, now: datetime
) -> Eligibility:
    """Record that somebody saw the proof of a right to a discount. It counts from that day on.

    Raises: NoSuchPatient, InvalidEligibility, BackdatingNeedsSupervisor.
    """
    find_patient(tx, patient_id, actor)
    check_evidence(evidence)
    _check_day_seen(verified_on, actor, now)
    eligibility_id = new_id("elig")
    row = EligibilityRow(
        id=eligibility_id,
        patient_id=patient_id,
        verified_on=verified_on,
        expires_on=expiry(evidence.category, verified_on),
        added_at=now,
        sealed=tx.vault.seal(EligibilityRow.__tablename__, eligibility_id, asdict(evidence)),
    )
    tx.session.add(row)
    tx.session.flush()
    detail = {"eligibility_id": eligibility_id, "verified_on": verified_on.isoformat()}
    record_audit(tx, actor=actor, action="eligibility.verify", subject_id=patient_id, now=now, detail=detail)
    return eligibility_of(tx.vault, row)


def place_hold(
    tx: Tx, *, patient_id: str, terms: HoldTerms, effective_from: date, actor: Actor, now: datetime
) -> AccountHold:
    """Stop all charges of a patient who died or filed for bankruptcy, from now on until it is lifted.

    Raises: NoSuchPatient, InvalidHold, AlreadyOnHold.
    """
    find_patient(tx, patient_id, actor)
    patient = lock_patient(tx, patient_id)
    _, today = days_called_today(now)
    check_hold_day(effective_from, born_on=patient.born_on, today=today)
    if any(hold.reason is terms.reason for hold in standing_holds(tx, patient_id)):
        raise AlreadyOnHold(
            "Charges are stopped for this reason already. Lift that stop first to correct it."
        )
    hold_id = new_id("ahd")
    row = AccountHoldRow(
        id=hold_id,
        patient_id=patient_id,
        effective_from=effective_from,
        placed_at=now,
        placed_by=actor.id,
        sealed=tx.vault.seal(AccountHoldRow.__tablename__, hold_id, asdict(terms)),
    )
    tx.session.add(row)
    tx.session.flush()
    detail = {"hold_id": hold_id}
    record_audit(tx, actor=actor, action="hold.place", subject_id=patient_id, now=now, detail=detail)
    tx.emit(ChargesStopped(hold_id=hold_id, patient_id=patient_id, actor=actor, now=now))
    return hold_of(tx.vault, row)


def lift_hold(tx: Tx, *, hold_id: str, why: str, actor: Actor, now: datetime) -> AccountHold:
    """Let charges go on, as far as nothing else stops them. The stop stays in the history.

    Raises: NoSuchHold, HoldLifted.
    """
    row = _locked_hold(tx, hold_id, actor)
    if row.lifted_at is not None:
        raise HoldLifted("This stop of charges was lifted before.")
    row.lifted_at, row.lifted_by = now, actor.id
    terms = tx.vault.open(AccountHoldRow.__tablename__, hold_id, row.sealed)
    row.sealed = tx.vault.seal(AccountHoldRow.__tablename__, hold_id, {**terms, "why_lifted": why})
    tx.session.flush()
    detail = {"hold_id": hold_id}
    record_audit(tx, actor=actor, action="hold.lift", subject_id=row.patient_id, now=now, detail=detail)
    return hold_of(tx.vault, row)


def record_plan_limits(
    tx: Tx, *, patient_id: str, limits: PlanLimits, actor: Actor, now: datetime
) -> PlanLimits:
    """Say anew what stands between a patient's care and a plan; what was said before stays on file.

    Announces PlanLimitsRecorded.
    Raises: NoSuchPatient, InvalidPlanLimits.
    """
    find_patient(tx, patient_id, actor)
    lock_patient(tx, patient_id)
    _, today = days_called_today(now)
    check_plan_limits(limits, today=today)
    limits_id = new_id("lim")
    row = PlanLimitsRow(
        id=limits_id,
        patient_id=patient_id,
        recorded_at=now,
        recorded_by=actor.id,
        sealed=tx.vault.seal(PlanLimitsRow.__tablename__, limits_id, asdict(limits)),
    )
    tx.session.add(row)
    tx.session.flush()
    record_audit(tx, actor=actor, action="plan-limits.record", subject_id=patient_id, now=now)
    tx.emit(PlanLimitsRecorded(patient_id=patient_id, actor=actor, now=now))
    return limits


def _locked_hold(tx: Tx, hold_id: str, actor: Actor) -> AccountHoldRow:
    lock_patient(tx, find_hold(tx, hold_id, actor).patient_id)
    return tx.session.get_one(AccountHoldRow, hold_id)


def _locked_row(tx: Tx, patient_id: str) -> PatientRow:
    row = tx.session.scalar(
        select(PatientRow)
        .where(PatientRow.id == patient_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if row is None:
        raise no_such_patient()
    return row


def _index(tx: Tx, patient_id: str, person: Person) -> None:
    rows = [
        {"fingerprint": fingerprint, "patient_id": patient_id}
        for fingerprint in sorted(fingerprints_of(tx.vault, person))
    ]
    tx.session.execute(insert(PatientLookup), rows)


def _check_day_seen(verified_on: date, actor: Actor, now: datetime) -> None:
    """A discount reaches back only when a supervisor says so."""
    earliest, latest = days_called_today(now)
    if verified_on > latest:
        flaw = Flaw("/verified_on", "Give the day on which the proof was seen.")
        raise InvalidEligibility("A proof cannot be seen in the future.", [flaw])
    if verified_on < earliest and not actor.may(Permission.CARE_OVERRIDE):
        raise BackdatingNeedsSupervisor("Only a supervisor may enter a proof seen on an earlier day.")
