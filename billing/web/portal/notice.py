"""/estimate-notice: the right to a good faith estimate, posted where everybody can read it.

Source: 45 CFR 149.610(b)(1)(iii).
"""

from __future__ import annotations

from flask import Blueprint, render_template

PUBLIC_ENDPOINTS = frozenset({"notice.estimate_notice"})


def make_blueprint() -> Blueprint:
    routes = Blueprint("notice", __name__)

    @routes.get("/estimate-notice")
    def estimate_notice() -> str:
        return render_template("portal/estimate_notice.html")

    return routes
