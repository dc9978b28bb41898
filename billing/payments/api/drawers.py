"""Cash drawers over HTTP."""

from __future__ import annotations

from typing import Any

from flask import Response

from billing.kernel.money import Money
from billing.kernel.permissions import Permission
from billing.payments.queries.drawers import list_drawers, list_floats, report_of
from billing.payments.schemas.drawers import (
    BringFloat,
    CashDrawerView,
    CashFloatView,
    CountDrawer,
    DrawerReportView,
    DrawersQuery,
    FloatsQuery,
    OpenDrawer,
)
from billing.payments.use_cases.drawers import bring_float, confirm_drawer, count_drawer, open_drawer
from billing.platform.http.api import ApiBlueprint
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.platform.http.pages import page_of, page_view
from billing.platform.http.writes import edge_write


def add_float_routes(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/cash-floats", methods=["POST"])
    @routes.arguments(BringFloat)
    @routes.response(201, CashFloatView)
    @guard(Permission.DRAWERS_MANAGE)
    def bring(body: dict[str, Any]) -> Response:
        """Change that was brought from the bank to a site, for its drawers."""
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge, lambda tx: bring_float(tx, **body, actor=actor, now=now), CashFloatView, moves_money=True
        )

    @routes.route("/cash-floats", methods=["GET"])
    @routes.arguments(FloatsQuery, location="query")
    @routes.response(200, page_view(CashFloatView))
    @guard(Permission.PAYMENTS_READ)
    def show_floats(query: dict[str, Any]) -> Any:
        limit, actor = query.pop("limit"), current_actor()
        return page_of(edge.read(lambda read: list_floats(read, actor, limit=limit + 1, **query)), limit)


def add_drawer_routes(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/cash-drawers", methods=["POST"])
    @routes.arguments(OpenDrawer)
    @routes.response(201, CashDrawerView)
    @guard(Permission.PAYMENTS_TAKE)
    def open_one(body: dict[str, Any]) -> Response:
        """The caller's own; cash that they take at this site falls into it."""
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge, lambda tx: open_drawer(tx, **body, actor=actor, now=now), CashDrawerView, moves_money=True
        )

    @routes.route("/cash-drawers", methods=["GET"])
    @routes.arguments(DrawersQuery, location="query")
    @routes.response(200, page_view(CashDrawerView))
    @guard(Permission.PAYMENTS_READ)
    def show_drawers(query: dict[str, Any]) -> Any:
        limit, actor = query.pop("limit"), current_actor()
        return page_of(edge.read(lambda read: list_drawers(read, actor, limit=limit + 1, **query)), limit)

    @routes.route("/cash-drawers/<drawer_id>", methods=["GET"])
    @routes.response(200, DrawerReportView)
    @guard(Permission.PAYMENTS_READ)
    def show_drawer(drawer_id: str) -> Any:
        """The report of a shift."""
        return edge.read(lambda read: report_of(read, drawer_id, current_actor()))


def add_drawer_counts(routes: ApiBlueprint, edge: Edge, drawer_limit: Money) -> None:
    @routes.route("/cash-drawers/<drawer_id>/count", methods=["POST"])
    @routes.arguments(CountDrawer)
    @routes.response(200, CashDrawerView)
    @guard(Permission.PAYMENTS_TAKE)
    def count(body: dict[str, Any], drawer_id: str) -> Response:
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: count_drawer(
                tx, drawer_id=drawer_id, **body, limit=drawer_limit, actor=actor, now=now
            ),
            CashDrawerView,
            moves_money=True,
            status=200,
        )

    @routes.route("/cash-drawers/<drawer_id>/confirm", methods=["POST"])
    @routes.arguments(CountDrawer)
    @routes.response(200, CashDrawerView)
    @guard(Permission.DRAWERS_MANAGE)
    def confirm(body: dict[str, Any], drawer_id: str) -> Response:
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: confirm_drawer(tx, drawer_id=drawer_id, **body, actor=actor, now=now),
            CashDrawerView,
            moves_money=True,
            status=200,
        )
