"""A visit's superbill is issued: /staff/sessions/<id>/superbill/new, where diagnoses are looked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug import Response

from billing.care.queries import find_session
from billing.care.records import Session
from billing.catalog.queries import find_condition, find_site
from billing.catalog.records import Condition
from billing.insurance.errors import InvalidSuperbill
from billing.insurance.queries import edition_on, find_diagnoses, find_superbill, present_superbill
from billing.insurance.queries.diagnoses import standing_diagnoses
from billing.insurance.queries.other_payers import why_another_pays
from billing.insurance.records import Diagnosis, Edition, Superbill
from billing.insurance.records.superbills import AS_BEFORE, NOBODY, ReferringProvider, Wishes
from billing.insurance.rules.diagnoses import diagnosis_or_unknown
from billing.insurance.rules.editions import is_of_another_year
from billing.insurance.rules.plan_limits import why_not_told
from billing.insurance.rules.superbill import wishes_of
from billing.insurance.use_cases.superbills import issue_superbill, void_superbill
from billing.kernel.clock import local_date
from billing.kernel.errors import BillingError, Flaw
from billing.kernel.permissions import Actor, Permission
from billing.patients.queries import plan_limits_of
from billing.platform.data.database import Read, Tx
from billing.platform.data.documents import find_document
from billing.platform.http.edge import Edge
from billing.platform.http.errors import InvalidRequest
from billing.platform.http.guard import current_actor, guard
from billing.web.forms import attempt, written
from billing.web.patient_words import name_of
from billing.web.refusals import REFUSED, date_of, shown_again, text_of

PAGE, FOUND = "staff/superbill.html", "staff/diagnoses_found.html"
MOST_FOUND = 20
LONGEST_SEARCH = 100
NONE_CHOSEN = "Add a diagnosis first: a superbill without any goes to no insurer."
MOST_SENT = 20
"""More codes than a superbill takes are refused by the use case, which says how many those are."""


@dataclass(frozen=True, kw_only=True)
class Coded:
    """A visit whose superbill is to be issued. `usual` are the codes of its condition."""

    session: Session
    name: str
    on: date
    condition: Condition
    present: Superbill | None
    why_not: str | None
    """Why no superbill may be issued for this day, as the plan's limits stand."""
    why_elsewhere: str | None
    """Why none may be issued of a visit that compensation or the VA has."""
    wishes: Wishes
    """Of the present version."""
    stand: Sequence[str]
    """The codes that were chosen for the visit, or else for another of its plan; none is added unasked."""
    usual: Sequence[Diagnosis]
    edition: Edition

    @property
    def is_of_another_year(self) -> bool:
        return is_of_another_year(self.edition, self.on)

    def told(self, codes: Sequence[str]) -> Sequence[Diagnosis]:
        return [diagnosis_or_unknown(self.edition, code) for code in codes]


def make_blueprint(edge: Edge) -> Blueprint:
    routes = Blueprint("staff_superbills", __name__)

    @routes.get("/staff/sessions/<session_id>/superbill/new")
    @guard(Permission.SUPERBILLS_WRITE)
    def ask(session_id: str) -> str:
        coded = _coded(edge, session_id)
        return render_template(PAGE, **_page(coded, coded.stand))

    @routes.post("/staff/sessions/<session_id>/superbill/look")
    @guard(Permission.SUPERBILLS_WRITE)
    def look(session_id: str) -> str:
        """A POST, so that no diagnosis stands in an address; nothing is written."""
        return render_template(PAGE, **_looked(edge, _coded(edge, session_id)))

    @routes.post("/staff/diagnoses")
    @guard(Permission.SUPERBILLS_WRITE)
    def suggest() -> str:
        """The list alone, for the script of the page."""
        return render_template(FOUND, **_found(edge, _searched(), date_of("on")))

    @routes.post("/staff/sessions/<session_id>/superbill")
    @guard(Permission.SUPERBILLS_WRITE)
    def issue(session_id: str) -> Response | tuple[str, int]:
        actor, now, codes = current_actor(), edge.clock(), _codes()

        def work(tx: Tx) -> str:
            if not codes:
                raise InvalidRequest(NONE_CHOSEN)
            issued = issue_superbill(
                tx,
                session_id=session_id,
                diagnoses=codes,
                are_unrelated="are_unrelated" in request.form,
                wishes=_wishes(),
                actor=actor,
                now=now,
            )
            return url_for("staff_patients.patient", patient_id=issued.patient_id)

        try:
            to = written(edge, work)
        except REFUSED as error:
            return shown_again(PAGE, _beside_its_field(error), **_page(_coded(edge, session_id), codes))
        if present := edge.read(lambda read: present_superbill(read, session_id)):
            flash(f"{present.number} is the superbill of this visit now.", "done")
        return redirect(to, 303)

    _add_void(routes, edge)
    return routes


def _add_void(routes: Blueprint, edge: Edge) -> None:
    @routes.post("/staff/superbills/<superbill_id>/void")
    @guard(Permission.SUPERBILLS_WRITE)
    def void(superbill_id: str) -> Response:
        """It stays on file, and the plan's answers to it are still understood."""
        actor, now = current_actor(), edge.clock()
        attempt(
            edge,
            lambda tx: void_superbill(tx, superbill_id=superbill_id, actor=actor, now=now),
            done="The superbill is void. It stays on file.",
        )
        patient_id = edge.read(lambda read: find_superbill(read, superbill_id, actor).patient_id)
        return redirect(url_for("staff_patients.patient", patient_id=patient_id), 303)


def _looked(edge: Edge, coded: Coded) -> dict[str, Any]:
    """The page after a code was added or removed, or something was looked for."""
    codes = _codes()
    if added := request.form.get("add"):
        return _page(coded, [*codes, *({added} - {*codes})]) | {"said": f"{added} is added."}
    if removed := request.form.get("remove"):
        return _page(coded, [code for code in codes if code != removed]) | {"said": f"{removed} is removed."}
    text = _searched()
    return _page(coded, codes) | (_found(edge, text, coded.on) if text else {})


def _codes() -> list[str]:
    return request.form.getlist("code")[:MOST_SENT]


def _wishes() -> Wishes:
    """As typed; a form without these fields wishes nothing. Raises: InvalidRequest."""
    if "wishes" not in request.form:
        return AS_BEFORE
    npi = request.form.get("referring_npi", "").strip()
    has_name = bool(request.form.get("referring_name", "").strip()) or bool(npi)
    name = text_of("referring_name", 100) if has_name else ""
    return Wishes(
        referring_provider=ReferringProvider(name=name, npi=npi),
        pays_clinic="pays_clinic" in request.form,
        with_wording="with_wording" in request.form,
    )


def _wished(coded: Coded) -> dict[str, Any]:
    """The fields beside the diagnoses: as typed, or as on the present version."""
    form = request.form
    if "wishes" in form:
        return {
            "name": form.get("referring_name", ""),
            "npi": form.get("referring_npi", ""),
            "pays_clinic": "pays_clinic" in form,
            "with_wording": "with_wording" in form,
        }
    provider = coded.wishes.referring_provider or NOBODY
    return {
        "name": provider.name,
        "npi": provider.npi,
        "pays_clinic": bool(coded.wishes.pays_clinic),
        "with_wording": bool(coded.wishes.with_wording),
    }


def _beside_its_field(error: BillingError) -> BillingError:
    """`/referring_provider/npi` as the page calls it."""
    if not isinstance(error, InvalidSuperbill):
        return error
    return InvalidSuperbill(error.detail, [Flaw("/referring_npi", flaw.message) for flaw in error.flaws])


def _searched() -> str:
    return request.form.get("search", "").strip()[:LONGEST_SEARCH]


def _page(coded: Coded, codes: Sequence[str]) -> dict[str, Any]:
    """Without a search the usual codes that were not chosen yet are offered."""
    return {
        "coded": coded,
        "chosen": coded.told(codes),
        "wished": _wished(coded),
        "found": [each for each in coded.usual if each.code not in codes],
        "told": f"Usual for {coded.condition.name}:",
        "text": "",
    }


def _found(edge: Edge, text: str, on: date) -> dict[str, Any]:
    items = edge.read(lambda read: find_diagnoses(read, text, on, limit=MOST_FOUND)).items
    if not text:
        told = "Type a code or words."
    elif not items:
        told = "No code begins with that, and no description has words that begin so."
    elif len(items) == MOST_FOUND:
        told = f"The first {MOST_FOUND} codes are shown. Type more to see fewer."
    else:
        told = f"{len(items)} {'code is' if len(items) == 1 else 'codes are'} found."
    return {"found": items, "told": told, "text": text}


def _coded(edge: Edge, session_id: str) -> Coded:
    actor = current_actor()
    return edge.audited_read(
        lambda read: _read_coded(read, session_id, actor),
        actor=actor,
        action="page.superbill",
        subject_id=session_id,
    )


def _read_coded(read: Read, session_id: str, actor: Actor) -> Coded:
    """Raises: NoSuchSession."""
    session = find_session(read, session_id, actor)
    condition = find_condition(read, session.entity_id, session.condition)
    zone = ZoneInfo(find_site(read, session.site_id).timezone)
    on = local_date(session.started_at, zone) if session.started_at else session.planned_on
    present, edition = present_superbill(read, session_id), edition_on(read, on)
    body = find_document(read, present.document_id).body if present else None
    return Coded(
        session=session,
        name=name_of(read, session.patient_id, actor),
        on=on,
        condition=condition,
        present=present,
        why_not=why_not_told(plan_limits_of(read, session.patient_id), on),
        why_elsewhere=why_another_pays(read, session.id),
        wishes=wishes_of(body) if body else AS_BEFORE,
        stand=standing_diagnoses(read, session),
        usual=[diagnosis_or_unknown(edition, code) for code in condition.icd10],
        edition=edition,
    )
