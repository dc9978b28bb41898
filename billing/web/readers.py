"""The card readers at the desk, on the pages that can ask on one."""

from __future__ import annotations

import re
from collections.abc import Sequence

from flask import request

from billing.payments.flows.room import Payments
from billing.payments.ports import GatewayRefused, GatewayTimeout
from billing.payments.records.checkouts import Reader
from billing.platform.http.errors import InvalidRequest

READER_ID = re.compile(r"[A-Za-z0-9_]{1,80}")


def readers_online(room: Payments) -> Sequence[Reader]:
    """Those that can be asked now; without the processor it is paid in another way."""
    try:
        return [reader for reader in room.gateway.list_readers() if reader.is_online]
    except (GatewayTimeout, GatewayRefused):
        return []


def chosen_reader(field: str) -> str:
    """The id of the reader that was chosen, or nothing. Raises: InvalidRequest."""
    reader_id = request.form.get(field, "").strip()
    if reader_id and not READER_ID.fullmatch(reader_id):
        raise InvalidRequest("Choose one of the readers.")
    return reader_id
