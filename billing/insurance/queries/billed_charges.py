"""What visits were billed at, where an insurer answers another charge, or pays the same one again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import select

from billing.insurance.models.remittances import RemittanceClaimRow, RemittanceRow
from billing.insurance.queries.papers import PAPERS
from billing.insurance.queries.standing_answers import answers_of_payer, is_reversed
from billing.insurance.records import Outcome
from billing.insurance.records.answers import BilledOtherwise
from billing.kernel.money import Money
from billing.platform.data.database import Read
from billing.platform.data.selects import batches

ANSWERED = (Outcome.REIMBURSED, Outcome.NOTHING_PAID, Outcome.PAID_TO_PATIENT, Outcome.PAID_TO_OTHER)


def billed_otherwise(
    read: Read, remittance_id: str, only: Collection[str] | None = None
) -> Mapping[str, BilledOtherwise]:
    """By the claim's id, of a posted payment or `only` of some of its claims.

    Which have a charge that is on no paper of their visit, or pay one that this payer's earlier answer paid.
    One that its payer reversed, or that is no answer to a charge, is not among them.
    """
    payer_id = read.session.get_one(RemittanceRow, remittance_id).payer_id
    standing = answers_of_payer(payer_id).where(RemittanceClaimRow.outcome.in_(ANSWERED), ~is_reversed())
    own = standing.where(RemittanceClaimRow.remittance_id == remittance_id)
    if only is not None:
        own = own.where(RemittanceClaimRow.id.in_(only))
    claims = read.session.scalars(own).all()
    billed = _charges_on_papers(read, {str(claim.session_id) for claim in claims})
    told: dict[str, int] = defaultdict(int)
    first_paid: dict[str, str] = {}
    for batch in batches({str(claim.session_id) for claim in claims}):
        of_batch = standing.where(RemittanceClaimRow.session_id.in_(batch)).order_by(RemittanceClaimRow.id)
        for claim in read.session.scalars(of_batch):
            if _is_other(claim, billed):
                told[str(claim.session_id)] += claim.charge_cents
            elif claim.outcome == Outcome.REIMBURSED:
                first_paid.setdefault(str(claim.session_id), claim.id)
    found = {}
    for claim in claims:
        session_id, charges = str(claim.session_id), billed.get(str(claim.session_id), ())
        if _is_other(claim, billed):
            is_part = told[session_id] in charges
            found[claim.id] = BilledOtherwise(billed=Money(charges[-1]), is_part=is_part)
        elif claim.outcome == Outcome.REIMBURSED and first_paid[session_id] != claim.id:
            found[claim.id] = BilledOtherwise(billed=Money(claim.charge_cents), is_part=False)
    return found


def remittances_about_the_same(read: Read, remittance_id: str) -> Collection[str]:
    """Other payments with an answer for a visit that this one is about."""
    claims = RemittanceClaimRow
    sessions = select(claims.session_id).where(
        claims.remittance_id == remittance_id, claims.session_id.is_not(None)
    )
    query = select(claims.remittance_id).where(
        claims.session_id.in_(sessions), claims.remittance_id != remittance_id
    )
    return read.session.scalars(query.distinct()).all()


def _is_other(claim: RemittanceClaimRow, billed: Mapping[str, Sequence[int]]) -> bool:
    """A visit without any paper was never billed."""
    charges = billed.get(str(claim.session_id), ())
    return bool(charges) and claim.charge_cents not in charges


def _charges_on_papers(read: Read, session_ids: Collection[str]) -> Mapping[str, Sequence[int]]:
    """In cents, by session, of all versions: an answer may be to an older one. The newest is the last."""
    found = [
        (row.issued_at, str(row.session_id), int(row.charge_cents))
        for paper in PAPERS
        for batch in batches(session_ids)
        for row in read.session.execute(
            select(paper.issued_at, paper.session_id, paper.charge_cents).where(paper.session_id.in_(batch))
        )
    ]
    charges: dict[str, list[int]] = defaultdict(list)
    for _, session_id, cents in sorted(found):
        charges[session_id].append(cents)
    return charges
