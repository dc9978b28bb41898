"""What the processor tells us: kept before it is acknowledged, worked off later, once each."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from billing.kernel.permissions import Actor
from billing.payments.models.inbox import WebhookEventRow
from billing.payments.records.checkouts import Event
from billing.platform.data.database import Tx
from billing.platform.data.jobs import enqueue

WORK_WEBHOOK = "work-webhook"
STRIPE = "stripe"


def keep_event(tx: Tx, *, event: Event, payload: bytes, actor: Actor, now: datetime) -> bool:
    """Keep an event and enqueue its work; False when it had come before."""
    dialect = tx.session.get_bind().dialect.name
    statement = (sqlite_insert if dialect == "sqlite" else postgresql_insert)(WebhookEventRow).values(
        source=STRIPE,
        event_id=event.id,
        kind=event.kind,
        object_id=event.object_id,
        sealed=tx.vault.seal_bytes("webhook_event", event.id, payload),
        received_at=now,
    )
    kept = tx.session.scalar(statement.on_conflict_do_nothing().returning(WebhookEventRow.event_id))
    if kept is None:
        return False
    payload_ids = {"kind": event.kind, "object_id": event.object_id}
    enqueue(tx, kind=WORK_WEBHOOK, key=event.id, payload=payload_ids, due_at=now)
    return True
