"""Editions of ICD-10-CM are loaded, and never changed; another one may take the place of one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import func, select

from billing.catalog.queries import conditions, entities
from billing.insurance.errors import EditionIncomplete, OtherEditionThere
from billing.insurance.models import DiagnosisEditionRow
from billing.insurance.queries import edition_on
from billing.insurance.records import LoadedEdition
from billing.insurance.rules.editions import billable_codes, packed, read_order_file, refuse_cut_off
from billing.kernel.ids import new_id
from billing.kernel.permissions import Actor
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx

LOADED_MEANWHILE = "Another edition was loaded at this very moment. Nothing was changed; load it again."


USUALLY_GONE = 10
"""A year drops some hundred codes of 74,000; a file that lacks one in ten is hardly the whole table."""


def load_edition(
    tx: Tx,
    *,
    content: bytes,
    starts_on: date,
    replaces: bool,
    may_remove: bool,
    actor: Actor,
    now: datetime,
) -> LoadedEdition:
    """Take the codes of CMS's order file for days of service from `starts_on` on.

    The same codes again change nothing. `replaces` lets other codes take the place of an edition that starts
    on the same day; superbills that were issued stay as they are. `may_remove` lets a tenth of the billable
    codes before, or more, be billable no more.
    Raises: UnreadableDiagnoses, OtherEditionThere, EditionIncomplete.
    """
    lines = read_order_file(content)
    before = edition_on(tx, starts_on)
    refuse_cut_off(lines, before.lines)
    is_there = before.starts_on == starts_on
    billable, billable_before = billable_codes(lines), billable_codes(before.lines)
    new, gone = len(billable - billable_before), len(billable_before - billable)
    is_known = is_there and lines == before.lines
    if is_there and not is_known and not replaces:
        raise OtherEditionThere(
            f"Another edition starts on {starts_on} already; this file has {new} billable codes more and "
            f"{gone} fewer. If it is to take that place, load it with --replace."
        )
    if gone * USUALLY_GONE >= len(billable_before) and not may_remove:
        raise EditionIncomplete(
            f"This file has {len(billable)} billable codes: {gone} of the {len(billable_before)} before "
            "would be billable no more. Is it the whole table? If it is, load it with --allow-removals."
        )
    if not is_known:
        _keep(tx, lines, len(billable), starts_on, actor, now)
    return LoadedEdition(
        starts_on=starts_on,
        status="unchanged" if is_known else "replaced" if is_there else "loaded",
        codes=len(lines),
        billable=len(billable),
        new=new,
        gone=gone,
        usual_not_billable=[code for code in _usual_codes(tx) if code.replace(".", "") not in billable],
    )


def _usual_codes(tx: Tx) -> Sequence[str]:
    """Those of every condition of every entity, each once."""
    listed = (condition.icd10 for entity in entities(tx) for condition in conditions(tx, entity.id))
    return sorted({code for codes in listed for code in codes})


def _keep(
    tx: Tx, lines: Sequence[str], billable_count: int, starts_on: date, actor: Actor, now: datetime
) -> None:
    versions = select(func.max(DiagnosisEditionRow.version)).where(DiagnosisEditionRow.starts_on == starts_on)
    content = packed(lines)
    edition_id, version = new_id("dxe"), (tx.session.scalar(versions) or 0) + 1
    row = {
        "id": edition_id,
        "starts_on": starts_on,
        "version": version,
        "code_count": len(lines),
        "billable_count": billable_count,
        "sha256": hashlib.sha256(content).hexdigest(),
        "content": content,
        "loaded_at": now,
        "loaded_by": actor.id,
    }
    tx.insert(DiagnosisEditionRow, [row], lambda _refused: OtherEditionThere(LOADED_MEANWHILE))
    detail: dict[str, str | int] = {
        "starts_on": starts_on.isoformat(),
        "version": version,
        "codes": len(lines),
    }
    record_audit(tx, actor=actor, action="diagnoses.load", subject_id=edition_id, now=now, detail=detail)
