"""A payment that was posted is undone: what it did is reversed today, and nothing is deleted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from billing.care.queries import find_session
from billing.catalog.queries import site_date, sites
from billing.insurance.errors import RemittanceNotUndoable
from billing.insurance.models.remittances import (
    RemittanceAdjustmentRow,
    RemittanceClaimRow,
    RemittanceRow,
    RemittanceTakingRow,
    RemittanceUndoRow,
    RestoredClaimRow,
)
from billing.insurance.queries import find_remittance, remittance_of
from billing.insurance.queries.earlier_answers import (
    adjusted_so_far,
    first_claim_of,
    reimbursements_of,
    taken_since,
    takings_of,
)
from billing.insurance.queries.set_apart import REMITTANCE_APART, apart_at_sites, held_apart
from billing.insurance.records import Outcome, ProviderAdjustment, Remittance
from billing.insurance.records.answers import Place
from billing.insurance.rules.provider_adjustments import (
    FORWARD_BALANCE,
    INTEREST,
    SortedAdjustments,
    sorted_adjustments,
)
from billing.insurance.states import REMITTANCE_MOVES, RemittanceEvent
from billing.insurance.use_cases.claim_answers import answer_claims
from billing.insurance.use_cases.remittances.charges import (
    CHARGE_DIFFERS,
    ask_about_charges_again,
    explained_now,
)
from billing.insurance.use_cases.remittances.settlement import Settlement
from billing.kernel.ids import new_id
from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import SYSTEM, Actor
from billing.ledger.records import Account, Source
from billing.patients.use_cases import lock_patient
from billing.payments.queries.takebacks import (
    demands_to_return,
    entry_of_reimbursement,
    find_takeback,
    left_to_recoup,
    visit_of_claim,
)
from billing.payments.use_cases.recoup import copy_demand, recoup, withhold
from billing.payments.use_cases.reimbursements import hold_reimbursement
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx
from billing.platform.data.states import advance
from billing.platform.data.tasks import end_tasks


def undo_remittance(tx: Tx, *, remittance_id: str, reason: str, actor: Actor, now: datetime) -> Remittance:
    """Reverse all that a posted payment did, on today's date; the same content can then be posted again.

    What it paid is taken back as a payer's demand is: out of the patient's credit, or owed until a person
    decides. What it took back is the patient's again.
    Raises: NoSuchRemittance, IllegalMove, RemittanceNotUndoable when something else was built on it.
    """
    find_remittance(tx, remittance_id, actor)
    query = select(RemittanceRow).where(RemittanceRow.id == remittance_id).with_for_update()
    row = tx.session.scalars(query.execution_options(populate_existing=True)).one()
    explained = explained_now(tx, row.id)
    advance(tx, row, REMITTANCE_MOVES, RemittanceEvent.UNDO, actor=actor, now=now)
    undoing = _Undoing(tx, row, actor, now)
    undoing.refuse_what_was_built_on()
    tx.session.add(
        RemittanceUndoRow(
            id=undoing.id,
            remittance_id=row.id,
            undone_at=now,
            undone_by=actor.id,
            sealed=tx.vault.seal("remittance_undo", undoing.id, {"reason": reason}),
        )
    )
    tx.session.flush()
    undoing.carry_out()
    answer_claims(tx, remittance_id=row.id, actor=actor, now=now)
    end_tasks(tx, kind=CHARGE_DIFFERS, subject_ids=[row.id], actor=actor, now=now)
    ask_about_charges_again(tx, explained, actor, now)
    detail = {"cents": row.amount_cents}
    record_audit(tx, actor=actor, action="remittance.undo", subject_id=row.id, now=now, detail=detail)
    tx.session.flush()
    return remittance_of(tx, row)


class _Undoing:
    """The patients are locked before anything is looked at."""

    def __init__(self, tx: Tx, row: RemittanceRow, actor: Actor, now: datetime) -> None:
        self.id = new_id("rmu")
        self._tx, self._row, self._actor, self._now = tx, row, actor, now
        self._paid = self._claims()
        self._takings = takings_of(tx, row.id)
        self._told = self._adjustments()
        self._apart = held_apart(tx, row.id)
        self._lock_patients()
        place = self._place()
        self._today = site_date(tx, place.site_id, now)
        source = Source("remittance-undo", self.id, "undone")
        self._settlement = Settlement(tx, place=place, source=source, on=self._today, actor=actor, now=now)

    def refuse_what_was_built_on(self) -> None:
        """Raises: RemittanceNotUndoable."""
        if self._apart and self._apart.is_settled:
            raise RemittanceNotUndoable(
                f"What was set apart of this payment ({self._apart.amount}) was settled since, and may be "
                "with the payer. If it is not, take the settling back, then undo this. Else agree on the "
                "rest with the payer."
            )
        if trace := taken_since(self._tx, self._row.id):
            raise RemittanceNotUndoable(
                f"The payment {trace} took back what this one paid. Undo that one first."
            )
        for claim in self._paid:
            for demand in demands_to_return(self._tx, claim.id):
                if demand.demand != copy_demand(claim.id) and demand.id not in self._own_demands():
                    raise RemittanceNotUndoable(
                        f"The payer demands back what this payment paid ({demand.number}). "
                        "Return that to the payer instead."
                    )
        for code, given in ((FORWARD_BALANCE, self._told.carried), (INTEREST, -self._told.interest)):
            entity_id, payer_id = str(self._row.entity_id), self._row.payer_id
            if given > ZERO and -adjusted_so_far(self._tx, entity_id, payer_id, code) < ZERO:
                raise RemittanceNotUndoable(
                    f"A later payment took what this one had given ({code}). Undo that one first."
                )
        for taking in self._takings:
            if Money(taking.demanded_cents) - Money(taking.returned_cents) > self._not_returned(taking):
                raise RemittanceNotUndoable(
                    "The payer got meanwhile what this payment had put off. It cannot be undone any more."
                )

    def carry_out(self) -> None:
        """First what it paid is taken back, so that what it took is restored out of that."""
        spoken_for: dict[str, Money] = {}
        for claim in self._paid:
            self._take_back(claim, spoken_for)
        self._unadjust()
        for taking in self._takings:
            if not self._is_of_this_payment(taking):
                self._restore(taking)
        self._settlement.close()

    def _claims(self) -> Sequence[RemittanceClaimRow]:
        query = select(RemittanceClaimRow).where(
            RemittanceClaimRow.remittance_id == self._row.id,
            RemittanceClaimRow.outcome == Outcome.REIMBURSED,
        )
        return self._tx.session.scalars(query.order_by(RemittanceClaimRow.place)).all()

    def _adjustments(self) -> SortedAdjustments:
        query = select(RemittanceAdjustmentRow).where(
            RemittanceAdjustmentRow.remittance_id == self._row.id,
            RemittanceAdjustmentRow.is_set_apart.is_(False),
        )
        rows = self._tx.session.scalars(query.order_by(RemittanceAdjustmentRow.place))
        return sorted_adjustments(
            [ProviderAdjustment(row.place, row.code, row.reference, Money(row.amount_cents)) for row in rows]
        )

    def _lock_patients(self) -> None:
        owners = {find_session(self._tx, str(claim.session_id), SYSTEM).patient_id for claim in self._paid}
        owners |= {find_takeback(self._tx, taking.takeback_id, SYSTEM).patient_id for taking in self._takings}
        for patient_id in sorted(owners):
            lock_patient(self._tx, patient_id)

    def _place(self) -> Place:
        for claim in self._paid:
            visit = find_session(self._tx, str(claim.session_id), SYSTEM)
            return Place(entity_id=visit.entity_id, site_id=visit.site_id)
        for taking in self._takings:
            entry = entry_of_reimbursement(self._tx, taking.reimbursement_id, SYSTEM)
            return Place(entity_id=entry.entity_id, site_id=entry.site_id)
        entity_id = str(self._row.entity_id)
        return Place(entity_id=entity_id, site_id=sites(self._tx, entity_id)[0].id)

    def _own_demands(self) -> set[str]:
        return {taking.takeback_id for taking in self._takings}

    def _is_of_this_payment(self, taking: RemittanceTakingRow) -> bool:
        return taking.reimbursement_id in {claim.id for claim in self._paid}

    def _not_returned(self, taking: RemittanceTakingRow) -> Money:
        demand = find_takeback(self._tx, taking.takeback_id, SYSTEM)
        return demand.amount - demand.returned

    def _take_back(self, claim: RemittanceClaimRow, spoken_for: dict[str, Money]) -> None:
        """All that the claim still has; what this payment took of it itself has come and gone."""
        site_id = find_session(self._tx, str(claim.session_id), SYSTEM).site_id
        for reimbursement_id in reimbursements_of(self._tx, claim.id):
            amount = left_to_recoup(self._tx, reimbursement_id)
            if not amount:
                continue
            for each in recoup(
                self._tx,
                reimbursement_id=reimbursement_id,
                amount=amount,
                demand=f"undone {reimbursement_id}",
                told_on=self._today,
                spoken_for=spoken_for,
                actor=self._actor,
                now=self._now,
            ):
                self._settlement.keep_for_demand(each.takeback_id, each.amount, site_id)

    def _unadjust(self) -> None:
        told = self._told
        self._settlement.keep_on(Account.PAYER_MONEY_TO_RETURN, told.carried)
        self._settlement.keep_on(Account.PAYER_MONEY_TO_RETURN, -told.consumed)
        self._settlement.keep_on(Account.UNAPPLIED_PAYER_MONEY, -told.interest)
        self._settlement.keep_on(Account.UNAPPLIED_PAYER_MONEY, told.returned)
        self._settlement.keep_on(Account.PROCESSOR_FEES, -told.fee)
        if self._apart:
            for site_id, held in apart_at_sites(self._tx, self._row.id, self._apart.amount).items():
                self._settlement.keep_on(Account.UNAPPLIED_PAYER_MONEY, -held, site_id)
            subjects, now = [self._row.id], self._now
            end_tasks(self._tx, kind=REMITTANCE_APART, subject_ids=subjects, actor=self._actor, now=now)

    def _restore(self, taking: RemittanceTakingRow) -> None:
        """The money is there again, and owed to the payer again if it was before this payment took it."""
        demanded, returned = Money(taking.demanded_cents), Money(taking.returned_cents)
        amount = demanded or returned
        if not amount:
            return
        restored_id = self._keep_restored(taking, amount)
        put_off = demanded - returned if demanded else ZERO
        lines = self._settlement.borne_by(restored_id, amount - put_off)
        if put_off:
            withheld = withhold(
                self._tx,
                takeback_id=taking.takeback_id,
                amount=put_off,
                source_id=restored_id,
                withheld_on=self._today,
                actor=self._actor,
                now=self._now,
            )
            lines = (*lines, withheld)
        hold_reimbursement(
            self._tx,
            session_id=visit_of_claim(self._tx, taking.reimbursement_id),
            amount=amount,
            source_id=restored_id,
            received_on=self._today,
            withheld=lines,
            actor=self._actor,
            now=self._now,
        )
        if not demanded:
            self._demand_again(taking, restored_id, amount)

    def _keep_restored(self, taking: RemittanceTakingRow, amount: Money) -> str:
        restored = RestoredClaimRow(
            id=new_id("rsc"),
            undo_id=self.id,
            claim_id=first_claim_of(self._tx, taking.reimbursement_id),
            amount_cents=amount.cents,
        )
        self._tx.session.add(restored)
        self._tx.session.flush()
        return restored.id

    def _demand_again(self, taking: RemittanceTakingRow, restored_id: str, amount: Money) -> None:
        demand = find_takeback(self._tx, taking.takeback_id, SYSTEM)
        recoup(
            self._tx,
            reimbursement_id=restored_id,
            amount=amount,
            demand=f"{demand.number[:28]} {restored_id}",
            told_on=self._today,
            spoken_for={},
            actor=self._actor,
            now=self._now,
        )
