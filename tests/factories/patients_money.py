"""What there is of some patients' money at one moment, and what may be done with it next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import text

from billing.care.queries import sessions_among
from billing.care.records import Session
from billing.care.states import SessionState
from billing.invoices.queries import list_invoices
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM
from billing.payments.queries.credits import credit_balance
from billing.payments.queries.payments import list_payments
from billing.payments.queries.takebacks import list_takebacks
from billing.payments.records.credits import (
    CreditApplication,
    CreditBalance,
    CreditLot,
    CreditSource,
    Election,
)
from billing.payments.records.payments import Payment, Tender
from billing.payments.records.takebacks import Takeback
from billing.payments.states.payments import PaymentState
from billing.payments.states.takebacks import TakebackState
from billing.platform.data.database import Database, Read
from tests.factories.invoices import Billed


@dataclass(frozen=True)
class PatientsMoney:
    """Read once; each bill is of one session. `owed` is by invoice, `above` by session: what insurers paid
    above, and nobody asked for yet; `promised` what another payer takes and did not pay."""

    bills: Sequence[Billed]
    balances: Mapping[str, CreditBalance]
    payments: Sequence[Payment]
    takebacks: Sequence[Takeback]
    owed: Mapping[str, Money]
    sessions: Mapping[str, Session]
    above: Mapping[str, int]
    promised: Mapping[str, int]

    @cached_property
    def lots(self) -> list[CreditLot]:
        return [lot for each in self.balances.values() for lot in each.items]

    @cached_property
    def applications(self) -> list[CreditApplication]:
        return [application for each in self.balances.values() for application in each.applications]

    # --- with these the deed will mostly succeed --------------------------------------------------------

    @cached_property
    def planned(self) -> list[Billed]:
        states = {session.id: session.state for session in self.sessions.values()}
        return [bill for bill in self.bills if states[bill.session_ids[0]] is SessionState.PLANNED]

    @cached_property
    def owing(self) -> list[Billed]:
        return [bill for bill in self.bills if self.owed[bill.invoice.id]]

    def lots_for(self, election: Election | None) -> list[CreditLot]:
        """Of which something is left, by what the patient chose; None for those that wait for a choice."""
        return [lot for lot in self.lots if lot.available and lot.election is election]

    @cached_property
    def creditable(self) -> list[Billed]:
        """Bills that owe, of patients who chose to have credit taken off."""
        owners = {lot.patient_id for lot in self.lots_for(Election.CREDIT)}
        return [bill for bill in self.owing if bill.patient.id in owners]

    @cached_property
    def standing(self) -> list[CreditApplication]:
        return [each for each in self.applications if each.undone < each.amount]

    @cached_property
    def movable(self) -> list[tuple[CreditApplication, Billed]]:
        """Credit that an invoice holds, with another bill of the same patient that owes."""
        owners = {lot.id: lot.patient_id for lot in self.lots}
        return [
            (each, bill)
            for each in self.standing
            for bill in self.owing
            if bill.patient.id == owners[each.lot_id] and bill.invoice.id != each.invoice_id
        ]

    @cached_property
    def whole(self) -> list[Payment]:
        """What came for a session of which no insurer knows."""
        insured = {lot.session_id for lot in self.reimbursed}
        free = {bill.invoice.id for bill in self.bills if bill.session_ids[0] not in insured}
        received = [each for each in self.payments if each.state is PaymentState.RECEIVED]
        return [each for each in received if each.invoice_id in free]

    @cached_property
    def checks(self) -> list[Payment]:
        """Which may bounce."""
        received = [each for each in self.payments if each.state is PaymentState.RECEIVED]
        return [each for each in received if each.tender is Tender.CHECK]

    @cached_property
    def reimbursed(self) -> list[CreditLot]:
        return [lot for lot in self.lots if lot.source is CreditSource.REIMBURSEMENT]

    @cached_property
    def spent(self) -> list[CreditLot]:
        """An insurer's money of which the patient used some: a demand has to be decided."""
        return [lot for lot in self.reimbursed if lot.available < lot.amount]

    @cached_property
    def undecided(self) -> list[Takeback]:
        return [each for each in self.takebacks if each.state is TakebackState.DEMANDED]

    @cached_property
    def returnable(self) -> list[Takeback]:
        return [each for each in self.takebacks if each.returned < each.amount]


PROMISED = """
    SELECT session_id, SUM(amount_cents) FROM session_coverage
    WHERE source_kind IN ('payer_share', 'payer_promise') GROUP BY session_id
"""
ABOVE = """
    SELECT session_id, SUM(amount_cents - shared_cents - demanded_cents) FROM reimbursement_excess
    GROUP BY session_id
"""


def patients_money(database: Database, patient_ids: Sequence[str], bills: Sequence[Billed]) -> PatientsMoney:
    """All of it, in one transaction."""
    payments: list[Payment] = []
    takebacks: list[Takeback] = []
    owed: dict[str, Money] = {}
    with database.reading() as read:
        for each in patient_ids:
            payments += list_payments(read, SYSTEM, patient_id=each, limit=99)
            takebacks += list_takebacks(read, SYSTEM, patient_id=each, limit=99)
            for invoice in list_invoices(read, SYSTEM, patient_id=each, limit=99):
                owed[invoice.id] = invoice.open_balance
        return PatientsMoney(
            tuple(bills),
            {each: credit_balance(read, each, SYSTEM) for each in patient_ids},
            payments,
            takebacks,
            owed,
            sessions_among(read, [bill.session_ids[0] for bill in bills]),
            _by_visit(read, ABOVE),
            _by_visit(read, PROMISED),
        )


def _by_visit(read: Read, query: str) -> Counter[str]:
    return Counter({visit: int(cents) for visit, cents in read.session.execute(text(query))})
