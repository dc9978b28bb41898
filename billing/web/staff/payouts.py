"""/staff/payouts: what the processor paid to the bank, and which payments, refunds and fees that was."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, render_template, request

from billing.catalog.queries import site_date, site_dates
from billing.kernel.ids import id_pattern
from billing.kernel.permissions import Actor, Permission
from billing.payments.queries.payout_parts import contents_of
from billing.payments.queries.payouts import find_payout, list_payouts, went_out_with
from billing.payments.records.payouts import PayoutPart
from billing.payments.states.payouts import PayoutState
from billing.platform.data.database import Read
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.web import payout_words
from billing.web.patient_words import called, page_of_patients
from billing.web.task_words import PLACES

A_PAYOUT = re.compile(id_pattern("pyo"))
MOST = 50


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A part, where what it is of is seen, and where what differs, or was booked."""

    part: PayoutPart
    url: str | None
    exception_url: str | None


def make_blueprint(edge: Edge) -> Blueprint:
    routes = Blueprint("staff_payouts", __name__)

    @routes.get("/staff/payouts")
    @guard(Permission.PAYMENTS_READ)
    def payouts() -> str:
        """A page of them, those before the one that `after` names."""
        actor, now, after = current_actor(), edge.clock(), A_PAYOUT.fullmatch(request.args.get("after", ""))
        with edge.database.reading() as read:
            found = list_payouts(read, actor, cursor=after and after[0], limit=MOST + 1)
            listed = contents_of(read, found[:MOST], actor)
            days = site_dates(read, [(each.payout.site_id, now) for each in listed])
        return render_template(
            "staff/payouts.html",
            listed=list(zip(listed, days, strict=True)),
            goes_on=len(found) > MOST,
            is_first=after is None,
            words=payout_words,
        )

    @routes.get("/staff/payouts/<payout_id>")
    @guard(Permission.PAYMENTS_READ)
    def payout(payout_id: str) -> str:
        actor, now = current_actor(), edge.clock()
        page = edge.audited_read(
            lambda read: _page(read, payout_id, actor, now),
            actor=actor,
            action="page.payout",
            subject_id=payout_id,
        )
        return render_template("staff/payout.html", **page, words=payout_words)

    return routes


def _page(read: Read, payout_id: str, actor: Actor, now: datetime) -> dict[str, Any]:
    """Raises: NoSuchPayout."""
    payout = find_payout(read, payout_id, actor)
    (contents,) = contents_of(read, [payout], actor)
    patients = {part.patient_id for part in contents.parts if part.patient_id}
    return {
        "contents": contents,
        "today": site_date(read, payout.site_id, now),
        "parts_shown": [_shown(part, actor) for part in contents.parts],
        "names": called(read, patients, actor),
        "patient_page": page_of_patients(actor),
        "again": went_out_with(read, payout, actor) if payout.state is PayoutState.FAILED else None,
    }


def _shown(part: PayoutPart, actor: Actor) -> Shown:
    named = part.exception
    sees = named is not None and actor.sees(entity_id=named.entity_id, site_id=named.site_id)
    return Shown(
        part=part,
        url=_place_of(part.owner_id, actor),
        exception_url=_place_of(named.id, actor) if named and sees else None,
    )


def _place_of(subject_id: str | None, actor: Actor) -> str | None:
    """The page about a thing, for those who may open it."""
    if subject_id is None:
        return None
    place = PLACES[subject_id.partition("_")[0]]
    return place.path.format(subject=subject_id) if actor.may(place.permission) else None
