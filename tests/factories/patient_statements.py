"""A patient's statement held against the books, whatever order things came in."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields, replace
from datetime import date, datetime

from billing.accounting.queries.statements import facts_of, statement_for, year_end_for
from billing.accounting.records.statements import Facts, Held, PartKind, Period, Statement, Totals, Visit, Way
from billing.accounting.records.year_statements import YearEnd
from billing.accounting.rules.statements import payments_of, totals_of, year_end_of, year_visit
from billing.catalog.queries import sites
from billing.kernel.money import ZERO, total
from billing.kernel.permissions import SYSTEM, Actor
from billing.patients.queries import find_patient
from billing.payments.queries.refunds import list_refunds
from billing.payments.states.refunds import RefundState
from billing.platform.data.database import Database, Read
from tests.conftest import NOW
from tests.factories.money_model import booked
from tests.factories.statement_papers import about

FACTS = (
    "visits", "packages", "received", "bounced", "refunds", "failed", "held", "used", "banks", "demands",
)  # fmt: skip
ALWAYS = Period(date(1900, 1, 1), date(2200, 1, 1))


def a_statement(
    database: Database,
    patient_id: str,
    starts_on: date | None = None,
    ends_on: date | None = None,
    *,
    now: datetime = NOW,
) -> Statement:
    with database.reading() as read:
        return statement_for(read, patient_id, starts_on, ends_on, actor=SYSTEM, now=now)


def a_year(database: Database, patient_id: str, year: int | None = None, *, now: datetime = NOW) -> YearEnd:
    with database.reading() as read:
        return year_end_for(read, patient_id, year, actor=SYSTEM, now=now)


def assert_it_is_in_the_books(read: Read, patient_id: str) -> Facts:
    """Each sum that the clinic's books know stands there to the cent; each visit and credit adds up."""
    facts = facts_of(read, patient_id, SYSTEM)
    told, books = _told(facts, totals_of(facts, ALWAYS)), booked(read, patient_id)
    books["2210"] = books.get("2210", 0) + _waits_for_others(read, patient_id)
    assert told == {accounts: sum(books.get(account, 0) for account in accounts) for accounts in told}
    for visit in facts.visits:
        assert visit.charge - visit.discount == visit.net
        assert visit.owed >= ZERO
        assert all(part.amount > ZERO for part in visit.parts)
    for lot in facts.held:
        assert lot.gone >= ZERO
    return facts


def assert_both_years_agree(facts: Facts) -> None:
    """What was paid by its day is what visits cost, and what the clinic still holds of the patient's own."""
    years = {*(each.on.year for each in payments_of(facts)), *(visit.on.year for visit in facts.visits)}
    told = [year_end_of(facts, about(), year) for year in years]
    ahead = [year_visit(visit) for visit in facts.visits if not visit.is_earned]
    shown = total(each.reimbursed for each in facts.visits)
    given = total(lot.amount - lot.taken_back for lot in facts.held if lot.is_insurers)
    own = [lot.left for lot in facts.held if lot.is_patients]
    unsent = [each.amount for each in facts.refunds if not each.has_left and each.is_patients]
    assert total(year.net for year in told) == total((
        *(year.cost for year in told), *(visit.cost for visit in ahead), *own, *unsent, shown, -given,
    ))  # fmt: skip


def assert_sites_add_up(read: Read, patient_id: str, whole: Facts) -> None:
    """What each site's clerk is told is whole in itself, and all of them together are told all of it once."""
    patient = find_patient(read, patient_id, SYSTEM)
    parts = [
        facts_of(read, patient_id, a_clerk_of(patient.entity_id, site.id))
        for site in sites(read, patient.entity_id)
    ]
    for told in FACTS:
        assert Counter(_plain(each) for part in parts for each in getattr(part, told)) == Counter(
            map(_plain, getattr(whole, told))
        ), told
    sums = [totals_of(facts, ALWAYS) for facts in (whole, *parts)]
    for field in fields(Totals):
        first, *others = (getattr(each, field.name) for each in sums)
        assert first == sum(others[1:], others[0]), field.name
    for facts in parts:
        assert all(visit.owed >= ZERO for visit in facts.visits)
        assert all(lot.gone >= ZERO for lot in facts.held)


def a_clerk_of(entity_id: str, *site_ids: str) -> Actor:
    return Actor(
        id="usr_here", entity_id=entity_id, permissions=SYSTEM.permissions, site_ids=frozenset(site_ids)
    )


def _plain(fact: object) -> str:
    """But for what says to a clerk of some sites that money came in, or its visit is, at another."""
    if isinstance(fact, Visit):
        fact = replace(fact, parts=tuple(replace(part, is_from_elsewhere=False) for part in fact.parts))
    return repr(replace(fact, insured_on=None) if isinstance(fact, Held) else fact)


def _waits_for_others(read: Read, patient_id: str) -> int:
    """Other payers' money that is on its way back to them, which is on no patient's statement."""
    refunds = list_refunds(read, SYSTEM, patient_id=patient_id, state=RefundState.APPROVED, limit=999)
    return total(each.amount for each in refunds if each.payer_id is not None).cents


def _told(facts: Facts, told: Totals) -> dict[tuple[str, ...], int]:
    """By accounts, debits positive. A deposit stays where it is until its refund is approved."""
    others = total(
        part.amount
        for visit in facts.visits
        if visit.is_earned
        for part in visit.parts
        if part.kind is PartKind.OTHER_OWES
    )
    asked = total(each.amount for each in facts.refunds if each.is_deposit and each.way is Way.ASKED)
    held = told.to_choose + told.comes_off + told.goes_back + told.asked_for + told.on_its_way
    return {
        ("1100",): (told.owed_now + told.wanted_back).cents,
        ("1130",): others.cents,
        ("2100",): -(told.paid_ahead + told.deposits + asked).cents,
        ("2200", "2210"): -(held - asked).cents,
    }
