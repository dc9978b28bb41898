"""A claim for the red form, moved as the printer of the desk needs it."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, request, url_for
from werkzeug import Response

from billing.insurance.api.claim_papers import printed_claim
from billing.insurance.errors import ClaimFlawed, ClaimKept
from billing.insurance.ports import PrintClaims
from billing.insurance.records.claims import Offset
from billing.insurance.rules.cms1500 import MOST_OFFSET
from billing.kernel.permissions import Permission
from billing.platform.http.edge import Edge
from billing.platform.http.guard import guard


def make_blueprint(edge: Edge, print_claims: PrintClaims) -> Blueprint:
    routes = Blueprint("staff_claim_papers", __name__)

    @routes.get("/staff/claims/<claim_id>/cms1500.pdf")
    @guard(Permission.CLAIMS_READ)
    def paper(claim_id: str) -> Response:
        """The data for a pre-printed sheet, or a view; what does not fit is told on the claim's page."""
        offset, is_view = Offset(right=_points("right"), down=_points("down")), "view" in request.args
        try:
            return printed_claim(edge, print_claims, claim_id, offset, is_view=is_view)
        except ClaimKept as error:
            flash(error.detail, "refused")
            return redirect(url_for("staff_claims.claim", claim_id=claim_id), 303)
        except ClaimFlawed as error:
            told = " ".join(dict.fromkeys(flaw.message for flaw in error.flaws))
            flash(f"{error.detail} {told}", "refused")
            return redirect(url_for("staff_claims.claim", claim_id=claim_id), 303)

    return routes


def _points(name: str) -> int:
    """What cannot be read, or is more than a sheet can be moved, moves nothing further than that."""
    try:
        points = int(request.args.get(name, "0"))
    except ValueError:
        return 0
    return max(-MOST_OFFSET, min(MOST_OFFSET, points))
