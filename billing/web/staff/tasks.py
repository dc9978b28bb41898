"""/staff/tasks: what a person has to look at, where it is solved, and the way to close it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug import Response

from billing.care.queries import find_session
from billing.insurance.queries import find_superbill
from billing.invoices.queries.as_given import price_as_given
from billing.invoices.records import AsGiven
from billing.invoices.use_cases.as_given import PRICED_OTHERWISE
from billing.kernel.errors import BillingError, Flaw, IllegalMove
from billing.kernel.permissions import Actor, Permission
from billing.payments.queries.checkouts import find_checkout
from billing.payments.queries.dispute_answers import dispute_of_answer
from billing.payments.queries.saved_methods import find_saved_method
from billing.payments.records.checkouts import Checkout
from billing.platform.data.database import Read, Tx
from billing.platform.data.tasks import StaffTask, TaskState, close_task, find_task, list_tasks
from billing.platform.http.edge import Edge
from billing.platform.http.errors import InvalidRequest
from billing.platform.http.guard import current_actor, guard
from billing.quotes.errors import CannotPrice
from billing.web.forms import written
from billing.web.refusals import REFUSED
from billing.web.staff.task_subjects import About, about
from billing.web.task_words import PLACES, TOLD, Told

MOST = 200
LONGEST_NOTE = 500
CLOSED = "Somebody closed this task meanwhile."


@dataclass(frozen=True, kw_only=True)
class Shown:
    task: StaffTask
    title: str
    advice: str
    about: About
    url: str | None
    link: str


def make_blueprint(edge: Edge) -> Blueprint:
    routes = Blueprint("staff_tasks", __name__)

    @routes.get("/staff/tasks")
    @guard(Permission.TASKS_WORK)
    def tasks() -> str:
        actor = current_actor()
        shown = edge.audited_read(
            lambda read: open_tasks(read, actor, MOST),
            actor=actor,
            action="page.tasks",
            subject_id=actor.id,
        )
        return render_template("staff/tasks.html", tasks=shown, most=MOST)

    @routes.get("/staff/tasks/<task_id>/subject")
    @guard(Permission.TASKS_WORK)
    def subject(task_id: str) -> Response:
        """To the page beside which a thing is seen that has none of its own."""
        actor = current_actor()

        def look(read: Read) -> tuple[str, AsGiven | None]:
            task = find_task(read, task_id, actor)
            path = _place_of(read, task.subject_id, actor)
            is_of_price = task.kind == PRICED_OTHERWISE
            return path, _as_given(read, task.subject_id, actor) if is_of_price else None

        path, differs = edge.read(look)
        if differs:
            flash(
                f"The visit was charged {differs.charged}; as given it would cost {differs.would_cost}.",
                "done",
            )
        return redirect(path, 303)

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


def _as_given(read: Read, session_id: str, actor: Actor) -> AsGiven | None:
    """None also where no price is for a visit as it was given."""
    try:
        return price_as_given(read, find_session(read, session_id, actor))
    except CannotPrice:
        return None


def open_tasks(read: Read, actor: Actor, limit: int) -> list[Shown]:
    """Newest first."""
    return shown_tasks(read, list_tasks(read, actor, state=TaskState.OPEN, limit=limit), actor)


def shown_tasks(read: Read, tasks: Sequence[StaffTask], actor: Actor) -> list[Shown]:
    subjects = about(read, tasks, actor)
    return [_shown(task, subjects[task.id], actor) for task in tasks]


def _shown(task: StaffTask, subject: About, actor: Actor) -> Shown:
    """A kind that no program opens any more has its own name for words."""
    told = TOLD.get(task.kind) or Told(task.kind.replace("-", " ").capitalize(), "", ())
    place = PLACES.get(task.subject_id.partition("_")[0])
    url, link = None, ""
    if place and actor.may(place.permission):
        url, link = place.path.format(subject=task.subject_id, task=task.id), place.name
    return Shown(task=task, title=told.title, advice=told.advice, about=subject, url=url, link=link)


def _place_of(read: Read, subject_id: str, actor: Actor) -> str:
    """The page about what has none of its own. Raises: NotFound for what is not there."""
    if subject_id.startswith("dan_"):
        return url_for("staff_disputes.dispute", dispute_id=dispute_of_answer(read, subject_id, actor))
    if subject_id.startswith("sb_"):
        superbill = find_superbill(read, subject_id, actor)
        return url_for("staff_superbills.ask", session_id=superbill.session_id)
    if subject_id.startswith("ses_"):
        return url_for("staff_patients.patient", patient_id=find_session(read, subject_id, actor).patient_id)
    if subject_id.startswith("chk_"):
        return _where_it_is_owed(find_checkout(read, subject_id, actor), actor)
    patient_id = find_saved_method(read, subject_id, actor).patient_id
    return url_for("staff_cards.cards", patient_id=patient_id)


def _where_it_is_owed(checkout: Checkout, actor: Actor) -> str:
    """Where a new link is made and other tenders are taken, for those who may open it."""
    if checkout.share_id and actor.may(Permission.PAYERS_READ):
        return url_for("staff_shares.share", share_id=checkout.share_id)
    page = "staff_patients.patient" if actor.may(Permission.PATIENTS_READ) else "staff_account.account"
    return url_for(page, patient_id=checkout.patient_id)


def _note() -> str | None:
    """Raises: InvalidRequest."""
    note = request.form.get("note", "").strip()
    if len(note) > LONGEST_NOTE:
        message = f"Write at most {LONGEST_NOTE} characters."
        raise InvalidRequest(message, [Flaw("/note", message)])
    return note or None


def _in_words(error: BillingError) -> str:
    return CLOSED if isinstance(error, IllegalMove) else error.detail
