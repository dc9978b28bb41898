"""/staff/people: who signs in, and which tokens there are."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template
from werkzeug import Response

from billing.kernel.permissions import Permission
from billing.people.queries import list_staff, list_tokens
from billing.people.use_cases import disable_staff, revoke_token
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.web.forms import attempt

PAGE = "/staff/people"


def make_blueprint(edge: Edge) -> Blueprint:
    routes = Blueprint("staff_people", __name__)

    @routes.get(PAGE)
    @guard(Permission.PEOPLE_WRITE)
    def people() -> str:
        actor = current_actor()
        with edge.database.reading() as read:
            staff, tokens = list_staff(read, actor), list_tokens(read, actor)
        return render_template("staff/people.html", staff=staff, tokens=tokens, own_id=actor.id)

    @routes.post(f"{PAGE}/<staff_id>/disable")
    @guard(Permission.PEOPLE_WRITE)
    def disable(staff_id: str) -> Response:
        attempt(
            edge,
            lambda tx: disable_staff(tx, staff_id=staff_id, actor=current_actor(), now=edge.clock()),
            done="This person can no longer sign in.",
        )
        return redirect(PAGE, 303)

    @routes.post("/staff/tokens/<token_id>/revoke")
    @guard(Permission.PEOPLE_WRITE)
    def revoke(token_id: str) -> Response:
        attempt(
            edge,
            lambda tx: revoke_token(tx, token_id=token_id, actor=current_actor(), now=edge.clock()),
            done="The token is revoked.",
        )
        return redirect(PAGE, 303)

    return routes
