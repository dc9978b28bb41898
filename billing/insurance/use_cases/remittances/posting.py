"""A payment that raises no doubt goes into the books."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from sqlalchemy import update

from billing.insurance.models.remittances import RemittanceClaimRow, RemittanceRow, RemittanceTakingRow
from billing.insurance.queries.earlier_answers import waiting_remittances
from billing.insurance.queries.set_apart import REMITTANCE, REMITTANCE_APART
from billing.insurance.records import Outcome, RemittanceClaim
from billing.insurance.records.answers import Part, PostingPlan, Taking
from billing.insurance.rules.answers import outcome
from billing.insurance.rules.provider_adjustments import sorted_adjustments
from billing.insurance.rules.set_apart import sum_apart, without
from billing.insurance.states import REMITTANCE_MOVES, RemittanceEvent
from billing.insurance.use_cases.claim_answers import answer_claims
from billing.insurance.use_cases.parked_remittances import Parked
from billing.insurance.use_cases.remittances.charges import ask_about_charges
from billing.insurance.use_cases.remittances.keeping import write_claims
from billing.insurance.use_cases.remittances.settlement import Settlement
from billing.kernel.ids import new_id
from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import Actor
from billing.ledger.records import Account, Source
from billing.payments.records.takebacks import Recouped
from billing.payments.use_cases.recoup import hold_for_payer, recoup
from billing.payments.use_cases.reimbursements import hold_reimbursement
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx
from billing.platform.data.jobs import enqueue
from billing.platform.data.states import advance
from billing.platform.data.tasks import ask_again

RESUME_REMITTANCES = "resume-remittances"
"""The job that posts what waited for a payment, whoever posted it and whatever ended right after."""
LONGEST_LABEL = 28
"""Characters of the payer's number before our own, which makes the number of a demand unique."""


def carry_out(
    tx: Tx,
    row: RemittanceRow,
    plan: PostingPlan,
    actor: Actor,
    now: datetime,
    told: Callable[[], None],
) -> None:
    """Post it: first what the payer takes back, so that what it pays anew covers that, then its claims."""
    row.reason, row.waits = None, False
    tx.session.flush()
    posting = _Posting(tx, row, plan, actor, now)
    for taking in plan.takings:
        posting.take_back(taking)
    posting.adjust()
    for claim in plan.transaction.claims:
        if outcome(claim) is Outcome.REIMBURSED:
            posting.hold(claim)
        told()
    posting.keep_credits()
    posting.take_back_again()
    posting.settlement.close()
    advance(tx, row, REMITTANCE_MOVES, RemittanceEvent.POST, actor=actor, now=now)
    answer_claims(tx, remittance_id=row.id, actor=actor, now=now)
    tx.session.flush()
    ask_about_charges(tx, row, actor, now)
    detail = {"cents": plan.transaction.amount.cents, "claims": len(plan.transaction.claims)}
    record_audit(tx, actor=actor, action="remittance.post", subject_id=row.id, now=now, detail=detail)
    if waiting_remittances(tx, {row.payer_id}):
        enqueue(tx, kind=RESUME_REMITTANCES, key=row.id, payload={"remittance_id": row.id}, due_at=now)


class _Posting:
    def __init__(self, tx: Tx, row: RemittanceRow, plan: PostingPlan, actor: Actor, now: datetime) -> None:
        self._tx, self._row, self._plan, self._actor, self._now = tx, row, plan, actor, now
        self._claim_ids: Mapping[int, str] = write_claims(
            tx, row, plan.transaction, plan.matches, plan.reversed_answers, plan.set_apart
        )
        self._spoken_for: dict[str, Money] = {}
        self._credits: list[dict[str, str | int]] = []
        self._on = plan.booked_on
        self.settlement = Settlement(
            tx,
            place=plan.place,
            source=Source(REMITTANCE, row.id, "settled"),
            on=self._on,
            actor=actor,
            now=now,
        )

    def take_back(self, taking: Taking) -> None:
        """Demand what was not demanded before, and keep all of it out of this payment but what is put off."""
        put_off = taking.put_off
        for part in taking.parts:
            taking_id = new_id("rtk")
            recouped = recoup(
                self._tx,
                reimbursement_id=part.reimbursement_id,
                amount=part.amount,
                demand=f"{taking.demand[:LONGEST_LABEL]} {taking_id}",
                told_on=self._on,
                spoken_for=self._spoken_for,
                actor=self._actor,
                now=self._now,
            )
            for each in recouped:
                later = min(put_off, each.amount)
                put_off = put_off - later
                self._keep(part, each, each.amount - later)

    def _keep(self, part: Part, recouped: Recouped, returned: Money) -> None:
        takeback_id = recouped.takeback_id
        before = self._spoken_for.get(takeback_id, ZERO)
        self._spoken_for[takeback_id] = before + recouped.amount
        if returned:
            self.settlement.keep_for_demand(takeback_id, returned)
        self._tx.session.add(
            RemittanceTakingRow(
                id=new_id("rtk"),
                remittance_id=self._row.id,
                reimbursement_id=part.reimbursement_id,
                takeback_id=takeback_id,
                demanded_cents=recouped.demanded.cents,
                returned_cents=returned.cents,
            )
        )

    def adjust(self) -> None:
        """What the provider adjustments move besides: interest, fees, and what payers leave open."""
        said, apart = self._plan.transaction, self._plan.set_apart
        told = sorted_adjustments(without(said, apart).provider_adjustments)
        self.settlement.keep_on(Account.PAYER_MONEY_TO_RETURN, told.consumed)
        self.settlement.keep_on(Account.PAYER_MONEY_TO_RETURN, -told.carried)
        self.settlement.keep_on(Account.UNAPPLIED_PAYER_MONEY, told.interest)
        self.settlement.keep_on(Account.UNAPPLIED_PAYER_MONEY, -told.returned)
        self.settlement.keep_on(Account.PROCESSOR_FEES, told.fee)
        if unknown := sum_apart(said, apart):
            self.settlement.keep_on(Account.UNAPPLIED_PAYER_MONEY, unknown)
            about = Parked(self._row.id, str(self._row.entity_id))
            ask_again(self._tx, kind=REMITTANCE_APART, about=about, actor=self._actor, now=self._now)

    def hold(self, claim: RemittanceClaim) -> None:
        """What the insurer paid for one session: the patient's, or the payer's when the patient has it."""
        claim_id = self._claim_ids[claim.segment]
        told = {
            "session_id": self._plan.matches[claim.segment].session_id,
            "amount": claim.paid,
            "source_id": claim_id,
            "received_on": self._on,
            "withheld": self.settlement.borne_by(claim_id, claim.paid),
        }
        if claim.segment in self._plan.copies:
            hold_for_payer(self._tx, **told, actor=self._actor, now=self._now)  # type: ignore[arg-type]
            return
        held = hold_reimbursement(self._tx, **told, actor=self._actor, now=self._now)  # type: ignore[arg-type]
        if held.credit:
            self._credits.append({"id": claim_id, "credit_cents": held.credit.cents})

    def keep_credits(self) -> None:
        """What patients were credited of each claim."""
        if self._credits:
            self._tx.session.execute(update(RemittanceClaimRow), self._credits)

    def take_back_again(self) -> None:
        """What this payment paid and reverses itself."""
        claims = {claim.segment: claim for claim in self._plan.transaction.claims}
        for reversal, paid in self._plan.reversed_here.items():
            original_id = self._claim_ids[paid]
            self._tx.session.execute(
                update(RemittanceClaimRow)
                .where(RemittanceClaimRow.id == self._claim_ids[reversal])
                .values(reverses_id=original_id)
            )
            part = Part(reimbursement_id=original_id, amount=claims[paid].paid)
            demand = claims[paid].payer_claim_number or claims[paid].control_number
            put_off = self._plan.put_off.get(reversal, ZERO)
            self.take_back(Taking(demand=demand, parts=(part,), put_off=put_off))
