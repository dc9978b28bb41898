"""What a statement shows of all that is known, and its sums. No clock, no database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Protocol

from billing.accounting.errors import BadPeriod
from billing.accounting.records.statements import (
    LEFT_THE_VISIT,
    PATIENTS_OWN,
    About,
    Answer,
    AnswerKind,
    Choice,
    Facts,
    Period,
    Statement,
    Totals,
    Undone,
    Visit,
    Way,
)
from billing.accounting.records.year_statements import YearEnd, YearPayment, YearVisit
from billing.accounting.rules.statement_words import BANK_KEPT, received_in_words
from billing.kernel.errors import Flaw
from billing.kernel.money import Money, total

EARLIEST_YEAR, LATEST_YEAR = 1900, 2200
YOU_PAID = "You paid"
SENT_BACK = "Back to you"
FROM_CREDIT = "An insurer's money that was held for you, used for a bill"
INSURER_GAVE = "An insurer paid the clinic for a visit that you had paid"
BOUNCED = "Your bank did not pay it, so that you owed it again"
HELD_AGAIN = "What had been used for a bill was held for you again"
CAME_AGAIN = "Did not reach you: it came back to the clinic, which owed it to you again"
BANK_GAVE = "Your bank gave the clinic back what it had taken"
INSURER_TOOK = "What an insurer had paid the clinic for a visit was taken back"
INSURER_PAID_YOU = "An insurer paid you"


def period_of(starts_on: date | None, ends_on: date | None, today: date) -> Period:
    """Without a day: from the first of its year on, until today.

    Raises: BadPeriod, naming the field.
    """
    last = ends_on or max(today, starts_on or today)
    first = starts_on or date(last.year, 1, 1)
    if first > last:
        message = f"The period ends on {last}, before it begins on {first}."
        raise BadPeriod(message, [Flaw("/to", message)])
    return Period(first, last)


def year_of(year: int | None, today: date) -> int:
    """Without one: this year. Raises: BadPeriod, naming the field."""
    if year is None:
        return today.year
    if not EARLIEST_YEAR <= year <= LATEST_YEAR:
        message = f"Give a year from {EARLIEST_YEAR} to {LATEST_YEAR}."
        raise BadPeriod(message, [Flaw("/year", message)])
    return year


def statement_of(facts: Facts, about: About, period: Period) -> Statement:
    """The sums are of all; shown is what is of the period, and what is not settled, whenever it was."""
    return Statement(
        about=about,
        period=period,
        totals=totals_of(facts, period),
        visits=tuple(visit for visit in facts.visits if _is_shown(visit, period)),
        packages=facts.packages,
        received=tuple(each for each in facts.received if period.has(each.on)),
        refunds=tuple(each for each in facts.refunds if each.on is None or period.has(each.on)),
        banks=tuple(each for each in facts.banks if each.kept and (not each.is_final or period.has(each.on))),
        held=tuple(lot for lot in facts.held if lot.left or period.has(lot.on)),
    )


def totals_of(facts: Facts, period: Period) -> Totals:
    """What is owed, waits and came back."""
    earned = [visit for visit in facts.visits if visit.is_earned]
    ahead = [visit for visit in facts.visits if not visit.is_earned]
    answers = [answer for visit in facts.visits for answer in visit.answers]
    return Totals(
        owed_now=total(visit.owed for visit in earned),
        owed_ahead=total(visit.owed for visit in ahead),
        wanted_back=total(demand.owed for demand in facts.demands),
        to_choose=_left(facts, Choice.TO_CHOOSE),
        comes_off=_left(facts, Choice.COMES_OFF),
        goes_back=_left(facts, Choice.GOES_BACK),
        deposits=_left(facts, Choice.DEPOSIT),
        paid_ahead=total(visit.paid_ahead for visit in ahead),
        asked_for=_unsent(facts, Way.ASKED),
        on_its_way=_unsent(facts, Way.ON_ITS_WAY),
        kept_by_state=facts.kept_by_state,
        at_bank=total(each.amount for each in facts.banks if not each.is_final),
        claims_waiting=sum(answer.kind is AnswerKind.WAITS for answer in answers),
        came_back=total(each.amount for each in facts.refunds if each.has_left and period.has(each.on)),
        insurer_paid_you=total(_paid_to_you(answer) for answer in answers if period.has(answer.on)),
        by_bank=total(each.kept for each in facts.banks if each.is_final and period.has(each.on)),
    )


def year_end_of(facts: Facts, about: About, year: int) -> YearEnd:
    """A refund is of the year in which it was sent; the year of its payment stands as it was."""
    period = Period(date(year, 1, 1), date(year, 12, 31))
    lines = (each for each in payments_of(facts) if period.has(each.on))
    visits = [visit for visit in facts.visits if visit.is_earned and period.has(visit.on)]
    of_year = [each for each in (*facts.received, *facts.bounced) if period.has(each.on)]
    return YearEnd(
        about=about,
        year=year,
        payments=tuple(sorted(lines, key=lambda each: each.on)),
        visits=tuple(year_visit(visit) for visit in visits),
        has_health_account=any(each.is_health_account for each in of_year),
    )


def _is_shown(visit: Visit, period: Period) -> bool:
    is_open = bool(visit.owed or visit.paid_ahead) or any(
        answer.kind is AnswerKind.WAITS for answer in visit.answers
    )
    return is_open or period.has(visit.on)


def _left(facts: Facts, choice: Choice) -> Money:
    return total(lot.left for lot in facts.held if lot.choice is choice)


def _unsent(facts: Facts, way: Way) -> Money:
    return total(each.amount for each in facts.refunds if each.way is way)


def _paid_to_you(answer: Answer) -> Money:
    return answer.amount if answer.kind is AnswerKind.PAID_YOU else Money(0)


def payments_of(facts: Facts) -> Iterator[YearPayment]:
    """Each day's money of the patient's own.

    An insurer's money came back to the patient on the day on which it was held for them, so that what of it
    pays a bill later is paid by them, and what is sent to them is not told again. What did not stand is told
    on the day of that, so that nothing of later changes a year that is over.
    """
    for paid in (*facts.received, *facts.bounced):
        yield from _paid(paid, f"{YOU_PAID}: {received_in_words(paid)}", BOUNCED)
    for used in facts.used:
        yield from _paid(used, FROM_CREDIT, HELD_AGAIN)
    for refund in (*facts.refunds, *facts.failed):
        if refund.has_left and refund.is_patients:
            yield from _back(refund, f"{SENT_BACK}: {refund.told}", CAME_AGAIN)
    for bank in facts.banks:
        if bank.is_final:
            yield from _back(bank, BANK_KEPT, BANK_GAVE)
    yield from _by_insurers(facts)


class Deed(Protocol):
    """What happened on a day, and what of it did not stand later."""

    @property
    def on(self) -> date | None: ...

    @property
    def amount(self) -> Money: ...

    @property
    def undone(self) -> tuple[Undone, ...]: ...


def _paid(deed: Deed, told: str, told_undone: str) -> Iterator[YearPayment]:
    for on, amount in _on_its_day(deed):
        yield YearPayment(on=on, told=told, paid=amount)
    for later in _later(deed):
        yield YearPayment(on=later.on, told=told_undone, back=later.amount)


def _back(deed: Deed, told: str, told_undone: str) -> Iterator[YearPayment]:
    for on, amount in _on_its_day(deed):
        yield YearPayment(on=on, told=told, back=amount)
    for later in _later(deed):
        yield YearPayment(on=later.on, told=told_undone, paid=later.amount)


def _on_its_day(deed: Deed) -> Iterator[tuple[date, Money]]:
    """Nothing of what did not outlast its day."""
    amount = deed.amount - total(each.amount for each in deed.undone if each.on == deed.on)
    if deed.on is not None and amount:
        yield deed.on, amount


def _later(deed: Deed) -> Iterator[Undone]:
    return (each for each in deed.undone if each.on != deed.on)


def _by_insurers(facts: Facts) -> Iterator[YearPayment]:
    for lot in facts.held:
        if lot.is_insurers:
            yield from _back(lot, INSURER_GAVE, INSURER_TOOK)
    for answer in (each for visit in facts.visits for each in visit.answers):
        if given := _paid_to_you(answer):
            yield YearPayment(on=answer.on, told=INSURER_PAID_YOU, back=given)


def year_visit(visit: Visit) -> YearVisit:
    insurer = visit.reimbursed + total(_paid_to_you(answer) for answer in visit.answers)
    return YearVisit(
        on=visit.on,
        description=visit.description,
        net=visit.net,
        paid=visit.sum_of(PATIENTS_OWN),
        back=visit.sum_of(LEFT_THE_VISIT),
        reimbursed=insurer,
    )
