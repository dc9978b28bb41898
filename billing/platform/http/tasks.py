"""Tasks for people over HTTP."""

from __future__ import annotations

from typing import Any

from flask import Response
from marshmallow import Schema, fields

from billing.kernel.permissions import Permission
from billing.platform.data.tasks import TaskState, close_task, list_tasks
from billing.platform.http.api import ApiBlueprint
from billing.platform.http.edge import Edge
from billing.platform.http.fields import Moment, StrictSchema, Text
from billing.platform.http.guard import current_actor, guard
from billing.platform.http.pages import page_args, page_of, page_view
from billing.platform.http.writes import edge_write


class TasksQuery(page_args("tsk")):  # type: ignore[misc]
    state = fields.Enum(TaskState, by_value=True, load_default=None)


class CloseTask(StrictSchema):
    note = Text(max=500, load_default=None, allow_none=True)


class TaskView(Schema):
    """`subject_id` is what to look at, `kind` what happened to it."""

    id = fields.String()
    kind = fields.String()
    subject_id = fields.String()
    site_id = fields.String()
    state = fields.String()
    opened_at = Moment()
    closed_by = fields.String(allow_none=True)
    closed_at = Moment(allow_none=True)
    note = fields.String(allow_none=True)


def make_blueprint(edge: Edge) -> ApiBlueprint:
    routes = ApiBlueprint("tasks", __name__, description="What a person has to look at")

    @routes.route("/tasks", methods=["GET"])
    @routes.arguments(TasksQuery, location="query")
    @routes.response(200, page_view(TaskView))
    @guard(Permission.TASKS_WORK)
    def show_tasks(query: dict[str, Any]) -> Any:
        """Open and done ones, newest first."""
        actor, limit = current_actor(), query.pop("limit")
        return page_of(edge.read(lambda read: list_tasks(read, actor, limit=limit + 1, **query)), limit)

    @routes.route("/tasks/<task_id>/done", methods=["POST"])
    @routes.arguments(CloseTask)
    @routes.response(200, TaskView)
    @guard(Permission.TASKS_WORK)
    def done(body: dict[str, Any], task_id: str) -> Response:
        """Say that somebody has looked, and perhaps what came of it."""
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: close_task(tx, task_id=task_id, **body, actor=actor, now=now),
            TaskView,
            status=200,
        )

    return routes
