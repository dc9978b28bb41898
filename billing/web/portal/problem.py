"""/problems/<code>: what an error's `type` leads to, for whoever reads it in a log."""

from __future__ import annotations

from flask import Blueprint, abort, render_template

from billing.platform.http.problems import meaning_of

PUBLIC_ENDPOINTS = frozenset({"problem.show"})


def make_blueprint() -> Blueprint:
    routes = Blueprint("problem", __name__)

    @routes.get("/problems/<code>")
    def show(code: str) -> str:
        meaning = meaning_of(code)
        if meaning is None:
            abort(404)
        return render_template("portal/problem.html", code=code, meaning=meaning)

    return routes
