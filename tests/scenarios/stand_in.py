"""The card processor's stand-in as a bank would move it, and as its own lists tell it."""

from contextlib import suppress
from typing import Any

import httpx

from tests.factories import loopback
from tests.scenarios.office import Failed, Office


class StandIn:
    """Asks again when the process is just being started again."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._http = loopback.client(base_url=office.settings.stripe_api_base, timeout=20)

    def control(self, action: str, **body: Any) -> Any:
        """`control("open-dispute", charge="ch_1", reason="fraudulent")` returns the dispute."""
        answer = self._office.until(
            f"the stand-in does {action}", lambda: self._try("POST", f"/_control/{action}", json=body)
        )
        return answer["result"]

    def register_reader(self) -> str:
        """A simulated one; answers its id."""
        return str(self._asked("terminal/readers", {"registration_code": "simulated-wpe"})["id"])

    def show_card(self, reader: str, number: str) -> None:
        path = f"test_helpers/terminal/readers/{reader}/present_payment_method"
        self._asked(path, {"type": "card_present", "card_present[number]": number})

    def listed(self, kind: str, **query: str) -> Any:
        """One page of `charges`, `balance_transactions` and the like, or the `balance`."""
        key = self._office.settings.stripe_secret_key
        return self._office.until(
            f"the processor lists its {kind}",
            lambda: self._try("GET", f"/v1/{kind}", params=query, auth=(key, "")),
        )

    def newest_charge(self, status: str = "succeeded") -> str:
        """The id of the last charge that went through, or of a bank debit that is still `pending`."""
        charges = self.listed("charges", limit="10")["data"]
        return next(charge["id"] for charge in charges if charge["status"] == status)

    def balance(self) -> int:
        """What the processor holds for the clinic, in cents: available or pending."""
        told = self.listed("balance")
        return sum(part["amount"] for kind in ("available", "pending") for part in told[kind])

    def state(self) -> Any:
        """Its switches, the totals of all that it moved, and the requests that it refused for a word."""
        return self._office.until("the stand-in tells its state", lambda: self._try("GET", "/_control/state"))

    def posted(self, path: str) -> list[Any]:
        """What it was asked to do under a path, oldest first: when, and under which key."""
        told = self._office.until(
            "the stand-in tells what it was asked",
            lambda: self._try("GET", "/_control/requests", params={"path": path}),
        )
        return [request for request in told["requests"] if request["method"] == "POST"]

    def refuse_words(self, *words: str) -> None:
        """From now on it answers 400 to a request that holds one, and remembers that it came."""
        self.control("refuse-words", words=words)

    def refuse_leaks(self) -> None:
        """Raises: Failed when a request held one of the words."""
        if refused := self.state()["refused_requests"]:
            raise Failed(f"The processor was to be told what is none of its business: {refused}")

    def _asked(self, path: str, form: dict[str, str]) -> Any:
        key = self._office.settings.stripe_secret_key
        return self._office.until(
            f"the processor does {path}",
            lambda: self._try("POST", f"/v1/{path}", data=form, auth=(key, "")),
        )

    def _try(self, method: str, path: str, **request: Any) -> Any:
        with suppress(httpx.TransportError):
            answer = self._http.request(method, path, **request)
            return answer.json() if answer.is_success else None
        return None
