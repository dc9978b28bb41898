"""A little listener in the product's place, that takes the processor's webhooks."""

from __future__ import annotations

import json
import threading
from collections import deque
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Queue
from typing import Any

PATIENCE_SECONDS = 20


@dataclass(frozen=True)
class Webhook:
    path: str
    body: bytes
    signature: str

    @property
    def event(self) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(self.body)
        return event


class Listener:
    """Answers 200, or first the statuses that a test puts into `answers`.

    One request at a time, so that `received` keeps the order in which they came.
    """

    def __init__(self, port: int = 0) -> None:
        self.received: Queue[Webhook] = Queue()
        self.answers: deque[int] = deque()
        self._server = HTTPServer(("127.0.0.1", port), self._handler())
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def next(self) -> Webhook:
        return self.received.get(timeout=PATIENCE_SECONDS)

    def next_of(self, kind: str) -> dict[str, Any]:
        """The next event of a kind, whatever comes before it."""
        while (event := self.next().event)["type"] != kind:
            pass
        return event

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = listener.answers.popleft() if listener.answers else 200
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()
                listener.received.put(Webhook(self.path, body, self.headers["Stripe-Signature"]))

            def log_message(self, *_words: object) -> None:
                pass

        return Handler
