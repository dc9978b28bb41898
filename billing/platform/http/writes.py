"""A POST's effect and its answer, kept together, so that the same request twice happens once."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any

import orjson
from flask import Response, request
from marshmallow import Schema
from sqlalchemy.exc import IntegrityError

from billing.kernel.errors import BillingError, Flaw
from billing.platform.data.database import Tx
from billing.platform.data.idempotency import Answer, RequestKey, find_answer, keep_answer
from billing.platform.http.edge import Edge
from billing.platform.http.errors import InvalidRequest, KeyRequired
from billing.platform.http.guard import current_actor

KEY_PATTERN = re.compile(r"[\x21-\x7e]{1,255}")


def idempotency_key(*, moves_money: bool) -> str | None:
    """The request's key.

    Raises: KeyRequired for a request that moves money without one; InvalidRequest for an unusable one.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        if moves_money:
            raise KeyRequired("This moves money: send an Idempotency-Key header, and the same one to retry.")
        return None
    if not KEY_PATTERN.fullmatch(key):
        flaw = Flaw("Idempotency-Key", "Use 1 to 255 visible ASCII characters.")
        raise InvalidRequest("The Idempotency-Key cannot be used.", [flaw])
    return key


def request_sha256() -> str:
    """What the key stands for: method, path, query and the raw body."""
    told = f"{request.method} {request.full_path}\n".encode() + request.get_data()
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
    key = idempotency_key(moves_money=moves_money)
    dump = view().dump
    if key is None:
        return as_json(Answer(status, orjson.dumps(dump(edge.database.in_transaction(work)))))
    actor_id, sha256 = current_actor().id, request_sha256()

    def once(tx: Tx) -> Answer:
        if told := find_answer(tx, actor_id=actor_id, key=key, request_sha256=sha256):
            return told
        answer = Answer(status, orjson.dumps(dump(work(tx))))
        keep_answer(tx, actor_id=actor_id, key=key, request_sha256=sha256, answer=answer)
        return answer

    try:
        return as_json(edge.database.in_transaction(once))
    except (IntegrityError, BillingError):
        # Perhaps the same key was answered by another process meanwhile: say what it said.
        with edge.database.reading() as read:
            told = find_answer(read, actor_id=actor_id, key=key, request_sha256=sha256)
        if told is None:
            raise
        return as_json(told)


def as_json(answer: Answer) -> Response:
    return Response(answer.body, status=answer.status, mimetype="application/json")
