"""Insurance terms, and the rights to a discount: what proves them and how long they last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import date, datetime, timedelta

from billing.kernel.errors import Flaw
from billing.kernel.printable import unprintable
from billing.patients.errors import InvalidEligibility, InvalidPolicy
from billing.patients.records import Category, Eligibility, Evidence, PolicyTerms, Proof, Relationship
from billing.patients.rules.people import one_line

PROOFS: Mapping[Category, frozenset[Proof]] = {
    Category.VETERAN: frozenset({Proof.DD_214, Proof.VA_CARD, Proof.ID_ME}),
    Category.FIRST_RESPONDER: frozenset({Proof.AGENCY_ID, Proof.ID_ME}),
}

WEST_OF_UTC = timedelta(hours=11)
EAST_OF_UTC = timedelta(hours=10)
"""How far the clocks of American Samoa and of Guam are from UTC: a date between is today for somebody."""

MOST_FILING_DAYS = 1_095
"""Within which a plan takes a claim: three years; no plan that is known takes longer."""


def tidy_terms(terms: PolicyTerms) -> PolicyTerms:
    """The terms with tidy spaces, and with a subscriber exactly when that is not the patient.

    Raises: InvalidPolicy with a flaw for each field that is missing, or that no paper can print.
    """
    required = ["payer_name", "payer_id", "member_id"]
    is_dependent = terms.relationship is not Relationship.SELF
    if is_dependent:
        required += ["subscriber_given_name", "subscriber_family_name", "subscriber_born_on"]
    flaws = [Flaw(f"/{field}", "Fill this in.") for field in required if not _filled(getattr(terms, field))]
    if flaws:
        raise InvalidPolicy("The insurance card is incomplete; fill in what is named.", flaws)
    tidy = replace(
        terms,
        payer_name=one_line(terms.payer_name),
        payer_id=one_line(terms.payer_id).upper(),
        member_id=one_line(terms.member_id),
        group_number=_tidy(terms.group_number),
        subscriber_given_name=_tidy(terms.subscriber_given_name) if is_dependent else None,
        subscriber_family_name=_tidy(terms.subscriber_family_name) if is_dependent else None,
        subscriber_born_on=terms.subscriber_born_on if is_dependent else None,
    )
    if flaws := list(unprintable(asdict(tidy))):
        raise InvalidPolicy("Correct what is named and send it again.", flaws)
    return tidy


def check_policy_dates(effective_from: date, ends_on: date | None) -> None:
    """Raises: InvalidPolicy when it would end before it begins."""
    if ends_on is not None and ends_on < effective_from:
        flaw = Flaw("/ends_on", "Give a day on or after the one it takes effect.")
        raise InvalidPolicy("A policy cannot end before it begins.", [flaw])


def check_evidence(evidence: Evidence) -> None:
    """Raises: InvalidEligibility when proof or occupation does not fit the category."""
    flaws = []
    if evidence.proof not in PROOFS[evidence.category]:
        accepted = ", ".join(sorted(PROOFS[evidence.category]))
        flaws.append(Flaw("/proof", f"For {evidence.category} one of these counts: {accepted}."))
    if evidence.category is Category.FIRST_RESPONDER and evidence.occupation is None:
        flaws.append(Flaw("/occupation", "Name the occupation of the first responder."))
    if evidence.category is Category.VETERAN and evidence.occupation is not None:
        flaws.append(Flaw("/occupation", "Leave this out for a veteran."))
    if flaws:
        raise InvalidEligibility("The proof cannot be accepted as it is.", flaws)


def days_called_today(now: datetime) -> tuple[date, date]:
    """The earliest and the latest date that a US clinic's calendar may show at this instant."""
    return (now - WEST_OF_UTC).date(), (now + EAST_OF_UTC).date()


def expiry(category: Category, verified_on: date) -> date | None:
    """The last day on which the right counts: a veteran's never ends, the others' after 12 months."""
    if category is Category.VETERAN:
        return None
    return _year_after(verified_on)


def counts_on(eligibility: Eligibility, on: date) -> bool:
    """Whether the right holds on a day; it never reaches back before it was verified."""
    return eligibility.verified_on <= on and (eligibility.expires_on is None or on <= eligibility.expires_on)


def _year_after(day: date) -> date:
    """The same day a year later; 29 February becomes 28 February."""
    try:
        return day.replace(year=day.year + 1)
    except ValueError:
        return day.replace(year=day.year + 1, day=28)


def _tidy(text: str | None) -> str | None:
    return one_line(text or "") or None


def _filled(value: str | date | None) -> bool:
    return bool(value.strip()) if isinstance(value, str) else value is not None
