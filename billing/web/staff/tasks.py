"""/staff/tasks: what a person has to look at, where it is solved, and the way to close it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug import Response

from billing.kernel.errors import BillingError, Flaw, IllegalMove
from billing.kernel.permissions import Actor, Permission
from billing.platform.data.database import Tx
from billing.platform.data.tasks import StaffTask, TaskState, close_task, list_tasks
from billing.platform.http.edge import Edge
from billing.platform.http.errors import InvalidRequest
from billing.platform.http.guard import current_actor, guard
from billing.web.forms import written
from billing.web.refusals import REFUSED

MOST = 200
LONGEST_NOTE = 500
CLOSED = "Somebody closed this task meanwhile."

TOLD = {
    "refund-failed": (
        "A refund came back",
        "The money is the patient's credit again. Send it in another way.",
    ),
    "dispute-opened": ("A bank disputes a payment", "Answer before the bank's last day."),
    "dispute-due": (
        "The time to answer a bank is nearly over",
        "Draft evidence, have it approved and send it; or accept the dispute.",
    ),
    "dispute-answer-refused": (
        "An answer did not reach the bank",
        "Look at the dispute. Unless it was decided, send another answer in time.",
    ),
    "dispute-sessions-unpaid": (
        "A lost dispute had paid for sessions to come",
        "Ask the patient: give them, or call them off.",
    ),
    "dispute-exceeds-payment": (
        "The bank took what had gone back before",
        "Ask the patient or the bank for it. It stays on 1070.",
    ),
    "dispute-reversed": ("A lost dispute gave money back", "Book what it is for. It stays on 1070."),
    "payout-failed": ("A payout did not arrive", "Mend the bank account in the processor's dashboard."),
    "drawer-difference": (
        "A cash drawer is over or short",
        "Count it: somebody else than its cashier and who counted first.",
    ),
    "takeback-review": ("A payer wants spent money back", "Bill the patient, or forgive it."),
    "privacy-review": (
        "A payment stood with the wrong patient",
        "See what that patient was shown: receipts, invoices, superbills.",
    ),
    "mail-refused": ("A mail address does not exist", "Ask the patient for the right one, then mail again."),
    "outcome-unknown": (
        "The processor does not say what became of it",
        "Look it up in the processor's dashboard.",
    ),
    "unclaimed-letter": (
        "A credit shows no sign of its owner",
        "Write to the owner, then record the letter.",
    ),
}
"""What each kind means and what is to be done, as docs/operating.md has it."""


@dataclass(frozen=True)
class Place:
    """The page about one thing, by the prefix of its id, for those who may open it."""

    path: str
    permission: Permission
    name: str


PLACES = {
    "ref": Place("/staff/refunds", Permission.REFUNDS_READ, "Open the refund"),
    "pay": Place("/staff/payments", Permission.PAYMENTS_READ, "Open the patient's money"),
    "tkb": Place("/staff/takebacks", Permission.CREDITS_READ, "Open the demand"),
    "dsp": Place("/staff/disputes", Permission.PAYMENTS_READ, "Open the dispute"),
    "rcp": Place("/staff/receipts", Permission.RECEIPTS_READ, "Open the receipt"),
}


@dataclass(frozen=True, kw_only=True)
class Shown:
    task: StaffTask
    title: str
    advice: str
    url: str | None
    link: str


def make_blueprint(edge: Edge) -> Blueprint:
    routes = Blueprint("staff_tasks", __name__)

    @routes.get("/staff/tasks")
    @guard(Permission.TASKS_WORK)
    def tasks() -> str:
        actor = current_actor()
        opened = edge.read(lambda read: list_tasks(read, actor, state=TaskState.OPEN, limit=MOST))
        return render_template("staff/tasks.html", tasks=shown_tasks(opened, actor), most=MOST)

    @routes.post("/staff/tasks/<task_id>/done")
    @guard(Permission.TASKS_WORK)
    def done(task_id: str) -> Response:
        actor, now, page = current_actor(), edge.clock(), url_for("staff_tasks.tasks")

        def work(tx: Tx) -> str:
            close_task(tx, task_id=task_id, note=_note(), actor=actor, now=now)
            return page

        try:
            written(edge, work)
        except REFUSED as error:
            flash(_in_words(error), "refused")
        else:
            flash("The task is closed.", "done")
        return redirect(page, 303)

    return routes


def shown_tasks(tasks: Sequence[StaffTask], actor: Actor) -> list[Shown]:
    return [_shown(task, actor) for task in tasks]


def _shown(task: StaffTask, actor: Actor) -> Shown:
    title, advice = TOLD.get(task.kind, (task.kind.replace("-", " ").capitalize(), ""))
    place = PLACES.get(task.subject_id.partition("_")[0])
    url = f"{place.path}/{task.subject_id}" if place and actor.may(place.permission) else None
    return Shown(task=task, title=title, advice=advice, url=url, link=place.name if place else "")


def _note() -> str | None:
    """Raises: InvalidRequest."""
    note = request.form.get("note", "").strip()
    if len(note) > LONGEST_NOTE:
        message = f"Write at most {LONGEST_NOTE} characters."
        raise InvalidRequest(message, [Flaw("/note", message)])
    return note or None


def _in_words(error: BillingError) -> str:
    return CLOSED if isinstance(error, IllegalMove) else error.detail
