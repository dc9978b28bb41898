"""The card readers at the desk, on the pages that can ask on one."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from flask import request

from billing.kernel.errors import Flaw
from billing.kernel.permissions import SYSTEM
from billing.payments.errors import CheckoutStands
from billing.payments.flows.readers import look_at_reader
from billing.payments.flows.room import Payments
from billing.payments.ports import GatewayRefused, GatewayTimeout
from billing.payments.queries.checkouts import declined_on_readers, find_checkout
from billing.payments.records.checkouts import Checkout, Reader
from billing.platform.data.database import Read
from billing.platform.http.errors import InvalidRequest

Taken = TypeVar("Taken")

DECLINED = "The bank declined the card."
NOTHING_TAKEN = "Nothing was taken. Ask for another card on the reader, or take the payment in another way."
NO_MONEY, EXPIRED = f"{DECLINED[:-1]}: not enough money for this.", "The card has expired."
PIN, LIMIT = "The PIN was wrong or is missing.", f"{DECLINED[:-1]}: its limit is reached."
NOT_NOW = "The bank could not be asked just now. The same card may work in a moment."
NOT_FOR_THIS = "The card does not pay for this."
WHY_DECLINED = {
    "insufficient_funds": NO_MONEY,
    "expired_card": EXPIRED,
    "incorrect_pin": PIN,
    "invalid_pin": PIN,
    "offline_pin_required": PIN,
    "online_or_offline_pin_required": PIN,
    "pin_try_exceeded": PIN,
    "card_velocity_exceeded": LIMIT,
    "withdrawal_count_limit_exceeded": LIMIT,
    "issuer_not_available": NOT_NOW,
    "processing_error": NOT_NOW,
    "reenter_transaction": NOT_NOW,
    "try_again_later": NOT_NOW,
    "card_not_supported": NOT_FOR_THIS,
    "currency_not_supported": NOT_FOR_THIS,
}
"""What may be said while the patient stands there: of a card that was lost or stolen, no more than of others.

Source: docs.stripe.com/declines/codes.
"""
CHOOSE = "Choose one of the readers."
READER_ID = re.compile(r"[A-Za-z0-9_]{1,80}")


def readers_online(room: Payments) -> Sequence[Reader]:
    """Those that can be asked now; without the processor it is paid in another way."""
    try:
        return [reader for reader in room.gateway.list_readers() if reader.is_online]
    except (GatewayTimeout, GatewayRefused):
        return []


def why_declined(checkout: Checkout | None) -> str | None:
    """In words that a clerk may use; None where no card was declined."""
    return WHY_DECLINED.get(checkout.decline or "", DECLINED) if checkout else None


def told_of_decline(checkout: Checkout) -> str:
    """What a clerk is told of a card that was declined at a reader, and what to do next."""
    return f"{why_declined(checkout)} {NOTHING_TAKEN}"


def have_ended(room: Payments, checkouts: Collection[Checkout]) -> bool:
    """Look what became of those that readers ask for; whether any has an outcome now."""
    looked = [look_at_reader(room, each) for each in checkouts]
    return any(now.state is not known.state for now, known in zip(looked, checkouts, strict=True))


def taken_after_reader(room: Payments, take: Callable[[], Taken]) -> Taken:
    """Take what is handed over, also where a reader that asks no more only seemed to stand in the way.

    Raises: what `take` raises, which is asked again after somebody looked at the reader.
    """
    try:
        return take()
    except CheckoutStands as standing:
        with room.database.reading() as read:
            known = find_checkout(read, str(standing.more["checkout_id"]), SYSTEM)
        if not have_ended(room, [known]):
            raise
    return take()


def latest_declines(read: Read, patient_id: str, now: datetime) -> Mapping[str, Checkout]:
    """The card that was declined last for each invoice, or deposit that was asked for, by its id."""
    declined = declined_on_readers(read, patient_id, now=now)
    return {str(each.invoice_id or each.deposit_request_id): each for each in declined}


def chosen_reader(field: str) -> str:
    """The id of the reader that was chosen, or nothing. Raises: InvalidRequest."""
    reader_id = request.form.get(field, "").strip()
    if reader_id and not READER_ID.fullmatch(reader_id):
        raise InvalidRequest(CHOOSE)
    return reader_id


def required_reader(field: str) -> str:
    """Raises: InvalidRequest, also when none was chosen."""
    if reader_id := chosen_reader(field):
        return reader_id
    raise InvalidRequest(CHOOSE, [Flaw(f"/{field}", CHOOSE)])
