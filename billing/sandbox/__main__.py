"""`python -m billing.sandbox`: serves on loopback until it is told to end."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading

from werkzeug.serving import BaseWSGIServer, make_server

from billing.sandbox.app import create_app
from billing.sandbox.mischief import refuse_from_the_start
from billing.sandbox.settings import BadSetting, load_settings
from billing.sandbox.storage import Store
from billing.sandbox.webhooks import Deliverer

HOST = "127.0.0.1"
POLL_SECONDS = 0.05
"""How soon the server notices that it is told to end."""


def main() -> None:
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    try:
        settings = load_settings(os.environ)
    except BadSetting as problem:
        sys.exit(str(problem))
    store = Store(settings.database)
    refuse_from_the_start(store, settings.refused_words)
    deliverer = Deliverer(store, settings)
    try:
        server = make_server(HOST, settings.port, create_app(store, settings, deliverer.wake), threaded=True)
    except (OSError, SystemExit):
        sys.exit(f"Port {settings.port} is taken: set SANDBOX_PORT to a free one.")
    _serve(server, store, deliverer)


def _serve(server: BaseWSGIServer, store: Store, deliverer: Deliverer) -> None:
    """Until SIGTERM or SIGINT, which let what is under way finish its transaction."""
    ended = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: ended.set())
    deliverer.start()
    threading.Thread(target=server.serve_forever, args=(POLL_SECONDS,), name="server", daemon=True).start()
    sys.stdout.write(f"The processor's stand-in listens on http://{HOST}:{server.port}\n")
    sys.stdout.flush()
    ended.wait()
    server.shutdown()
    server.server_close()
    deliverer.stop()
    store.close()


if __name__ == "__main__":
    main()
