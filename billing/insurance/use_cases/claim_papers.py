"""Claims on paper: what was issued and not sent yet, printed and filed by mail."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import select

from billing.insurance.errors import ClaimFlawed
from billing.insurance.models import ClaimRow
from billing.insurance.queries.claims import claim_on_file, facts_of_claim
from billing.insurance.records.claims import Claim, IssuedClaim
from billing.insurance.rules.cms1500 import paper_flaws
from billing.insurance.states import CLAIM_ENDS
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


def print_again(tx: Tx, *, starts_on: date, ends_on: date, actor: Actor, now: datetime) -> Printed:
    """The claims of these days of service that were filed otherwise than in a file, to print once more.

    Those of which another version took the place, or that are withdrawn or closed, are not sent again.
    Raises: ClaimFlawed.
    """
    query = (
        select(ClaimRow)
        .where(
            ClaimRow.filed_at.is_not(None),
            ClaimRow.file_id.is_(None),
            ClaimRow.state.not_in(CLAIM_ENDS),
            ClaimRow.service_on.between(starts_on, ends_on),
            *within_reach(actor, ClaimRow),
        )
        .order_by(ClaimRow.id)
    )
    claims = [claim_on_file(row) for row in tx.session.scalars(query)]
    printed = tuple((claim, facts_of_claim(tx, claim)) for claim in claims)
    for claim, facts in printed:
        if paper_flaws(facts):
            raise ClaimFlawed(f"{claim.number} does not fit on the form.", paper_flaws(facts))
        record_audit(tx, actor=actor, action="claim.print-again", subject_id=claim.id, now=now)
    return printed
