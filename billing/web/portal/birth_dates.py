"""Pages of the portal that open with a link and the patient's birth date.

Opening the link looks nothing up, so that a link that never was looks like any other, and since mail scanners
open links too. What is wrong with a try, the link or the date, is never said. What was opened stays open for
a while in the browser that opened it; its own cookie keeps which link, and until when.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import redirect, render_template, request, session
from werkzeug import Response

from billing.kernel.permissions import SYSTEM
from billing.people.errors import LinkEnded
from billing.people.queries import link_print
from billing.platform.http.edge import Edge
from billing.web.portal.dates import date_of

STAYS_OPEN = timedelta(minutes=15)
WRONG = "The date may be another one, or the link is not valid any more. After five tries a link closes"
ASK = "portal/ask_birth_date.html"


@dataclass(frozen=True, kw_only=True)
class Door:
    """What asks for the birth date at `/pay/<token>/<name>`, in its own words, and opens by it."""

    edge: Edge
    name: str
    purpose: str
    open_link: Callable[..., str | None]
    title: str
    heading: str
    button: str
    refused: str

    def ask(self, token: str, told: str | None = None) -> str:
        return render_template(ASK, door=self, token=token, told=told)

    def open_it(self, token: str) -> Response | tuple[str, int]:
        born_on, now, link_id = date_of(request.form.get("born_on", "")), self.edge.clock(), None
        if born_on is not None:
            try:
                link_id = self.edge.database.in_transaction(
                    lambda tx: self.open_link(tx, secret=token, born_on=born_on, actor=SYSTEM, now=now)
                )
            except LinkEnded as ended:
                return self.ask(token, ended.detail), 422
        if link_id is None:
            return self.ask(token, self.refused), 422
        session[self.name] = {
            "link": link_id,
            "print": self._print(token),
            "until": (now + STAYS_OPEN).isoformat(),
        }
        return redirect(f"/pay/{token}/{self.name}", 303)

    def opened(self, token: str) -> str | None:
        """The link's id, when this visitor opened this very link a short while ago."""
        opened = session.get(self.name)
        if not opened or opened["print"] != self._print(token):
            return None
        if datetime.fromisoformat(opened["until"]) <= self.edge.clock():
            return None
        link_id: str | None = opened.get("link")
        return link_id

    def _print(self, token: str) -> str:
        return link_print(self.edge.database.vault, self.purpose, token)
