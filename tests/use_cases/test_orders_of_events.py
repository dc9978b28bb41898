"""The same events of a visit's money in another order: what is whose in the end is the same."""

from __future__ import annotations

import random
from itertools import count

import pytest
from sqlalchemy import text

from billing.invoices.records import Bearer, EndReason
from billing.invoices.use_cases.end_share import agree_to_end, ask_to_end
from billing.invoices.use_cases.shares import agree_share
from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import SYSTEM
from billing.payments.queries.takebacks import list_takebacks
from billing.payments.records.bounces import BounceReason
from billing.payments.use_cases.bounce import bounce_check
from billing.payments.use_cases.receive import take_check
from billing.payments.use_cases.reimbursements import hold_reimbursement
from billing.payments.use_cases.takebacks import bill_takeback, demand_takeback
from tests.conftest import NOW
from tests.factories.accounting import SUPERVISOR
from tests.factories.care import give
from tests.factories.invoices import a_patient, billed
from tests.factories.payers import a_fixed_part, a_payer

ORDERS = 6
"""Of each story; thousands of others were played by hand."""
PART, DUE = 10_000, 35_000
"""Of 450 a sponsor takes 100."""
NAMES = count(1)
BY_ACCOUNT = text("SELECT account, SUM(cents) FROM ledger_line WHERE patient_id = :id GROUP BY account")

STORIES = {
    "a corrected claim": {
        "pay": (),
        "claim 35000 a": (),
        "claim 30000 b": (),
        "demand 35000 a": ("claim 35000 a",),
        "end": (),
    },
    "a check that bounces": {
        "pay": (),
        "bounce": ("pay",),
        "claim 40000 a": (),
        "claim 20000 b": (),
        "demand 5000 b": ("claim 20000 b",),
        "end": (),
    },
    "all of it demanded": {
        "pay": (),
        "bounce": ("pay",),
        "claim 45000 a": (),
        "demand 20000 a": ("claim 45000 a",),
        "demand 25000 a": ("claim 45000 a",),
        "claim 45000 b": (),
    },
}
"""By each event those that have to come before it."""


class Visit:
    """One that was given, and its patient."""

    def __init__(self, database, do):
        self.database, self.do = database, do
        self.name = next(NAMES)
        self.bill = billed(database, a_patient(database), only_first=1)
        give(database, self.bill.session_ids[0])
        payer = a_payer(database, self.bill.patient.site_id)
        order = a_fixed_part(payer, PART)
        self.share = do(agree_share, invoice_id=self.bill.invoice.id, order=order)

    def play(self, event):
        deed, *words = event.split()
        getattr(self, deed)(*words)

    def pay(self):
        check = {"number": f"{self.name}", "dated_on": NOW.date(), "is_health_account": False}
        self.check = self.do(take_check, invoice_id=self.bill.invoice.id, amount=Money(DUE), **check)

    def bounce(self):
        why = {"reason": BounceReason.INSUFFICIENT_FUNDS, "bounced_on": NOW.date(), "fee": ZERO}
        self.do(bounce_check, payment_id=self.check.id, **why)

    def claim(self, cents, name):
        of = {"session_id": self.bill.session_ids[0], "source_id": self.named(name)}
        self.do(hold_reimbursement, amount=Money(int(cents)), received_on=NOW.date(), **of)

    def demand(self, cents, name):
        letter = {"demand": f"L-{next(NAMES)}", "demanded_on": NOW.date()}
        self.do(demand_takeback, reimbursement_id=self.named(name), amount=Money(int(cents)), **letter)

    def end(self):
        ask = {"share_id": self.share.id, "reason": EndReason.MISTAKE, "borne_by": Bearer.PATIENT}
        self.do(ask_to_end, **ask)
        self.do(agree_to_end, share_id=self.share.id, by=SUPERVISOR)

    def named(self, claim):
        return f"rmc_{self.name}_{claim}"

    def whose(self):
        """What each account says of the patient once demands are billed; credit and debt as one."""
        with self.database.reading() as read:
            demands = list_takebacks(read, SYSTEM, patient_id=self.bill.patient.id, limit=9)
        for demand in demands:
            if demand.owed:
                self.do(bill_takeback, takeback_id=demand.id)
        with self.database.reading() as read:
            told = dict(read.session.execute(BY_ACCOUNT, {"id": self.bill.patient.id}).all())
        theirs = told.pop("2200", 0) + told.pop("1100", 0)
        return theirs, {account: int(cents) for account, cents in told.items() if cents}


def an_order(story, chance):
    """One in which each event comes after those that it needs, and money is taken while it is owed."""
    order = []
    while len(order) < len(story):
        possible = [event for event, needs in story.items() if event not in order and {*needs} <= {*order}]
        order.append(chance.choice(possible))
    return ["pay", *(event for event in order if event != "pay")]


@pytest.mark.parametrize("story", STORIES)
def test_in_any_order_the_same_is_the_patients_and_the_payers(database, do, found, story):
    chance, told = random.Random(story), {}
    for _ in range(ORDERS):
        order, visit = an_order(STORIES[story], chance), Visit(database, do)
        for event in order:
            visit.play(event)
        told.setdefault(str(visit.whose()), order)
    assert len(told) == 1, told
    assert found() == set()
