"""What the books say of a visit's charge and payments, and which papers of it say otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import select

from billing.insurance.errors import ClaimOutdated
from billing.insurance.models import ClaimRow
from billing.insurance.queries import present_superbill
from billing.insurance.queries.claims import claims_of_session
from billing.insurance.records import Paper
from billing.insurance.records.claims import Frequency, IssuedClaim
from billing.insurance.records.figures import Figures, OutdatedPaper, PaperKind
from billing.insurance.rules.figures import figures_of, still_holds
from billing.insurance.states import CLAIM_ENDS, CLAIM_UNSENT, ClaimState
from billing.invoices.queries import line_of_session
from billing.kernel.money import ZERO
from billing.kernel.permissions import Actor
from billing.payments.queries.payments import paid_for_session, settled_by_insurers
from billing.payments.queries.refunds import WHENEVER
from billing.payments.records.payments import Paid
from billing.platform.data.database import Read
from billing.platform.data.reach import within_reach


def payments_of(read: Read, session_id: str, until: datetime) -> tuple[Paid, ...]:
    """All that was paid towards a session up to an instant, by the patient, for them, or by an insurer."""
    return paid_for_session(read, session_id, until) + settled_by_insurers(read, session_id, until)


def figures_on(read: Read, session_id: str) -> Figures:
    """What a paper of the session would say; a clock that is behind hides nothing that is booked."""
    found = line_of_session(read, session_id)
    return figures_of(found[1].net if found else ZERO, payments_of(read, session_id, WHENEVER))


def is_any_outdated(read: Read, session_id: str) -> bool:
    """Whether the present superbill or claim of a session says what the books do not."""
    superbill = present_superbill(read, session_id)
    claims = [each for each in claims_of_session(read, session_id) if _tells(each)]
    if superbill is None and not claims:
        return False
    books = figures_on(read, session_id)
    if superbill and not still_holds(_told(superbill), books, is_out=True):
        return True
    return any(
        not still_holds(_told(claim), books, is_out=claim.state not in CLAIM_UNSENT) for claim in claims
    )


def outdated_papers(read: Read, actor: Actor, *, asked: Sequence[str]) -> list[OutdatedPaper]:
    """Present papers that say what the books do not, oldest service first; a visit's superbill comes first.

    Looked for among claims that wait to be sent, and the visits that a person was `asked` about.
    """
    unsent = select(ClaimRow.session_id).where(
        ClaimRow.state == ClaimState.ISSUED, *within_reach(actor, ClaimRow)
    )
    session_ids = {*read.session.scalars(unsent), *asked}
    found = [paper for each in sorted(session_ids) for paper in _outdated_of(read, each, actor)]
    return sorted(found, key=lambda paper: (paper.service_on, paper.session_id))


def _outdated_of(read: Read, session_id: str, actor: Actor) -> Iterator[OutdatedPaper]:
    superbill = present_superbill(read, session_id)
    claims = [each for each in claims_of_session(read, session_id) if _tells(each)]
    seen = [
        each
        for each in (*filter(None, [superbill]), *claims)
        if actor.sees(entity_id=each.entity_id, site_id=each.site_id)
    ]
    if not seen:
        return
    books = figures_on(read, session_id)
    for paper in seen:
        is_claim = isinstance(paper, IssuedClaim)
        is_sent = isinstance(paper, IssuedClaim) and paper.state not in CLAIM_UNSENT
        if still_holds(_told(paper), books, is_out=is_sent or not is_claim):
            continue
        yield OutdatedPaper(
            kind=PaperKind.CLAIM if is_claim else PaperKind.SUPERBILL,
            id=paper.id,
            number=paper.number,
            session_id=session_id,
            patient_id=paper.patient_id,
            service_on=paper.service_on,
            told=_told(paper),
            books=books,
            is_sent=is_sent,
            is_with_insurer=isinstance(paper, IssuedClaim) and paper.is_with_insurer,
        )


def refuse_outdated(read: Read, claim: IssuedClaim) -> None:
    """A claim that is still to be sent says what the books do.

    Raises: ClaimOutdated.
    """
    if reason := why_outdated(read, claim):
        books = figures_on(read, claim.session_id)
        raise ClaimOutdated(
            reason,
            told_charge_cents=claim.charge.cents,
            told_paid_cents=claim.paid.cents,
            charge_cents=books.charge.cents,
            paid_cents=books.paid.cents,
        )


def why_outdated(read: Read, claim: IssuedClaim) -> str | None:
    """The reason not to send a claim, with both figures; None also for one that was sent."""
    if claim.state is not ClaimState.ISSUED or not _tells(claim):
        return None
    told, books = _told(claim), figures_on(read, claim.session_id)
    if still_holds(told, books, is_out=False):
        return None
    deed = "Correct it anew" if claim.is_with_insurer else "Issue it anew"
    return (
        f"It says {told.charge} charged and {told.paid} paid; by now the books say {books.charge} "
        f"charged and {books.paid} paid. {deed}, then send that one."
    )


def _tells(claim: IssuedClaim) -> bool:
    """One that takes another back repeats what that one said."""
    return claim.state not in CLAIM_ENDS and claim.frequency is not Frequency.VOID


def _told(paper: Paper) -> Figures:
    return Figures(charge=paper.charge, paid=paper.paid)
