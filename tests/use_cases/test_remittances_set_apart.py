"""What a payer added or kept that nobody can book is set apart on 2240, so that the rest is posted."""

from datetime import date, timedelta

import pytest
from flask import Flask
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from billing.adapters.remittance_835 import Edi835Reader
from billing.catalog.queries import sites
from billing.insurance.cli.remittances import make_commands
from billing.insurance.errors import (
    AdjustmentNotSetApart,
    NothingSetApart,
    NothingSettled,
    RemittanceNotUndoable,
)
from billing.insurance.queries import find_remittance
from billing.insurance.queries.remittances import decisions_of
from billing.insurance.queries.set_apart import held_apart
from billing.insurance.records.set_apart import SettledPart
from billing.insurance.use_cases.remittance_decisions.payments import call_payee_ours
from billing.insurance.use_cases.remittance_decisions.set_apart import set_adjustments_apart
from billing.insurance.use_cases.remittance_decisions.settling import settle_set_apart, unsettle_set_apart
from billing.insurance.use_cases.remittances.undo import undo_remittance
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM
from billing.ledger.queries import entries_of
from billing.ledger.records import Account
from billing.platform.data.tasks import open_subjects
from tests.conftest import NOW
from tests.factories.accounting import behind_the_back
from tests.factories.insurance import a_course, a_visit_at, handed_out, superbill
from tests.factories.remittance_story import Story

WHY = "The payer says on the phone that it explains this later"


@pytest.fixture
def story(database):
    course = a_course(database)
    return Story(database, course, [handed_out(database, each) for each in course.session_ids])


@pytest.fixture
def apart(do):
    def decide(sent, *places):
        return do(set_adjustments_apart, remittance_id=sent.id, places=list(places), reason=WHY)

    return decide


@pytest.fixture
def settle(do):
    def decide(sent, *parts):
        told = [SettledPart(account=account, amount=Money(cents)) for account, cents in parts]
        return do(settle_set_apart, remittance_id=sent.id, parts=told, reason="As the accountant says")

    return decide


@pytest.fixture
def unsettle(do):
    return lambda sent, **more: do(unsettle_set_apart, remittance_id=sent.id, reason="Wrong account", **more)


@pytest.fixture
def undo(do):
    return lambda sent: do(undo_remittance, remittance_id=sent.id, reason="Posted by mistake")


def asked(database):
    with database.reading() as read:
        return open_subjects(read, kind="remittance-apart")


@pytest.mark.parametrize(
    ("plb", "kept"),
    [
        (("CV", 2_500), 2_500),
        (("CV", -2_500), -2_500),
        (("72:R1", -700), -700),
        (("WO:NOBODY", 4_000), 4_000),
        (("WO", 4_000), 4_000),
        (("WO:NOBODY", -4_000), -4_000),
        (("FB:OLD", 4_000), 4_000),
        (("L6", 300), 300),
        (("ZZ", 1), 1),
    ],
)
def test_what_nobody_can_book_is_set_apart_and_the_rest_is_posted(
    database, story, apart, undo, found, plb, kept
):
    sent = story.send(story.answer(18_000), plb=[("AH", 450), plb])
    assert (sent.status, story.moved()) == ("parked", {})
    posted = apart(sent, 2)
    assert (posted.status, posted.amount) == ("posted", Money(18_000 - 450 - kept))
    assert story.moved() == {"1000": 17_550 - kept, "2200": -18_000, "2240": kept, "6100": 450}
    assert (story.credit(), asked(database)) == (18_000, [sent.id])
    assert found() == set()
    assert undo(sent).status == "undone"
    assert (story.moved(), asked(database)) == ({}, [])
    assert found() == set()


def test_the_decision_is_told_with_what_was_set_apart_and_why(database, story, apart):
    sent = story.send(story.answer(18_000), plb=[("CV:X9", 2_500)])
    apart(sent, 1)
    with database.reading() as read:
        (decision,) = decisions_of(read, sent.id, SYSTEM)
        (told,) = find_remittance(read, sent.id, SYSTEM).adjustments
    assert (decision.kind, decision.reason) == ("set_apart", WHY)
    assert [(each.code, each.reference, each.amount.cents) for each in decision.apart] == [
        ("CV", "X9", 2_500)
    ]
    assert (told.code, told.amount, told.is_set_apart) == ("CV", Money(2_500), True)


def test_it_holds_for_a_copy_in_another_order_and_the_newest_decision_holds(story, apart, found):
    plb = [("CV", 500), ("CV", 500), ("ZZ", 70)]
    sent = story.send(story.answer(18_000), plb=plb)
    assert apart(sent, 1).status == "parked"
    assert apart(sent).status == "parked"
    assert apart(sent, 1, 2).status == "parked"
    story.payments -= 1
    again = story.send(story.answer(18_000), plb=[plb[2], plb[0], plb[1]])
    assert (again.id, again.status) == (sent.id, "parked")
    assert "ZZ of $0.70" in str(again.reason)
    assert apart(sent, 1, 2, 3).status == "posted"
    assert story.moved() == {"1000": 16_930, "2200": -18_000, "2240": 1_070}
    assert found() == set()


def test_what_the_books_know_is_not_set_apart(story, apart):
    story.send(story.answer(18_000))
    sent = story.send(
        story.answer(9_000, of=1), plb=[("AH", 40), ("L6", -10), ("FB", -5), ("B2:R", -3), ("CV", 1)]
    )
    for place in (1, 2, 3, 4, 6, 0):
        with pytest.raises(AdjustmentNotSetApart):
            apart(sent, place)
    assert apart(sent, 5).status == "posted"


def test_a_balance_that_was_set_apart_is_none_that_a_later_payment_may_take(story, apart, found):
    """What was carried before these books began is no balance of theirs."""
    sent = story.send(story.answer(18_000), plb=[("FB:OLD", 4_000)])
    apart(sent, 1)
    story.send(story.answer(9_000, of=1), plb=[("FB", -1_000)])
    taken = story.send(story.answer(5_000, of=1), plb=[("FB", 1_000)])
    assert (taken.status, taken.reason) == ("posted", None)
    assert found() == set()


@pytest.mark.parametrize(("kept", "account"), [(2_500, Account.PROCESSOR_FEES), (-2_500, Account.BANK)])
def test_what_was_set_apart_is_settled_once_and_all_of_it(
    database, story, apart, settle, undo, found, kept, account
):
    sent = story.send(story.answer(18_000), plb=[("CV", kept)])
    apart(sent, 1)
    for wrong in ([(account, 2_499)], [(account, 2_600), (Account.BANK_FEES, -100)], []):
        with pytest.raises(NothingSetApart):
            settle(sent, *wrong)
    with pytest.raises(NothingSetApart):
        settle(sent, (Account.PATIENT_CREDITS, 2_500))
    settle(sent, (account, 2_000), (Account.BANK_FEES, 500))
    told = story.moved()
    assert ("2240" in told, asked(database)) == (False, [])
    assert found() == set()
    with pytest.raises(NothingSetApart):
        settle(sent, (account, 2_500))
    with pytest.raises(RemittanceNotUndoable):
        undo(sent)
    assert story.moved() == told


@pytest.mark.parametrize("kept", [2_500, -2_500])
def test_a_settling_on_a_wrong_account_is_taken_back_and_settled_anew(
    database, story, apart, settle, unsettle, found, kept
):
    """However often: each is an entry and its reversal, of the day on which that was decided."""
    sent = story.send(story.answer(18_000), plb=[("CV", kept)])
    apart(sent, 1)
    waits = story.moved()
    with pytest.raises(NothingSettled):
        unsettle(sent)
    for wrong in (Account.INFUSION, Account.PROCESSOR_FEES):
        settle(sent, (wrong, 2_000), (Account.BANK_FEES, 500))
        unsettle(sent, at=NOW + timedelta(days=60))
        assert (story.moved(), asked(database)) == (waits, [sent.id])
        assert found() == set()
        with pytest.raises(NothingSettled):
            unsettle(sent)
        assert story.moved() == waits
    settle(sent, (Account.BANK, 2_500))
    assert ("2240" in story.moved(), asked(database)) == (False, [])
    assert found() == set()
    with database.reading() as read:
        kinds = sorted(each.kind for each in decisions_of(read, sent.id, SYSTEM))
        entries = entries_of(read, source_kind="remittance-apart", source_id=sent.id)
    assert kinds == ["set_apart", *["settled"] * 3, *["unsettled"] * 2]
    reversals = [each for each in entries if each.reverses_id]
    assert [each.effective_on for each in reversals] == [NOW.date() + timedelta(days=60)] * 2


def test_the_payment_can_be_undone_once_its_settling_was_taken_back(
    database, story, apart, settle, unsettle, undo, found
):
    sent = story.send(story.answer(18_000), plb=[("CV", 2_500)])
    apart(sent, 1)
    settle(sent, (Account.BANK_FEES, 2_500))
    unsettle(sent)
    assert undo(sent).status == "undone"
    assert (story.moved(), asked(database)) == ({}, [])
    with pytest.raises(NothingSettled):
        unsettle(sent)
    with pytest.raises(NothingSetApart):
        settle(sent, (Account.BANK_FEES, 2_500))
    assert found() == set()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE remittance_adjustment SET is_set_apart = false WHERE code = 'CV'",
        "UPDATE ledger_line SET account = '6100' WHERE account = '2240' AND cents = 2490",
        "UPDATE ledger_line SET account = '6100' WHERE account = '2240' AND cents = -2490",
    ],
)
def test_verify_holds_what_was_set_apart_and_settled_against_the_books(
    database, story, apart, settle, found, change
):
    sent = story.send(story.answer(18_000), plb=[("CV", 2_500), ("ZZ", -10)])
    apart(sent, 1, 2)
    settle(sent, (Account.BANK_FEES, 2_490))
    assert found() == set()
    behind_the_back(database, change)
    assert 16 in found()


@pytest.fixture
def two_sites(database):
    """A visit at each of two sites."""
    course = a_course(database)
    with database.reading() as read:
        _, west = sites(read, course.patient.entity_id)
    visits = [course.session_ids[0], a_visit_at(database, course.patient.entity_id, west.id)]
    return Story(database, course, [handed_out(database, visits[0]), superbill(database, visits[1])])


def at_sites(database, account="2240"):
    """What is on an account, by site."""
    with database.reading() as read:
        told = text(
            "SELECT SUM(l.cents) FROM ledger_line l JOIN ledger_entry e ON e.id = l.entry_id "
            "WHERE l.account = :account GROUP BY e.site_id ORDER BY SUM(l.cents)"
        )
        return [int(cents) for cents in read.session.scalars(told, {"account": account}) if cents]


@pytest.mark.parametrize(
    ("plb", "waits", "interest"),
    [
        ([("CV", 5_000)], [2_000, 3_000], []),
        ([("CV", 7_000)], [3_000, 4_000], []),
        ([("CV", -7_000)], [-7_000], []),
        ([("L6", -100), ("CV", 5_000)], [2_000, 2_900], [-100]),
    ],
)
def test_it_leaves_2240_at_each_site_where_it_lies(
    database, two_sites, apart, settle, unsettle, found, plb, waits, interest
):
    """Claims bear what was kept, each at the site of its visit."""
    story = two_sites
    sent = story.send(story.answer(3_000), story.answer(4_000, of=1), plb=plb)
    assert apart(sent, len(plb)).status == "posted"
    assert at_sites(database) == waits
    whole = abs(plb[-1][1])
    for _ in range(2):
        settle(sent, (Account.BANK_FEES, 2_500), (Account.BANK, whole - 2_500))
        assert at_sites(database) == interest
        with database.reading() as read:
            as_told = held_apart(read, sent.id).settled_as
        assert [each.amount.cents for each in as_told] == [whole - 2_500, 2_500]
        assert found() == set()
        unsettle(sent)
        assert at_sites(database) == waits
        assert found() == set()


@pytest.mark.parametrize(
    "plb",
    [
        [("CV", 5_000)],
        [("CV", 7_000)],
        [("CV", -7_000)],
        [("L6", -100), ("CV", 5_000)],
        [("AH", 40), ("CV", 5_000)],
    ],
)
def test_undone_it_leaves_each_account_at_each_site(database, two_sites, apart, undo, found, plb):
    story, accounts = two_sites, ("1000", "2200", "2220", "2240", "6100")
    before = [at_sites(database, each) for each in accounts]
    sent = story.send(story.answer(3_000), story.answer(4_000, of=1), plb=plb)
    apart(sent, len(plb))
    assert undo(sent).status == "undone"
    assert [at_sites(database, each) for each in accounts] == before
    assert found() == set()


def test_interest_that_a_payment_takes_again_stays_where_it_was_booked(database, two_sites, apart, settle):
    story = two_sites
    story.send(story.answer(0), plb=[("L6", -1_000)])
    sent = story.send(story.answer(3_000), story.answer(4_000, of=1), plb=[("L6", 1_000), ("CV", 5_000)])
    apart(sent, 2)
    assert at_sites(database) == [2_000, 3_000]
    settle(sent, (Account.BANK_FEES, 5_000))
    assert at_sites(database) == []


def test_what_comes_to_nothing_waits_for_nobody(database, story, apart, settle, found):
    sent = story.send(story.answer(18_000), plb=[("CV", 100), ("ZZ", -100)])
    apart(sent, 1, 2)
    assert (story.moved(), asked(database)) == ({"1000": 18_000, "2200": -18_000}, [])
    with pytest.raises(NothingSetApart):
        settle(sent, (Account.BANK, 100))
    assert found() == set()


MOVES = st.lists(
    st.tuples(
        st.sampled_from(["CV", "ZZ:A", "72:B", "WO:NOBODY", "L6", "AH", "FB:C"]), st.integers(-900, 900)
    ),
    min_size=1,
    max_size=6,
)


def what_nobody_can_book(plb):
    """The places; what this very payment gives as interest or leaves open, it may take again."""
    given = {
        kind: -sum(cents for code, cents in plb if code == kind and cents < 0) for kind in ("L6", "FB:C")
    }
    places = []
    for place, (code, cents) in enumerate(plb, 1):
        if code in given and cents <= given[code]:
            given[code] -= max(cents, 0)
        elif code != "AH":
            places.append(place)
    return places


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plb=MOVES)
@example(plb=[("CV", 1), ("L6", 1), ("L6", -1)])
@example(plb=[("CV", 1), ("FB:C", -5), ("FB:C", 3), ("FB:C", 3)])
def test_whatever_is_set_apart_all_of_the_payment_is_booked_and_undone(story, apart, undo, found, plb):
    plb = [(code, cents) for code, cents in plb if cents]
    sent = story.send(story.answer(18_000), plb=plb, paid_on=date(2026, 11, 3))
    if sent.status == "parked":
        places = what_nobody_can_book(plb)
        sent = apart(sent, *places)
        on_2240 = [cents for place, (code, cents) in enumerate(plb, 1) if place in places or code == "L6"]
        assert story.moved().get("2240", 0) == sum(on_2240)
    assert sent.status == "posted"
    assert undo(sent).status == "undone"
    assert story.moved() == {}
    assert found() == set()


def test_a_recovery_of_a_payment_on_file_is_not_set_apart_beside_what_nobody_knows(apart, story, found):
    assert story.send(story.answer(18_000)).status == "posted"
    sent = story.send(story.answer(9_000, of=1), plb=[("WO:ICN0", 5_000), ("CV", 100)])
    both = apart(sent, 1, 2)
    assert (both.status, story.moved()) == ("parked", {"1000": 18_000, "2200": -18_000})
    assert "can be booked" in str(both.reason)
    assert apart(sent, 2).status == "posted"
    assert story.moved() == {"1000": 21_900, "2200": -22_000, "2240": 100}
    assert found() == set()


@pytest.mark.parametrize("plb", [("FB:OLD", 4_000), ("L6", 300)])
def test_what_an_earlier_payment_left_or_gave_is_not_set_apart_either(apart, story, plb):
    code, cents = plb
    first = story.send(story.answer(18_000), plb=[(code, -cents)])
    assert first.status == "posted"
    sent = story.send(story.answer(9_000, of=1), plb=[plb, ("CV", 100)])
    assert "can be booked" in str(apart(sent, 1, 2).reason)
    assert apart(sent, 2).status == "posted"


def test_of_two_that_take_more_than_was_left_one_can_be_set_apart(apart, story):
    assert story.send(story.answer(18_000), plb=[("FB:OLD", -5_000)]).status == "posted"
    sent = story.send(story.answer(9_000, of=1), plb=[("FB:OLD", 4_000), ("FB:OTHER", 4_000)])
    assert sent.status == "parked"
    assert apart(sent, 2).status == "posted"


def test_what_was_not_known_when_it_was_set_apart_and_is_now_waits(apart, do, story):
    """Nothing of it is lost on 2240 because somebody was asked about the payee as well."""
    sent = story.send(story.answer(9_000, of=1), plb=[("WO:ICN0", 5_000)], payee="XX*1999999992")
    assert apart(sent, 1).status == "parked"
    assert story.send(story.answer(18_000)).status == "posted"
    said = do(call_payee_ours, remittance_id=sent.id, reason="Our number until March")
    assert (said.status, "can be booked" in str(said.reason)) == ("parked", True)
    assert apart(sent).status == "posted"
    assert story.moved() == {"1000": 22_000, "2200": -22_000}


def test_a_settling_is_taken_back_at_the_command_line_once(database, story, apart, settle, found, now):
    app = Flask(__name__)
    app.cli.add_command(make_commands(database, lambda: now, Edi835Reader()))
    sent = story.send(story.answer(18_000), plb=[("CV", 2_500)])
    apart(sent, 1)
    settle(sent, (Account.BANK_FEES, 2_500))
    runner, command = app.test_cli_runner(), ["remittances", "unsettle", sent.id, "--json"]
    typed = runner.invoke(args=[*command, "--reason", "4242 4242 4242 4242"])
    assert (typed.exit_code, "card number" in typed.output) == (2, True)
    done = runner.invoke(args=[*command, "--reason", "Wrong account"])
    assert (done.exit_code, done.output) == (0, '{"ok": true}\n')
    twice = runner.invoke(args=[*command, "--reason", "Wrong account"])
    assert (twice.exit_code, "nothing-settled" in twice.output) == (1, True)
    assert (story.moved()["2240"], asked(database)) == (2_500, [sent.id])
    assert found() == set()
