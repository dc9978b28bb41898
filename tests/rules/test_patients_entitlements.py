"""Insurance terms, and rights to a discount: proof and expiry."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from billing.patients.errors import InvalidEligibility, InvalidPolicy
from billing.patients.records import (
    Category,
    Eligibility,
    Evidence,
    Occupation,
    PolicyTerms,
    Proof,
    Relationship,
)
from billing.patients.rules.entitlements import (
    check_evidence,
    check_policy_dates,
    counts_on,
    days_called_today,
    expiry,
    tidy_terms,
)

CARD = PolicyTerms(payer_name="Blue  Plan", payer_id="bp001", member_id=" W123 ")
VETERAN = Evidence(category=Category.VETERAN, proof=Proof.DD_214, seen_by="usr_1")
MEDIC = Evidence(
    category=Category.FIRST_RESPONDER,
    occupation=Occupation.PARAMEDIC,
    proof=Proof.AGENCY_ID,
    seen_by="usr_1",
)
SEEN = date(2026, 11, 2)


def right(category: Category) -> Eligibility:
    return Eligibility(
        id="elig_1",
        patient_id="pat_1",
        category=category,
        proof=Proof.ID_ME,
        seen_by="usr_1",
        verified_on=SEEN,
        expires_on=expiry(category, SEEN),
    )


def flaws_of(evidence: Evidence) -> list[str]:
    with pytest.raises(InvalidEligibility) as refused:
        check_evidence(evidence)
    return [flaw.pointer for flaw in refused.value.flaws]


def test_a_veteran_shows_discharge_papers_and_a_first_responder_an_agency_id():
    check_evidence(VETERAN)
    check_evidence(MEDIC)


def test_a_proof_must_show_what_it_is_given_for():
    assert flaws_of(replace(VETERAN, proof=Proof.AGENCY_ID)) == ["/proof"]
    assert flaws_of(replace(MEDIC, proof=Proof.VA_CARD)) == ["/proof"]


def test_a_first_responder_names_an_occupation_and_a_veteran_none():
    assert flaws_of(replace(MEDIC, occupation=None)) == ["/occupation"]
    assert flaws_of(replace(VETERAN, occupation=Occupation.POLICE)) == ["/occupation"]


def test_nurses_and_dispatchers_are_not_first_responders_here():
    assert {"nurse", "dispatcher"}.isdisjoint(Occupation)


def test_a_veteran_stays_one():
    assert right(Category.VETERAN).expires_on is None
    assert counts_on(right(Category.VETERAN), date(2066, 1, 1))


def test_a_first_responder_is_verified_again_after_twelve_months():
    known = right(Category.FIRST_RESPONDER)
    assert known.expires_on == date(2027, 11, 2)
    assert counts_on(known, date(2027, 11, 2))
    assert not counts_on(known, date(2027, 11, 3))


def test_a_right_seen_on_a_leap_day_ends_on_the_last_of_february():
    assert expiry(Category.FIRST_RESPONDER, date(2028, 2, 29)) == date(2029, 2, 28)


def test_a_right_does_not_reach_back():
    assert not counts_on(right(Category.VETERAN), SEEN - timedelta(days=1))


def test_today_is_what_any_us_calendar_shows():
    evening_in_honolulu = datetime(2026, 11, 3, 4, tzinfo=UTC)
    assert days_called_today(evening_in_honolulu) == (date(2026, 11, 2), date(2026, 11, 3))


def test_a_card_of_the_patients_own_needs_no_subscriber():
    assert tidy_terms(replace(CARD, subscriber_given_name="left over")) == PolicyTerms(
        payer_name="Blue Plan", payer_id="BP001", member_id="W123"
    )


def test_a_dependents_card_names_the_subscriber():
    with pytest.raises(InvalidPolicy) as refused:
        tidy_terms(replace(CARD, relationship=Relationship.SPOUSE))
    assert [flaw.pointer for flaw in refused.value.flaws] == [
        "/subscriber_given_name",
        "/subscriber_family_name",
        "/subscriber_born_on",
    ]


def test_a_policy_may_end_on_the_day_it_begins_and_not_before():
    check_policy_dates(SEEN, SEEN)
    with pytest.raises(InvalidPolicy):
        check_policy_dates(SEEN, SEEN - timedelta(days=1))


def test_a_card_is_typed_in_letters_that_our_papers_can_print():
    with pytest.raises(InvalidPolicy) as refused:
        tidy_terms(replace(CARD, payer_name="健康保険", group_number="G-7 🩺"))
    assert [flaw.pointer for flaw in refused.value.flaws] == ["/payer_name", "/group_number"]
