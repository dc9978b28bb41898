"""Requests and their answers: the key, the request's hash and the sealed answer.

The effect of one transaction is kept with its answer. Where it takes several, the key is taken before the
first and the answer kept after the last.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import String, update
from sqlalchemy.orm import Mapped, mapped_column

from billing.platform.data.base import Base, Id
from billing.platform.data.database import Read, Tx
from billing.platform.data.errors import KeyReused
from billing.platform.data.inserts import insert_unless_there
from billing.platform.data.selects import row_where


class AnsweredRequest(Base):
    """Without `status` and `sealed` the key is taken, and its answer still to come."""

    __tablename__ = "answered_request"

    actor_id: Mapped[Id] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    request_sha256: Mapped[str] = mapped_column(String(64))
    status: Mapped[int | None]
    sealed: Mapped[bytes | None]


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
    row = row_where(read, AnsweredRequest, actor_id=actor_id, key=key)
    if row is None:
        return None
    if row.request_sha256 != request_sha256:
        raise KeyReused("This Idempotency-Key was used for another request. Use a new key.")
    if row.status is None or row.sealed is None:
        return None
    return Answer(row.status, read.vault.open_bytes("answered_request", f"{actor_id}/{key}", row.sealed))


def keep_answer(tx: Tx, *, actor_id: str, key: str, request_sha256: str, answer: Answer) -> None:
    """The transaction ends with an IntegrityError when the same key is being answered at this very moment."""
    row = {
        "actor_id": actor_id,
        "key": key,
        "request_sha256": request_sha256,
        "status": answer.status,
        "sealed": tx.vault.seal_bytes("answered_request", f"{actor_id}/{key}", answer.body),
    }
    tx.insert(AnsweredRequest, [row])


def take_key(tx: Tx, *, actor_id: str, key: str, request_sha256: str) -> Answer | None:
    """Give the key to this request before its first effect; the answer, when it was answered before.

    A request that broke off takes its key again.
    Raises: KeyReused when another request has the key, answered or not.
    """
    values = {"actor_id": actor_id, "key": key, "request_sha256": request_sha256}
    insert_unless_there(tx, AnsweredRequest, values, ["actor_id", "key"])
    return find_answer(tx, actor_id=actor_id, key=key, request_sha256=request_sha256)


def answer_taken(tx: Tx, *, actor_id: str, key: str, request_sha256: str, answer: Answer) -> Answer:
    """Keep the answer to a request that took its key, and return it: the first one that was kept stays."""
    sealed = tx.vault.seal_bytes("answered_request", f"{actor_id}/{key}", answer.body)
    tx.session.execute(
        update(AnsweredRequest)
        .where(
            AnsweredRequest.actor_id == actor_id, AnsweredRequest.key == key, AnsweredRequest.status.is_(None)
        )
        .values(status=answer.status, sealed=sealed)
    )
    return find_answer(tx, actor_id=actor_id, key=key, request_sha256=request_sha256) or answer
