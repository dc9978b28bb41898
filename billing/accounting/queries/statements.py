"""All of one patient's money, gathered for a statement in as many statements however much there is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from itertools import starmap

from billing.accounting.queries.statement_visits import Known, came_of_called_off_insurance, visits_of
from billing.accounting.records.statements import (
    About,
    BankTook,
    Choice,
    Demand,
    Facts,
    GivenBack,
    Held,
    Received,
    Statement,
    Undone,
    Used,
    Visit,
    Way,
)
from billing.accounting.records.year_statements import YearEnd
from billing.accounting.rules.statements import period_of, statement_of, year_end_of, year_of
from billing.catalog.queries import find_entity, site_date, site_dates
from billing.kernel.money import ZERO, Money, total
from billing.kernel.permissions import Actor
from billing.ledger.queries import days_of
from billing.patients.queries import find_patient, is_on_hold
from billing.patients.records import Patient
from billing.payments.queries.bounces import bounced_on
from billing.payments.queries.credits import credit_balance, taken_back_of, undone_on
from billing.payments.queries.disputes import held_by_banks, list_disputes, made_good_of
from billing.payments.queries.dormant import list_dormant
from billing.payments.queries.payments import list_payments
from billing.payments.queries.refunds import list_refunds
from billing.payments.queries.takebacks import list_takebacks
from billing.payments.records.credits import CreditBalance, CreditLot, CreditSource, Election
from billing.payments.records.disputes import Dispute
from billing.payments.records.payments import Payment
from billing.payments.records.refunds import Refund
from billing.payments.rules.choices import goes_back_on
from billing.payments.rules.receipts import given_back_to, paid_with
from billing.payments.states.dormant import DormantState
from billing.payments.states.payments import PaymentState
from billing.payments.states.refunds import RefundState
from billing.platform.data.database import Read

ALL = 1_000_000
"""More of one kind than a patient has."""
WAYS = {
    RefundState.REQUESTED: Way.ASKED,
    RefundState.APPROVED: Way.ON_ITS_WAY,
    RefundState.SENT: Way.SENT,
    RefundState.SUCCEEDED: Way.SENT,
    RefundState.UNCLAIMED: Way.STATE,
}
Taken = Mapping[str, Sequence[tuple[date, Money]]]
"""By credit, what an insurer took back of it on which day."""
CHOICES = {
    None: Choice.TO_CHOOSE,
    Election.CREDIT: Choice.COMES_OFF,
    Election.REFUND: Choice.GOES_BACK,
}


def statement_for(
    read: Read,
    patient_id: str,
    starts_on: date | None,
    ends_on: date | None,
    *,
    actor: Actor,
    now: datetime,
) -> Statement:
    """Raises: NoSuchPatient, BadPeriod."""
    about = _about(read, find_patient(read, patient_id, actor), actor, now)
    period = period_of(starts_on, ends_on, about.made_on)
    return statement_of(facts_of(read, patient_id, actor), about, period)


def year_end_for(read: Read, patient_id: str, year: int | None, *, actor: Actor, now: datetime) -> YearEnd:
    """Raises: NoSuchPatient, BadPeriod."""
    about = _about(read, find_patient(read, patient_id, actor), actor, now)
    return year_end_of(facts_of(read, patient_id, actor), about, year_of(year, about.made_on))


def facts_of(read: Read, patient_id: str, actor: Actor) -> Facts:
    """What the actor may know of the patient's money. The caller has found the patient."""
    payments = list_payments(read, actor, patient_id=patient_id, limit=ALL)
    credits = credit_balance(read, patient_id, actor)
    refunds = list_refunds(read, actor, patient_id=patient_id, limit=ALL)
    takebacks = list_takebacks(read, actor, patient_id=patient_id, limit=ALL)
    own = {lot.id: lot for lot in credits.items if lot.payer_id is None}
    taken_back = taken_back_of(read, own)
    known = Known(reimbursed=_reimbursed(own.values(), taken_back), takebacks=takebacks)
    visits, packages = visits_of(read, patient_id, known, actor)
    return Facts(
        visits=visits,
        packages=packages,
        received=tuple(_received(payments)),
        bounced=tuple(_bounced(read, payments)),
        refunds=tuple(_given_back(refund, own[refund.lot_id]) for refund in _standing(refunds)),
        failed=tuple(_failed(read, refunds, own)),
        held=tuple(_held(own, credits, refunds, taken_back, {each.session_id: each for each in visits})),
        used=tuple(_used(read, own, credits)),
        banks=tuple(_banks(read, patient_id, {each.id: each for each in payments}, actor)),
        demands=tuple(Demand(on=each.demanded_on, owed=each.owed) for each in takebacks if each.owed),
        kept_by_state=_kept_by_state(read, patient_id, actor),
    )


def _about(read: Read, patient: Patient, actor: Actor, now: datetime) -> About:
    return About(
        clinic=find_entity(read, patient.entity_id),
        patient=f"{patient.given_name} {patient.family_name}",
        number=str(patient.number),
        made_on=site_date(read, patient.site_id, now),
        of_sites=actor.site_ids is not None,
        is_on_hold=is_on_hold(read, patient.id),
    )


def _reimbursed(lots: Iterable[CreditLot], taken_back: Taken) -> Mapping[str, Money]:
    found = Counter[str]()
    for lot in lots:
        if lot.source is CreditSource.REIMBURSEMENT and lot.session_id is not None:
            gone = total(amount for _, amount in taken_back.get(lot.id, ()))
            found[lot.session_id] += (lot.amount - gone).cents
    return {session_id: Money(cents) for session_id, cents in found.items()}


def _received(payments: Sequence[Payment]) -> Iterator[Received]:
    """The patient's own, the earliest first; nothing of what bounced or was booked for somebody else."""
    for payment in reversed(payments):
        if payment.state is PaymentState.RECEIVED and payment.payer_id is None:
            yield _paid(payment)


def _bounced(read: Read, payments: Sequence[Payment]) -> Iterator[Received]:
    """They came, and their year says so; nothing of what was booked for somebody else."""
    bounced = {
        each.id: each
        for each in reversed(payments)
        if each.state is PaymentState.BOUNCED and each.payer_id is None
    }
    days = bounced_on(read, bounced)
    for payment_id, payment in bounced.items():
        yield replace(_paid(payment), undone=(Undone(days[payment_id], payment.amount),))


def _paid(payment: Payment) -> Received:
    return Received(
        id=payment.id,
        on=payment.received_on,
        amount=payment.amount,
        tender=paid_with(payment.tender, payment.instrument),
        is_health_account=payment.is_health_account,
    )


def _standing(refunds: Sequence[Refund]) -> Iterator[Refund]:
    """The patient's own that went out or will, the earliest first."""
    return (each for each in reversed(refunds) if each.payer_id is None and each.state in WAYS)


def _failed(read: Read, refunds: Sequence[Refund], lots: Mapping[str, CreditLot]) -> Iterator[GivenBack]:
    """They were sent, and their year says so; nothing of what never left."""
    failed = {
        each.id: each
        for each in reversed(refunds)
        if each.payer_id is None and each.state is RefundState.FAILED and each.refunded_on is not None
    }
    days = days_of(read, source_kind="refund", source_ids=failed, purpose="failed")
    for refund_id, refund in failed.items():
        sent = _given_back(refund, lots[refund.lot_id])
        yield replace(sent, undone=(Undone(days[refund_id], refund.amount),))


def _given_back(refund: Refund, lot: CreditLot) -> GivenBack:
    way = Way.ON_ITS_WAY if refund.has_left_unbooked else WAYS.get(refund.state, Way.SENT)
    return GivenBack(
        id=refund.id,
        way=way,
        amount=refund.amount,
        on=refund.refunded_on,
        told=given_back_to(refund.method, refund.reference),
        has_left=way is Way.SENT,
        is_patients=_is_patients(lot),
        is_deposit=lot.source is CreditSource.DEPOSIT,
    )


def _held(
    lots: Mapping[str, CreditLot],
    credits: CreditBalance,
    refunds: Sequence[Refund],
    taken_back: Taken,
    visits: Mapping[str, Visit],
) -> Iterator[Held]:
    """What was gathered for a refund and went out with it is told by the refund."""
    for lot in lots.values():
        if not lot.is_shown:
            continue
        uses = (each for each in credits.applications if each.lot_id == lot.id)
        of_lot = (each for each in refunds if each.lot_id == lot.id and each.state in WAYS)
        is_deposit = lot.source is CreditSource.DEPOSIT
        insured = visits.get(lot.session_id or "")
        yield Held(
            id=lot.id,
            on=lot.held_on,
            source=lot.source,
            choice=Choice.DEPOSIT if is_deposit else CHOICES[lot.election],
            amount=lot.amount,
            used=total(each.amount - each.undone for each in uses),
            back=total(each.amount for each in of_lot),
            left=lot.available,
            is_insurers=lot.source is CreditSource.REIMBURSEMENT,
            is_patients=_is_patients(lot),
            undone=tuple(starmap(Undone, taken_back.get(lot.id, ()))),
            insured_on=insured.on if insured else None,
            goes_back_on=goes_back_on(lot) if lot.waits else None,
        )


def _is_patients(lot: CreditLot) -> bool:
    return lot.source is not CreditSource.REIMBURSEMENT and not came_of_called_off_insurance(lot)


def _used(read: Read, lots: Mapping[str, CreditLot], credits: CreditBalance) -> Iterator[Used]:
    """What came off bills of insurers' money: the day is that of the credit's site."""
    of_insurers = [
        each
        for each in credits.applications
        if each.lot_id in lots and lots[each.lot_id].source is CreditSource.REIMBURSEMENT
    ]
    undone = undone_on(read, [each.id for each in of_insurers if each.undone])
    days = site_dates(read, [(lots[each.lot_id].site_id, each.applied_at) for each in of_insurers])
    for use, on in zip(of_insurers, days, strict=True):
        yield Used(on=on, amount=use.amount, undone=tuple(starmap(Undone, undone.get(use.id, ()))))


def _banks(read: Read, patient_id: str, payments: Mapping[str, Payment], actor: Actor) -> Iterator[BankTook]:
    """What banks hold of the patient's payments, and what they kept."""
    disputes = [
        each
        for each in reversed(list_disputes(read, actor, patient_id=patient_id, limit=ALL))
        if each.payment_id in payments and payments[each.payment_id].payer_id is None
    ]
    if not disputes:
        return
    held = held_by_banks(read, {each.payment_id for each in disputes})
    days = site_dates(read, [(each.site_id, each.opened_at) for each in disputes])
    yield from _kept_by_banks(read, disputes)
    last = {dispute.payment_id: on for dispute, on in zip(disputes, days, strict=True)}
    for payment_id, amount in held.items():
        yield BankTook(on=last[payment_id], amount=amount, is_final=False)


def _kept_by_banks(read: Read, disputes: Sequence[Dispute]) -> Iterator[BankTook]:
    """What was lost stands on the day on which it is in the books, and what came again on its own."""
    lost_on = days_of(read, source_kind="dispute", source_ids=[each.id for each in disputes], purpose="lost")
    made_good = made_good_of(read, lost_on)
    for dispute in disputes:
        if dispute.id not in lost_on:
            continue
        again = made_good.get(dispute.id, ())
        days = site_dates(read, [(dispute.site_id, at) for at, _ in again])
        undone = tuple(Undone(on, amount) for on, (_, amount) in zip(days, again, strict=True))
        lost = dispute.lost + total(each.amount for each in undone)
        yield BankTook(on=lost_on[dispute.id], amount=lost, is_final=True, undone=undone)


def _kept_by_state(read: Read, patient_id: str, actor: Actor) -> Money:
    """What nobody took, and is set aside for the state or went there."""
    kept = (DormantState.SET_ASIDE, DormantState.REMITTED)
    found = list_dormant(read, actor, patient_id=patient_id, limit=ALL)
    return total(each.amount or ZERO for each in found if each.payer_id is None and each.state in kept)
