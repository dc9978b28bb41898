"""Names, addresses and numbers as people give them, made comparable or refused."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import phonenumbers
import us
from email_validator import EmailNotValidError, validate_email

from billing.kernel.errors import Flaw
from billing.patients.errors import InvalidPatient
from billing.patients.records import Address, Person

OLDEST_YEARS = 130
"""Nobody older than this is believed."""

LONGEST_NAME = 100
STATES = frozenset({state.abbr for state in us.STATES_AND_TERRITORIES} | {"DC", "AA", "AE", "AP"})
"""States and territories, the District of Columbia, and what the Postal Service writes for military mail."""

_ZIP = re.compile(r"(\d{5})(?:-?(\d{4}))?", re.ASCII)


def tidy_person(person: Person, *, as_of: date) -> Person:
    """The person with spaces, phone, e-mail, state and ZIP code in one form.

    Raises: InvalidPatient with a flaw for each field that cannot be right.
    """
    flaws = [
        *_name_flaws("/given_name", person.given_name),
        *_name_flaws("/family_name", person.family_name),
        *_birth_flaws(person.born_on, as_of),
        *_address_flaws(person.address),
    ]
    phone, email = tidy_phone(person.phone or ""), tidy_email(person.email or "")
    if person.phone and phone is None:
        flaws.append(Flaw("/phone", "Give a phone number with its area code, such as 512-555-0123."))
    if person.email and email is None:
        flaws.append(Flaw("/email", "Give an e-mail address, such as name@example.com."))
    if flaws:
        raise InvalidPatient("Correct what is named and send it again.", flaws)
    return replace(
        person,
        given_name=one_line(person.given_name),
        family_name=one_line(person.family_name),
        address=_tidy_address(person.address),
        phone=phone,
        email=email,
    )


def one_line(text: str) -> str:
    """Without spaces at either end or doubled within."""
    return " ".join(text.split())


def tidy_phone(text: str) -> str | None:
    """E.164, read as a number of the United States unless it starts with +; None when it is none."""
    try:
        number = phonenumbers.parse(text, "US")
    except phonenumbers.NumberParseException:
        return None
    if number.extension or not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def tidy_email(text: str) -> str | None:
    """The address with its domain in lower case; None when it is none. Nothing is looked up."""
    try:
        return validate_email(text.strip(), check_deliverability=False).normalized
    except EmailNotValidError:
        return None


def tidy_zip(text: str) -> str | None:
    """12345 or 12345-6789; None when it is neither."""
    match = _ZIP.fullmatch(text.strip())
    return match and "-".join(part for part in match.groups() if part)


def _tidy_address(address: Address) -> Address:
    return Address(
        line1=one_line(address.line1),
        line2=one_line(address.line2),
        city=one_line(address.city),
        state=address.state.strip().upper(),
        postal_code=tidy_zip(address.postal_code) or "",
    )


def _name_flaws(pointer: str, name: str) -> list[Flaw]:
    if len(name) > LONGEST_NAME:
        return [Flaw(pointer, f"Use at most {LONGEST_NAME} characters.")]
    if not any(letter.isalpha() for letter in name):
        return [Flaw(pointer, "Give a name with at least one letter.")]
    return []


def _birth_flaws(born_on: date, as_of: date) -> list[Flaw]:
    if born_on > as_of:
        return [Flaw("/born_on", "A birth date cannot lie in the future.")]
    if born_on.year < as_of.year - OLDEST_YEARS:
        return [Flaw("/born_on", f"A birth date lies at most {OLDEST_YEARS} years back.")]
    return []


def _address_flaws(address: Address) -> list[Flaw]:
    flaws = [
        Flaw(f"/address/{field}", "Fill this in.")
        for field in ("line1", "city")
        if not one_line(getattr(address, field))
    ]
    if address.state.strip().upper() not in STATES:
        flaws.append(Flaw("/address/state", "Give a state by its two letters, such as TX."))
    if tidy_zip(address.postal_code) is None:
        flaws.append(Flaw("/address/postal_code", "Give a ZIP code, such as 78701 or 78701-1234."))
    return flaws
