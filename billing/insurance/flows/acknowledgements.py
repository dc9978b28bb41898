"""What was sent back for claims: a file is read, then taken whole."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from billing.insurance.errors import UnreadableAcknowledgement
from billing.insurance.flows.remittances import REFUSED, Run
from billing.insurance.ports import AcknowledgementReader
from billing.insurance.records.acknowledgements import AcknowledgedClaim, AcknowledgedFile
from billing.insurance.use_cases.acknowledgements import DUPLICATE, UNMATCHED, acknowledge_claims
from billing.kernel.permissions import Actor

TAKEN = "taken"


def take_acknowledgement(
    run: Run, reader: AcknowledgementReader, *, name: str, content: bytes, actor: Actor, now: datetime
) -> AcknowledgedFile:
    """Read a 999 or 277CA to its end, then take all of it in one transaction."""
    try:
        told = reader.read(content)
    except UnreadableAcknowledgement as error:
        return AcknowledgedFile(name=name, status=REFUSED, reason=error.detail)
    return taken_file(name, run(partial(acknowledge_claims, told=told, actor=actor, now=now)))


def taken_file(name: str, claims: tuple[AcknowledgedClaim, ...]) -> AcknowledgedFile:
    statuses = {claim.status for claim in claims}
    if UNMATCHED in statuses:
        return AcknowledgedFile(name=name, status=UNMATCHED, claims=claims)
    return AcknowledgedFile(name=name, status=DUPLICATE if statuses == {DUPLICATE} else TAKEN, claims=claims)
