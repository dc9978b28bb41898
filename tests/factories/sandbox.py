"""The processor's stand-in as a real process on a free port, and a payer for its card page."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import stripe

from tests.factories import loopback
from tests.factories.stand_ins import nursery

SECRET_KEY, WEBHOOK_SECRET = "sk_test_standin", "whsec_standin"
CANARIES = (
    "Maria",
    "Elm Street",
    "maria@",
    "512-555",
    "1980-05-17",
    "depress",
    "anxiety",
    "ketamine",
    "infusion",
)
"""Who tests' patients are and what they are treated for: the stand-in refuses a request that holds one."""


@dataclass
class Sandbox:
    """A running stand-in. `restart` keeps its port and its state; `kill` gives it no time to tidy up."""

    environ: dict[str, str]
    secret_key: str = SECRET_KEY
    webhook_secret: str = WEBHOOK_SECRET
    url: str = ""
    process_id: int = 0

    def start(self) -> None:
        self.process_id, self.url = nursery().start(self.environ)
        self.environ["SANDBOX_PORT"] = self.url.rpartition(":")[2]

    def stop(self) -> int:
        """Ends it as `make run` does; answers its exit status."""
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        self.stop()
        self.start()

    def control(self, action: str, **body: Any) -> Any:
        """`control("lose-response", path="/v1/refunds")`."""
        answer = loopback.post(f"{self.url}/_control/{action}", json=body, timeout=40)
        assert answer.status_code == 200, answer.text
        return answer.json()["result"]

    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = loopback.get(f"{self.url}/_control/state").json()
        return state

    def refuse_leaks(self) -> None:
        """Raises: AssertionError when a request held one of the words to refuse."""
        if self.process_id:
            assert self.state()["refused_requests"] == []

    def requests(self, path: str = "/") -> list[dict[str, Any]]:
        """What the stand-in was asked under a path, oldest first."""
        answer = loopback.get(f"{self.url}/_control/requests", params={"path": path})
        asked: list[dict[str, Any]] = answer.json()["requests"]
        return asked

    def _end(self, how: signal.Signals) -> int:
        """Who has ended ends no more. Raises: RuntimeError when it does not end by itself."""
        process_id, self.process_id = self.process_id, 0
        if not process_id:
            return 0
        os.kill(process_id, how)
        status = nursery().wait(process_id)
        if status == -signal.SIGKILL != -how:
            raise RuntimeError("the stand-in did not end")
        return status


def start_sandbox(
    tmp_path: Path,
    public_url: str,
    clock_file: Path | None = None,
    *,
    refused_words: Sequence[str] = (),
    port: int = 0,
) -> Sandbox:
    """Its state lies under `tmp_path`; webhooks go to `public_url`/webhooks/stripe."""
    environ = {
        **os.environ,
        "SANDBOX_PORT": str(port),
        "STRIPE_SECRET_KEY": SECRET_KEY,
        "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "PUBLIC_URL": public_url,
        "CLINIC_CLOCK": str(clock_file or ""),
        "SANDBOX_DB": str(tmp_path / "sandbox.db"),
        "SANDBOX_REFUSED_WORDS": ",".join(refused_words),
    }
    sandbox = Sandbox(environ)
    sandbox.start()
    return sandbox


def pay_on_card_page(url: str, card: str = "4242424242424242") -> str | None:
    """Open the page as a payer does, submit its form; answers where it leads, or None when declined."""
    assert loopback.get(url).status_code == 200
    answer = submit_card(url, card)
    return answer.headers["Location"] if answer.status_code == 303 else None


def submit_card(url: str, card: str, *, expiry: str = "12 / 40", cvc: str = "123") -> httpx.Response:
    return loopback.post(url, data={"card_number": card, "expiry": expiry, "cvc": cvc})


def submit_account(url: str, account: str = "000123456789") -> httpx.Response:
    return loopback.post(
        url, data={"account_holder": "A. Payer", "routing_number": "110000000", "account_number": account}
    )


def sdk_client(sandbox: Sandbox) -> Any:
    """The processor's own SDK, unchanged but for its address."""
    return stripe.StripeClient(
        sandbox.secret_key,
        base_addresses={"api": sandbox.url, "files": sandbox.url},
        max_network_retries=0,
        http_client=stripe.RequestsClient(timeout=30),
    ).v1
