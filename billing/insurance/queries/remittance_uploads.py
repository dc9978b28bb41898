"""Reads of files between their preview and their posting. Each is there for who sent it alone."""

from __future__ import annotations

from billing.insurance.errors import NoSuchUpload
from billing.insurance.models.remittances import RemittanceUploadRow
from billing.insurance.records.remittances import Upload
from billing.kernel.permissions import Actor
from billing.platform.data.database import Read

UPLOAD = RemittanceUploadRow.__tablename__


def find_upload(read: Read, upload_id: str, actor: Actor) -> Upload:
    """Raises: NoSuchUpload."""
    row = _row(read, upload_id, actor)
    outcome = read.vault.open(UPLOAD, row.id, row.outcome)["transactions"] if row.outcome else ()
    return Upload(
        id=row.id,
        uploaded_at=row.uploaded_at,
        posted_at=row.posted_at,
        outcome=[(remittance_id, status) for remittance_id, status in outcome],
    )


def content_of_upload(read: Read, upload_id: str, actor: Actor) -> bytes:
    """Raises: NoSuchUpload, also when it was posted."""
    row = _row(read, upload_id, actor)
    if row.sealed is None:
        raise no_such_upload()
    return read.vault.open_bytes(UPLOAD, row.id, row.sealed)


def no_such_upload() -> NoSuchUpload:
    return NoSuchUpload("There is no such file any more. Send it again.")


def _row(read: Read, upload_id: str, actor: Actor) -> RemittanceUploadRow:
    row = read.session.get(RemittanceUploadRow, upload_id)
    if row is None or row.uploaded_by != actor.id:
        raise no_such_upload()
    return row
