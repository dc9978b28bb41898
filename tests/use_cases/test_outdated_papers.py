"""Claims and superbills that say other figures than the books: not sent, and a person is asked."""

from datetime import timedelta

import pytest

from billing.insurance.errors import ClaimFlawed, ClaimOutdated
from billing.insurance.flows.reissues import outdated_now, reissue_outdated
from billing.insurance.queries.claims import claims_of_session
from billing.insurance.records.figures import Reissue
from billing.insurance.use_cases.claim_papers import file_on_paper
from billing.insurance.use_cases.claims import correct_claim, mark_claim, mark_filed, void_claim
from billing.insurance.use_cases.superbills import void_superbill
from billing.invoices.use_cases.stop import stop_package
from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import SYSTEM
from billing.patients.records import PlanLimits
from billing.patients.use_cases import record_plan_limits
from billing.payments.queries.credits import credits_of_patient
from billing.payments.records.refunds import Rejection
from billing.payments.use_cases.receive import take_cash
from billing.payments.use_cases.refunds import reject_refund, request_refund
from billing.payments.use_cases.reimbursements import hold_reimbursement
from billing.platform.data.documents import find_document
from billing.platform.data.tasks import TaskState, list_tasks
from tests.conftest import NOW
from tests.factories.accounting import LIMIT
from tests.factories.care import give
from tests.factories.insurance import a_course, claim, claimed, filed, handed_out, superbill
from tests.factories.paid import given_back

LATER = NOW + timedelta(hours=1)
KIND = "papers-outdated"


@pytest.fixture
def do(database):
    def run(use_case, *, now=LATER, **arguments):
        return database.in_transaction(lambda tx: use_case(tx, **arguments, actor=SYSTEM, now=now))

    return run


@pytest.fixture
def ask(database):
    def run(query, *arguments, **named):
        with database.reading() as read:
            return query(read, *arguments, **named)

    return run


@pytest.fixture
def asked(ask):
    """The sessions of which a person is asked to tell anew."""

    def look():
        return [
            task.subject_id
            for task in ask(list_tasks, SYSTEM, state=TaskState.OPEN, limit=50)
            if task.kind == KIND
        ]

    return look


@pytest.fixture
def course(database):
    """A visit at 450, paid in cash."""
    return a_course(database, sessions=1, is_veteran=False)


@pytest.fixture
def visit(course):
    return course.session_ids[0]


@pytest.fixture
def package(database):
    """A paid six-pack at 425 a visit."""
    return a_course(database, sessions=None, is_veteran=False)


@pytest.fixture
def give_back(database):
    return lambda course, cents: given_back(database, course.invoice_id, LATER, Money(cents))


def pay(do, course, cents):
    return do(take_cash, invoice_id=course.invoice_id, amount=Money(cents))


# --- what is sent ------------------------------------------------------------------------------------------


def test_a_claim_from_before_its_package_was_stopped_is_not_filed(database, ask, do, package):
    first, second = package.session_ids[:2]
    old, other = claimed(database, first), claimed(database, second)
    do(stop_package, invoice_id=package.invoice_id)
    with pytest.raises(ClaimOutdated) as refused:
        do(mark_filed, claim_id=old.id)
    assert refused.value.more == {
        "told_charge_cents": 42_500,
        "told_paid_cents": 42_500,
        "charge_cents": 45_000,
        "paid_cents": 45_000,
    }
    anew = claim(database, first, now=LATER)
    assert (anew.charge, anew.version, anew.supersedes_id) == (Money(45_000), 2, old.id)
    assert do(mark_filed, claim_id=anew.id).state == "filed"
    assert [each.state for each in ask(claims_of_session, second)] == ["issued"]
    assert other.charge == Money(42_500)


@pytest.mark.parametrize("way", ["file", "paper"])
def test_a_batch_names_each_outdated_claim_and_files_none(database, ask, do, package, way):
    first, second = package.session_ids[:2]
    claimed(database, first)
    fine = claimed(database, second)
    do(stop_package, invoice_id=package.invoice_id)
    claim(database, second, now=LATER)

    def send():
        if way == "file":
            return filed(database, now=LATER)
        return do(file_on_paper, starts_on=fine.service_on, ends_on=fine.service_on)

    with pytest.raises(ClaimFlawed) as refused:
        send()
    (flaw,) = refused.value.flaws
    assert flaw.pointer == "/claims/CLM-000001"
    assert all(figure in flaw.message for figure in ("$425.00", "$450.00", "anew"))
    states = [each.state for id_ in (first, second) for each in ask(claims_of_session, id_)]
    assert states == ["issued", "replaced", "issued"]
    claim(database, first, now=LATER)
    assert send()


def test_a_claim_of_money_that_was_given_back_is_not_filed(database, do, course, visit, give_back):
    old = claimed(database, visit)
    give_back(course, 45_000)
    with pytest.raises(ClaimOutdated) as refused:
        do(mark_filed, claim_id=old.id)
    assert "$450.00 paid" in refused.value.detail
    assert "$0.00 paid" in refused.value.detail
    anew = claim(database, visit, now=LATER)
    assert (anew.charge, anew.paid) == (Money(45_000), ZERO)
    assert do(mark_filed, claim_id=anew.id).state == "filed"


def test_a_claim_from_before_the_patient_paid_more_says_so_before_it_is_filed(database, do):
    course = a_course(database, sessions=1, is_veteran=False, paid=Money(20_000))
    give(database, course.session_ids[0])
    old = claim(database, course.session_ids[0])
    pay(do, course, 25_000)
    with pytest.raises(ClaimOutdated):
        do(mark_filed, claim_id=old.id)
    assert claim(database, course.session_ids[0], now=LATER).paid == Money(45_000)


def test_a_replacement_is_looked_at_as_well_and_a_claim_that_takes_back_is_not(
    database, do, course, visit, give_back
):
    old = claimed(database, visit)
    filed(database)
    give_back(course, 10_000)
    replacement = do(correct_claim, claim_id=old.id, payer_claim_number="P1")
    give_back(course, 5_000)
    with pytest.raises(ClaimOutdated):
        do(mark_filed, claim_id=replacement.id)
    again = do(correct_claim, claim_id=replacement.id, payer_claim_number="P1")
    assert again.paid == Money(30_000)
    taken_back = do(void_claim, claim_id=again.id, payer_claim_number="P1")
    give_back(course, 5_000)
    assert do(mark_filed, claim_id=taken_back.id).state == "filed"


# --- what a person is asked --------------------------------------------------------------------------------


def test_stopping_a_package_asks_once_of_each_visit_that_was_told_of(database, do, asked, package):
    first, second, third = package.session_ids[:3]
    claimed(database, first)
    superbill(database, first)
    handed_out(database, second)
    give(database, third)
    do(stop_package, invoice_id=package.invoice_id)
    assert sorted(asked()) == sorted([first, second])
    superbill(database, second, now=LATER)
    assert asked() == [first]
    superbill(database, first, now=LATER)
    assert asked() == [first]
    claim(database, first, now=LATER)
    assert asked() == []


def test_a_refund_of_a_visit_that_was_told_of_asks_and_one_that_is_refused_does_not_any_more(
    database, do, asked, course, visit, give_back
):
    handed_out(database, visit)
    refund = give_back(course, 45_000)
    assert asked() == [visit]
    do(reject_refund, refund_id=refund.id, reason=Rejection.TAKEN_BACK)
    assert asked() == []


def test_a_refund_after_the_claim_was_filed_asks_for_a_corrected_one(
    database, do, asked, course, visit, give_back
):
    old = claimed(database, visit)
    filed(database)
    give_back(course, 45_000)
    assert asked() == [visit]
    do(correct_claim, claim_id=old.id, payer_claim_number="P1")
    assert asked() == []


def test_what_is_paid_later_asks_for_the_claim_that_was_not_sent_alone(database, do, asked):
    course = a_course(database, is_veteran=False, paid=Money(0))
    first, second = course.session_ids
    for session_id in (first, second):
        give(database, session_id)
        superbill(database, session_id)
    claim(database, first)
    filed(database)
    claim(database, second)
    pay(do, course, 90_000)
    assert asked() == [second]


def test_insurers_money_and_credit_that_go_back_ask_nothing(database, ask, do, asked, course, visit):
    old = claimed(database, visit)
    superbill(database, visit)
    do(
        hold_reimbursement,
        session_id=visit,
        amount=Money(18_000),
        source_id="rmc_1",
        received_on=NOW.date(),
    )
    (lot,) = ask(credits_of_patient, course.patient.id, SYSTEM)
    do(
        request_refund,
        lot_id=lot.id,
        amount=Money(18_000),
        payment_id=None,
        limit=LIMIT,
    )
    assert asked() == []
    assert do(mark_filed, claim_id=old.id).state == "filed"


def test_papers_that_are_withdrawn_or_closed_ask_nothing(database, do, asked, give_back):
    course = a_course(database, is_veteran=False)
    first, second = course.session_ids
    sent, shown = claimed(database, first), handed_out(database, second)
    filed(database)
    give_back(course, 90_000)
    assert sorted(asked()) == sorted([first, second])
    do(void_superbill, superbill_id=shown.id)
    do(mark_claim, claim_id=sent.id, event="closed")
    assert asked() == []


# --- what a superbill says ---------------------------------------------------------------------------------


def test_what_an_insurer_settled_is_off_the_balance_of_the_next_superbill(database, ask, do):
    course = a_course(database, sessions=1, is_veteran=False, paid=Money(12_345))
    (session_id,) = course.session_ids
    give(database, session_id)
    old = superbill(database, session_id)
    issued = claim(database, session_id)
    do(
        hold_reimbursement,
        session_id=session_id,
        amount=Money(40_000),
        source_id="rmc_1",
        received_on=NOW.date(),
    )
    anew = superbill(database, session_id, now=LATER)
    assert (anew.version, anew.supersedes_id, anew.paid) == (2, old.id, Money(12_345))
    body = ask(find_document, anew.document_id).body
    totals = body["totals"]
    assert (totals["paid_cents"], totals["insurer_cents"], totals["balance_cents"]) == (12_345, 32_655, 0)
    assert [each["cents"] for each in body["payments"]] == [12_345]
    assert body["statement"].startswith("The patient has paid $123.45 of the $450.00 charged")
    assert superbill(database, session_id, now=LATER) == anew
    assert claim(database, session_id, now=LATER) == issued


# --- all of them in one go ---------------------------------------------------------------------------------


def test_papers_that_are_refused_do_not_use_up_a_go_and_starve_those_behind_them(database, ask, do, package):
    other = a_course(database, sessions=None, is_veteran=False)
    for course in (package, other):
        claimed(database, course.session_ids[0])
        do(stop_package, invoice_id=course.invoice_id)

    def in_one_go():
        done = reissue_outdated(database, actor=SYSTEM, clock=lambda: LATER, most=1)
        return [(each.paper.id, each.outcome) for each in done.items], done.left

    first, behind = ask(outdated_now, SYSTEM)
    do(record_plan_limits, patient_id=first.patient_id, limits=PlanLimits(is_kept_from_plan=True))
    refused = (first.id, Reissue.REFUSED)
    assert in_one_go() == ([refused, (behind.id, Reissue.ISSUED)], 0)
    assert in_one_go() == ([refused], 0)
