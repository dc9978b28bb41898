"""Reads of what waits of insurers' answers, what was said in them, and what people decided about them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select

from billing.care.queries import sessions_among
from billing.insurance.errors import AnswerChanged
from billing.insurance.models.remittances import (
    RemittanceClaimRow,
    RemittanceContentRow,
    RemittanceCopyRow,
    RemittanceDecisionRow,
    RemittanceRow,
)
from billing.insurance.queries import remittance_without_claims, remittances_shown_to
from billing.insurance.queries.billed_charges import billed_otherwise
from billing.insurance.queries.papers import PAPERS
from billing.insurance.records import Adjustment, Match, Outcome, Remittance, RemittanceTransaction
from billing.insurance.records.answers import BilledOtherwise
from billing.insurance.records.remittances import (
    Copies,
    Decision,
    DecisionKind,
    KeptContent,
    KnownPayer,
    ToldClaim,
    ToldLine,
    Waiting,
)
from billing.insurance.records.set_apart import ApartAdjustment
from billing.insurance.rules.answers import NOT_OURS
from billing.insurance.rules.kept import claim_keys, transaction_from
from billing.insurance.states import RemittanceState
from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import Actor
from billing.payments.queries.takebacks import excess_of_claims
from billing.platform.data.database import Read
from billing.platform.data.reach import within_reach
from billing.platform.data.selects import batches

CONTENT, DECISION, CLAIM = (
    model.__tablename__ for model in (RemittanceContentRow, RemittanceDecisionRow, RemittanceClaimRow)
)
MOST_PAYERS = 50


def content_of(read: Read, remittance_id: str) -> KeptContent | None:
    """What a parked one said, or None for one that was parked before contents were kept."""
    kept = _kept(read, remittance_id)
    if kept is None:
        return None
    return KeptContent(
        transaction_from(kept["transaction"]),
        {int(segment): session_id for segment, session_id in kept["sessions"].items()},
    )


def waiting_of(read: Read, remittance_id: str) -> Waiting:
    """Which claims have a visit and which need one; of one that waits for nothing, nothing.

    The claims themselves are left as they were kept: to make records of all costs seconds for a large file.
    """
    kept = _kept(read, remittance_id)
    if kept is None:
        return Waiting()
    told = enumerate(kept["transaction"]["claims"], 1)
    sessions = {
        place: kept["sessions"][str(claim["segment"])]
        for place, claim in told
        if str(claim["segment"]) in kept["sessions"]
    }
    named = _named_sessions(read, remittance_id)
    keys = claim_keys(transaction_from(kept["transaction"])) if named else []
    return Waiting(
        sessions=sessions,
        by_hand=frozenset(place for place, key in enumerate(keys, 1) if key in named),
        unmatched=[
            place
            for place, claim in enumerate(kept["transaction"]["claims"], 1)
            if claim["status"] != NOT_OURS and place not in sessions
        ],
    )


def _kept(read: Read, remittance_id: str) -> dict[str, Any] | None:
    query = select(RemittanceContentRow.sealed).where(RemittanceContentRow.remittance_id == remittance_id)
    sealed = read.session.scalar(query)
    return None if sealed is None else read.vault.open(CONTENT, remittance_id, sealed)


def matched_by_hand(
    read: Read, remittance_id: str, transaction: RemittanceTransaction, actor: Actor
) -> dict[int, Match]:
    """The visits that people named for claims, by the claims' segments in this copy of the transaction."""
    named = _named_sessions(read, remittance_id)
    if not named:
        return {}
    sessions = sessions_among(read, set(named.values()))
    found = {}
    for key, claim in zip(claim_keys(transaction), transaction.claims, strict=True):
        session = sessions.get(named.get(key, ""))
        if session and actor.sees(entity_id=session.entity_id, site_id=session.site_id):
            found[claim.segment] = Match(
                session_id=session.id,
                patient_id=session.patient_id,
                entity_id=session.entity_id,
                site_id=session.site_id,
            )
    return found


def _named_sessions(read: Read, remittance_id: str) -> dict[str, str]:
    """By the claim's key, what the newest decision about it says."""
    query = (
        select(RemittanceDecisionRow.claim_key, RemittanceDecisionRow.session_id)
        .where(
            RemittanceDecisionRow.remittance_id == remittance_id,
            RemittanceDecisionRow.kind.in_((DecisionKind.MATCH, DecisionKind.UNMATCH)),
        )
        .order_by(RemittanceDecisionRow.decided_at, RemittanceDecisionRow.id)
    )
    newest = {row.claim_key: row.session_id for row in read.session.execute(query)}
    return {key: session_id for key, session_id in newest.items() if session_id is not None}


def decisions_of(read: Read, remittance_id: str, actor: Actor) -> tuple[Decision, ...]:
    """Oldest first; without those of another clinic that took the payment for its own before."""
    query = (
        select(RemittanceDecisionRow)
        .where(RemittanceDecisionRow.remittance_id == remittance_id, *decided_for(actor.entity_id))
        .order_by(RemittanceDecisionRow.decided_at, RemittanceDecisionRow.id)
    )
    rows = read.session.scalars(query).all()
    content = content_of(read, remittance_id) if any(row.claim_key for row in rows) else None
    keys = claim_keys(content.transaction) if content else []
    sealed = {row.id: read.vault.open(DECISION, row.id, row.sealed) for row in rows}
    return tuple(
        Decision(
            kind=DecisionKind(row.kind),
            place=keys.index(row.claim_key) + 1 if row.claim_key in keys else None,
            session_id=row.session_id,
            reason=sealed[row.id]["reason"],
            decided_at=row.decided_at,
            decided_by=row.decided_by,
            apart=apart_in(sealed[row.id]),
        )
        for row in rows
    )


def apart_in(sealed: Mapping[str, Any]) -> tuple[ApartAdjustment, ...]:
    """What a decision set apart, as it was kept."""
    return tuple(
        ApartAdjustment(code=code, reference=reference, amount=Money(cents))
        for code, reference, cents in sealed.get("apart", ())
    )


def decided_for(entity_id: str | None) -> list[ColumnElement[bool]]:
    """By a clinic, or when the payment was nobody's yet; None is who sees all clinics."""
    if entity_id is None:
        return []
    whose = RemittanceDecisionRow.entity_id
    return [or_(whose.is_(None), whose == entity_id)]


def told_claims(
    read: Read,
    remittance_id: str,
    waiting: Waiting,
    *,
    after: int = 0,
    only: Sequence[int] | None = None,
    limit: int,
) -> tuple[ToldClaim, ...]:
    """All that was said of each claim behind a place, or of those at some places, in the order of the file.

    Whether the actor may see the remittance was asked before.
    """
    query = (
        select(RemittanceClaimRow)
        .where(RemittanceClaimRow.remittance_id == remittance_id, RemittanceClaimRow.place > after)
        .order_by(RemittanceClaimRow.place)
        .limit(limit)
    )
    if only is not None:
        query = query.where(RemittanceClaimRow.place.in_(only))
    rows = read.session.scalars(query).all()
    above = excess_of_claims(read, [row.id for row in rows])
    others = billed_otherwise(read, remittance_id, [row.id for row in rows])
    return tuple(_told(read, row, waiting, above.get(row.id, ZERO), others.get(row.id)) for row in rows)


def told_claim(read: Read, remittance_id: str, claim_id: str) -> ToldClaim:
    """Raises: AnswerChanged."""
    place, waiting = place_of(read, remittance_id, claim_id), waiting_of(read, remittance_id)
    (claim,) = told_claims(read, remittance_id, waiting, after=place - 1, limit=1)
    return claim


def count_claims(read: Read, remittance_id: str) -> int:
    query = select(func.count(RemittanceClaimRow.id)).where(RemittanceClaimRow.remittance_id == remittance_id)
    return read.session.scalar(query) or 0


def place_of(read: Read, remittance_id: str, claim_id: str) -> int:
    """Raises: AnswerChanged."""
    query = select(RemittanceClaimRow.place).where(
        RemittanceClaimRow.id == claim_id, RemittanceClaimRow.remittance_id == remittance_id
    )
    place = read.session.scalar(query)
    if place is None:
        raise AnswerChanged(
            "This remittance was looked at again meanwhile, or has no such claim. Load it again."
        )
    return place


def _told(
    read: Read, row: RemittanceClaimRow, waiting: Waiting, above: Money, other: BilledOtherwise | None
) -> ToldClaim:
    said = read.vault.open(CLAIM, row.id, row.sealed)
    return ToldClaim(
        id=row.id,
        place=row.place,
        control_number=row.control_number,
        payer_claim_number=row.payer_claim_number,
        claim_status=row.claim_status,
        charge=Money(row.charge_cents),
        paid=Money(row.paid_cents),
        patient_responsibility=Money(row.patient_cents),
        credit=Money(row.credit_cents),
        above=above,
        outcome=None if row.outcome is None else Outcome(row.outcome),
        session_id=row.session_id or waiting.sessions.get(row.place),
        is_matched_by_hand=row.place in waiting.by_hand,
        is_ours=row.claim_status != NOT_OURS,
        adjustments=_adjustments(said["adjustments"]),
        lines=tuple(
            ToldLine(
                procedure=line["procedure"],
                served_on=date.fromisoformat(line["served_on"]) if line["served_on"] else None,
                charge=Money(line["charge"]["cents"]),
                paid=Money(line["paid"]["cents"]),
                adjustments=_adjustments(line["adjustments"]),
            )
            for line in said["lines"]
        ),
        billed_otherwise=other,
    )


def _adjustments(kept: Iterable[Mapping[str, object]]) -> tuple[Adjustment, ...]:
    return tuple(_adjustment(each) for each in kept)


def _adjustment(kept: Mapping[str, object]) -> Adjustment:
    amount = kept["amount"]
    cents = amount["cents"] if isinstance(amount, Mapping) else 0
    return Adjustment(str(kept["group"]), str(kept["code"]), Money(cents))


def remittances_among(read: Read, remittance_ids: Iterable[str], actor: Actor) -> list[Remittance]:
    """Those of these that the actor may know of, without their claims."""
    query = select(RemittanceRow).where(*remittances_shown_to(actor))
    return [
        remittance_without_claims(row)
        for batch in batches(remittance_ids)
        for row in read.session.scalars(query.where(RemittanceRow.id.in_(batch)))
    ]


def copies_of(read: Read, remittance_ids: Iterable[str]) -> dict[str, Copies]:
    """By id, of those that came again."""
    copies = RemittanceCopyRow
    query = select(
        copies.remittance_id, func.count(copies.id).label("times"), func.max(copies.received_at).label("last")
    ).group_by(copies.remittance_id)
    return {
        row.remittance_id: Copies(count=row.times, last_at=row.last)
        for batch in batches(remittance_ids)
        for row in read.session.execute(query.where(copies.remittance_id.in_(batch)))
    }


def posted_with_number(read: Read, remittance_id: str) -> str | None:
    """Another posted one that may be the same check or transfer: of its entity, with its number.

    Banks pad numbers with zeros, and a payer that sends a payment again may date it, or name itself and the
    amount, otherwise: under one name or id a number is one payment. On paper names are typed: there the
    amount tells. One of nothing moves no money.
    """
    row = read.session.get_one(RemittanceRow, remittance_id)
    if not row.amount_cents:
        return None
    other = RemittanceRow
    has_its_amount = other.amount_cents == row.amount_cents
    query = select(other.id).where(
        other.state == RemittanceState.POSTED,
        other.id != row.id,
        other.entity_id == row.entity_id,
        func.upper(func.ltrim(other.trace, "0")) == row.trace.lstrip("0").upper(),
        or_(
            other.payer_id == row.payer_id,
            other.payer_name == row.payer_name,
            has_its_amount if row.is_on_paper else has_its_amount & other.is_on_paper,
        ),
    )
    return read.session.scalar(query.order_by(other.id.desc()).limit(1))


def sessions_with_papers(
    read: Read, actor: Actor, *, on: date | None = None, charge: Money | None = None, limit: int
) -> frozenset[str]:
    """Sessions of which a superbill or claim has this day and charge, the newest ones."""
    found: set[str] = set()
    for paper in PAPERS:
        query = select(paper.session_id).where(*within_reach(actor, paper))
        if on is not None:
            query = query.where(paper.service_on == on)
        if charge is not None:
            query = query.where(paper.charge_cents == charge.cents)
        found.update(read.session.scalars(query.order_by(paper.id.desc()).limit(limit)))
    return frozenset(found)


def known_payers(read: Read, actor: Actor) -> Sequence[KnownPayer]:
    """Who answered this clinic before, by name."""
    mine = [] if actor.entity_id is None else [RemittanceRow.entity_id == actor.entity_id]
    query = (
        select(RemittanceRow.payer_id, func.max(RemittanceRow.payer_name).label("name"))
        .where(*mine)
        .group_by(RemittanceRow.payer_id)
        .order_by(func.max(RemittanceRow.payer_name), RemittanceRow.payer_id)
        .limit(MOST_PAYERS)
    )
    return [KnownPayer(payer_id=row.payer_id, name=row.name) for row in read.session.execute(query)]


def booked_otherwise(read: Read, remittance_id: str) -> str | None:
    """Why one is not posted beside another that may be the same check or transfer: its money came once."""
    row = read.session.get_one(RemittanceRow, remittance_id)
    other = posted_with_number(read, row.id)
    if other is None or was_said(read, row.id, row.entity_id, DecisionKind.DISTINCT):
        return None
    first = read.session.get_one(RemittanceRow, other)
    how = "was keyed in from paper and posted" if first.is_on_paper else "is posted already"
    return (
        f"A payment of {Money(first.amount_cents)} with the number {first.trace}, of {first.paid_on}, {how}. "
        "Set this one aside if it is the same; if it is another payment, say so."
    )


def was_said(read: Read, remittance_id: str, entity_id: str | None, kind: DecisionKind) -> bool:
    """Whether somebody said so of the whole payment, for the books that it is for now."""
    query = select(RemittanceDecisionRow.id).where(
        RemittanceDecisionRow.remittance_id == remittance_id,
        RemittanceDecisionRow.kind == kind,
        *decided_for(entity_id),
    )
    return read.session.scalar(query.limit(1)) is not None
