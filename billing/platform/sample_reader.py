"""One card reader at the stand-in, so that a fresh office shows how a card is taken at the desk."""

from __future__ import annotations

import json
from urllib.parse import urlencode
from urllib.request import Request, urlopen

LABEL = "Front desk (simulated)"
CODE = "simulated-wpe"
"""What registers a simulated reader; a real one shows a code of its own."""


def offer_reader(processor_base: str, secret_key: str) -> None:
    """Register it unless there is one, so that a second start adds none. Only for the stand-in.

    Raises: OSError when the stand-in does not answer, or refuses.
    """
    address = f"{processor_base}/v1/terminal/readers"
    headers = {"Authorization": f"Bearer {secret_key}"}
    with urlopen(Request(address, headers=headers), timeout=5) as answer:  # noqa: S310  # our own loopback
        if json.load(answer)["data"]:
            return
    body = urlencode({"registration_code": CODE, "label": LABEL}).encode()
    with urlopen(Request(address, body, headers), timeout=5):  # noqa: S310  # our own loopback
        return
