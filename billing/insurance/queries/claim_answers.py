"""What insurers answered of a session, as it was posted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import aliased

from billing.insurance.models import ClaimRow
from billing.insurance.models.remittances import RemittanceClaimRow, RemittanceRow
from billing.insurance.queries.claims import claim_on_file
from billing.insurance.records import Outcome
from billing.insurance.records.claims import AnswerReason, ClaimAnswer, Frequency, IssuedClaim
from billing.insurance.rules.answers import REVERSAL
from billing.insurance.states import CLAIM_ANSWERED, CLAIM_ENDS, CLAIM_UNSENT, ClaimState, RemittanceState
from billing.kernel.money import Money
from billing.platform.data.database import Read
from billing.platform.data.selects import batches


def answers_of_session(read: Read, session_id: str) -> tuple[ClaimAnswer, ...]:
    """The oldest first; those of a payment that is parked are not posted yet, and not among them."""
    return tuple(answers_among(read, [session_id]).get(session_id, ()))


def answers_among(read: Read, session_ids: Collection[str]) -> Mapping[str, Sequence[ClaimAnswer]]:
    """By session, as `answers_of_session`; those without an answer are left out."""
    found: dict[str, list[ClaimAnswer]] = defaultdict(list)
    for batch in batches(session_ids):
        query = (
            select(RemittanceClaimRow, RemittanceRow)
            .join(RemittanceRow, RemittanceRow.id == RemittanceClaimRow.remittance_id)
            .where(RemittanceClaimRow.session_id.in_(batch), RemittanceRow.state == RemittanceState.POSTED)
            .order_by(RemittanceRow.paid_on, RemittanceRow.id, RemittanceClaimRow.place)
        )
        for claim, remittance in read.session.execute(query):
            found[str(claim.session_id)].append(_answer(read, claim, remittance))
    return found


def claims_without_answer(read: Read, session_ids: Collection[str]) -> Mapping[str, datetime]:
    """Since when the insurer has the claims that it has not decided, by session."""
    return {
        session_id: filed_at
        for batch in batches(session_ids)
        for session_id, filed_at in read.session.execute(
            select(ClaimRow.session_id, ClaimRow.filed_at).where(
                ClaimRow.session_id.in_(batch),
                ClaimRow.filed_at.is_not(None),
                ClaimRow.state.not_in([*CLAIM_ENDS, *CLAIM_UNSENT, *CLAIM_ANSWERED]),
            )
        )
        if filed_at is not None
    }


def answers_to(read: Read, claim: IssuedClaim) -> list[ClaimAnswer]:
    """What came since the claim was filed; before, the version before it was answered, or the superbill."""
    since = claim.filed_at or claim.issued_at
    return [each for each in answers_of_session(read, claim.session_id) if each.received_at >= since]


def answered_unsent(read: Read, claim: IssuedClaim) -> datetime | None:
    """When the first answer to a version was read that nobody had said was sent; None without one."""
    return answered_unsent_among(read, [claim]).get(claim.id)


def answered_unsent_among(read: Read, claims: Sequence[IssuedClaim]) -> Mapping[str, datetime]:
    """By the claim's id, as `answered_unsent`."""
    answers = answers_among(read, {claim.session_id for claim in claims})
    found = {claim.id: _first_answer(claim, answers.get(claim.session_id, ())) for claim in claims}
    return {claim_id: read_at for claim_id, read_at in found.items() if read_at is not None}


def _first_answer(claim: IssuedClaim, answers: Iterable[ClaimAnswer]) -> datetime | None:
    """When it was read.

    What has the payer's number of the claim that this one replaces answers that one. A claim that takes
    another back is answered by a reversal alone.
    """
    is_void = claim.frequency is Frequency.VOID
    read_at = (
        each.received_at
        for each in answers
        if each.received_at >= claim.issued_at
        and (each.status == REVERSAL) is is_void
        and (is_void or each.payer_claim_number != claim.original_reference)
    )
    return min(read_at, default=None)


def filed_sessions_answered(read: Read, remittance_id: str) -> Sequence[str]:
    """The sessions that a payment is about and of which a claim is with the insurer, in order."""
    query = (
        select(ClaimRow.session_id)
        .join(RemittanceClaimRow, RemittanceClaimRow.session_id == ClaimRow.session_id)
        .where(
            RemittanceClaimRow.remittance_id == remittance_id,
            ClaimRow.state.not_in([*CLAIM_ENDS, *CLAIM_UNSENT]),
        )
        .distinct()
        .order_by(ClaimRow.session_id)
    )
    return read.session.scalars(query).all()


def closed_claims_answered(read: Read, remittance_id: str) -> Sequence[IssuedClaim]:
    """The closed claims that no version follows, of the sessions that a payment is about, in order."""
    later = aliased(ClaimRow)
    query = (
        select(ClaimRow)
        .join(RemittanceClaimRow, RemittanceClaimRow.session_id == ClaimRow.session_id)
        .where(
            RemittanceClaimRow.remittance_id == remittance_id,
            ClaimRow.state == ClaimState.CLOSED,
            ~exists().where(later.session_id == ClaimRow.session_id, later.version > ClaimRow.version),
        )
        .order_by(ClaimRow.session_id)
    )
    return [claim_on_file(row) for row in read.session.scalars(query).unique()]


def was_posted_before(read: Read, remittance_id: str) -> bool:
    """Whether the very same was posted and undone before: it says nothing new."""
    row, before = read.session.get_one(RemittanceRow, remittance_id), RemittanceRow
    query = select(before.id).where(
        before.state == RemittanceState.UNDONE,
        before.payer_id == row.payer_id,
        before.trace == row.trace,
        before.amount_cents == row.amount_cents,
        before.paid_on == row.paid_on,
        before.content_sha256 == row.content_sha256,
    )
    return read.session.scalar(query.limit(1)) is not None


def _answer(read: Read, claim: RemittanceClaimRow, remittance: RemittanceRow) -> ClaimAnswer:
    said = read.vault.open(RemittanceClaimRow.__tablename__, claim.id, claim.sealed)
    return ClaimAnswer(
        remittance_id=remittance.id,
        payer_name=remittance.payer_name,
        trace=remittance.trace,
        paid_on=remittance.paid_on,
        received_at=remittance.received_at,
        status=claim.claim_status,
        outcome=None if claim.outcome is None else Outcome(claim.outcome),
        payer_claim_number=claim.payer_claim_number,
        charge=Money(claim.charge_cents),
        paid=Money(claim.paid_cents),
        patient_share=Money(claim.patient_cents),
        reasons=(
            *_reasons("", said["adjustments"]),
            *(
                reason
                for line in said["lines"]
                for reason in _reasons(line["procedure"], line["adjustments"])
            ),
        ),
        remarks=tuple(said.get("remarks", ())),
    )


def _reasons(procedure: str, adjustments: Iterable[Mapping[str, Any]]) -> Iterable[AnswerReason]:
    for each in adjustments:
        amount = Money(each["amount"]["cents"])
        yield AnswerReason(group=each["group"], code=each["code"], amount=amount, procedure=procedure)
