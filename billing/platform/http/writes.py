"""A POST's effect and its answer, kept together, so that the same request twice happens once."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import orjson
from flask import Response, request
from marshmallow import Schema
from sqlalchemy.exc import IntegrityError

from billing.kernel.errors import BillingError, Flaw
from billing.platform.data.database import Read, Tx
from billing.platform.data.idempotency import (
    Answer,
    RequestKey,
    answer_taken,
    find_answer,
    keep_answer,
    take_key,
)
from billing.platform.http.edge import Edge
from billing.platform.http.errors import InvalidRequest, KeyRequired, SecretToldOnce
from billing.platform.http.guard import current_actor

KEY_PATTERN = re.compile(r"[\x21-\x7e]{1,255}")
TOLD_ONCE = Answer(409, b"")
"""What is kept in the place of an answer that carries a secret."""


def idempotency_key(*, moves_money: bool) -> str | None:
    """The request's key.

    Raises: KeyRequired for a request that moves money without one; InvalidRequest for an unusable one.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None and moves_money:
        raise KeyRequired("This moves money: send an Idempotency-Key header, and the same one to retry.")
    return None if key is None else usable_key(key)


def usable_key(key: str) -> str:
    """Raises: InvalidRequest."""
    if not KEY_PATTERN.fullmatch(key):
        flaw = Flaw("Idempotency-Key", "Use 1 to 255 visible ASCII characters.")
        raise InvalidRequest("The Idempotency-Key cannot be used.", [flaw])
    return key


def request_sha256() -> str:
    """What the key of an API request stands for: method, path, query and the raw body."""
    return sha256_with(request.get_data())


def sha256_with(content: bytes) -> str:
    """Method, path, query, and what the request carries."""
    told = f"{request.method} {request.full_path}\n".encode() + content
    return hashlib.sha256(told).hexdigest()


def request_key() -> RequestKey:
    """The key of a request whose effect takes several transactions.

    Raises: KeyRequired, InvalidRequest.
    """
    return RequestKey(f"{current_actor().id}/{idempotency_key(moves_money=True)}", request_sha256())


def edge_write(
    edge: Edge,
    work: Callable[[Tx], Any],
    view: type[Schema],
    *,
    status: int = 201,
    moves_money: bool = False,
) -> Response:
    """Run one write and answer with its record as `view` shows it; a repeated key repeats the answer."""
    key, dump = idempotency_key(moves_money=moves_money), schema_of(view).dump

    def answer(tx: Tx) -> Answer:
        return Answer(status, orjson.dumps(dump(work(tx))))

    return as_json(once(edge, key, request_sha256(), answer))


def edge_deed(
    edge: Edge,
    use_case: Callable[..., Any],
    view: type[Schema],
    *,
    status: int = 201,
    moves_money: bool = False,
    **what: Any,
) -> Response:
    """`edge_write` of one use case, as the request's actor does it now."""
    actor, now = current_actor(), edge.clock()
    return edge_write(
        edge,
        lambda tx: use_case(tx, **what, actor=actor, now=now),
        view,
        status=status,
        moves_money=moves_money,
    )


def edge_write_secret(edge: Edge, work: Callable[[Tx], Any], view: type[Schema]) -> Response:
    """Like `edge_write`, for an answer that carries a secret: it is told once, and nobody keeps it.

    Raises: SecretToldOnce for a repeated key.
    """
    key, dump = idempotency_key(moves_money=False), schema_of(view).dump

    def answer(tx: Tx) -> Answer:
        return Answer(201, orjson.dumps(dump(work(tx))))

    told = once(edge, key, request_sha256(), answer, kept=lambda _: TOLD_ONCE)
    if told == TOLD_ONCE:
        raise SecretToldOnce(
            "This request was answered before, with a secret that is told once. "
            "If that answer is lost, ask again under a new Idempotency-Key."
        )
    return as_json(told)


def edge_flow(edge: Edge, flow: Callable[[], Any], view: type[Schema], *, status: int = 200) -> Response:
    """Like `edge_write`, for what moves money in several transactions, each harmless a second time.

    The key is taken before the first: another request never runs under it, an answered one never again. One
    that broke off, or is still under way, is run once more; the first answer that is kept is everybody's.
    """
    key = str(idempotency_key(moves_money=True))
    asked = {"actor_id": current_actor().id, "key": key, "request_sha256": request_sha256()}
    told = edge.database.in_transaction(lambda tx: take_key(tx, **asked))
    if told is None:
        answer = Answer(status, orjson.dumps(schema_of(view).dump(flow())))
        told = edge.database.in_transaction(lambda tx: answer_taken(tx, **asked, answer=answer))
    return as_json(told)


@cache
def schema_of(view: type[Schema]) -> Schema:
    """A schema that all requests share: to make one anew costs as much as to show a record by it."""
    return view()


def once(
    edge: Edge,
    key: str | None,
    sha256: str,
    work: Callable[[Tx], Answer],
    *,
    kept: Callable[[Answer], Answer] = lambda answer: answer,
) -> Answer:
    """Do the work of the first request under the actor's key, and tell further ones what was kept of it.

    `sha256` is what the key stands for. Without a key the work is done each time.
    Raises: KeyReused when the key came with another request.
    """
    if key is None:
        return edge.database.in_transaction(work)
    actor_id = current_actor().id

    def find(read: Read) -> Answer | None:
        return find_answer(read, actor_id=actor_id, key=key, request_sha256=sha256)

    def do(tx: Tx) -> Answer:
        if told := find(tx):
            return told
        answer = work(tx)
        keep_answer(tx, actor_id=actor_id, key=key, request_sha256=sha256, answer=kept(answer))
        return answer

    try:
        return edge.database.in_transaction(do)
    except (IntegrityError, BillingError):
        # Perhaps the same key was answered by another process meanwhile: say what it said.
        told = edge.read(find)
        if told is None:
            raise
        return told


def as_json(answer: Answer) -> Response:
    return Response(answer.body, status=answer.status, mimetype="application/json")
