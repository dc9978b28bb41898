"""A person says that a claim was sent, perhaps only after its answer was read."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from billing.insurance.errors import ClaimFlawed, ClaimNotPossible
from billing.insurance.queries.claim_answers import answers_to
from billing.insurance.queries.claims import find_claim
from billing.insurance.states import CLAIM_MOVES, ClaimEvent, ClaimState
from billing.insurance.use_cases.appeals import write_appeal
from billing.insurance.use_cases.claim_files import file_claims
from billing.insurance.use_cases.claim_papers import file_on_paper
from billing.insurance.use_cases.claims import correct_claim, mark_filed, void_claim
from billing.insurance.use_cases.remittances.undo import undo_remittance
from billing.kernel.errors import IllegalMove
from billing.kernel.permissions import SYSTEM
from billing.platform.data.tasks import TaskState, list_tasks
from tests.factories.accounting import behind_the_back
from tests.factories.insurance import a_course, claim, claimed, filed, imported
from tests.factories.remittance_835 import Claim, remittance

READ, SAID = timedelta(days=20), timedelta(days=21)
DENIED = (("CO", "197", 38_250),)


@pytest.fixture
def present(database):
    """Issued; nobody said yet that it was sent."""
    return claimed(database, a_course(database).session_ids[0])


@pytest.fixture
def stands(database, present):
    def look(claim=present):
        with database.reading() as read:
            return find_claim(read, claim.id, SYSTEM)

    return look


@pytest.fixture
def answered(database, present, now):
    def post(paid=0, *, at=now + READ, trace="EFT1", **said):
        told = Claim(control_number=present.control_number, charge_cents=38_250, paid_cents=paid, **said)
        file = imported(database, remittance([told], trace=trace), now=at)
        assert file.status == "posted"
        return file.transactions[0]

    return post


@pytest.fixture
def tasks(database):
    def look():
        with database.reading() as read:
            return [
                (each.kind, each.subject_id)
                for each in list_tasks(read, SYSTEM, state=TaskState.OPEN, limit=9)
            ]

    return look


@pytest.mark.parametrize(
    ("paid", "adjustments", "after"),
    [
        (18_000, None, ClaimState.PAID),
        (0, None, ClaimState.APPLIED_TO_DEDUCTIBLE),
        (0, DENIED, ClaimState.DENIED),
        (0, (("PR", "100", 38_250),), ClaimState.PAID),
    ],
)
def test_a_claim_whose_answer_was_read_is_as_that_answer_makes_it(
    answered, stands, present, do, found, now, paid, adjustments, after
):
    answered(paid, adjustments=adjustments)
    assert stands().state is ClaimState.ISSUED
    marked = do(mark_filed, claim_id=present.id, at=now + SAID)
    assert marked == stands()
    assert (marked.state, marked.filed_at) == (after, now + READ)
    with pytest.raises(IllegalMove):
        do(mark_filed, claim_id=present.id, at=now + SAID)
    assert found() == set()


@pytest.mark.parametrize("state", ClaimState)
def test_in_every_state_it_is_refused_or_ends_as_the_answer_says(
    database, answered, stands, present, do, now, state
):
    answered(18_000)
    behind_the_back(database, f"UPDATE claim SET state = '{state}'")
    if (state, ClaimEvent.FILE) in CLAIM_MOVES:
        assert do(mark_filed, claim_id=present.id, at=now + SAID).state is ClaimState.PAID
    else:
        with pytest.raises(IllegalMove):
            do(mark_filed, claim_id=present.id, at=now + SAID)
        assert (stands().state, stands().filed_at) == (state, None)


def test_a_denial_that_was_read_first_is_appealed_as_any_other(database, answered, present, do, tasks, now):
    answered(0, adjustments=DENIED)
    do(mark_filed, claim_id=present.id, at=now + SAID)
    assert tasks() == [("claim-denied", present.id)]
    assert do(write_appeal, claim_id=present.id, at=now + SAID).version == 1


def test_an_answer_that_is_undone_afterwards_leaves_the_claim_with_the_insurer(
    answered, stands, present, do, now
):
    posted = answered(18_000)
    do(mark_filed, claim_id=present.id, at=now + SAID)
    do(undo_remittance, remittance_id=posted.id, reason="Wrong day", at=now + SAID)
    assert stands().state is ClaimState.ACCEPTED


def test_an_answer_from_before_the_claim_was_issued_is_the_superbills(database, answered, present, do, now):
    answered(18_000)
    do(void_claim, claim_id=present.id, at=now + READ)
    second = claim(database, present.session_id, now=now + SAID)
    assert do(mark_filed, claim_id=second.id, at=now + SAID).state is ClaimState.FILED


def test_what_answers_the_former_version_does_not_answer_the_one_that_replaces_it(
    database, answered, present, do, now
):
    filed(database)
    second = do(correct_claim, claim_id=present.id, diagnoses=["F33.1"], payer_claim_number="OLD")
    answered(0, adjustments=DENIED, payer_claim_number="OLD")
    assert do(mark_filed, claim_id=second.id, at=now + SAID).state is ClaimState.FILED


def test_what_answers_a_replacement_answers_it_though_its_filing_was_said_later(
    database, answered, present, do, now
):
    filed(database)
    second = do(correct_claim, claim_id=present.id, diagnoses=["F33.1"], payer_claim_number="OLD")
    answered(18_000, payer_claim_number="NEW")
    assert do(mark_filed, claim_id=second.id, at=now + SAID).state is ClaimState.PAID


def test_a_void_whose_reversal_was_read_is_at_its_end(database, answered, present, do, now):
    filed(database)
    answered(18_000, at=now + timedelta(days=1), trace="EFT0")
    void = do(void_claim, claim_id=present.id, at=now + timedelta(days=2))
    reversal = Claim(
        control_number=present.control_number, charge_cents=-38_250, paid_cents=-18_000, status="22"
    )
    other = claimed(database, a_course(database, sessions=1).session_ids[0])
    paid = Claim(control_number=other.control_number, charge_cents=38_250, paid_cents=18_000)
    file = imported(database, remittance([reversal, paid], trace="EFT9"), now=now + READ)
    assert file.status == "posted"
    assert do(mark_filed, claim_id=void.id, at=now + SAID).state is ClaimState.CLOSED


def test_a_claim_that_was_answered_is_not_sent_again_before_somebody_said_what_it_is(
    database, answered, present, do, now
):
    answered(18_000)
    days = {"starts_on": present.service_on, "ends_on": present.service_on}
    for send in (file_claims, file_on_paper):
        with pytest.raises(ClaimFlawed) as refused:
            do(send, **days, at=now + SAID)
        ((pointer, message),) = [(each.pointer, each.message) for each in refused.value.flaws]
        assert pointer == f"/claims/{present.number}"
        assert "mark it as filed" in message
        assert "withdraw this claim and issue it again" in message
    do(mark_filed, claim_id=present.id, at=now + SAID)
    assert do(file_claims, **days, at=now + SAID) == ()


def test_a_replacement_that_was_answered_is_not_sent_again_unless_the_answer_was_the_formers(
    database, answered, present, do, now
):
    filed(database)
    second = do(correct_claim, claim_id=present.id, diagnoses=["F33.1"], payer_claim_number="OLD")
    answered(18_000, payer_claim_number="NEW")
    with pytest.raises(ClaimFlawed) as refused:
        filed(database, now=now + SAID)
    assert "correct it again with the payer's number from that answer" in refused.value.flaws[0].message
    third = do(correct_claim, claim_id=second.id, payer_claim_number="NEW", at=now + SAID)
    ((sent,),) = [file.claims for file in filed(database, now=now + SAID)]
    assert (sent.id, sent.state) == (third.id, ClaimState.FILED)


def test_who_corrects_a_claim_that_was_answered_is_told_to_mark_it_first(answered, present, do, now):
    correct = {"claim_id": present.id, "diagnoses": ["F33.1"], "payer_claim_number": "ICN", "at": now + SAID}
    with pytest.raises(ClaimNotPossible, match="has no claim of this session yet"):
        do(correct_claim, **correct)
    answered(0, adjustments=DENIED)
    with pytest.raises(ClaimNotPossible, match=r"An answer to this claim was read.+ Mark it as filed"):
        do(correct_claim, **correct)
    do(mark_filed, claim_id=present.id, at=now + SAID)
    assert do(correct_claim, **correct).version == 2


def test_a_claim_that_is_printed_now_was_not_sent_before(database, answered, present, do, now):
    """What was read before is the superbill's answer: the sheet is mailed today."""
    answered(18_000)
    do(void_claim, claim_id=present.id, at=now + READ)
    claim(database, present.session_id, now=now + SAID)
    days = {"starts_on": present.service_on, "ends_on": present.service_on}
    ((printed, _),) = do(file_on_paper, **days, at=now + SAID)
    assert (printed.state, printed.filed_at) == (ClaimState.FILED, now + SAID)
    with database.reading() as read:
        assert answers_to(read, printed) == []


def test_the_day_it_was_sent_is_kept_as_the_clinic_has_it(stands, present, do, now):
    sent_on = (now + timedelta(days=3)).date()
    marked = do(mark_filed, claim_id=present.id, sent_on=sent_on, at=now + SAID)
    midnight = datetime.combine(sent_on, time.min, ZoneInfo("America/Chicago"))
    assert (marked.state, marked.filed_at) == (ClaimState.FILED, midnight)
    assert stands().filed_at == midnight


def test_the_day_of_issue_is_no_earlier_than_the_claim(present, do, now):
    marked = do(mark_filed, claim_id=present.id, sent_on=now.date(), at=now + SAID)
    assert marked.filed_at == present.issued_at


def test_an_answer_from_after_the_day_it_was_sent_is_its_answer(answered, present, do, now):
    answered(18_000)
    sent_on = (now + timedelta(days=3)).date()
    marked = do(mark_filed, claim_id=present.id, sent_on=sent_on, at=now + SAID)
    assert (marked.state, marked.filed_at.date()) == (ClaimState.PAID, sent_on)


def test_an_answer_from_before_the_day_it_was_sent_is_the_superbills(answered, present, do, now):
    answered(18_000)
    sent_on = (now + SAID).date()
    marked = do(mark_filed, claim_id=present.id, sent_on=sent_on, at=now + SAID)
    assert (marked.state, marked.filed_at.date()) == (ClaimState.FILED, sent_on)
