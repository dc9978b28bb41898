"""Codes that a clinic bills by are loaded, and never changed; others may take the place of one day's."""

from __future__ import annotations

import hashlib
from datetime import date, datetime

from sqlalchemy import func, select

from billing.catalog.queries import find_entity
from billing.insurance.errors import OtherCodesThere
from billing.insurance.models import CodeSetRow
from billing.insurance.queries.coding import loaded_codes
from billing.insurance.records.coding import CodeSet, LoadedCodes
from billing.insurance.rules.code_sets import read_codes, written_codes
from billing.kernel.ids import new_id
from billing.kernel.permissions import Actor
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx

LOADED_MEANWHILE = "Other codes were loaded at this very moment. Nothing was changed; load them again."


def load_codes(
    tx: Tx,
    *,
    entity_id: str,
    content: bytes,
    starts_on: date,
    replaces: bool = False,
    actor: Actor,
    now: datetime,
) -> LoadedCodes:
    """Bill by the codes of a clinic's file for days of service from `starts_on` on.

    The same codes again change nothing. `replaces` lets other codes take the place of a set that starts on
    the same day; what was issued stays as it is.
    Raises: UnreadableCodes, OtherCodesThere.
    """
    codes = read_codes(content, starts_on)
    before = loaded_codes(tx, entity_id, starts_on)
    is_there = before is not None and before.starts_on == starts_on
    is_known = is_there and before == codes
    if is_there and not is_known and not replaces:
        raise OtherCodesThere(
            f"Other codes start on {starts_on} already. If these are to take their place, load them with "
            "--replace."
        )
    if not is_known:
        _keep(tx, entity_id, codes, actor, now)
    return LoadedCodes(
        clinic=find_entity(tx, entity_id).slug,
        starts_on=starts_on,
        status="unchanged" if is_known else "replaced" if is_there else "loaded",
        rows=len(codes.rows),
    )


def _keep(tx: Tx, entity_id: str, codes: CodeSet, actor: Actor, now: datetime) -> None:
    newest = select(func.max(CodeSetRow.version)).where(
        CodeSetRow.entity_id == entity_id, CodeSetRow.starts_on == codes.starts_on
    )
    content, set_id = written_codes(codes), new_id("cst")
    version = (tx.session.scalar(newest) or 0) + 1
    row = {
        "id": set_id,
        "entity_id": entity_id,
        "starts_on": codes.starts_on,
        "version": version,
        "sha256": hashlib.sha256(content.encode()).hexdigest(),
        "content": content,
        "loaded_at": now,
        "loaded_by": actor.id,
    }
    tx.insert(CodeSetRow, [row], lambda _refused: OtherCodesThere(LOADED_MEANWHILE))
    detail: dict[str, str | int] = {
        "starts_on": codes.starts_on.isoformat(),
        "version": version,
        "rows": len(codes.rows),
    }
    record_audit(tx, actor=actor, action="codes.load", subject_id=set_id, now=now, detail=detail)
