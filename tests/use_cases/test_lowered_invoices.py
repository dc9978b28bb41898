"""From an invoice's total to what is owed of it, whatever happened: the rows between add up."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import pytest

from billing.care.use_cases import cancel_session
from billing.invoices.queries import list_invoices, shares_of_invoice
from billing.invoices.queries.lowered import lowered
from billing.invoices.records import Bearer, EndReason, PayerKind
from billing.invoices.states import InvoiceState
from billing.invoices.use_cases.end_share import ask_to_end
from billing.invoices.use_cases.shares import agree_share
from billing.kernel.errors import Conflict, Invalid
from billing.kernel.money import Money, total
from billing.kernel.permissions import SYSTEM
from billing.payments.queries.credits import credit_balance
from billing.payments.queries.payments import list_payments
from billing.payments.queries.refunds import refundable_of
from billing.payments.records.bounces import BounceReason
from billing.payments.records.refunds import RefundReason
from billing.payments.use_cases.bounce import bounce_check
from billing.payments.use_cases.credits import apply_credits_now
from billing.payments.use_cases.payer_payments import take_payers_cash
from billing.payments.use_cases.receive import take_cash
from billing.payments.use_cases.refund_payment import refund_payment
from billing.payments.use_cases.unapply import unapply
from billing.platform.data.database import Database
from tests.conftest import NOW
from tests.factories.invoices import Billed, a_patient, billed
from tests.factories.paid import paid_by_check
from tests.factories.payers import a_fixed_part, a_payer

ALL_OF_IT = {"actor": SYSTEM, "now": NOW}


class NothingToDo(Exception):
    """A page would not offer it."""


@dataclass
class Desk:
    """Somebody who does one thing after the other at random; what is refused changes nothing."""

    database: Database
    bills: list[Billed]
    random: Random

    def act(self) -> str | None:
        often = [self.cash, self.check, self.bounce, self.share, self.payer_pays, self.credit, self.undo]
        deed = self.random.choice([*often, *often, *often, self.refund, self.end, self.call_off])
        try:
            deed()
        except (Conflict, Invalid, NothingToDo, IndexError):
            return None
        return deed.__name__

    def do(self, work: Callable, **asked):
        return self.database.in_transaction(lambda tx: work(tx, **asked, **ALL_OF_IT))

    def of(self, query: Callable, *asked, **named):
        with self.database.reading() as read:
            return query(read, *asked, **named)

    def bill(self):
        return self.random.choice(self.bills)

    def amount(self):
        return Money(self.random.choice([1_000, 5_000, 12_345, 45_000]))

    def payment(self):
        return self.random.choice(self.of(list_payments, SYSTEM, limit=99))

    def cash(self):
        self.do(take_cash, invoice_id=self.bill().invoice.id, amount=self.amount())

    def check(self):
        number = str(self.random.randrange(10_000, 99_999))
        paid_by_check(self.database, self.bill().invoice, NOW, self.amount(), number)

    def bounce(self):
        self.do(
            bounce_check,
            payment_id=self.payment().id,
            reason=BounceReason.OTHER,
            bounced_on=NOW.date(),
            fee=Money(0),
        )

    def refund(self):
        payment = self.payment()
        found = self.of(refundable_of, payment.id, SYSTEM).amount
        if not found:
            raise NothingToDo
        self.do(
            refund_payment,
            payment_id=payment.id,
            amount=min(found, self.amount()),
            refundable=found,
            reason=RefundReason.OTHER,
            method=None,
            limit=Money(50_000),
        )

    def call_off(self):
        self.do(cancel_session, session_id=self.random.choice(self.bill().session_ids))

    def share(self):
        bill = self.bill()
        payer = a_payer(self.database, bill.invoice.site_id, PayerKind.SPONSOR)
        self.do(agree_share, invoice_id=bill.invoice.id, order=a_fixed_part(payer, self.amount().cents))

    def shares(self):
        with self.database.reading() as read:
            return [
                share.id for bill in self.bills for share in shares_of_invoice(read, bill.invoice.id, SYSTEM)
            ]

    def payer_pays(self):
        self.do(take_payers_cash, share_id=self.random.choice(self.shares()), amount=self.amount())

    def end(self):
        self.do(
            ask_to_end,
            share_id=self.random.choice(self.shares()),
            reason=EndReason.WITHDRAWN,
            borne_by=Bearer.PATIENT,
        )

    def credit(self):
        self.do(apply_credits_now, invoice_id=self.bill().invoice.id)

    def undo(self):
        patient_id = self.bills[0].patient.id
        use = self.random.choice(self.of(credit_balance, patient_id, SYSTEM).applications)
        self.do(unapply, application_id=use.id)


@pytest.mark.parametrize("seed", range(6))
def test_the_rows_between_total_and_what_is_owed_add_up_after_whatever_happens(database, seed):
    patient = a_patient(database)
    bills = [billed(database, patient, only_first=number) for number in (3, 2)]
    desk = Desk(database, bills, Random(seed))
    done = set()
    for _ in range(40):
        done.add(desk.act())
        with database.reading() as read:
            invoices = list_invoices(read, SYSTEM, patient_id=patient.id, limit=9)
            told = lowered(read, [each.id for each in invoices])
        for invoice in invoices:
            row = told[invoice.id]
            assert invoice.state is not InvoiceState.VOID
            assert all(part.amount.cents > 0 for part in row.applied)
            gone = total(part.amount for part in row.applied) + row.returned
            assert invoice.total - gone == invoice.open_balance
    assert len(done) > 6
