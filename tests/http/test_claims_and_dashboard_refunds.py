"""What insurers pay for a visit whose money left in the processor's dashboard, over real HTTP."""

from __future__ import annotations

import pytest

from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import SYSTEM
from billing.payments.flows.foreign_refunds import follow_refund
from billing.payments.flows.reconcile import reconcile
from billing.payments.records.bounces import BounceReason
from billing.payments.use_cases.bounce import bounce_check
from billing.payments.use_cases.receive import take_check
from billing.payments.use_cases.reconciliation import keep_movements
from billing.payments.use_cases.refund_checks import send_check
from billing.payments.use_cases.refunds import request_refund
from tests.conftest import NOW
from tests.factories.care import give
from tests.factories.invoices import a_patient, billed
from tests.factories.sandbox import pay_on_card_page
from tests.http.test_dashboard_refunds import of_patient_and_payer, reimbursed
from tests.http.test_reconcile import by_hand, charges, held_against, paid

pytestmark = pytest.mark.processes


def test_a_claim_that_comes_while_a_dashboard_refund_is_being_booked_is_shared_once_it_is(deaf):
    """Of 450 the patient paid, 50 went back in the dashboard; of the insurer's 180 all is the patient's."""
    visit = paid(deaf)
    held_against(deaf)
    give(deaf.database, visit.session_ids[0])
    made = by_hand(deaf, charges(deaf)[0].id, 5_000)
    moved = deaf.room.gateway.movements_of(made.id)
    deaf.database.in_transaction(lambda tx: keep_movements(tx, movements=moved, actor=SYSTEM, now=NOW))
    reimbursed(deaf, visit.session_ids[0], 18_000)  # between two transactions of the notice's work
    follow_refund(deaf.room, reference=made.id, limit=Money(20_000))
    held_against(deaf)
    assert of_patient_and_payer(deaf) == (18_000, 0)


def test_while_dashboard_money_is_gone_a_claim_still_settles_what_the_visit_owes(deaf):
    """225 by card, 225 by a check that bounced, 200 of an insurer sent to the patient: 225 more settles it.

    So it does whether the 20 that left in the dashboard are booked or come back.
    """
    db = deaf.database
    visit = billed(db, a_patient(db), only_first=1)
    give(db, visit.session_ids[0])

    def do(work, **more):
        return db.in_transaction(lambda tx: work(tx, **more, actor=SYSTEM, now=NOW))

    check = do(
        take_check,
        invoice_id=visit.invoice.id,
        amount=Money(22_500),
        number="7",
        dated_on=NOW.date(),
        is_health_account=False,
    )
    checkout = deaf.post(f"/invoices/{visit.invoice.id}/checkouts", key="k1").json()
    assert pay_on_card_page(checkout["url"])
    held_against(deaf)
    first = reimbursed(deaf, visit.session_ids[0], 20_000)
    refund = do(
        request_refund, lot_id=first.lot_id, amount=Money(20_000), payment_id=None, limit=Money(50_000)
    )
    do(send_check, refund_id=refund.id, check_number="1")
    do(
        bounce_check,
        payment_id=check.id,
        reason=BounceReason.INSUFFICIENT_FUNDS,
        bounced_on=NOW.date(),
        fee=ZERO,
    )
    by_hand(deaf, charges(deaf)[0].id, 2_000)
    (named_,) = reconcile(deaf.room, since=None, until=None, refund_limit=ZERO).exceptions
    assert named_.amount == Money(-2_000)
    assert reimbursed(deaf, visit.session_ids[0], 22_500, "rmc_2").settled == Money(22_500)
