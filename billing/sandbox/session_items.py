"""What a Checkout Session is for: items, each with the price and the product that are made of its data."""

from __future__ import annotations

from billing.sandbox.calls import Call
from billing.sandbox.errors import ApiError
from billing.sandbox.intents import LEAST_CENTS, MOST_CENTS
from billing.sandbox.parameters import Form, currency, text, whole
from billing.sandbox.storage import Thing, new_reference


def total_of(items: list[Thing]) -> int:
    """In cents. Raises: ApiError when nobody can pay as little, or as much."""
    total: int = sum(item["quantity"] * item["price_data"]["unit_amount"] for item in items)
    if total < LEAST_CENTS:
        message = "The Checkout Session's total amount due must add up to at least $0.50 usd"
        raise ApiError(message, code="amount_too_small", param="line_items")
    if total > MOST_CENTS:
        message = "The Checkout Session's total amount due must add up to at most $999,999.99"
        raise ApiError(message, code="amount_too_large", param="line_items")
    return total


def new_item(call: Call, item: Thing) -> Thing:
    price = item["price_data"]
    total = item["quantity"] * price["unit_amount"]
    return {
        "id": new_reference("li"),
        "object": "item",
        "amount_discount": 0,
        "amount_subtotal": total,
        "amount_tax": 0,
        "amount_total": total,
        "currency": "usd",
        "description": price["product_data"]["name"],
        "price": _price(call, price),
        "quantity": item["quantity"],
    }


def _price(call: Call, given: Thing) -> Thing:
    """Good for this one session, so that neither it nor its product is active."""
    return {
        "id": new_reference("price"),
        "object": "price",
        "active": False,
        "billing_scheme": "per_unit",
        "created": call.now,
        "currency": "usd",
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": None,
        "metadata": {},
        "nickname": None,
        "product": _product(call, given["product_data"])["id"],
        "recurring": None,
        "tax_behavior": "unspecified",
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "one_time",
        "unit_amount": given["unit_amount"],
        "unit_amount_decimal": str(given["unit_amount"]),
    }


def _product(call: Call, given: Thing) -> Thing:
    return call.shelf.add({
        "id": new_reference("prod", 14),
        "object": "product",
        "active": False,
        "created": call.now,
        "default_price": None,
        "description": given.get("description"),
        "images": [],
        "livemode": False,
        "marketing_features": [],
        "metadata": {},
        "name": given["name"],
        "package_dimensions": None,
        "shippable": None,
        "statement_descriptor": None,
        "tax_code": None,
        "unit_label": None,
        "updated": call.now,
        "url": None,
    })  # fmt: skip


_PRICE = Form(
    {
        "currency": currency(),
        "unit_amount": whole(0, MOST_CENTS),
        "product_data": Form({"name": text(250), "description": text(1000)}, required=frozenset({"name"})),
    },
    required=frozenset({"currency", "unit_amount", "product_data"}),
)
ITEM = Form(
    {"quantity": whole(1, 999_999), "price_data": _PRICE}, required=frozenset({"quantity", "price_data"})
)
