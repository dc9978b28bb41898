"""Weeks of an insurer's payments, drawn at random: whatever comes, the books hold and the bank agrees."""

import random

import pytest
from sqlalchemy import text

from billing.insurance.errors import RemittanceNotUndoable
from billing.insurance.use_cases.remittances.undo import undo_remittance
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM
from billing.payments.queries.credits import credits_of_patient
from billing.payments.use_cases.refund_checks import send_check
from billing.payments.use_cases.refunds import request_refund
from tests.factories.accounting import LIMIT
from tests.factories.insurance import a_course, handed_out
from tests.factories.remittance_story import Story

DEEDS = ("pay", "pay", "reverse", "correct", "recover", "carry", "spend", "undo", "again")


class Weeks:
    """What happens, drawn by a seed; each deed is told to the books at once."""

    def __init__(self, seed, database, do, story):
        self.draw, self.database, self.do, self.story = random.Random(seed), database, do, story
        self.sent = []
        self.paid = []
        self.posted = {}
        self.checks = 0

    def one(self):
        getattr(self, self.draw.choice(DEEDS))()

    def send(self, *claims, plb=()):
        content = self.story.file(*claims, plb=plb)
        self.sent.append(content)
        self.read(content)

    def read(self, content):
        file = self.story.read(content)
        for each in (*file.transactions, *file.resumed):
            assert each.status != "parked" or each.reason
            if each.status == "posted":
                self.posted[each.id] = each

    def answer(self):
        of, cents = self.draw.randrange(2), self.draw.choice([0, 4_000, 9_000, 18_000, 38_250])
        if cents:
            self.paid.append((cents, of))
        return self.story.answer(cents, of=of)

    def reversal(self):
        """Of something that was paid, and once in a while of nothing."""
        cents, of = self.draw.choice([*self.paid, (4_100, 0)])
        return self.story.answer(-cents, of=of)

    def pay(self):
        self.send(self.answer(), plb=self.draw.choice([(), [("L6", -300)], [("L6", 200)], [("AH", 50)]]))

    def reverse(self):
        back = self.reversal()
        put_off = [(f"WO:{back.payer_claim_number}", back.paid_cents)]
        self.send(back, self.answer(), self.answer(), plb=self.draw.choice([(), put_off]))

    def correct(self):
        back = self.reversal()
        of = int(back.payer_claim_number.removeprefix("ICN"))
        self.send(back, self.story.answer(-back.paid_cents + self.draw.choice([0, 250]), of=of))

    def recover(self):
        reference = self.draw.choice(["ICN0", "ICN1", f"EFT{self.draw.randrange(1, 9):04d}"])
        cents = self.draw.choice([4_000, 9_000, 18_000])
        self.send(self.answer(), self.answer(), plb=[(f"WO:{reference}", cents)])

    def carry(self):
        back, cents = self.reversal(), self.draw.choice([-4_000, 4_000])
        self.send(back, self.answer(), self.answer(), plb=[("FB", cents)])

    def spend(self):
        with self.database.reading() as read:
            lots = credits_of_patient(read, self.story.course.patient.id, SYSTEM)
        lots = [lot for lot in lots if lot.available]
        if lots:
            lot = self.draw.choice(lots)
            amount = Money(self.draw.randint(1, min(lot.available.cents, LIMIT.cents)))
            refund = self.do(request_refund, lot_id=lot.id, amount=amount, payment_id=None, limit=LIMIT)
            if refund.state == "approved":
                self.checks += 1
                self.do(send_check, refund_id=refund.id, check_number=str(1_000 + self.checks))

    def undo(self):
        if self.posted:
            chosen = self.draw.choice(sorted(self.posted))
            try:
                self.do(undo_remittance, remittance_id=chosen, reason="Drawn")
            except RemittanceNotUndoable:
                return
            del self.posted[chosen]

    def again(self):
        if self.sent:
            self.read(self.draw.choice(self.sent))

    def came_in(self):
        return sum(each.amount.cents for each in self.posted.values())


@pytest.mark.parametrize("seed", range(4))
def test_whatever_comes_the_books_hold(database, do, books, found, seed):
    course = a_course(database)
    story = Story(database, course, [handed_out(database, each) for each in course.session_ids])
    weeks = Weeks(seed, database, do, story)
    before = books().get("1000", 0)
    for _ in range(12):
        weeks.one()
        assert found() == set()
    assert books().get("1000", 0) == before + weeks.came_in() - sent_by_check(database)


def sent_by_check(database):
    with database.reading() as read:
        lines = (
            "SELECT COALESCE(-SUM(l.cents), 0) FROM ledger_line l JOIN ledger_entry e ON e.id = l.entry_id"
        )
        only = "WHERE l.account = '1000' AND e.source_kind = 'refund'"
        return int(read.session.scalar(text(f"{lines} {only}")))
