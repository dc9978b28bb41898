"""A patient's visits as a statement tells them: price, what paid it, what insurers answered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from billing.accounting.records.statements import Answer, Package, Part, PartKind, Standing, Visit
from billing.accounting.rules.statement_answers import answers_in_order, told_by
from billing.care.queries import cover_among, sessions_among
from billing.care.records import PROMISED, REFUNDED, Coverage, Session
from billing.care.states import SessionState
from billing.catalog.queries import site_dates
from billing.insurance.queries.claim_answers import answers_among, claims_without_answer
from billing.insurance.queries.letters import letters_of
from billing.invoices.queries.standing import standing_lines_of_patient
from billing.invoices.records import AUTHORIZED, FORGIVEN, NO_SHOW, InvoiceKind, StandingLine
from billing.kernel.money import ZERO, Money, total
from billing.kernel.permissions import SYSTEM, Actor
from billing.ledger.queries import days_of
from billing.payments.queries.credits import uses_of_credit
from billing.payments.queries.gone import how_gone
from billing.payments.queries.payments import CREDIT, PAYMENT, REIMBURSEMENT, payments_by_id
from billing.payments.records.credits import CreditLot, CreditSource
from billing.payments.records.payments import Payment
from billing.payments.records.refunds import Gone, Taken
from billing.payments.records.takebacks import Takeback
from billing.payments.rules.receipts import paid_with, service_in_words
from billing.platform.data.database import Read

GONE = {
    Gone.ASKED: PartKind.ON_ITS_WAY,
    Gone.WAITS: PartKind.ON_ITS_WAY,
    Gone.SENT: PartKind.BACK,
    Gone.LOST: PartKind.BANK,
    Gone.FAILED: PartKind.HELD,
    Gone.CREDIT: PartKind.HELD,
}
KINDS = {
    REIMBURSEMENT: PartKind.INSURER,
    FORGIVEN: PartKind.WAIVED,
    AUTHORIZED: PartKind.OTHER_OWES,
    PROMISED: PartKind.OTHER_OWES,
}
STANDINGS = {SessionState.GIVEN: Standing.GIVEN, SessionState.NO_SHOW: Standing.MISSED}


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known of insurers' money. `reimbursed`: by visit, what of it is or was the patient's."""

    reimbursed: Mapping[str, Money]
    takebacks: Sequence[Takeback]


@dataclass(frozen=True, kw_only=True)
class Sources:
    """What pays visits, by id, at whichever site it came in: what paid a visit is of the visit.

    `days`: of insurers' money that paid a visit itself, and of credit, by visit and source.
    """

    payments: Mapping[str, Payment]
    uses: Mapping[str, tuple[datetime, CreditLot]]
    gone: Mapping[str, Taken]
    days: Mapping[tuple[str, str], date]
    actor: Actor

    def is_from_elsewhere(self, of: Payment | CreditLot) -> bool:
        return not self.actor.sees(entity_id=of.entity_id, site_id=of.site_id)


def visits_of(
    read: Read, patient_id: str, known: Known, actor: Actor
) -> tuple[tuple[Visit, ...], tuple[Package, ...]]:
    """The visits that stand on an invoice, the earliest first, and packages with visits to come.

    As many statements however many visits there are.
    """
    lines: dict[str, list[StandingLine]] = defaultdict(list)
    for line in standing_lines_of_patient(read, patient_id, actor):
        lines[line.line.session_id].append(line)
    sessions = list(sessions_among(read, lines).values())
    days = _days(read, sessions)
    parts = _parts(read, sessions, actor)
    answers = _answers(read, patient_id, sessions, known.takebacks, actor)
    visits = [
        _visit(each, lines[each.id], days[each.id], parts[each.id], answers[each.id], known)
        for each in sessions
    ]
    by_day = sorted(visits, key=lambda visit: (visit.on, visit.session_id))
    return tuple(by_day), tuple(_packages(lines, {visit.session_id: visit for visit in visits}))


def _visit(
    session: Session,
    lines: Sequence[StandingLine],
    on: date,
    parts: Sequence[Part],
    answers: Sequence[Answer],
    known: Known,
) -> Visit:
    standing = STANDINGS.get(session.state, Standing.TO_COME)
    service = NO_SHOW if standing is Standing.MISSED else session.service
    return Visit(
        session_id=session.id,
        on=on,
        description=service_in_words(service),
        standing=standing,
        charge=total(each.line.charge for each in lines),
        discount=total(each.line.discount for each in lines),
        net=total(each.line.net for each in lines),
        parts=tuple(parts),
        answers=answers_in_order(answers),
        reimbursed=known.reimbursed.get(session.id, ZERO),
    )


def _days(read: Read, sessions: Sequence[Session]) -> Mapping[str, date]:
    """The site's day on which each was given, or for which it is or was planned."""
    given = [(each.id, each.site_id, each.started_at) for each in sessions if each.started_at]
    days = site_dates(read, [(site_id, at) for _, site_id, at in given])
    planned = {each.id: each.planned_on for each in sessions}
    return planned | {session_id: on for (session_id, _, _), on in zip(given, days, strict=True)}


def _parts(read: Read, sessions: Sequence[Session], actor: Actor) -> Mapping[str, list[Part]]:
    sites = {each.id: each.site_id for each in sessions}
    cover = cover_among(read, list(sites)) if sites else ()
    sources = _sources(read, cover, sites, actor)
    found: dict[str, list[Part]] = defaultdict(list)
    for session_id, part in cover:
        found[session_id].append(_part(part, sources.days.get((session_id, part.source_id)), sources))
    return defaultdict(list, {key: sorted(each, key=_in_order) for key, each in found.items()})


def _sources(
    read: Read, cover: Sequence[tuple[str, Coverage]], sites: Mapping[str, str], actor: Actor
) -> Sources:
    def ids(kind: str) -> set[str]:
        return {part.source_id for _, part in cover if part.source_kind == kind}

    gone = how_gone(read, ids(REFUNDED))
    taken_of = {taken.payment_id for taken in gone.values() if taken.payment_id}
    uses = uses_of_credit(read, ids(CREDIT))
    paid_on = days_of(read, source_kind=REIMBURSEMENT, source_ids=ids(REIMBURSEMENT), purpose="received")
    used = [(session_id, part.source_id) for session_id, part in cover if part.source_kind == CREDIT]
    used_on = site_dates(read, [(sites[session_id], uses[use_id][0]) for session_id, use_id in used])
    insured = {
        (session_id, part.source_id): paid_on[part.source_id]
        for session_id, part in cover
        if part.source_id in paid_on
    }
    return Sources(
        payments=payments_by_id(read, ids(PAYMENT) | taken_of, SYSTEM),
        uses=uses,
        gone=gone,
        days=insured | dict(zip(used, used_on, strict=True)),
        actor=actor,
    )


def _in_order(part: Part) -> tuple[date, str]:
    return part.on or date.max, part.kind


def _part(part: Coverage, on: date | None, sources: Sources) -> Part:
    if part.source_kind == PAYMENT:
        return _paid(sources.payments[part.source_id], part.amount, sources)
    if part.source_kind == REFUNDED:
        return Part(kind=_gone(part.source_id, sources), amount=part.amount)
    if part.source_kind == CREDIT:
        _, lot = sources.uses[part.source_id]
        kind = PartKind.INSURER if came_of_called_off_insurance(lot) else PartKind.CREDIT
        elsewhere = sources.is_from_elsewhere(lot)
        return Part(kind=kind, amount=part.amount, on=on, is_from_elsewhere=elsewhere)
    return Part(kind=KINDS[part.source_kind], amount=part.amount, on=on)


def came_of_called_off_insurance(lot: CreditLot) -> bool:
    """An insurer had paid for a visit that the patient had not, and the visit was called off."""
    return lot.source is CreditSource.RETURN and lot.origin_payment_id is None


def _paid(payment: Payment, amount: Money, sources: Sources) -> Part:
    is_others = payment.payer_id is not None
    return Part(
        kind=PartKind.OTHER if is_others else PartKind.PAID,
        amount=amount,
        on=payment.received_on,
        tender=None if is_others else paid_with(payment.tender, payment.instrument),
        is_from_elsewhere=sources.is_from_elsewhere(payment),
    )


def _gone(source_id: str, sources: Sources) -> PartKind:
    """Where money is that had paid for a visit and does not any more."""
    taken = sources.gone.get(source_id)
    payment = sources.payments.get(taken.payment_id) if taken and taken.payment_id else None
    if payment is not None and payment.payer_id is not None:
        return PartKind.BACK_TO_OTHER
    return GONE[taken.way] if taken else PartKind.HELD


def _answers(
    read: Read, patient_id: str, sessions: Sequence[Session], takebacks: Sequence[Takeback], actor: Actor
) -> Mapping[str, list[Answer]]:
    ids = [each.id for each in sessions]
    waits = claims_without_answer(read, ids)
    sites = {each.id: each.site_id for each in sessions}
    letters = [each for each in letters_of(read, patient_id, actor) if each.session_id in sites]
    told_at: list[tuple[str, datetime]] = [(sites[key], at) for key, at in waits.items()]
    told_at += [(each.site_id, each.received_at) for each in letters]
    days = site_dates(read, told_at)
    found: dict[str, list[Answer]] = defaultdict(list)
    posted = answers_among(read, ids)
    for session_id in ids:
        found[session_id] += told_by(
            posted.get(session_id, ()),
            waits_since=days[list(waits).index(session_id)] if session_id in waits else None,
            letters=[
                (letter.outcome, on)
                for letter, on in zip(letters, days[len(waits) :], strict=True)
                if letter.session_id == session_id
            ],
            takebacks=[each for each in takebacks if each.session_id == session_id],
        )
    return found


def _packages(lines: Mapping[str, Sequence[StandingLine]], visits: Mapping[str, Visit]) -> Iterator[Package]:
    """By the invoice on which a series was sold."""
    numbers: dict[int, list[Visit]] = defaultdict(list)
    for session_id, each in lines.items():
        for line in each:
            if line.kind is InvoiceKind.PACKAGE and session_id in visits:
                numbers[line.number].append(visits[session_id])
    for number, sold in sorted(numbers.items()):
        left = [visit for visit in sold if not visit.is_earned]
        if left:
            held = total(visit.paid_ahead for visit in left)
            yield Package(number=number, visits=len(sold), left=len(left), paid_ahead=held)
