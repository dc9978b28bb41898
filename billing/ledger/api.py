"""The books, to read. Nothing posts through the API but the deeds that the other rooms do."""

from __future__ import annotations

from typing import Any

from billing.kernel.permissions import Permission
from billing.ledger.queries import find_entry, list_entries, trial_balance
from billing.ledger.rules import CHART
from billing.ledger.schemas import EntryView, TrialBalanceView
from billing.platform.http.api import ApiBlueprint
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.platform.http.pages import page_args, page_of, page_view


def make_blueprint(edge: Edge) -> ApiBlueprint:
    routes = ApiBlueprint("ledger", __name__, description="Trial balance and journal")

    @routes.route("/ledger/trial-balance", methods=["GET"])
    @routes.response(200, TrialBalanceView)
    @guard(Permission.LEDGER_READ)
    def show_trial_balance() -> Any:
        balances = edge.read(lambda read: trial_balance(read, current_actor()))
        return {
            "accounts": [
                {"account": code, "name": CHART[code].name, "cents": cents}
                for code, cents in balances.items()
            ],
            "sum_cents": sum(balances.values()),
        }

    @routes.route("/ledger/entries", methods=["GET"])
    @routes.arguments(page_args("je"), location="query")
    @routes.response(200, page_view(EntryView))
    @guard(Permission.LEDGER_READ)
    def show_entries(query: dict[str, Any]) -> Any:
        entries = edge.read(
            lambda read: list_entries(read, current_actor(), cursor=query["cursor"], limit=query["limit"] + 1)
        )
        return page_of(entries, query["limit"])

    @routes.route("/ledger/entries/<entry_id>", methods=["GET"])
    @routes.response(200, EntryView)
    @guard(Permission.LEDGER_READ)
    def show_entry(entry_id: str) -> Any:
        return edge.read(lambda read: find_entry(read, entry_id, current_actor()))

    return routes
