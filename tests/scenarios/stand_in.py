"""The card processor's stand-in as a bank would move it, and as its own lists tell it."""

from contextlib import suppress
from typing import Any

import httpx

from tests.scenarios.office import Office


class StandIn:
    """Asks again when the process is just being started again."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def control(self, action: str, **body: Any) -> Any:
        """`control("open-dispute", charge="ch_1", reason="fraudulent")` returns the dispute."""
        answer = self._office.until(
            f"the stand-in does {action}", lambda: self._try("POST", f"/_control/{action}", json=body)
        )
        return answer["result"]

    def listed(self, kind: str, **query: str) -> Any:
        """One page of `charges`, `balance_transactions` and the like, or the `balance`."""
        key = self._office.settings.stripe_secret_key
        return self._office.until(
            f"the processor lists its {kind}",
            lambda: self._try("GET", f"/v1/{kind}", params=query, auth=(key, "")),
        )

    def newest_charge(self) -> str:
        """The id of the last charge that went through."""
        charges = self.listed("charges", limit="10")["data"]
        return next(charge["id"] for charge in charges if charge["paid"])

    def balance(self) -> int:
        """What the processor holds for the clinic, in cents: available or pending."""
        told = self.listed("balance")
        return sum(part["amount"] for kind in ("available", "pending") for part in told[kind])

    def _try(self, method: str, path: str, **request: Any) -> Any:
        with suppress(httpx.TransportError):
            base = self._office.settings.stripe_api_base
            answer = httpx.request(method, base + path, timeout=20, **request)
            return answer.json() if answer.is_success else None
        return None
