"""Names, addresses, phones: what is made tidy and what is refused."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.patients.errors import InvalidPatient
from billing.patients.records import Address, Person
from billing.patients.rules.people import STATES, tidy_email, tidy_person, tidy_phone, tidy_zip

TODAY = date(2026, 11, 2)
HOME = Address(line1="12  Elm Street", line2=" Apt 4 ", city="Austin", state="tx", postal_code="78701-1234")
MARIA = Person(
    given_name=" Maria  Elena ",
    family_name="García",
    born_on=date(1980, 5, 17),
    address=HOME,
    phone="(512) 555-0123",
    email="Maria@Example.COM",
)


def flaws_of(person: Person) -> set[str]:
    with pytest.raises(InvalidPatient) as refused:
        tidy_person(person, as_of=TODAY)
    return {flaw.pointer for flaw in refused.value.flaws}


def test_a_person_is_kept_in_one_form():
    tidy = tidy_person(MARIA, as_of=TODAY)
    assert (tidy.given_name, tidy.family_name) == ("Maria Elena", "García")
    assert (tidy.phone, tidy.email) == ("+15125550123", "Maria@example.com")
    assert tidy.address == Address(
        line1="12 Elm Street", line2="Apt 4", city="Austin", state="TX", postal_code="78701-1234"
    )


def test_tidying_twice_changes_nothing_more():
    once = tidy_person(MARIA, as_of=TODAY)
    assert tidy_person(once, as_of=TODAY) == once


def test_a_person_needs_neither_phone_nor_e_mail():
    tidy = tidy_person(replace(MARIA, phone=None, email=None), as_of=TODAY)
    assert (tidy.phone, tidy.email) == (None, None)


def test_every_mistake_is_named_at_once():
    address = replace(HOME, line1=" ", state="XX", postal_code="1234")
    wrong = replace(
        MARIA,
        given_name="42",
        family_name="x" * 101,
        born_on=TODAY + timedelta(days=1),
        address=address,
        phone="12",
        email="nobody",
    )
    assert flaws_of(wrong) == {
        "/given_name",
        "/family_name",
        "/born_on",
        "/address/line1",
        "/address/state",
        "/address/postal_code",
        "/phone",
        "/email",
    }


def test_somebody_born_today_is_a_patient_and_somebody_of_two_hundred_is_not():
    assert tidy_person(replace(MARIA, born_on=TODAY), as_of=TODAY).born_on == TODAY
    assert flaws_of(replace(MARIA, born_on=date(1826, 11, 2))) == {"/born_on"}


@pytest.mark.parametrize("state", ["TX", "DC", "PR", "AE", "GU"])
def test_states_territories_and_military_mail_are_addresses(state):
    assert state in STATES


@pytest.mark.parametrize(
    ("text", "phone"),
    [
        ("5125550123", "+15125550123"),
        ("+44 20 7946 0018", "+442079460018"),
        ("512-555-0123 ext 4", None),
        ("911", None),
        ("", None),
        ("not a phone", None),
    ],
)
def test_a_phone_is_e164_or_refused(text, phone):
    assert tidy_phone(text) == phone


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("78701", "78701"),
        ("787011234", "78701-1234"),
        ("7870", None),
        ("78701-12", None),
        ("７８７０１", None),
    ],
)
def test_a_zip_code_has_five_or_nine_digits(text, code):
    assert tidy_zip(text) == code


@given(st.text())
def test_no_text_breaks_the_readers(text):
    for reader in (tidy_phone, tidy_email, tidy_zip):
        assert reader(text) is None or reader(text)
