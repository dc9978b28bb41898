"""What keeps a claim here that was issued and not sent yet, whichever way it would go out."""

from __future__ import annotations

from billing.insurance.errors import ClaimKept
from billing.insurance.queries.figures import refuse_outdated, why_outdated
from billing.insurance.queries.other_payers import why_not_asked
from billing.insurance.records.claims import Frequency, IssuedClaim
from billing.insurance.states import ClaimState
from billing.platform.data.database import Read
from billing.platform.data.tasks import stands_open

CLAIM_AMENDED = "claim-amended"
"""The task: of a claim whose visit was amended since it was issued."""


def why_not_sent(read: Read, claim: IssuedClaim) -> str | None:
    """The reason; None also for one that was sent, of which anybody may look at a copy."""
    return _why_kept(read, claim) or why_outdated(read, claim)


def refuse_to_send(read: Read, claim: IssuedClaim) -> None:
    """Raises: ClaimKept; ClaimOutdated, with the figures."""
    if reason := _why_kept(read, claim):
        raise ClaimKept(reason)
    refuse_outdated(read, claim)


def _why_kept(read: Read, claim: IssuedClaim) -> str | None:
    """What the patient asked since, or who else has the visit, unless it takes a claim back: that tells the
    plan no more. Or what was signed since, unless a person closed the task to have it sent as it is."""
    if claim.state is not ClaimState.ISSUED:
        return None
    if claim.frequency is not Frequency.VOID and (reason := why_not_asked(read, claim)):
        return reason
    if stands_open(read, kind=CLAIM_AMENDED, subject_id=claim.id):
        deed = "Correct the claim anew" if claim.is_with_insurer else "Issue the claim again"
        return f"The visit was amended since. {deed}, or close its task to send it as it is."
    return None
