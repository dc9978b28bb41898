"""Idempotency keys: the same key is the same request, answered once and replayed for 24 hours.

Source: docs.stripe.com/api/idempotent_requests.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from billing.sandbox.errors import ApiError
from billing.sandbox.storage import Shelf

LIFETIME_SECONDS = 24 * 3600
LONGEST_KEY = 255


@dataclass(frozen=True)
class KeptAnswer:
    status: int
    body: str
    request_id: str


def claim(shelf: Shelf, *, key: str, path: str, params: Any, request_id: str, now: int) -> KeptAnswer | None:
    """Take the key for a request that is about to be performed, or answer what it did before.

    Raises: ApiError for other parameters (400), and while the first request is under way (409).
    """
    if not 0 < len(key) <= LONGEST_KEY:
        raise ApiError("Idempotency keys have from 1 to 255 characters.", kind="idempotency_error")
    shelf.database.execute("DELETE FROM kept_answer WHERE created <= ?", (now - LIFETIME_SECONDS,))
    row = shelf.database.execute("SELECT * FROM kept_answer WHERE key = ?", (key,)).fetchone()
    fingerprint = _fingerprint(params)
    if row is None:
        shelf.database.execute(
            "INSERT INTO kept_answer (key, path, fingerprint, created, request_id) VALUES (?, ?, ?, ?, ?)",
            (key, path, fingerprint, now, request_id),
        )
        return None
    if row["path"] != path:
        raise _mismatch(f"for the same endpoint they were first used for ('{row['path']}')", key)
    if row["fingerprint"] != fingerprint:
        raise _mismatch("with the same parameters they were first used with", key)
    if row["status"] is None:
        raise ApiError(
            f"There is currently another in-progress request using this Idempotent Key: {key}",
            status=409,
            kind="idempotency_error",
            code="idempotency_key_in_use",
        )
    return KeptAnswer(row["status"], row["body"], row["request_id"])


def keep(shelf: Shelf, key: str, status: int, body: str) -> None:
    """In the transaction that performed the request."""
    shelf.database.execute("UPDATE kept_answer SET status = ?, body = ? WHERE key = ?", (status, body, key))


def release(shelf: Shelf, key: str) -> None:
    """After a request that could not be performed at all."""
    shelf.database.execute("DELETE FROM kept_answer WHERE key = ? AND status IS NULL", (key,))


def _fingerprint(params: Any) -> str:
    return hashlib.sha256(json.dumps(params, sort_keys=True).encode()).hexdigest()


def _mismatch(rule: str, key: str) -> ApiError:
    return ApiError(
        f"Keys for idempotent requests can only be used {rule}. Try using a key other than '{key}' if you "
        "meant to execute a different request.",
        kind="idempotency_error",
    )
