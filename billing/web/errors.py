"""What a browser sees when something is refused: the same problem as on the API, as a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from flask import Flask, Response, g, render_template, request
from werkzeug.exceptions import HTTPException

from billing.platform.http.errors import NotPermitted
from billing.platform.http.problems import problem_of_http

TITLES = {
    400: "That did not work",
    403: "You may not do this",
    404: "Nothing is here",
    405: "That did not work",
    409: "That is not possible now",
    413: "That is too large",
    422: "Please look at what you entered",
    429: "Too many tries",
    503: "Please try again shortly",
}
SENTENCES = {
    404: "The address is wrong, or what was here is not yours to see.",
    405: "This address takes no such request.",
    413: "What was sent is larger than a page takes ({} MB). Have a larger file imported on the server.",
    500: "Something went wrong here. Nothing was changed.",
}
NOT_PERMITTED = (
    "Your role does not include this. Ask a supervisor to do it, or whoever gives out roles for another one."
)
UNKNOWN_LINK = "This link is not valid, or not valid any more."
"""The same for a link that never was and for one that has ended."""
TO_STRANGERS = {404: UNKNOWN_LINK, 413: "The file is too large. Send a smaller one, or a page at a time."}

MACHINES = ("/api/", "/webhooks/", "/healthz", "/readyz", "/metrics", "/problems/")


def show_errors_as_pages(app: Flask) -> None:
    """Outside of what machines read, turn each problem into a page. Call it after the API is made."""

    @app.errorhandler(HTTPException)
    def as_problem(error: HTTPException) -> Any:
        return problem_of_http(error)

    @app.after_request
    def as_page(response: Response) -> Response:
        if response.mimetype != "application/problem+json" or request.path.startswith(MACHINES):
            return response
        return _page(response)


def _page(response: Response) -> Response:
    status, folder = response.status_code, "staff"
    detail = SENTENCES.get(status) or _detail_of(orjson.loads(response.get_data()))
    detail = detail.format((request.max_content_length or 0) // 1_000_000) if status == 413 else detail
    if request.path.startswith(("/pay/", "/portal/", "/estimate-notice")):
        folder, detail = "portal", TO_STRANGERS.get(status, detail)
    g.without_frame = status >= 500
    title = TITLES.get(status, "Something went wrong")
    response.set_data(render_template(f"{folder}/error.html", title=title, detail=detail))
    response.mimetype = "text/html"
    return response


def _detail_of(problem: Mapping[str, str]) -> str:
    """What a program is told by the name of a permission, people are told in words."""
    return NOT_PERMITTED if problem["code"] == NotPermitted.code else problem["detail"]
