"""Files that staff send on a page: kept sealed between the preview and the posting, for a day at most."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete

from billing.insurance.models.remittances import RemittanceUploadRow
from billing.insurance.queries.remittance_uploads import UPLOAD, no_such_upload
from billing.kernel.ids import new_id
from billing.kernel.permissions import Actor
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx

KEPT_FOR = timedelta(days=1)


def keep_upload(tx: Tx, *, content: bytes, actor: Actor, now: datetime) -> str:
    """Keep a file for who sent it, and return its id; what was kept for longer than a day goes."""
    forget_uploads(tx, actor=actor, now=now)
    upload_id = new_id("rup")
    values = {
        "id": upload_id,
        "sealed": tx.vault.seal_bytes(UPLOAD, upload_id, content),
        "uploaded_at": now,
        "uploaded_by": actor.id,
    }
    tx.insert(RemittanceUploadRow, [values])
    record_audit(tx, actor=actor, action="remittance.upload", subject_id=upload_id, now=now)
    return upload_id


def forget_uploads(tx: Tx, *, actor: Actor, now: datetime) -> None:
    """What was kept for longer than a day goes, also when nobody sends another file."""
    tx.session.execute(delete(RemittanceUploadRow).where(RemittanceUploadRow.uploaded_at < now - KEPT_FOR))


def finish_upload(
    tx: Tx, *, upload_id: str, outcome: Sequence[tuple[str, str]], actor: Actor, now: datetime
) -> None:
    """It was posted: keep what became of each transaction, by its id, and the file no longer.

    Raises: NoSuchUpload, also when it was finished before.
    """
    row = tx.session.get(RemittanceUploadRow, upload_id, with_for_update=True, populate_existing=True)
    if row is None or row.uploaded_by != actor.id or row.posted_at is not None:
        raise no_such_upload()
    row.sealed, row.posted_at = None, now
    row.outcome = tx.vault.seal(UPLOAD, upload_id, {"transactions": [list(each) for each in outcome]})
