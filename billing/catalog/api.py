"""The clinic's own facts, to read: short lists, whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from billing.catalog.queries import conditions, entity_of, protocols, providers, schedule_in_force, sites
from billing.catalog.records import FeeSchedule
from billing.catalog.schemas import (
    ConditionsView,
    FeeScheduleView,
    InForceQuery,
    ProtocolsView,
    ProvidersView,
    SitesView,
)
from billing.kernel.clock import local_date
from billing.kernel.permissions import Permission
from billing.platform.data.database import Read
from billing.platform.http.api import ApiBlueprint
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard

T = TypeVar("T")


def make_blueprint(edge: Edge) -> ApiBlueprint:
    routes = ApiBlueprint("catalog", __name__, description="Sites, providers, conditions, prices, protocols")
    _add_people_and_places(routes, edge)
    _add_medicine_and_prices(routes, edge)
    return routes


def _add_people_and_places(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/sites", methods=["GET"])
    @routes.response(200, SitesView)
    @guard(Permission.CATALOG_READ)
    def get_sites() -> dict[str, Any]:
        """The sites at which the actor works, by code."""
        actor = current_actor()
        known = _of_the_clinic(edge, sites)
        return {"items": [site for site in known if actor.sees(entity_id=site.entity_id, site_id=site.id)]}

    @routes.route("/providers", methods=["GET"])
    @routes.response(200, ProvidersView)
    @guard(Permission.CATALOG_READ)
    def get_providers() -> dict[str, Any]:
        """Who treats, by name."""
        return {"items": _of_the_clinic(edge, providers)}


def _add_medicine_and_prices(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/conditions", methods=["GET"])
    @routes.response(200, ConditionsView)
    @guard(Permission.CATALOG_READ)
    def get_conditions() -> dict[str, Any]:
        """What is treated, by slug."""
        return {"items": _of_the_clinic(edge, conditions)}

    @routes.route("/protocols", methods=["GET"])
    @routes.response(200, ProtocolsView)
    @guard(Permission.CATALOG_READ)
    def get_protocols() -> dict[str, Any]:
        """Courses of treatment, by code."""
        return {"items": _of_the_clinic(edge, protocols)}

    @routes.route("/fee-schedules/in-force", methods=["GET"])
    @routes.arguments(InForceQuery, location="query")
    @routes.response(200, FeeScheduleView)
    @guard(Permission.CATALOG_READ)
    def get_schedule(query: dict[str, Any]) -> FeeSchedule:
        """The fee schedule in force on a date."""
        actor = current_actor()

        def in_force(read: Read) -> FeeSchedule:
            entity = entity_of(read, actor)
            today = local_date(edge.clock(), ZoneInfo(entity.timezone))
            return schedule_in_force(read, entity.id, query["on"] or today)

        return edge.read(in_force)


def _of_the_clinic(edge: Edge, query: Callable[[Read, str], Sequence[T]]) -> Sequence[T]:
    actor = current_actor()
    return edge.read(lambda read: query(read, entity_of(read, actor).id))
