"""The application: API, card page, control."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask

from billing.sandbox import card_page, control, http
from billing.sandbox.mischief import Gate
from billing.sandbox.settings import Settings
from billing.sandbox.storage import Store

LARGEST_BODY = 256 * 1024


def create_app(store: Store, settings: Settings, wake: Callable[[], None]) -> Flask:
    """`wake` is called when events may be waiting for delivery."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    gate = Gate()
    app.register_blueprint(http.make_blueprint(http.Api(store, settings, gate, wake)))
    app.register_blueprint(card_page.make_blueprint(store, settings.clock, wake))
    app.register_blueprint(control.make_blueprint(control.Desk(store, settings, gate, wake)))
    return app
