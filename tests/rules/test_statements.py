"""What a statement shows and sums up, and in which words, without any database."""

from collections import defaultdict
from dataclasses import fields, replace
from datetime import date
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.accounting.errors import BadPeriod
from billing.accounting.records.statements import (
    Answer,
    AnswerKind,
    BankTook,
    Choice,
    Demand,
    Facts,
    GivenBack,
    Held,
    Part,
    PartKind,
    Period,
    Received,
    Standing,
    Undone,
    Used,
    Visit,
    Way,
)
from billing.accounting.rules import statement_words as words
from billing.accounting.rules.statement_answers import answers_in_order
from billing.accounting.rules.statements import (
    period_of,
    statement_of,
    totals_of,
    year_end_of,
    year_of,
)
from billing.kernel.money import ZERO, Money, total
from tests.factories.statement_papers import about

TODAY = date(2026, 11, 20)
YEAR = Period(date(2026, 1, 1), TODAY)
PAID = Part(kind=PartKind.PAID, amount=Money(45_000), on=date(2026, 11, 2), tender="Card (visa 4242)")
VISIT = Visit(
    session_id="ses_1",
    on=date(2026, 11, 3),
    description="Ketamine infusion treatment",
    standing=Standing.GIVEN,
    charge=Money(45_000),
    discount=ZERO,
    net=Money(45_000),
    parts=(PAID,),
)
LOT = Held(
    id="crl_1",
    on=date(2026, 11, 10),
    source="reimbursement",
    choice=Choice.TO_CHOOSE,
    amount=Money(18_000),
    used=ZERO,
    back=ZERO,
    left=Money(18_000),
    is_insurers=True,
    is_patients=False,
)
REFUND = GivenBack(
    id="ref_1",
    way=Way.SENT,
    amount=Money(5_000),
    on=date(2026, 11, 12),
    told="By check 77",
    has_left=True,
    is_patients=True,
    is_deposit=False,
)
RECEIVED = Received(
    id="pay_1", on=date(2026, 11, 2), amount=Money(45_000), tender="Cash", is_health_account=False
)


def totals(**facts):
    return totals_of(Facts(**facts), YEAR)


def year_end(year=2026, **facts):
    return year_end_of(Facts(**facts), about(), year)


# --- the period -----------------------------------------------------------------------------------------


def test_without_days_a_statement_is_of_this_year_until_today():
    assert period_of(None, None, TODAY) == YEAR


def test_without_a_first_day_it_begins_with_the_year_of_the_last():
    assert period_of(None, date(2025, 3, 9), TODAY) == Period(date(2025, 1, 1), date(2025, 3, 9))


def test_a_period_that_begins_later_than_today_is_of_that_day():
    assert period_of(date(2026, 12, 1), None, TODAY) == Period(date(2026, 12, 1), date(2026, 12, 1))


def test_a_period_that_ends_before_it_begins_is_refused_by_its_field():
    with pytest.raises(BadPeriod) as refused:
        period_of(date(2026, 3, 1), date(2026, 2, 1), TODAY)
    assert [flaw.pointer for flaw in refused.value.flaws] == ["/to"]


@pytest.mark.parametrize("year", [0, 1899, 2201, 10**12])
def test_a_year_of_no_calendar_is_refused_by_its_field(year):
    with pytest.raises(BadPeriod) as refused:
        year_of(year, TODAY)
    assert [flaw.pointer for flaw in refused.value.flaws] == ["/year"]


# --- the sums -------------------------------------------------------------------------------------------


def test_nothing_known_is_nothing_owed_and_an_empty_statement():
    statement = statement_of(Facts(), about(), YEAR)
    assert statement.is_empty
    assert {getattr(statement.totals, each.name) for each in fields(statement.totals)} == {ZERO, 0}


def test_what_is_owed_for_a_visit_that_was_and_for_one_to_come_are_told_apart():
    unpaid = replace(VISIT, parts=())
    to_come = replace(unpaid, standing=Standing.TO_COME)
    told = totals(visits=(unpaid, to_come))
    assert (told.owed_now, told.owed_ahead, told.owed) == (Money(45_000), Money(45_000), Money(90_000))


def test_what_was_paid_for_a_visit_to_come_is_held_and_what_went_back_of_it_is_not():
    back = Part(kind=PartKind.BACK, amount=Money(15_000))
    kept = replace(PAID, amount=Money(30_000))
    told = totals(visits=(replace(VISIT, standing=Standing.TO_COME, parts=(kept, back)),))
    assert (told.paid_ahead, told.owed) == (Money(30_000), ZERO)


def test_a_word_of_another_payer_is_no_money_that_is_held():
    owes = Part(kind=PartKind.OTHER_OWES, amount=Money(45_000))
    told = totals(visits=(replace(VISIT, standing=Standing.TO_COME, parts=(owes,)),))
    assert (told.paid_ahead, told.owed) == (ZERO, ZERO)


@pytest.mark.parametrize(
    ("choice", "field"),
    [
        (Choice.TO_CHOOSE, "to_choose"),
        (Choice.COMES_OFF, "comes_off"),
        (Choice.GOES_BACK, "goes_back"),
        (Choice.DEPOSIT, "deposits"),
    ],
)
def test_money_that_is_held_is_told_by_what_is_to_become_of_it(choice, field):
    told = totals(held=(replace(LOT, choice=choice),))
    assert getattr(told, field) == told.expected == Money(18_000)


@pytest.mark.parametrize(("way", "field"), [(Way.ASKED, "asked_for"), (Way.ON_ITS_WAY, "on_its_way")])
def test_a_refund_that_has_not_left_is_expected_and_did_not_come_back(way, field):
    told = totals(refunds=(replace(REFUND, way=way, on=None, has_left=False),))
    assert getattr(told, field) == told.expected == Money(5_000)
    assert told.came_back == ZERO


def test_what_came_back_is_of_the_period_alone():
    last_year = replace(REFUND, on=date(2025, 12, 31))
    told = totals(refunds=(REFUND, last_year))
    assert (told.came_back, told.expected) == (Money(5_000), ZERO)


def test_a_claim_without_an_answer_is_counted_and_no_amount_is_promised_for_it():
    waits = Answer(kind=AnswerKind.WAITS, on=date(2026, 11, 4))
    told = totals(visits=(replace(VISIT, answers=(waits,)),))
    assert (told.claims_waiting, told.expected) == (1, ZERO)


def test_what_a_bank_holds_and_what_it_kept_are_told_apart():
    holds = BankTook(on=TODAY, amount=Money(100), is_final=False)
    told = totals(banks=(holds, replace(holds, amount=Money(200), is_final=True)))
    assert (told.at_bank, told.by_bank) == (Money(100), Money(200))


# --- what is shown --------------------------------------------------------------------------------------


def test_an_earlier_visit_is_shown_as_long_as_it_is_not_settled():
    before = replace(VISIT, on=date(2025, 5, 5))
    owed = replace(before, session_id="ses_2", parts=())
    waits = replace(before, session_id="ses_3", answers=(Answer(kind=AnswerKind.WAITS, on=date(2025, 6, 1)),))
    shown = statement_of(Facts(visits=(before, owed, waits, VISIT)), about(), YEAR).visits
    assert shown == (owed, waits, VISIT)


def test_money_held_is_shown_while_something_is_left_or_when_it_came_in_the_period():
    gone = replace(LOT, on=date(2025, 5, 5), used=Money(18_000), left=ZERO)
    left = replace(LOT, on=date(2025, 5, 5))
    assert statement_of(Facts(held=(gone, left, LOT)), about(), YEAR).held == (left, LOT)


# --- the year -------------------------------------------------------------------------------------------


def test_a_year_nets_what_was_paid_with_what_came_back():
    year = year_end(received=(RECEIVED,), refunds=(REFUND,), held=(LOT,))
    assert (year.paid, year.back, year.net) == (Money(45_000), Money(23_000), Money(22_000))


def test_a_refund_is_of_the_year_in_which_it_was_sent_and_the_payments_year_stands():
    late = replace(REFUND, on=date(2027, 1, 5))
    assert year_end(received=(RECEIVED,), refunds=(late,)).net == Money(45_000)
    next_year = year_end(2027, received=(RECEIVED,), refunds=(late,))
    assert (next_year.paid, next_year.back) == (ZERO, Money(5_000))


def test_an_insurers_money_that_is_sent_on_comes_back_once():
    sent = replace(REFUND, amount=Money(18_000), is_patients=False)
    spent = replace(LOT, left=ZERO, back=Money(18_000))
    assert year_end(received=(RECEIVED,), refunds=(sent,), held=(spent,)).net == Money(27_000)


def test_an_insurers_money_that_pays_the_next_visit_is_paid_by_the_patient():
    spent = replace(LOT, left=ZERO, used=Money(18_000))
    used = Used(on=date(2026, 11, 11), amount=Money(18_000))
    assert year_end(received=(RECEIVED,), held=(spent,), used=(used,)).net == Money(45_000)


def test_what_the_insurer_took_back_on_the_same_day_did_not_come_back():
    taken = replace(LOT, left=ZERO, undone=(Undone(LOT.on, Money(18_000)),))
    assert year_end(received=(RECEIVED,), held=(taken,)).back == ZERO


LATER = date(2027, 1, 15)
DEEDS = {
    "held": LOT,
    "used": Used(on=date(2026, 11, 11), amount=Money(18_000)),
    "bounced": RECEIVED,
    "failed": REFUND,
    "banks": BankTook(on=date(2026, 11, 12), amount=Money(45_000), is_final=True),
}


@pytest.mark.parametrize("what", DEEDS)
def test_what_does_not_stand_in_the_next_year_leaves_the_year_before_as_it_was(what):
    deed = DEEDS[what]
    before = year_end(**{what: (deed,)})
    fallen = replace(deed, undone=(Undone(LATER, deed.amount),))
    after, later = year_end(**{what: (fallen,)}), year_end(2027, **{what: (fallen,)})
    assert before.payments == after.payments != ()
    assert (later.paid, later.back) == (after.back, after.paid)
    assert [each.on for each in later.payments] == [LATER]


day_of_two_years = st.dates(date(2026, 1, 1), date(2027, 12, 31))
cents = st.integers(1, 9_999).map(Money)


@given(
    st.lists(st.tuples(st.sampled_from(sorted(DEEDS)), day_of_two_years, cents, st.lists(day_of_two_years)))
)
def test_a_year_says_the_same_at_its_end_and_later_and_all_years_come_to_the_whole(story):
    """Whatever is undone when, and in whichever parts."""

    def facts(until):
        found = defaultdict(list)
        for what, on, amount, fallen in story:
            if on <= until:
                undone = [Undone(max(on, day), Money(1)) for day in fallen[: amount.cents]]
                known = tuple(each for each in undone if each.on <= until)
                found[what].append(replace(DEEDS[what], on=on, amount=amount, undone=known))
        return {what: tuple(deeds) for what, deeds in found.items()}

    at_the_end, whole = facts(date(2026, 12, 31)), facts(date(2027, 12, 31))
    first, second = year_end(**whole), year_end(2027, **whole)
    assert year_end(**at_the_end).payments == first.payments
    stands = {
        what: total(each.amount - total(part.amount for part in each.undone) for each in deeds)
        for what, deeds in whole.items()
    }
    came, went = (
        total(stands.get(what, ZERO) for what in names)
        for names in (("used", "bounced"), ("held", "failed", "banks"))
    )
    assert first.net + second.net == came - went


def test_what_a_bank_holds_counts_in_no_year_before_it_has_decided():
    holds = BankTook(on=TODAY, amount=Money(45_000), is_final=False)
    assert year_end(received=(RECEIVED,), banks=(holds,)).back == ZERO
    assert year_end(received=(RECEIVED,), banks=(replace(holds, is_final=True),)).net == ZERO


def test_a_years_visits_say_what_each_cost_in_the_end():
    to_you = Answer(kind=AnswerKind.PAID_YOU, amount=Money(2_000), on=date(2026, 11, 9))
    visit = replace(VISIT, reimbursed=Money(18_000), answers=(to_you,))
    (told,) = year_end(visits=(visit, replace(VISIT, standing=Standing.TO_COME))).visits
    assert (told.paid, told.back, told.reimbursed, told.cost) == (
        Money(45_000), ZERO, Money(20_000), Money(25_000),
    )  # fmt: skip


def test_what_went_back_of_a_visit_did_not_cost_anything():
    back = replace(PAID, kind=PartKind.BACK)
    (told,) = year_end(visits=(replace(VISIT, parts=(back,)),)).visits
    assert (told.paid, told.back, told.cost) == (Money(45_000), Money(45_000), ZERO)


def test_a_year_says_whether_a_health_account_paid():
    assert not year_end(received=(RECEIVED,)).has_health_account
    assert year_end(received=(replace(RECEIVED, is_health_account=True),)).has_health_account


# --- the words ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", list(PartKind))
def test_a_part_is_told_in_words_and_without_a_sign(kind):
    told = words.part_in_words(replace(PAID, kind=kind))
    assert "Nov 2, 2026" in told
    assert "-" not in told.replace("Card (visa 4242)", "")


@pytest.mark.parametrize("kind", list(AnswerKind))
def test_an_answer_is_told_with_its_day(kind):
    told = words.answer_in_words(Answer(kind=kind, amount=Money(18_000), on=TODAY, insurer="Sample Health"))
    assert "Nov 20, 2026" in told
    assert "{" not in told


@pytest.mark.parametrize("way", list(Way))
def test_a_refund_is_told_by_where_it_is(way):
    assert ("Nov 12, 2026" in words.refund_in_words(replace(REFUND, way=way))) == (way is Way.SENT)


def test_what_is_gone_of_money_that_was_held_says_where_it_went():
    taken = replace(LOT, left=ZERO, undone=(Undone(LATER, LOT.amount),))
    assert words.choice_in_words(taken) == (
        "Nothing is left of it. $180.00 of the insurer's payment was taken back"
    )
    partly = replace(LOT, left=Money(12_000), undone=(Undone(LATER, Money(5_000)),))
    told = words.choice_in_words(partly)
    assert "$50.00" in told
    assert "$10.00 was taken by a bank, put elsewhere, or is kept for you by the state" in told


def test_what_an_insurer_wants_back_is_told_beside_what_is_owed_and_not_counted():
    owed, _, _ = words.sums_in_words(totals(demands=(Demand(on=TODAY, owed=Money(21_000)),)))
    assert owed.amount == ZERO
    ((told, amount),) = owed.parts
    assert (told.startswith("Not counted"), amount) == (True, Money(21_000))


def test_of_one_day_a_payment_is_told_before_its_reversal_and_that_before_the_correction():
    """In whichever order the insurer's file has them."""
    first, second = date(2026, 11, 9), date(2026, 11, 12)

    def told(kind, amount, on=second):
        return Answer(kind=kind, amount=Money(amount), on=on, insurer="Sample Health")

    reversal, paid = told(AnswerKind.TOOK_BACK, 30_000), told(AnswerKind.PAID_CLINIC, 30_000)
    corrected, waits = told(AnswerKind.PAID_CLINIC, 35_000), told(AnswerKind.WAITS, 0, first)
    for order in permutations((reversal, corrected, paid, waits)):
        assert answers_in_order(order) == (paid, reversal, corrected, waits)
    before = replace(paid, on=first)
    for order in permutations((reversal, replace(paid), before)):
        assert answers_in_order(order) == (before, reversal, paid)


def test_a_statement_and_a_year_say_what_each_counts_as_come_back():
    _, _, back = words.sums_in_words(totals(held=(LOT,)))
    assert (back.title, back.amount) == ("Sent back to you", ZERO)
    assert year_end(held=(LOT,)).back == LOT.amount
    assert words.YEAR_BACK == "Came back to you, or an insurer's money was held for you"


def test_money_of_which_nothing_is_left_waits_for_no_choice():
    assert words.choice_in_words(replace(LOT, left=ZERO, used=LOT.amount)) == "Nothing is left of it"
    assert "choice" in words.choice_in_words(LOT)
    waits = words.choice_in_words(replace(LOT, goes_back_on=date(2026, 12, 2)))
    assert "goes back to you on Dec 2, 2026. Choose by the link in our letter" in waits
    assert "Dec 2" not in words.choice_in_words(
        replace(LOT, goes_back_on=date(2026, 12, 2), left=ZERO, used=LOT.amount)
    )
