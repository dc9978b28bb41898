"""Reads of appeal letters."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from billing.catalog.queries import find_site
from billing.insurance.errors import NoSuchAppeal
from billing.insurance.models import ClaimFileRow, ClaimRow
from billing.insurance.queries.acknowledgements import notices_of
from billing.insurance.queries.claims import find_claim
from billing.insurance.records.acknowledgements import Verdict
from billing.insurance.records.claims import IssuedClaim
from billing.insurance.records.denials import AppealLetter
from billing.insurance.rules.appeal import Filed
from billing.kernel.clock import local_date
from billing.kernel.permissions import Actor
from billing.platform.data.database import Read
from billing.platform.data.documents import FrozenDocument, documents_about

APPEAL = "appeal"
"""The kind of document; its subject is the claim."""


def letters_of(read: Read, claim: IssuedClaim) -> Sequence[AppealLetter]:
    """The oldest first."""
    return [letter_of(claim, each) for each in documents_about(read, kind=APPEAL, subject_id=claim.id)]


def find_letter(read: Read, claim_id: str, letter_id: str, actor: Actor) -> AppealLetter:
    """Raises: NoSuchClaim, NoSuchAppeal."""
    claim = find_claim(read, claim_id, actor)
    found = next((each for each in letters_of(read, claim) if each.id == letter_id), None)
    if found is None:
        raise NoSuchAppeal("There is no such letter. Look at the claim.")
    return found


def letter_of(claim: IssuedClaim, document: FrozenDocument) -> AppealLetter:
    return AppealLetter(
        id=document.id,
        claim_id=claim.id,
        number=claim.number,
        version=document.version,
        sha256=document.sha256,
        written_at=document.frozen_at,
    )


def proof_of_filing(read: Read, claim: IssuedClaim) -> Filed:
    """Of a claim that was sent; days are those of its site."""
    zone = ZoneInfo(find_site(read, claim.site_id).timezone)
    row = read.session.get_one(ClaimRow, claim.id)
    number = row.interchange_number
    if row.file_id:
        number = read.session.get_one(ClaimFileRow, row.file_id).control_number
    notices = notices_of(read, [claim.id]).get(claim.id, [])
    accepted = next((each for each in notices if each.verdict is Verdict.ACCEPTED), None)
    return Filed(
        on=local_date(claim.filed_at or claim.issued_at, zone),
        control_number=number,
        accepted_on=local_date(accepted.received_at, zone) if accepted else None,
        accepted_by_codes=accepted.codes if accepted else (),
    )
