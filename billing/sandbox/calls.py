"""What each operation is given, how routes are declared, and how objects leave: expanded, listed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from billing.sandbox.errors import ApiError, no_such
from billing.sandbox.parameters import Form
from billing.sandbox.storage import Condition, Shelf, Thing

DEFAULT_LIMIT = 10

EVIDENCE_FILES = (
    "cancellation_policy", "customer_communication", "customer_signature", "duplicate_charge_documentation",
    "receipt", "refund_policy", "service_documentation", "shipping_documentation", "uncategorized_file",
)  # fmt: skip
"""The fields of a dispute's evidence that name a file."""

EXPANDABLE: dict[str, frozenset[str]] = {
    kind: frozenset(names.split())
    for kind, names in {
        "checkout.session": "payment_intent line_items customer setup_intent invoice payment_link"
        " subscription",
        "item": "price",
        "price": "product",
        "payment_intent": "latest_charge payment_method customer application on_behalf_of review",
        "charge": "balance_transaction payment_intent customer failure_balance_transaction refunds"
        " application application_fee on_behalf_of review source_transfer transfer",
        "setup_intent": "customer payment_method mandate latest_attempt application on_behalf_of"
        " single_use_mandate",
        "setup_attempt": "customer payment_method setup_intent application on_behalf_of",
        "customer": "invoice_settings default_source test_clock",
        "invoice_settings": "default_payment_method",
        "payment_method": "customer",
        "mandate": "payment_method",
        "terminal.reader": "location",
        "refund": "balance_transaction charge payment_intent failure_balance_transaction"
        " source_transfer_reversal transfer_reversal",
        "balance_transaction": "source",
        "dispute": "charge payment_intent evidence",
        "evidence": " ".join(EVIDENCE_FILES),
        "payout": "balance_transaction failure_balance_transaction destination application_fee"
        " original_payout reversed_by",
    }.items()
}
"""Which fields of which kind may be asked for whole. A hash within an object goes by its field's name."""


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


def shown(call: Call, thing: Thing, expand: Sequence[str] = (), *, kind: str | None = None) -> Thing:
    """As the caller sees it. `expand` holds paths such as `payment_intent.latest_charge`; `kind` is told of
    what does not tell it itself.
    """
    kind = kind or str(thing["object"])
    visible = {name: value for name, value in thing.items() if not name.startswith("_")}
    if kind == "balance_transaction" and thing["available_on"] <= call.now:
        visible["status"] = "available"
    for first in dict.fromkeys(path.partition(".")[0] for path in expand):
        rest = [path.partition(".")[2] for path in expand if path.startswith(f"{first}.")]
        if first not in EXPANDABLE.get(kind, ()):
            raise _unexpandable(first)
        visible[first] = _expanded(call, thing, first, rest)
    return visible


def _expanded(call: Call, thing: Thing, field: str, rest: Sequence[str]) -> Any:
    if field == "refunds":
        url = f"/v1/charges/{thing['id']}/refunds"
        return page(call, "refund", {"expand": rest}, url=url, conditions=[("charge", "=", thing["id"])])
    value = thing.get(f"_{field}", thing.get(field))
    whole = call.shelf.find(value) if isinstance(value, str) else value
    if not isinstance(whole, dict):
        return value
    if whole.get("object") == "list":
        return part_of_list(call, whole, {"expand": rest})
    if "object" not in whole and not rest:
        raise _unexpandable(field)
    return shown(call, whole, rest, kind=whole.get("object", field))


def _unexpandable(field: str) -> ApiError:
    return ApiError(f"This property cannot be expanded ({field}).", param="expand")


def part_of_list(call: Call, whole: Thing, params: Thing) -> Thing:
    """Of a list that lies within an object, in its own order: what `params` ask for of it."""
    things = whole["data"]
    places = {thing["id"]: place for place, thing in enumerate(things)}
    for name in ("starting_after", "ending_before"):
        if name in params and params[name] not in places:
            raise no_such(_noun(things[0]["object"]), params[name], param=name)
    limit = params.get("limit", DEFAULT_LIMIT)
    if "ending_before" in params:
        rest = things[: places[params["ending_before"]]]
        chosen = rest[-limit:]
    else:
        rest = things[places[params["starting_after"]] + 1 :] if "starting_after" in params else things
        chosen = rest[:limit]
    expand = [_inside_data(path) for path in params.get("expand", ())]
    data = [shown(call, thing, expand) for thing in chosen]
    return listing(whole["url"], data, has_more=len(rest) > len(chosen))


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
        raise _unexpandable(path)
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
