"""Issued documents: their facts frozen as canonical JSON, rendered once, kept as bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import ForeignKey, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column

from billing.kernel.ids import new_id
from billing.platform.data.base import Base, Id
from billing.platform.data.database import Database, Read, Tx
from billing.platform.data.errors import DocumentMissing
from billing.platform.data.inserts import insert_unless_there
from billing.platform.data.selects import row_where


class Document(Base):
    __tablename__ = "document"
    __table_args__ = (UniqueConstraint("kind", "subject_id", "version"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(30))
    subject_id: Mapped[Id]
    version: Mapped[int]
    sealed: Mapped[bytes]
    sha256: Mapped[str] = mapped_column(String(64))
    frozen_at: Mapped[datetime]


class Rendering(Base):
    __tablename__ = "rendering"

    document_id: Mapped[Id] = mapped_column(ForeignKey("document.id"), primary_key=True)
    media_type: Mapped[str] = mapped_column(String(60))
    sealed: Mapped[bytes]
    sha256: Mapped[str] = mapped_column(String(64))
    rendered_at: Mapped[datetime]


@dataclass(frozen=True, kw_only=True)
class FrozenDocument:
    id: str
    kind: str
    subject_id: str
    version: int
    body: Mapping[str, Any]
    sha256: str
    frozen_at: datetime


def canonical_json(value: Any) -> bytes:
    """The same value always gives the same bytes: sorted keys, no spaces, no floats from us."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def freeze(
    tx: Tx, *, kind: str, subject_id: str, version: int, body: Mapping[str, Any], now: datetime
) -> FrozenDocument:
    """Keep the facts of a document for ever. The hash is that of the canonical JSON."""
    document_id, content = new_id("doc"), canonical_json(dict(body))
    sha256 = hashlib.sha256(content).hexdigest()
    sealed = tx.vault.seal_bytes("document", document_id, content)
    row = {
        "id": document_id,
        "kind": kind,
        "subject_id": subject_id,
        "version": version,
        "sealed": sealed,
        "sha256": sha256,
        "frozen_at": now,
    }
    tx.insert(Document, [row])
    return FrozenDocument(
        id=document_id,
        kind=kind,
        subject_id=subject_id,
        version=version,
        body=orjson.loads(content),
        sha256=sha256,
        frozen_at=now,
    )


def documents_about(read: Read, *, kind: str, subject_id: str) -> list[FrozenDocument]:
    """Every version of one kind of document about something, the oldest first.

    Raises: DocumentMissing, as `find_document`.
    """
    query = select(Document.id).where(Document.kind == kind, Document.subject_id == subject_id)
    return [find_document(read, each) for each in read.session.scalars(query.order_by(Document.version))]


def find_document(read: Read, document_id: str) -> FrozenDocument:
    """Raises: DocumentMissing, also when the bytes no longer match their hash."""
    row = row_where(read, Document, id=document_id)
    if row is None:
        raise DocumentMissing(f"There is no document {document_id}.")
    content = read.vault.open_bytes("document", row.id, row.sealed)
    if hashlib.sha256(content).hexdigest() != row.sha256:
        raise DocumentMissing(f"Document {document_id} does not match its hash. Run `flask verify`.")
    return FrozenDocument(
        id=row.id,
        kind=row.kind,
        subject_id=row.subject_id,
        version=row.version,
        body=orjson.loads(content),
        sha256=row.sha256,
        frozen_at=row.frozen_at,
    )


def store_rendering(tx: Tx, *, document_id: str, media_type: str, content: bytes, now: datetime) -> None:
    """Keep the first rendering; a second one changes nothing."""
    values = {
        "document_id": document_id,
        "media_type": media_type,
        "sealed": tx.vault.seal_bytes("rendering", document_id, content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "rendered_at": now,
    }
    insert_unless_there(tx, Rendering, values, ["document_id"])


def find_rendering(read: Read, document_id: str) -> bytes | None:
    sealed = read.session.scalar(select(Rendering.sealed).where(Rendering.document_id == document_id))
    return None if sealed is None else read.vault.open_bytes("rendering", document_id, sealed)


def rendered_once(
    database: Database,
    render: Callable[[Mapping[str, Any]], bytes],
    *,
    document_id: str,
    now: datetime,
    media_type: str = "application/pdf",
) -> bytes:
    """The file of a document, drawn and kept when nobody has drawn it yet.

    Who draws at the same moment as another gets the bytes that were kept first.
    """
    with database.reading() as read:
        if kept := find_rendering(read, document_id):
            return kept
        body = find_document(read, document_id).body
    content = render(body)

    def keep(tx: Tx) -> bytes:
        store_rendering(tx, document_id=document_id, media_type=media_type, content=content, now=now)
        return find_rendering(tx, document_id) or content

    return database.in_transaction(keep)
