"""/staff/patients/<id>/consents: what a patient agreed to about saved cards, word for word, and took back."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, render_template

from billing.kernel.permissions import Actor, Permission
from billing.patients.queries import find_patient
from billing.payments.queries.saved_methods import consents_of, list_saved_methods, living_consents
from billing.payments.records.saved_methods import Consent, SavedMethod
from billing.payments.states.saved_methods import KEPT
from billing.people.queries import list_staff
from billing.platform.data.database import Read
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.web import words
from billing.web.patient_words import name_of


@dataclass(frozen=True, kw_only=True)
class Agreed:
    """All that was agreed to and taken back about one card, oldest first, and the ids of what counts now."""

    method: SavedMethod
    consents: Sequence[Consent]
    in_force: Collection[str]


def make_blueprint(edge: Edge) -> Blueprint:
    routes = Blueprint("staff_consents", __name__)

    @routes.get("/staff/patients/<patient_id>/consents")
    @guard(Permission.PAYMENTS_READ)
    def consents(patient_id: str) -> str:
        actor = current_actor()
        page = edge.audited_read(
            lambda read: _page(read, patient_id, actor),
            actor=actor,
            action="page.consents",
            subject_id=patient_id,
        )
        return render_template("staff/consents.html", **page, words=words)

    return routes


def _page(read: Read, patient_id: str, actor: Actor) -> dict[str, Any]:
    """Removed cards too: what was charged then rests on what was agreed to then. Raises: NoSuchPatient."""
    patient = find_patient(read, patient_id, actor)
    methods = [_agreed(read, each, actor) for each in list_saved_methods(read, patient.id, actor)]
    return {
        "patient": patient,
        "name": name_of(read, patient.id, actor),
        "agreed": [each for each in methods if each.consents],
        "people": {each.id: each.email for each in list_staff(read, actor)},
    }


def _agreed(read: Read, method: SavedMethod, actor: Actor) -> Agreed:
    """Nothing counts any more of a card that is not charged any more."""
    living = living_consents(read, method.id).values() if method.state in KEPT else ()
    return Agreed(method=method, consents=consents_of(read, method.id, actor), in_force=frozenset(living))
