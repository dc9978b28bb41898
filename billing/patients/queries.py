"""Reads. Sealed rows are opened here and leave as records."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import asdict, fields
from datetime import date
from typing import Any

from sqlalchemy import select

from billing.kernel.permissions import Actor
from billing.patients.errors import AccountOnHold, NoSuchHold, NoSuchPatient
from billing.patients.models import (
    AccountHoldRow,
    EligibilityRow,
    PatientLookup,
    PatientRow,
    PlanLimitsRow,
    PolicyRow,
)
from billing.patients.records import (
    AccountHold,
    Address,
    Category,
    Eligibility,
    FederalProgram,
    HoldReason,
    Occupation,
    Patient,
    Person,
    PlanLimits,
    Policy,
    Proof,
    Relationship,
    Search,
    Sex,
)
from billing.patients.rules.entitlements import counts_on
from billing.patients.rules.lookup import matches, name_prefixes, read_search, search_key
from billing.platform.data.database import Read
from billing.platform.data.reach import within_reach
from billing.platform.data.selects import batches
from billing.platform.data.vault import Vault

MOST_FOUND = 50
"""A search that finds more than this many shows the newest."""


def find_patient(read: Read, patient_id: str, actor: Actor) -> Patient:
    """Raises: NoSuchPatient, also for a patient whom the actor may not know of."""
    row = read.session.get(PatientRow, patient_id)
    if row is None or not actor.sees(entity_id=row.entity_id, site_id=row.site_id):
        raise no_such_patient()
    return patient_of(read.vault, row)


def names_of(read: Read, patient_ids: Collection[str], actor: Actor) -> dict[str, str]:
    """`Sample, Maria` by id; those whom the actor may not know of are left out."""
    query = select(PatientRow).where(PatientRow.id.in_(patient_ids), *within_reach(actor, PatientRow))
    found = (patient_of(read.vault, row) for row in read.session.scalars(query))
    return {patient.id: f"{patient.family_name}, {patient.given_name}" for patient in found}


def numbers_of(read: Read, patient_ids: Collection[str], actor: Actor) -> dict[str, int]:
    """The clinic's own numbers by id; those whom the actor may not know of are left out."""
    query = select(PatientRow.id, PatientRow.number).where(
        PatientRow.id.in_(patient_ids), *within_reach(actor, PatientRow)
    )
    return {row.id: row.number for row in read.session.execute(query)}


def us_states_of(read: Read, patient_ids: Collection[str]) -> dict[str, str]:
    """The state of their last known address, such as TX, by id; whoever asks."""
    return {
        row.id: str(read.vault.open(PatientRow.__tablename__, row.id, row.sealed)["address"]["state"])
        for batch in batches(patient_ids)
        for row in read.session.execute(
            select(PatientRow.id, PatientRow.sealed).where(PatientRow.id.in_(batch))
        )
    }


def list_patients(read: Read, *, actor: Actor, cursor: str | None, limit: int) -> list[Patient]:
    """The actor's patients, newest first, one more than `limit` when there are more."""
    query = (
        select(PatientRow)
        .where(*within_reach(actor, PatientRow))
        .order_by(PatientRow.id.desc())
        .limit(limit + 1)
    )
    if cursor is not None:
        query = query.where(PatientRow.id < cursor)
    return [patient_of(read.vault, row) for row in read.session.scalars(query)]


def search_patients(read: Read, text: str, actor: Actor) -> tuple[Patient, ...]:
    """The actor's patients who match all that was typed, newest first, at most MOST_FOUND.

    Raises: UnusableSearch.
    """
    search = read_search(text)
    query = (
        select(PatientRow)
        .where(*within_reach(actor, PatientRow))
        .order_by(PatientRow.id.desc())
        .limit(MOST_FOUND)
    )
    if search.number is not None:
        query = query.where(PatientRow.number == search.number)
    for fingerprint in _sought(read.vault, search):
        query = query.where(
            PatientRow.id.in_(
                select(PatientLookup.patient_id).where(PatientLookup.fingerprint == fingerprint)
            )
        )
    found = (patient_of(read.vault, row) for row in read.session.scalars(query))
    return tuple(patient for patient in found if matches(patient, search))


def policy_on(read: Read, patient_id: str, on: date) -> Policy | None:
    """The policy in force on a day: the last to take effect, of those the last entered, unless it ended."""
    row = read.session.scalar(
        select(PolicyRow)
        .where(PolicyRow.patient_id == patient_id, PolicyRow.effective_from <= on)
        .order_by(PolicyRow.effective_from.desc(), PolicyRow.added_at.desc(), PolicyRow.id.desc())
        .limit(1)
    )
    if row is None or (row.ends_on is not None and row.ends_on < on):
        return None
    return policy_of(read.vault, row)


def policies_of(read: Read, patient_id: str) -> tuple[Policy, ...]:
    """All that were ever entered, the latest to take effect first."""
    rows = read.session.scalars(
        select(PolicyRow)
        .where(PolicyRow.patient_id == patient_id)
        .order_by(PolicyRow.effective_from.desc(), PolicyRow.added_at.desc(), PolicyRow.id.desc())
    )
    return tuple(policy_of(read.vault, row) for row in rows)


def eligibilities_of(read: Read, patient_id: str) -> tuple[Eligibility, ...]:
    """All that were ever verified, oldest first."""
    rows = read.session.scalars(
        select(EligibilityRow)
        .where(EligibilityRow.patient_id == patient_id)
        .order_by(EligibilityRow.verified_on, EligibilityRow.id)
    )
    return tuple(eligibility_of(read.vault, row) for row in rows)


def eligibilities_on(read: Read, patient_id: str, on: date) -> tuple[Eligibility, ...]:
    """Those that count on a day."""
    return tuple(known for known in eligibilities_of(read, patient_id) if counts_on(known, on))


def find_hold(read: Read, hold_id: str, actor: Actor) -> AccountHold:
    """Raises: NoSuchHold, also for one of a patient whom the actor may not know of."""
    row = read.session.get(AccountHoldRow, hold_id)
    patient = None if row is None else read.session.get(PatientRow, row.patient_id)
    if row is None or patient is None or not actor.sees(entity_id=patient.entity_id, site_id=patient.site_id):
        raise NoSuchHold("There is no such stop of charges. Check the id.")
    return hold_of(read.vault, row)


def holds_of(read: Read, patient_id: str) -> tuple[AccountHold, ...]:
    """All stops of charges that were ever placed, newest first."""
    query = select(AccountHoldRow).where(AccountHoldRow.patient_id == patient_id)
    return tuple(
        hold_of(read.vault, row) for row in read.session.scalars(query.order_by(AccountHoldRow.id.desc()))
    )


def standing_holds(read: Read, patient_id: str) -> tuple[AccountHold, ...]:
    """Those that were not lifted; at most one for each reason."""
    return tuple(hold for hold in holds_of(read, patient_id) if hold.stands)


def has_died(read: Read, patient_id: str) -> bool:
    return any(hold.reason is HoldReason.DEATH for hold in standing_holds(read, patient_id))


def on_hold_among(read: Read, patient_ids: Collection[str]) -> frozenset[str]:
    """Those whose charges are stopped."""
    query = select(AccountHoldRow.patient_id).where(
        AccountHoldRow.patient_id.in_(patient_ids), AccountHoldRow.lifted_at.is_(None)
    )
    return frozenset(read.session.scalars(query))


def is_on_hold(read: Read, patient_id: str) -> bool:
    return bool(on_hold_among(read, [patient_id]))


def may_be_charged(read: Read, patient_id: str, *, arose_on: date | None = None) -> bool:
    """Whether a patient may be charged, or asked to pay, what they owe since a day, or without one anything.

    A bankruptcy stops what arose until the day of the filing: the stay is of claims from before it (11 U.S.C.
    362(a)(6)). A death stops all.
    """
    if not is_on_hold(read, patient_id):
        return True
    return arose_on is not None and all(
        hold.reason is HoldReason.BANKRUPTCY and arose_on > hold.effective_from
        for hold in standing_holds(read, patient_id)
    )


def refuse_while_on_hold(read: Read, patient_id: str, *, arose_on: date | None = None) -> None:
    """Whoever takes money that the patient does not hand over, or asks them for it, asks here first.

    `arose_on` is since when they owe it. The words tell no reason, since they reach logs and pages of people
    who may not know it.
    Raises: AccountOnHold.
    """
    if not may_be_charged(read, patient_id, arose_on=arose_on):
        raise AccountOnHold(
            "Charges of this patient are stopped: nothing is taken from a card, no credit comes off an "
            "invoice, and no link is sent. Cash or a check that is brought may be taken, another payer may "
            "pay their part, and refunds go out. The patient's page says why."
        )


def plan_limits_of(read: Read, patient_id: str) -> PlanLimits:
    """As they were recorded last; without any record there are none."""
    query = select(PlanLimitsRow).where(PlanLimitsRow.patient_id == patient_id)
    row = read.session.scalar(query.order_by(PlanLimitsRow.id.desc()).limit(1))
    if row is None:
        return PlanLimits()
    facts = read.vault.open(PlanLimitsRow.__tablename__, row.id, row.sealed)
    return PlanLimits(
        programs=tuple(FederalProgram(each) for each in facts["programs"]),
        contract_on=_date_or_none(facts["contract_on"]),
        is_kept_from_plan=facts["is_kept_from_plan"],
        note=facts["note"],
    )


def fingerprints_of(vault: Vault, person: Person) -> set[str]:
    """All that a patient can be found by."""
    found = {_name_print(vault, prefix) for prefix in name_prefixes(person)}
    found.add(_birth_print(vault, person.born_on))
    if person.phone is not None:
        found.add(_phone_print(vault, person.phone))
    return found


def no_such_patient() -> NoSuchPatient:
    return NoSuchPatient("There is no such patient. Check the id.")


def patient_of(vault: Vault, row: Any) -> Patient:
    person = vault.open(PatientRow.__tablename__, row.id, row.sealed)
    return Patient(
        id=row.id,
        entity_id=row.entity_id,
        site_id=row.site_id,
        number=row.number,
        version=row.version,
        added_at=row.added_at,
        given_name=person["given_name"],
        family_name=person["family_name"],
        born_on=date.fromisoformat(person["born_on"]),
        sex=Sex(person["sex"]),
        address=Address(**person["address"]),
        phone=person["phone"],
        email=person["email"],
        declines_mail=person.get("declines_mail", False),
    )


def person_of(patient: Patient) -> Person:
    """The part of a patient that people amend and the vault seals."""
    return Person(**{field.name: getattr(patient, field.name) for field in fields(Person)})


def seal_person(vault: Vault, patient_id: str, person: Person) -> bytes:
    return vault.seal(PatientRow.__tablename__, patient_id, asdict(person))


def policy_of(vault: Vault, row: PolicyRow) -> Policy:
    terms = vault.open(PolicyRow.__tablename__, row.id, row.sealed)
    return Policy(
        id=row.id,
        patient_id=row.patient_id,
        effective_from=row.effective_from,
        ends_on=row.ends_on,
        payer_name=terms["payer_name"],
        payer_id=terms["payer_id"],
        member_id=terms["member_id"],
        group_number=terms["group_number"],
        relationship=Relationship(terms["relationship"]),
        subscriber_given_name=terms["subscriber_given_name"],
        subscriber_family_name=terms["subscriber_family_name"],
        subscriber_born_on=_date_or_none(terms["subscriber_born_on"]),
        filing_days=terms.get("filing_days"),
    )


def eligibility_of(vault: Vault, row: EligibilityRow) -> Eligibility:
    evidence: dict[str, Any] = vault.open(EligibilityRow.__tablename__, row.id, row.sealed)
    occupation = evidence["occupation"]
    return Eligibility(
        id=row.id,
        patient_id=row.patient_id,
        verified_on=row.verified_on,
        expires_on=row.expires_on,
        category=Category(evidence["category"]),
        occupation=None if occupation is None else Occupation(occupation),
        proof=Proof(evidence["proof"]),
        seen_by=evidence["seen_by"],
    )


def hold_of(vault: Vault, row: AccountHoldRow) -> AccountHold:
    terms = vault.open(AccountHoldRow.__tablename__, row.id, row.sealed)
    return AccountHold(
        id=row.id,
        patient_id=row.patient_id,
        reason=HoldReason(terms["reason"]),
        note=terms["note"],
        effective_from=row.effective_from,
        placed_at=row.placed_at,
        placed_by=row.placed_by,
        lifted_at=row.lifted_at,
        lifted_by=row.lifted_by,
        why_lifted=terms.get("why_lifted"),
    )


def _sought(vault: Vault, search: Search) -> Iterator[str]:
    yield from (_name_print(vault, search_key(word)) for word in search.words)
    if search.born_on is not None:
        yield _birth_print(vault, search.born_on)
    if search.phone is not None:
        yield _phone_print(vault, search.phone)


def _name_print(vault: Vault, prefix: str) -> str:
    return vault.fingerprint("patient.name", prefix)


def _birth_print(vault: Vault, born_on: date) -> str:
    return vault.fingerprint("patient.born_on", born_on.isoformat())


def _phone_print(vault: Vault, phone: str) -> str:
    return vault.fingerprint("patient.phone", phone)


def _date_or_none(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
