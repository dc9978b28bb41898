"""The one write of this room: an export is a disclosure, and the trail says who took what."""

from __future__ import annotations

from datetime import datetime

from billing.accounting.records import Export
from billing.kernel.permissions import Actor
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx

EVERY_ENTITY = "all"


def disclose(tx: Tx, *, export: Export, actor: Actor, now: datetime) -> None:
    """Keep an export on the audit trail; called before its first byte leaves."""
    detail = {"format": str(export.format), "from": str(export.since), "to": str(export.until)}
    record_audit(
        tx,
        actor=actor,
        action=f"export.{export.kind}",
        subject_id=actor.entity_id or EVERY_ENTITY,
        now=now,
        detail=detail,
    )
