"""Paper EOBs: the path of a file with its checks, once however they are typed, not beside their file."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date

import pytest

from billing.care.errors import NoSuchSession
from billing.insurance.errors import AnswerNotMatchable, PaperEobFlawed, RemittancePostedBefore
from billing.insurance.queries import list_remittances
from billing.insurance.queries.remittances import decisions_of, told_claims, waiting_of
from billing.insurance.records import Adjustment, Outcome
from billing.insurance.records.remittances import (
    ClaimAnswer,
    TypedClaim,
    TypedLine,
    TypedProviderAdjustment,
)
from billing.insurance.use_cases.paper_remittances import CHOSEN, key_in_eob
from billing.insurance.use_cases.parked_remittances import REMITTANCE_PARKED
from billing.insurance.use_cases.remittance_decisions.matches import match_claim
from billing.insurance.use_cases.remittance_decisions.payments import call_distinct
from billing.kernel.money import Money
from billing.kernel.permissions import ROLES, SYSTEM, Actor, Role
from billing.platform.data.tasks import stands_open
from tests.factories.care import give
from tests.factories.insurance import a_course, handed_out, imported
from tests.factories.paper import CHECK_DAY, paper_eob, typed_claim
from tests.factories.remittance_835 import Claim, remittance


@pytest.fixture
def course(database):
    return a_course(database, sessions=3)


@pytest.fixture
def clerk(course):
    return Actor(id="usr_clerk", entity_id=course.patient.entity_id, permissions=ROLES[Role.BILLING])


@pytest.fixture
def bills(database, course):
    return [handed_out(database, session_id) for session_id in course.session_ids[:2]]


@pytest.fixture
def key_in(do, clerk):
    def work(*claims, by=clerk, **more):
        return do(key_in_eob, eob=paper_eob(*claims, **more), by=by)

    return work


@pytest.fixture
def file_of(database, clerk, bills):
    """The insurer's file about the first bill, as of this number and day."""

    def work(trace="5501", paid_on=CHECK_DAY, **more):
        claim = Claim(control_number=bills[0].control_number, charge_cents=38_250, paid_cents=18_000)
        content = remittance([claim], trace=trace, paid_on=paid_on, **more)
        (transaction,) = imported(database, content, actor=clerk).transactions
        return transaction

    return work


def how_many(database):
    with database.reading() as read:
        return [each.status for each in list_remittances(read, SYSTEM, limit=9)]


def pointers(error):
    return [flaw.pointer for flaw in error.value.flaws]


def test_a_paper_eob_posts_its_check_to_the_bank_once(database, books, found, key_in, course, bills):
    before = books()
    claims = [typed_claim(bills[0].control_number.lower()), typed_claim(bills[1].control_number, paid=9_000)]
    posted = key_in(*claims)
    assert (posted.status, posted.is_on_paper, posted.amount) == ("posted", True, Money(27_000))
    assert [claim.credit.cents for claim in posted.claims] == [18_000, 9_000]
    after = books()
    assert after["1000"] - before.get("1000", 0) == 27_000
    assert after["2200"] - before.get("2200", 0) == -27_000
    again = key_in(*claims[::-1], payer_name="  sample   health PLAN ")
    assert (again.id, again.status) == (posted.id, "duplicate")
    assert books() == after
    assert found() == set()


def test_every_figure_that_does_not_add_up_is_refused_by_its_field(database, books, key_in, bills):
    number, before = bills[0].control_number, books()
    line = TypedLine(procedure="96365", charge=Money(38_250), paid=Money(1))
    with pytest.raises(PaperEobFlawed) as lines:
        key_in(typed_claim(number), typed_claim(number, lines=(line,)))
    assert pointers(lines) == ["/claims/1/lines/0/paid_cents"]
    with pytest.raises(PaperEobFlawed) as claims:
        key_in(typed_claim(number, adjustments=(Adjustment("CO", "45", Money(1)),)), amount=1)
    assert pointers(claims) == ["/claims/0/paid_cents", "/amount_cents"]
    assert (
        "Charged $382.50 less adjustments of $0.01 is $382.49, but $180.00" in claims.value.flaws[0].message
    )
    with pytest.raises(PaperEobFlawed) as check:
        key_in(typed_claim(number), amount=17_999)
    assert pointers(check) == ["/amount_cents"]
    with pytest.raises(PaperEobFlawed) as late:
        key_in(typed_claim(number), paid_on=date(2026, 11, 3))
    assert pointers(late) == ["/paid_on"]
    assert books() == before
    assert how_many(database) == []


def test_adjustments_of_lines_count_for_their_claim_and_the_patients_share(database, key_in, bills):
    lines = (
        TypedLine(
            procedure="96365", charge=Money(38_250), paid=Money(18_000), served_on=date(2026, 10, 1),
            adjustments=(Adjustment("PR", "1", Money(20_000)), Adjustment("CO", "45", Money(250))),
        ),
        TypedLine(procedure="J3490", charge=Money(0), paid=Money(0)),
    )  # fmt: skip
    posted = key_in(typed_claim(bills[0].control_number, adjustments=(), lines=lines))
    with database.reading() as read:
        (told,) = told_claims(read, posted.id, waiting_of(read, posted.id), limit=9)
    assert (told.patient_responsibility, len(told.lines)) == (Money(20_000), 2)
    assert told.lines[0].adjustments[1] == Adjustment("CO", "45", Money(250))


def test_a_visit_that_was_chosen_is_the_claims_with_or_without_its_superbill(
    database, do, key_in, course, bills
):
    with_superbill = key_in(typed_claim("", session_id=course.session_ids[0]))
    assert (with_superbill.status, with_superbill.claims[0].session_id) == ("posted", course.session_ids[0])
    again = key_in(typed_claim(bills[0].control_number))
    assert (again.id, again.status) == (with_superbill.id, "duplicate")
    give(database, course.session_ids[2])
    without = key_in(
        typed_claim("", session_id=course.session_ids[2]), typed_claim("", session_id=course.session_ids[1]),
        check_number="5502",
    )  # fmt: skip
    assert [claim.session_id for claim in without.claims] == [course.session_ids[2], course.session_ids[1]]
    assert without.status == "posted"
    with database.reading() as read:
        assert [each.reason for each in decisions_of(read, without.id, SYSTEM)] == [CHOSEN]
        assert not stands_open(read, kind=REMITTANCE_PARKED, subject_id=without.id)


def test_a_visit_that_cannot_be_the_claims_refuses_all_of_it(database, key_in, course):
    with pytest.raises(AnswerNotMatchable):
        key_in(typed_claim("", session_id=course.session_ids[2]))
    with pytest.raises(NoSuchSession):
        key_in(typed_claim("", session_id="ses_00000000000000000000000000"))
    with pytest.raises(PaperEobFlawed) as both:
        key_in(typed_claim("X", session_id=course.session_ids[0]))
    assert pointers(both) == ["/claims/0/control_number"]
    assert how_many(database) == []


def test_a_claim_without_a_number_waits_and_is_matched_by_hand_and_typed_again_is_a_duplicate(
    database, do, clerk, key_in, course, bills
):
    parked = key_in(typed_claim(""))
    assert parked.status == "parked"
    assert key_in(typed_claim("")).status == "parked"
    matched = do(
        match_claim, remittance_id=parked.id, claim_id=key_in(typed_claim("")).claims[0].id,
        session_id=course.session_ids[0], reason="By name", by=clerk,
    )  # fmt: skip
    assert (matched.id, matched.status) == (parked.id, "posted")
    assert key_in(typed_claim("")).status == "duplicate"


def test_a_denial_and_money_paid_to_the_patient_post_nothing(books, key_in, bills):
    before = books()
    denied = typed_claim(bills[0].control_number, paid=0, status=ClaimAnswer.DENIED)
    to_patient = typed_claim(
        bills[1].control_number, paid=0, adjustments=(Adjustment("PR", "100", Money(38_250)),)
    )
    posted = key_in(denied, to_patient)
    assert posted.status == "posted"
    assert [claim.outcome for claim in posted.claims] == [Outcome.NOTHING_PAID, Outcome.PAID_TO_PATIENT]
    assert books() == before


def test_interest_is_posted_and_what_the_insurer_kept_goes_the_way_of_a_files(books, found, key_in, bills):
    before = books()
    interest = TypedProviderAdjustment(code="L6", reference="", amount=Money(-120))
    posted = key_in(typed_claim(bills[0].control_number), amount=18_120, provider_adjustments=(interest,))
    assert posted.status == "posted"
    assert books()["1000"] - before.get("1000", 0) == 18_120
    kept = TypedProviderAdjustment(code="WO", reference="P1", amount=Money(500))
    other = key_in(
        typed_claim(bills[1].control_number), amount=17_500, provider_adjustments=(kept,), check_number="2"
    )
    assert (other.status, "WO" in (other.reason or "WO")) == ("parked", True)
    assert found() == set()


@pytest.mark.parametrize("differs", [{}, {"payer_name": "SHP"}, {"paid_on": date(2026, 10, 29)}])
def test_a_paper_eob_whose_file_was_posted_is_refused_until_somebody_says_that_it_is_another(
    database, books, file_of, key_in, bills, differs
):
    posted = file_of()
    before = books()
    with pytest.raises(RemittancePostedBefore) as refused:
        key_in(typed_claim(bills[0].control_number), **differs)
    assert refused.value.more["remittance_id"] == posted.id
    assert (books(), how_many(database)) == (before, ["posted"])
    another = key_in(typed_claim(bills[1].control_number), is_another_payment=True, payer_name="SHP")
    assert another.status == "posted"


@pytest.mark.parametrize("paid_on", [CHECK_DAY, date(2026, 11, 3)])
def test_the_file_of_a_check_that_was_keyed_in_waits_until_a_person_says_what_it_is(
    database, do, books, clerk, file_of, key_in, bills, paid_on
):
    key_in(typed_claim(bills[0].control_number))
    before = books()
    parked = file_of(paid_on=paid_on)
    assert (parked.status, books() == before) == ("parked", True)
    assert "keyed in from paper" in parked.reason
    assert file_of(paid_on=paid_on).status == "parked"
    posted = do(call_distinct, remittance_id=parked.id, reason="Two deposits", by=clerk)
    assert posted.status == "posted"
    assert books()["1000"] - before["1000"] == 18_000


@pytest.mark.parametrize(
    ("differs", "of_file"), [({"payer_name": "SHP"}, {}), ({}, {"paid_on": date(2026, 11, 3)})]
)
def test_a_paper_eob_that_waited_while_its_file_was_posted_is_not_booked_beside_it(
    do, books, clerk, course, file_of, key_in, differs, of_file
):
    waits = key_in(typed_claim(""), **differs)
    assert (waits.status, file_of(**of_file).status) == ("parked", "posted")
    before = books()
    matched = do(
        match_claim, remittance_id=waits.id, claim_id=waits.claims[0].id,
        session_id=course.session_ids[0], reason="By name", by=clerk,
    )  # fmt: skip
    assert (matched.status, books() == before) == ("parked", True)
    assert "is posted already" in matched.reason
    posted = do(call_distinct, remittance_id=waits.id, reason="Two deposits", by=clerk)
    assert posted.status == "posted"


def test_what_was_typed_as_another_payment_and_waited_for_a_visit_is_posted_with_it(
    database, do, clerk, course, file_of, key_in
):
    file_of()
    waits = key_in(typed_claim(""), payer_name="SHP", is_another_payment=True)
    assert waits.status == "parked"
    matched = do(
        match_claim, remittance_id=waits.id, claim_id=waits.claims[0].id,
        session_id=course.session_ids[0], reason="By name", by=clerk,
    )  # fmt: skip
    assert matched.status == "posted"
    with database.reading() as read:
        assert [each.kind for each in decisions_of(read, waits.id, SYSTEM)] == ["distinct", "match"]


def test_two_insurers_may_have_one_number_in_their_files(file_of):
    assert file_of().status == "posted"
    assert file_of(payer_id="1999999999", payer_name="OTHER SAMPLE PLAN").status == "posted"


def test_an_insurer_that_has_sent_files_is_known_by_its_name(file_of, key_in, bills):
    from_file = file_of(trace="OTHER")
    typed = key_in(typed_claim(bills[1].control_number), payer_name="sample health plan")
    assert typed.payer_id == from_file.payer_id
    unknown = key_in(typed_claim(bills[1].control_number), payer_name="Other Plan", check_number="3")
    assert unknown.payer_id == "PAPER OTHER PLAN"


def test_an_answer_that_is_taken_back_goes_the_way_of_a_files(books, key_in, bills):
    before = books()
    reversal = TypedClaim(
        control_number=bills[0].control_number, status=ClaimAnswer.REVERSAL, charge=Money(-38_250),
        paid=Money(-18_000), adjustments=(Adjustment("PR", "1", Money(-20_250)),),
    )  # fmt: skip
    parked = key_in(reversal, typed_claim(bills[1].control_number, paid=18_000))
    assert (parked.status, books() == before) == ("parked", True)


def test_who_works_for_all_clinics_keys_in_for_the_one_of_the_visits(key_in, bills):
    everywhere = replace(SYSTEM, id="usr_all")
    posted = key_in(typed_claim(bills[0].control_number), by=everywhere)
    assert posted.status == "posted"


def test_an_eob_that_clerks_type_at_the_same_moment_is_booked_once(database, books, clerk, bills, now):
    before = books()
    eobs = [
        paper_eob(typed_claim(bills[0].control_number), payer_name=name) for name in ("A", "a ", "A", "B")
    ]

    def type_it(eob):
        try:
            return database.in_transaction(lambda tx: key_in_eob(tx, eob=eob, actor=clerk, now=now)).status
        except RemittancePostedBefore:
            return "refused"

    with ThreadPoolExecutor(4) as clerks:
        told = list(clerks.map(type_it, eobs))
    assert told.count("posted") == 1, told
    assert books()["1000"] - before.get("1000", 0) == 18_000


@pytest.mark.parametrize("matched", ["by its number", "by the visit"])
def test_a_check_dated_before_the_visit_is_refused_by_its_field(database, key_in, course, bills, matched):
    claim = typed_claim(bills[0].control_number)
    if matched == "by the visit":
        claim = replace(claim, control_number="", session_id=course.session_ids[0])
    with pytest.raises(PaperEobFlawed) as refused:
        key_in(claim, paid_on=date(2026, 11, 1))
    assert pointers(refused) == ["/paid_on"]
    assert "before the visit of 2026-11-02" in refused.value.flaws[0].message
    assert how_many(database) == []


def test_a_check_dated_before_the_visit_is_refused_also_when_another_claim_is_of_nobody(key_in, bills):
    with pytest.raises(PaperEobFlawed) as refused:
        key_in(typed_claim(bills[0].control_number), typed_claim("LOST"), paid_on=date(2026, 11, 1))
    assert pointers(refused) == ["/paid_on"]
