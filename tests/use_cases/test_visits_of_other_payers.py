"""What others pay of a visit: compensation and the VA take all of it; no plan is asked what others paid."""

from types import SimpleNamespace

import pytest

from billing.insurance.errors import (
    AppealNotPossible,
    ClaimFlawed,
    ClaimNotPossible,
    SuperbillNotPossible,
)
from billing.insurance.queries.claims import find_claim
from billing.insurance.states import ClaimState
from billing.insurance.use_cases.appeals import write_appeal
from billing.insurance.use_cases.claims import correct_claim, void_claim
from billing.invoices.records import Bearer, EndReason, PayerKind
from billing.invoices.use_cases.end_share import agree_to_end, ask_to_end
from billing.invoices.use_cases.shares import agree_share
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Actor, Permission
from billing.patients.records import PlanLimits
from billing.patients.use_cases import record_plan_limits
from billing.payments.use_cases.payer_payments import take_payers_cash
from billing.payments.use_cases.receive import take_cash
from billing.platform.data.documents import find_document
from billing.platform.data.tasks import TaskState, list_tasks
from tests.conftest import NOW
from tests.factories.care import give
from tests.factories.insurance import a_course, claim, claimed, filed, handed_out, imported, superbill
from tests.factories.payers import a_fixed_part, a_payer, whole_sessions
from tests.factories.remittance_835 import Claim as Answer
from tests.factories.remittance_835 import remittance

BOSS = Actor(id="usr_boss", entity_id=None, permissions=frozenset(Permission))
TAKING_ALL = [(PayerKind.COMPENSATION, "Workers' compensation pays"), (PayerKind.VA, "The VA pays")]
DENIED = (("CO", "197", 38_250),)
LIMITED = {"superbill-not-allowed", "claim-not-allowed"}


@pytest.fixture
def do(database):
    def run(use_case, *, actor=SYSTEM, **arguments):
        return database.in_transaction(lambda tx: use_case(tx, **arguments, actor=actor, now=NOW))

    return run


@pytest.fixture
def course(database):
    return a_course(database, sessions=1, paid=Money(0))


@pytest.fixture
def authorize(database, do, course):
    """Compensation or the VA takes the visit."""

    def agree(kind=PayerKind.COMPENSATION):
        payer = a_payer(database, course.patient.site_id, kind)
        order = whole_sessions(payer, SimpleNamespace(session_ids=course.session_ids))
        return do(agree_share, invoice_id=course.invoice_id, order=order)

    return agree


@pytest.fixture
def end(do):
    """A part ends as a mistake, and the patient owes it."""

    def run(share):
        do(ask_to_end, share_id=share.id, reason=EndReason.MISTAKE, borne_by=Bearer.PATIENT)
        do(agree_to_end, share_id=share.id, actor=BOSS)

    return run


@pytest.fixture
def asked(database):
    def look():
        with database.reading() as read:
            tasks = list_tasks(read, SYSTEM, state=TaskState.OPEN, limit=50)
        return sorted((task.kind, task.subject_id) for task in tasks if task.kind in LIMITED)

    return look


@pytest.mark.parametrize(("kind", "words"), TAKING_ALL)
@pytest.mark.parametrize("is_paid", [False, True], ids=["owed", "paid"])
def test_what_compensation_or_the_va_takes_is_never_told_to_the_health_plan(
    database, do, course, authorize, kind, words, is_paid
):
    share = authorize(kind)
    if is_paid:
        do(take_payers_cash, share_id=share.id, amount=share.agreed)
    (visit,) = course.session_ids
    give(database, visit)
    with pytest.raises(SuperbillNotPossible, match=words):
        superbill(database, visit)
    with pytest.raises(ClaimNotPossible, match=words):
        claim(database, visit)


def test_what_the_clinic_bears_for_compensation_is_no_claim_to_the_plan_either(
    database, do, course, authorize
):
    share = authorize()
    (visit,) = course.session_ids
    give(database, visit)
    do(ask_to_end, share_id=share.id, reason=EndReason.DENIED, borne_by=Bearer.CLINIC)
    do(agree_to_end, share_id=share.id, actor=BOSS)
    with pytest.raises(ClaimNotPossible, match="compensation"):
        claim(database, visit)


def test_a_part_that_was_entered_by_mistake_keeps_no_claim_back(database, course, authorize, end):
    (visit,) = course.session_ids
    give(database, visit)
    end(authorize())
    assert superbill(database, visit).paid == Money(0)
    assert claim(database, visit).state is ClaimState.ISSUED


def test_papers_from_before_are_asked_about_until_they_are_withdrawn(
    database, do, course, authorize, asked, end
):
    (visit,) = course.session_ids
    bill, issued = handed_out(database, visit), claim(database, visit)
    share = authorize()
    both = [("claim-not-allowed", issued.id), ("superbill-not-allowed", bill.id)]
    assert asked() == both
    with pytest.raises(ClaimFlawed) as refused:
        filed(database)
    ((pointer, message),) = [(flaw.pointer, flaw.message) for flaw in refused.value.flaws]
    assert pointer == f"/claims/{issued.number}"
    assert "Workers' compensation pays" in message
    do(record_plan_limits, patient_id=course.patient.id, limits=PlanLimits())
    assert asked() == both
    do(void_claim, claim_id=issued.id)
    assert asked() == both[1:]
    end(share)
    assert asked() == []


def test_a_claim_that_the_plan_has_is_taken_back_and_not_corrected(database, do, course, authorize, asked):
    (visit,) = course.session_ids
    issued = claimed(database, visit)
    filed(database)
    authorize()
    with pytest.raises(ClaimNotPossible, match="compensation"):
        do(correct_claim, claim_id=issued.id, payer_claim_number="P1")
    taken = do(void_claim, claim_id=issued.id, payer_claim_number="P1")
    assert asked() == []
    filed(database)
    with database.reading() as read:
        assert find_claim(read, taken.id, SYSTEM).state is ClaimState.FILED


FOR_OTHERS = [PayerKind.SPONSOR, PayerKind.GRANT, PayerKind.EMPLOYER, PayerKind.RELATIVE]


@pytest.fixture
def shown(database):
    """What the superbill of a visit shows."""

    def body(session_id):
        with database.reading() as read:
            return find_document(read, superbill(database, session_id).document_id).body

    return body


@pytest.fixture
def sponsored(database, do, course):
    """Others pay that much of the visit, which is given."""

    def run(cents, kind=PayerKind.SPONSOR):
        payer = a_payer(database, course.patient.site_id, kind)
        share = do(agree_share, invoice_id=course.invoice_id, order=a_fixed_part(payer, cents))
        do(take_payers_cash, share_id=share.id, amount=Money(cents))
        give(database, course.session_ids[0])
        return course.session_ids[0]

    return run


@pytest.mark.parametrize("kind", FOR_OTHERS)
def test_what_others_paid_in_full_is_not_to_be_given_to_the_patient(sponsored, shown, kind):
    body = shown(sponsored(38_250, kind))
    assert body["statement"] == (
        "$382.50 has been paid for the services above, in full, by others than the patient."
    )
    assert body["payments"] == [{"on": "2026-11-02", "tender": "cash", "cents": 38_250, "by": "others"}]


def test_the_patient_is_to_have_back_what_the_patient_paid_beside_others(do, course, sponsored, shown):
    visit = sponsored(30_000)
    do(take_cash, invoice_id=course.invoice_id, amount=Money(8_250))
    body = shown(visit)
    assert body["statement"] == (
        "$382.50 has been paid for the services above, in full: $82.50 by the patient, and the rest by "
        "others. Please send any reimbursement of what the patient paid to the patient at the address above."
    )
    assert [each.get("by") for each in body["payments"]] == ["others", None]


def test_what_is_still_open_beside_others_is_not_told_as_paid(sponsored, shown):
    assert shown(sponsored(10_000))["statement"] == (
        "$100.00 of the $382.50 charged for the services above has been paid, by others than the patient. "
        "Please send any reimbursement of the rest to the patient at the address above."
    )


def test_no_letter_asks_the_plan_to_review_a_visit_that_compensation_has_by_now(
    database, course, authorize, end
):
    (visit,) = course.session_ids
    sent = claimed(database, visit)
    filed(database)
    denied = Answer(control_number=sent.control_number, charge_cents=38_250, paid_cents=0, adjustments=DENIED)
    assert imported(database, remittance([denied])).status == "posted"
    share = authorize()

    def write():
        return database.in_transaction(lambda tx: write_appeal(tx, claim_id=sent.id, actor=SYSTEM, now=NOW))

    with pytest.raises(AppealNotPossible, match="compensation"):
        write()
    end(share)
    assert write().version == 1
