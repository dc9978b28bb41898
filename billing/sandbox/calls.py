"""What each operation is given, how routes are declared, and how objects leave: expanded, listed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from billing.sandbox.errors import ApiError, no_such
from billing.sandbox.parameters import Form
from billing.sandbox.storage import Condition, Shelf, Thing

DEFAULT_LIMIT = 10
DEEPEST_EXPANSION = 4

EXPANDABLE: dict[str, frozenset[str]] = {
    "checkout.session": frozenset({"payment_intent", "line_items", "customer", "setup_intent"}),
    "payment_intent": frozenset({"latest_charge", "payment_method", "customer"}),
    "charge": frozenset(
        {
            "balance_transaction",
            "payment_intent",
            "customer",
            "failure_balance_transaction",
            "refunds",
        }
    ),
    "setup_intent": frozenset({"customer", "payment_method", "mandate", "latest_attempt"}),
    "setup_attempt": frozenset({"customer", "payment_method", "setup_intent"}),
    "payment_method": frozenset({"customer"}),
    "mandate": frozenset({"payment_method"}),
    "terminal.reader": frozenset({"location"}),
    "refund": frozenset({"balance_transaction", "charge", "payment_intent", "failure_balance_transaction"}),
    "balance_transaction": frozenset({"source"}),
    "dispute": frozenset({"charge", "payment_intent"}),
    "payout": frozenset({"balance_transaction", "failure_balance_transaction"}),
}
"""Which fields of which kind may be asked for whole."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request, or a moment in which the stand-in acts of itself. `now` is in seconds."""

    shelf: Shelf
    now: int
    base_url: str
    request_id: str | None = None
    idempotency_key: str | None = None


Operation = Callable[..., Thing]
"""Takes the call, its parameters, and the ids in its path by name."""


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    form: Form
    operation: Operation


def _noun(kind: str) -> str:
    """As the processor's messages name it."""
    named = {"payment_intent": kind, "payment_method": "PaymentMethod", "setup_intent": "setupintent"}
    return named.get(kind, kind.replace("_", " "))


def lookup(call: Call, kind: str, reference: str, *, param: str = "id") -> Thing:
    """Raises: ApiError, 404."""
    thing = call.shelf.find(reference, kind)
    if thing is None or thing.get("deleted"):
        raise no_such(_noun(kind), reference, param=param)
    return thing


def shown(call: Call, thing: Thing, expand: Sequence[str] = ()) -> Thing:
    """As the caller sees it. `expand` holds paths such as `payment_intent.latest_charge`."""
    visible = {name: value for name, value in thing.items() if not name.startswith("_")}
    if thing["object"] == "balance_transaction" and thing["available_on"] <= call.now:
        visible["status"] = "available"
    for first in dict.fromkeys(path.partition(".")[0] for path in expand):
        rest = [path.partition(".")[2] for path in expand if path.startswith(f"{first}.")]
        visible[first] = _expanded(call, thing, first, rest)
    return visible


def _expanded(call: Call, thing: Thing, field: str, rest: Sequence[str]) -> Any:
    if field not in EXPANDABLE.get(thing["object"], ()):
        raise ApiError(f"This property cannot be expanded ({field}).", param="expand")
    if any(path.count(".") >= DEEPEST_EXPANSION for path in rest):
        raise ApiError(f"You cannot expand more than {DEEPEST_EXPANSION} levels.", param="expand")
    if field == "refunds":
        url = f"/v1/charges/{thing['id']}/refunds"
        return page(call, "refund", {"expand": rest}, url=url, conditions=[("charge", "=", thing["id"])])
    value = thing.get(f"_{field}", thing.get(field))
    target = call.shelf.find(value) if isinstance(value, str) else None
    return shown(call, target, rest) if target else value


def listing(url: str, things: Iterable[Thing], *, has_more: bool = False) -> Thing:
    return {"object": "list", "url": url, "has_more": has_more, "data": list(things)}


def page(call: Call, kind: str, params: Thing, *, url: str, conditions: Sequence[Condition] = ()) -> Thing:
    """Newest first; `starting_after` and `ending_before` name an object at the page's edge."""
    limit = params.get("limit", DEFAULT_LIMIT)
    backwards = "ending_before" in params
    if backwards and "starting_after" in params:
        raise ApiError(
            "You cannot parameterize both starting_after and ending_before.", param="ending_before"
        )
    wanted = [*conditions, *(("created", operator, at) for operator, at in params.get("created", ()))]
    for name, operator in (("starting_after", "<"), ("ending_before", ">")):
        if name in params:
            wanted.append(("place", operator, _edge(call, kind, params[name], name)))
    found = call.shelf.select(kind, wanted, limit=limit + 1, oldest_first=backwards)
    things = found[:limit][::-1] if backwards else found[:limit]
    expand = [_inside_data(path) for path in params.get("expand", ())]
    return listing(url, [shown(call, thing, expand) for thing in things], has_more=len(found) > limit)


def _edge(call: Call, kind: str, reference: str, name: str) -> int:
    place = call.shelf.place_of(reference, kind)
    if place is None:
        raise no_such(_noun(kind), reference, param=name)
    return place


def _inside_data(path: str) -> str:
    if not path.startswith("data."):
        raise ApiError(f"This property cannot be expanded ({path}).", param="expand")
    return path.removeprefix("data.")


def reader(kind: str, *, param: str = "id") -> Operation:
    """The operation that answers one object of a kind, to whoever knows its secret if they tell one."""

    def read(call: Call, params: Thing, *, reference: str) -> Thing:
        thing = lookup(call, kind, reference, param=param)
        if params.get("client_secret") not in (None, thing.get("client_secret")):
            message = (
                f"The client_secret provided does not match any associated {_noun(kind)} on this account."
            )
            raise ApiError(message, param="client_secret")
        return shown(call, thing, params.get("expand", ()))

    return read
