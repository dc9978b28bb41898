"""Webhooks of Stripe, as they come: the signature's header and the body."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import orjson

from billing.payments.ports import BadSignature
from billing.payments.records.checkouts import Event

LONGEST_EVENT_ID, LONGEST_KIND, LONGEST_OBJECT_ID = 80, 60, 255
"""Characters that the inbox and its jobs have room for: an event's id is the key of its job."""
LIKE_A_TIMESTAMP = re.compile("[0-9]{1,12}").fullmatch


def read_header(header: str) -> tuple[str, list[str]]:
    """The timestamp and the signatures of `t=1767225600,v1=hex,v1=hex`.

    Source: docs.stripe.com/webhooks/signature.
    """
    parts = header.split(",")
    stamps = [part[2:] for part in parts if part.startswith("t=")]
    signatures = [part[3:] for part in parts if part.startswith("v1=") and part.isascii()]
    if len(stamps) != 1 or not signatures or not LIKE_A_TIMESTAMP(stamps[0]):
        raise BadSignature("The webhook carries no signature of Stripe.")
    return stamps[0], signatures


def read_payload(payload: bytes) -> Event:
    try:
        body = orjson.loads(payload)
        if body["object"] != "event":
            raise ValueError("not an event")
        subject = body["data"]["object"]
        return Event(
            id=_word(body["id"], LONGEST_EVENT_ID),
            kind=_word(body["type"], LONGEST_KIND),
            object_id=_word(subject["id"], LONGEST_OBJECT_ID) if "id" in subject else "",
            object_kind=subject["object"],
            livemode=body["livemode"],
            created_at=datetime.fromtimestamp(body["created"], UTC),
        )
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, OSError) as error:
        raise BadSignature("The webhook's body is no event of Stripe.") from error


def _word(text: str, longest: int) -> str:
    """Plain checks, since every webhook passes here. Raises: ValueError, AttributeError, TypeError."""
    if not 0 < len(text) <= longest or not (text.isascii() and text.isprintable()):
        raise ValueError("no id or kind")
    return text
