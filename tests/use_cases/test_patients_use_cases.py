"""Taking patients in, amending them, their insurance and their rights to a discount."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.engine import make_url

from billing.kernel.errors import Denied, Invalid, NotFound
from billing.kernel.permissions import ROLES, SYSTEM, Actor, Role
from billing.patients.errors import PatientChangedMeanwhile
from billing.patients.queries import (
    eligibilities_on,
    find_patient,
    list_patients,
    policies_of,
    policy_on,
    search_patients,
)
from billing.patients.records import Category, Evidence, Occupation, Proof, Relationship
from billing.patients.use_cases import add_patient, amend_patient, lock_patient, verify_eligibility
from billing.platform.data.audit import AuditRow
from tests.factories.patients import SAMPLE_PERSON, new_patient, new_policy, verified_veteran

ENTITY, OTHER_ENTITY, SITE, OTHER_SITE = "ent_1", "ent_2", "site_1", "site_2"
TODAY = date(2026, 11, 2)
MEDIC = Evidence(
    category=Category.FIRST_RESPONDER,
    occupation=Occupation.EMT,
    proof=Proof.AGENCY_ID,
    seen_by="front desk",
)


def actor(role: Role, *, entity_id: str | None = ENTITY, site_ids: frozenset[str] | None = None) -> Actor:
    return Actor(id="usr_1", entity_id=entity_id, permissions=ROLES[role], site_ids=site_ids)


CLERK = actor(Role.BILLING)
CLERK_OF_OTHER_SITE = actor(Role.BILLING, site_ids=frozenset({OTHER_SITE}))
CLERK_OF_OTHER_CLINIC = actor(Role.BILLING, entity_id=OTHER_ENTITY)


@pytest.fixture
def maria(database):
    return new_patient(database, entity_id=ENTITY, site_id=SITE)


@pytest.fixture
def amend(database, now):
    def write(patient, *, version=None, by=CLERK, **changes):
        return database.in_transaction(
            lambda tx: amend_patient(
                tx,
                patient_id=patient.id,
                changes=changes,
                expected_version=version or patient.version,
                actor=by,
                now=now,
            )
        )

    return write


@pytest.fixture
def verify(database, now):
    def write(patient, evidence=MEDIC, *, on=TODAY, by=CLERK):
        return database.in_transaction(
            lambda tx: verify_eligibility(
                tx, patient_id=patient.id, evidence=evidence, verified_on=on, actor=by, now=now
            )
        )

    return write


def ask(database, query, *args, **named):
    with database.reading() as read:
        return query(read, *args, **named)


def raw_content(database, url):
    """What the disk holds: the files of SQLite, the rows of PostgreSQL."""
    if url.startswith("sqlite"):
        path = Path(make_url(url).database)
        return b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))
    tables = ("patient", "patient_lookup", "policy", "eligibility", "audit_row")
    with database.write_engine.connect() as connection:
        rows = [connection.execute(text(f"SELECT t::text FROM {name} t")).all() for name in tables]
    return repr(rows).encode()


def found(database, text_, by=CLERK):
    return [patient.id for patient in ask(database, search_patients, text_, by)]


def test_a_patient_reads_back_as_it_was_taken_in(database, maria):
    assert ask(database, find_patient, maria.id, CLERK) == maria
    assert (maria.phone, maria.number, maria.version) == ("+15125550123", 1, 1)


def test_patients_are_numbered_without_a_gap_in_each_clinic(database, maria, now):
    second = new_patient(database, entity_id=ENTITY, site_id=OTHER_SITE)
    elsewhere = new_patient(database, entity_id=OTHER_ENTITY, site_id="site_9")
    with pytest.raises(Invalid):
        new_patient(database, entity_id=ENTITY, site_id=SITE, phone="12")
    third = new_patient(database, entity_id=ENTITY, site_id=SITE)
    assert [patient.number for patient in (maria, second, elsewhere, third)] == [1, 2, 1, 3]


def test_nobody_takes_a_patient_in_at_a_site_of_others(database, now):
    with pytest.raises(Invalid) as refused:
        database.in_transaction(
            lambda tx: add_patient(
                tx,
                entity_id=ENTITY,
                site_id=SITE,
                person=SAMPLE_PERSON,
                actor=CLERK_OF_OTHER_SITE,
                now=now,
            )
        )
    assert refused.value.code == "unknown-site"


@pytest.mark.parametrize("stranger", [CLERK_OF_OTHER_SITE, CLERK_OF_OTHER_CLINIC])
def test_another_sites_patient_does_not_exist(database, maria, amend, verify, stranger):
    with pytest.raises(NotFound):
        ask(database, find_patient, maria.id, stranger)
    with pytest.raises(NotFound):
        amend(maria, by=stranger, given_name="Nobody")
    with pytest.raises(NotFound):
        verify(maria, by=stranger)
    assert ask(database, list_patients, actor=stranger, cursor=None, limit=10) == []
    assert found(database, "maria", stranger) == []


@pytest.mark.parametrize(
    "typed",
    ["mar", "SAMPLE", "sam mar", "maria 1980-05-17", "5/17/1980", "(512) 555-0123", "+1 512 555 0123", "#1"],
)
def test_a_patient_is_found_by_what_people_type(database, maria, typed):
    new_patient(
        database,
        entity_id=ENTITY,
        site_id=SITE,
        given_name="Peter",
        family_name="Example",
        born_on=date(1970, 1, 1),
        phone=None,
    )
    assert found(database, typed) == [maria.id]


def test_all_that_was_typed_must_match(database, maria):
    assert found(database, "maria 1981-05-17") == []
    assert found(database, "maria peter") == []


def test_an_amended_patient_is_found_by_the_new_name_only(database, maria, amend):
    amended = amend(maria, family_name="Married", phone=None)
    assert (amended.version, amended.phone, amended.given_name) == (2, None, "Maria")
    assert found(database, "married") == [maria.id]
    assert found(database, "sample") == []
    assert found(database, "512-555-0123") == []


def test_two_people_amending_at_once_do_not_overwrite_each_other(database, maria, amend):
    amend(maria, given_name="Mary")
    with pytest.raises(PatientChangedMeanwhile):
        amend(maria, given_name="Marie")
    assert ask(database, find_patient, maria.id, CLERK).given_name == "Mary"


def test_changes_that_change_nothing_make_no_version(maria, amend):
    assert amend(maria, given_name=" Maria ").version == 1


def test_a_wrong_amendment_changes_nothing(database, maria, amend):
    with pytest.raises(Invalid):
        amend(maria, born_on=TODAY + timedelta(days=2))
    assert ask(database, find_patient, maria.id, CLERK) == maria


def test_eight_clerks_amend_one_version_once(database, maria, amend):
    def clerk(number):
        try:
            return amend(maria, given_name=f"Name{'abcdefgh'[number]}").version
        except PatientChangedMeanwhile:
            return None

    with ThreadPoolExecutor(8) as clerks:
        assert sorted(filter(None, clerks.map(clerk, range(8)))) == [2]


def test_a_lock_answers_with_the_patient_and_refuses_nobody(database, maria):
    assert database.in_transaction(lambda tx: lock_patient(tx, maria.id)) == maria
    with pytest.raises(NotFound):
        database.in_transaction(lambda tx: lock_patient(tx, "pat_nobody"))


def test_the_policy_of_a_day_is_the_last_to_take_effect(database, maria):
    first = new_policy(database, maria.id, effective_from=date(2026, 1, 1))
    second = new_policy(database, maria.id, effective_from=date(2026, 7, 1), member_id="W999")
    assert ask(database, policy_on, maria.id, date(2025, 12, 31)) is None
    assert ask(database, policy_on, maria.id, date(2026, 6, 30)) == first
    assert ask(database, policy_on, maria.id, date(2026, 7, 1)) == second
    assert ask(database, policies_of, maria.id) == (second, first)


def test_a_policy_entered_again_from_the_same_day_corrects_the_first(database, maria, now):
    new_policy(database, maria.id, member_id="W12345")
    right = new_policy(database, maria.id, member_id="W54321", now=now + timedelta(seconds=1))
    assert ask(database, policy_on, maria.id, TODAY) == right


def test_after_a_policy_ended_the_patient_has_none(database, maria):
    new_policy(database, maria.id, effective_from=date(2025, 1, 1))
    new_policy(database, maria.id, effective_from=date(2026, 1, 1), ends_on=date(2026, 6, 30))
    assert ask(database, policy_on, maria.id, date(2026, 6, 30)) is not None
    assert ask(database, policy_on, maria.id, date(2026, 7, 1)) is None


def test_a_dependents_policy_names_its_subscriber(database, maria):
    policy = new_policy(
        database,
        maria.id,
        relationship=Relationship.SPOUSE,
        subscriber_given_name="Peter",
        subscriber_family_name="Sample",
        subscriber_born_on=date(1979, 3, 1),
    )
    assert ask(database, policy_on, maria.id, TODAY) == policy
    assert policy.subscriber_born_on == date(1979, 3, 1)


def test_a_right_counts_from_the_day_it_was_seen(database, maria, verify):
    known = verify(maria)
    assert ask(database, eligibilities_on, maria.id, TODAY - timedelta(days=1)) == ()
    assert ask(database, eligibilities_on, maria.id, TODAY) == (known,)
    assert ask(database, eligibilities_on, maria.id, date(2027, 11, 3)) == ()


def test_a_veteran_who_is_a_first_responder_holds_both_rights(database, maria, verify):
    verify(maria)
    verified_veteran(database, maria.id)
    held = ask(database, eligibilities_on, maria.id, TODAY)
    assert {known.category for known in held} == {"veteran", "first_responder"}


def test_only_a_supervisor_enters_a_proof_of_an_earlier_day(maria, verify):
    with pytest.raises(Denied):
        verify(maria, on=TODAY - timedelta(days=2))
    assert verify(maria, on=TODAY - timedelta(days=2), by=actor(Role.SUPERVISOR)).verified_on < TODAY


def test_a_proof_is_not_seen_in_the_future(maria, verify):
    with pytest.raises(Invalid):
        verify(maria, on=TODAY + timedelta(days=2), by=SYSTEM)


def test_a_proof_that_shows_nothing_is_refused(database, maria, verify):
    with pytest.raises(Invalid):
        verify(maria, replace(MEDIC, proof=Proof.VA_CARD))
    assert ask(database, eligibilities_on, maria.id, TODAY) == ()


def test_the_trail_names_who_did_what_and_holds_no_names(database, maria, amend, verify):
    amend(maria, given_name="Marilou")
    verify(maria)
    with database.reading() as read:
        rows = read.session.scalars(select(AuditRow).order_by(AuditRow.id)).all()
    assert [(row.action, row.actor_id) for row in rows] == [
        ("patient.add", "system"),
        ("patient.amend", "usr_1"),
        ("eligibility.verify", "usr_1"),
    ]
    told = " ".join(f"{row.subject_id} {row.detail}" for row in rows).lower()
    assert "mari" not in told  # no id has an i, so that none can hold this word by chance
    assert "sample" not in told


def test_no_personal_word_stands_in_the_database_in_plain(database, database_url, verify):
    maria = new_patient(database, entity_id=ENTITY, site_id=SITE, family_name="Quixbury")
    new_policy(database, maria.id)
    verify(maria)
    content = raw_content(database, database_url)
    assert maria.id.encode() in content
    for word in (
        b"Maria",
        b"Quixbury",
        b"Elm Street",
        b"5550123",
        b"maria@",
        b"1980-05-17",
        b"W123456",
        b"EMT",
    ):
        assert word.lower() not in content.lower()
