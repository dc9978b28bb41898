"""What an insurer's answer does to a claim that was filed."""

from datetime import timedelta

import pytest

from billing.insurance.errors import AppealNotPossible
from billing.insurance.queries.appeals import letters_of
from billing.insurance.queries.claim_answers import answers_of_session
from billing.insurance.queries.claims import find_claim
from billing.insurance.states import ClaimEvent, ClaimState
from billing.insurance.use_cases.appeals import write_appeal
from billing.insurance.use_cases.claim_answers import answer_claims
from billing.insurance.use_cases.claim_moves import move_claim
from billing.insurance.use_cases.claims import correct_claim, void_claim
from billing.insurance.use_cases.remittances.undo import undo_remittance
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM
from billing.patients.records import PlanLimits
from billing.patients.use_cases import record_plan_limits
from billing.platform.data.documents import find_document
from billing.platform.data.jobs import Job
from tests.factories.accounting import behind_the_back
from tests.factories.insurance import a_course, claimed, filed, imported
from tests.factories.remittance_835 import Claim, Payment, remittance

LATER = timedelta(days=20)
DENIED = (("CO", "197", 38_250),)


@pytest.fixture
def sent(database):
    claimed(database, a_course(database).session_ids[0])
    (file,) = filed(database)
    return file.claims[0]


@pytest.fixture
def state(database, sent):
    def look(claim=sent):
        with database.reading() as read:
            return find_claim(read, claim.id, SYSTEM).state

    return look


@pytest.fixture
def answered(database, sent, now):
    """The insurer's answer is posted."""
    traces = iter(range(1, 99))

    def post(paid=0, *, at=now + LATER, claim=sent, **said):
        said = Claim(control_number=claim.control_number, charge_cents=38_250, paid_cents=paid, **said)
        file = imported(database, remittance([said], trace=f"EFT{next(traces)}"), now=at)
        assert file.status == "posted"
        return file.transactions[0]

    return post


@pytest.mark.parametrize(
    ("paid", "adjustments", "after"),
    [
        (18_000, None, ClaimState.PAID),
        (0, None, ClaimState.APPLIED_TO_DEDUCTIBLE),
        (0, DENIED, ClaimState.DENIED),
        (0, (("PR", "100", 38_250),), ClaimState.PAID),
        (0, (("OA", "100", 38_250),), ClaimState.PAID),
    ],
)
def test_a_posted_answer_moves_the_claim(answered, state, found, paid, adjustments, after):
    answered(paid, adjustments=adjustments)
    assert state() is after
    assert found() == set()


def test_its_codes_are_kept_and_told_and_the_words_are_the_clinics(database, sent, answered):
    answered(0, adjustments=(("CO", "197", 38_000), ("CO", "16", 250)), remarks=("N386", "M127", "N386"))
    with database.reading() as read:
        (told,) = answers_of_session(read, sent.session_id)
    assert [(each.group, each.code, each.amount) for each in told.reasons] == [
        ("CO", "197", Money(38_000)),
        ("CO", "16", Money(250)),
    ]
    assert (told.remarks, told.reasons[0].procedure) == (("N386", "M127"), "HC:96365")
    assert (told.paid, told.payer_claim_number) == (Money(0), "PAYER0001")


def test_a_later_answer_takes_the_place_of_the_former(answered, state):
    answered(0, adjustments=DENIED)
    answered(18_000)
    assert state() is ClaimState.PAID


def test_the_same_file_twice_moves_a_claim_once(database, sent, state, now):
    content = remittance(
        [Claim(control_number=sent.control_number, charge_cents=38_250, paid_cents=0, adjustments=DENIED)]
    )
    assert imported(database, content, now=now + LATER).status == "posted"
    database.in_transaction(
        lambda tx: move_claim(tx, claim_id=sent.id, event=ClaimEvent.APPEAL, actor=SYSTEM, now=now)
    )
    assert imported(database, content, now=now + LATER).status == "duplicate"
    assert state() is ClaimState.APPEALED


def test_an_answer_that_was_undone_and_sent_again_is_no_answer_to_a_claim_filed_since(
    database, sent, answered, state, do, now
):
    first = answered(0, adjustments=DENIED)
    second = do(
        correct_claim, claim_id=sent.id, diagnoses=["F33.1"], payer_claim_number="P1", at=now + 2 * LATER
    )
    filed(database, now=now + 2 * LATER)
    do(undo_remittance, remittance_id=first.id, reason="Wrong day", at=now + 3 * LATER)
    said = Claim(control_number=sent.control_number, charge_cents=38_250, paid_cents=0, adjustments=DENIED)
    again = imported(database, remittance([said], trace="EFT1"), now=now + 3 * LATER)
    assert (again.status, again.transactions[0].id == first.id) == ("posted", False)
    assert state(second) is ClaimState.FILED


def test_an_appeal_lasts_though_the_answer_that_it_is_about_is_undone_and_sent_again(
    database, sent, answered, state, do, now
):
    first = answered(0, adjustments=DENIED)
    do(move_claim, claim_id=sent.id, event=ClaimEvent.APPEAL)
    do(undo_remittance, remittance_id=first.id, reason="Wrong day", at=now + 2 * LATER)
    said = Claim(control_number=sent.control_number, charge_cents=38_250, paid_cents=0, adjustments=DENIED)
    assert imported(database, remittance([said], trace="EFT1"), now=now + 2 * LATER).status == "posted"
    assert state() is ClaimState.APPEALED


def test_an_appeal_lasts_until_a_newer_answer(database, sent, answered, state, now):
    first = answered(0, adjustments=DENIED)
    database.in_transaction(
        lambda tx: move_claim(tx, claim_id=sent.id, event=ClaimEvent.APPEAL, actor=SYSTEM, now=now)
    )
    database.in_transaction(lambda tx: answer_claims(tx, remittance_id="rmt_none", actor=SYSTEM, now=now))
    assert state() is ClaimState.APPEALED
    answered(18_000)
    assert state() is ClaimState.PAID
    assert first.id


def test_what_is_no_longer_posted_is_no_answer(database, answered, state, now):
    """Told again after it was undone."""
    undone = answered(18_000)
    behind_the_back(database, "UPDATE remittance SET state = 'parked'")
    database.in_transaction(lambda tx: answer_claims(tx, remittance_id=undone.id, actor=SYSTEM, now=now))
    assert state() is ClaimState.ACCEPTED


@pytest.fixture
def appeal(database, sent):
    def write(at, claim=sent):
        return database.in_transaction(lambda tx: write_appeal(tx, claim_id=claim.id, actor=SYSTEM, now=at))

    return write


def test_a_letter_is_written_once_for_one_answer_and_again_for_another(
    database, sent, answered, appeal, found, now
):
    with pytest.raises(AppealNotPossible):
        appeal(now)
    answered(0, adjustments=DENIED)
    first = appeal(now + LATER)
    assert appeal(now + LATER + LATER) == first
    answered(0, adjustments=(("CO", "29", 38_250),))
    second = appeal(now + LATER + LATER)
    assert (first.version, second.version) == (1, 2)
    with database.reading() as read:
        assert [each.version for each in letters_of(read, sent)] == [1, 2]
        body = find_document(read, second.id).body
        jobs = read.session.query(Job).filter_by(kind="render_appeal").all()
    assert body["reasons"] == [{"code": "CO-29", "cents": 38_250}]
    assert "sent on Nov 2, 2026 in our file" in body["text"][1]
    assert {job.key for job in jobs} == {first.id, second.id}
    assert found() == set()


def test_no_letter_goes_to_a_plan_that_is_not_told(database, sent, answered, appeal, now):
    answered(0, adjustments=DENIED)
    limits = PlanLimits(is_kept_from_plan=True)
    database.in_transaction(
        lambda tx: record_plan_limits(tx, patient_id=sent.patient_id, limits=limits, actor=SYSTEM, now=now)
    )
    with pytest.raises(AppealNotPossible, match="is not told"):
        appeal(now + LATER)


def test_a_claim_that_has_ended_is_not_appealed(database, sent, answered, appeal, now):
    answered(0, adjustments=DENIED)
    database.in_transaction(
        lambda tx: move_claim(tx, claim_id=sent.id, event=ClaimEvent.CLOSE, actor=SYSTEM, now=now)
    )
    with pytest.raises(AppealNotPossible):
        appeal(now + LATER)


def test_a_claim_that_was_not_sent_stays_where_it_is(database, answered, state, now):
    unsent = claimed(database, a_course(database, sessions=1).session_ids[0])
    answered(18_000, claim=unsent)
    assert state(unsent) is ClaimState.ISSUED


def test_what_was_answered_before_a_claim_was_filed_is_not_its_answer(database, sent, answered, state, now):
    """The former claim's, or the superbill's."""
    answered(0, adjustments=DENIED, at=now + timedelta(hours=1))
    second = database.in_transaction(
        lambda tx: correct_claim(tx, claim_id=sent.id, diagnoses=["F33.1"], actor=SYSTEM, now=now + LATER)
    )
    filed(database, now=now + LATER)
    assert (state(), state(second)) == (ClaimState.REPLACED, ClaimState.FILED)
    answered(18_000, at=now + LATER + LATER)
    assert (state(), state(second)) == (ClaimState.REPLACED, ClaimState.PAID)


def test_a_claim_that_takes_another_back_is_not_paid_by_a_late_answer(database, sent, answered, state, now):
    void = database.in_transaction(
        lambda tx: void_claim(tx, claim_id=sent.id, payer_claim_number="P1", actor=SYSTEM, now=now)
    )
    filed(database)
    answered(18_000)
    assert state(void) is ClaimState.FILED


def test_two_claims_of_one_payment_move_each_by_its_own_answer(database, sent, state, now):
    other = claimed(database, a_course(database, sessions=1).session_ids[0])
    filed(database)
    said = [
        Claim(control_number=sent.control_number, charge_cents=38_250, paid_cents=0, adjustments=DENIED),
        Claim(control_number=other.control_number, charge_cents=38_250, paid_cents=18_000),
    ]
    imported(database, remittance(payments=[Payment(claims=said)]), now=now + LATER)
    assert (state(), state(other)) == (ClaimState.DENIED, ClaimState.PAID)


def test_a_parked_payment_moves_nothing(database, sent, state, now):
    said = Claim(control_number=sent.control_number, charge_cents=38_250, paid_cents=18_000)
    parked = imported(database, remittance([said], amount_cents=1), now=now + LATER)
    assert (parked.status, state()) == ("parked", ClaimState.FILED)
