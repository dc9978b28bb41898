"""Claims on paper: what was issued and not sent yet, printed and filed by mail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select

from billing.insurance.errors import ClaimFlawed
from billing.insurance.models import ClaimRow
from billing.insurance.queries.claims import claim_on_file, facts_of_claim
from billing.insurance.queries.other_payers import why_not_asked
from billing.insurance.records.claims import Claim, Frequency, IssuedClaim
from billing.insurance.rules.cms1500 import paper_flaws
from billing.insurance.states import CLAIM_ENDS, ClaimState
from billing.insurance.use_cases.claim_files import issued_claims, refusal
from billing.insurance.use_cases.claim_moves import file_claim
from billing.kernel.permissions import Actor
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx
from billing.platform.data.reach import within_reach

Printed = tuple[tuple[IssuedClaim, Claim], ...]
"""Each claim, and what its sheets say."""


def file_on_paper(tx: Tx, *, starts_on: date, ends_on: date, actor: Actor, now: datetime) -> Printed:
    """File the claims of these days of service that were issued and not sent yet: all of them, or none.

    Raises: ClaimFlawed, also for what does not fit into its box of the form.
    """
    told = issued_claims(tx, starts_on=starts_on, ends_on=ends_on, actor=actor, now=now)
    if found := [(row, flaw) for row, facts in told for flaw in paper_flaws(facts)]:
        raise refusal(tx, "Some claims do not fit on the form. Nothing was filed.", found)
    return tuple(
        (file_claim(tx, claim_id=row.id, sent_at=now, actor=actor, now=now), facts) for row, facts in told
    )


@dataclass(frozen=True, kw_only=True)
class PrintedAgain:
    """`left_out` are claims that were sent on paper and are not sent again, each with the reason."""

    printed: Printed
    left_out: tuple[tuple[IssuedClaim, str], ...]


_ENDED = {
    ClaimState.REPLACED: "Another version took its place.",
    ClaimState.VOIDED: "It was withdrawn or taken back.",
    ClaimState.CLOSED: "It was closed.",
}


def print_again(tx: Tx, *, starts_on: date, ends_on: date, actor: Actor, now: datetime) -> PrintedAgain:
    """The claims of these days of service that were filed otherwise than in a file, to print once more.

    Those that ended, or that the plan may not be told any more, are left out.
    Raises: ClaimFlawed.
    """
    query = (
        select(ClaimRow)
        .where(
            ClaimRow.filed_at.is_not(None),
            ClaimRow.file_id.is_(None),
            ClaimRow.service_on.between(starts_on, ends_on),
            *within_reach(actor, ClaimRow),
        )
        .order_by(ClaimRow.id)
    )
    claims = [claim_on_file(row) for row in tx.session.scalars(query)]
    reasons = {claim.id: _why_not_again(tx, claim) for claim in claims}
    printed = tuple((each, facts_of_claim(tx, each)) for each in claims if reasons[each.id] is None)
    for claim, facts in printed:
        if paper_flaws(facts):
            raise ClaimFlawed(f"{claim.number} does not fit on the form.", paper_flaws(facts))
        record_audit(tx, actor=actor, action="claim.print-again", subject_id=claim.id, now=now)
    left_out = tuple((each, reason) for each in claims if (reason := reasons[each.id]))
    return PrintedAgain(printed=printed, left_out=left_out)


def _why_not_again(tx: Tx, claim: IssuedClaim) -> str | None:
    """One that takes another back tells the plan no more, whatever was asked since."""
    if claim.state in CLAIM_ENDS:
        return _ENDED[claim.state]
    return None if claim.frequency is Frequency.VOID else why_not_asked(tx, claim)
