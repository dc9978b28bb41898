"""Which diagnoses somebody chose for a visit already."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select

from billing.care.queries import plans_of
from billing.care.records import Session
from billing.insurance.models import SuperbillRow
from billing.insurance.queries import body_of_superbill
from billing.insurance.queries.claims import claims_of_session, facts_of_claim
from billing.insurance.rules.superbill import codes_of
from billing.insurance.states import CLAIM_ENDS, SuperbillState
from billing.platform.data.database import Read
from billing.platform.data.documents import find_document


def standing_diagnoses(read: Read, session: Session) -> tuple[str, ...]:
    """Those of the visit's present superbill or claim, or else of the newest present superbill of its plan.

    Only visits of the plan for the same condition count. Nobody chose any where there are none.
    """
    return next(_standing(read, session), ())


def on_superbill(read: Read, session_id: str) -> tuple[str, ...]:
    """The diagnoses of the present superbill of a visit; none without one."""
    shown = body_of_superbill(read, session_id)
    return codes_of(shown) if shown else ()


def _standing(read: Read, session: Session) -> Iterator[tuple[str, ...]]:
    if own := on_superbill(read, session.id):
        yield own
    for claim in reversed(claims_of_session(read, session.id)):
        if claim.state not in CLAIM_ENDS:
            yield facts_of_claim(read, claim).diagnoses
    query = (
        select(SuperbillRow.document_id)
        .where(
            SuperbillRow.session_id.in_(_like_it(read, session)),
            SuperbillRow.state == SuperbillState.ISSUED,
        )
        .order_by(SuperbillRow.service_on.desc(), SuperbillRow.id.desc())
        .limit(1)
    )
    for document_id in read.session.scalars(query):
        yield codes_of(find_document(read, document_id).body)


def _like_it(read: Read, session: Session) -> list[str]:
    """The other visits of its plan for the same condition."""
    return [
        other.id
        for plan in plans_of(read, session.patient_id)
        for other in plan.sessions
        if (other.plan_id, other.condition) == (session.plan_id, session.condition) and other.id != session.id
    ]
