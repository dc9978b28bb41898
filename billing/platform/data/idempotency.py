"""Requests that were answered: the key, the request's hash and the sealed answer, kept with their effect."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import String, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from billing.platform.data.base import Base, Id
from billing.platform.data.database import Read, Tx
from billing.platform.data.errors import KeyReused


class AnsweredRequest(Base):
    __tablename__ = "answered_request"

    actor_id: Mapped[Id] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    request_sha256: Mapped[str] = mapped_column(String(64))
    status: Mapped[int]
    sealed: Mapped[bytes]


@dataclass(frozen=True)
class RequestKey:
    """A caller's key for one request; a flow keeps it with its intent. `name` is unique to the actor."""

    name: str
    sha256: str


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes


def find_answer(read: Read, *, actor_id: str, key: str, request_sha256: str) -> Answer | None:
    """What this actor was told under this key.

    Raises: KeyReused when the key came with another request.
    """
    row = read.session.scalar(
        select(AnsweredRequest).where(AnsweredRequest.actor_id == actor_id, AnsweredRequest.key == key)
    )
    if row is None:
        return None
    if row.request_sha256 != request_sha256:
        raise KeyReused("This Idempotency-Key was used for another request. Use a new key.")
    return Answer(row.status, read.vault.open_bytes("answered_request", f"{actor_id}/{key}", row.sealed))


def keep_answer(tx: Tx, *, actor_id: str, key: str, request_sha256: str, answer: Answer) -> None:
    """Raises: IntegrityError when the same key is being answered at this very moment."""
    tx.session.execute(
        insert(AnsweredRequest).values(
            actor_id=actor_id,
            key=key,
            request_sha256=request_sha256,
            status=answer.status,
            sealed=tx.vault.seal_bytes("answered_request", f"{actor_id}/{key}", answer.body),
        )
    )
