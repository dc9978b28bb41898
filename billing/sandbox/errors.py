"""Errors in the processor's shape and with its statuses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

ERROR_PAGES = "https://docs.stripe.com/error-codes/"
NO_PAGE = frozenset({"forbidden_word"})
"""Codes of the stand-in's own, of which the processor's pages know nothing."""

LEFT_OUT = frozenset((
    "adaptive_pricing", "address_kana", "address_kanji", "after_expiration", "allow_promotion_codes",
    "amount_details", "amount_to_confirm", "application_fee_amount", "attach_to_self", "automatic_tax",
    "billing_address_collection", "branding_settings", "cash_balance", "configuration_overrides",
    "confirmation_method", "confirmation_token", "consent_collection", "custom_fields", "custom_text",
    "customer_account", "customer_email", "customer_update", "discounts", "excluded_payment_method_types",
    "file_link_data", "final_capture", "flow_directions", "fraud_details", "hooks", "instructions_email",
    "invoice_creation", "invoice_prefix", "managed_payments", "name_collection", "on_behalf_of",
    "optional_items", "origin_context", "payment_details", "payment_method_collection",
    "payment_method_configuration", "permissions", "phone_number_collection", "radar_options",
    "receipt_email", "redirect_on_completion", "refund_application_fee", "reverse_transfer",
    "saved_payment_method_options", "shipping", "shipping_address_collection", "shipping_options",
    "single_use", "subscription_data", "tax_id_collection", "tax_id_data", "test_clock", "transfer_data",
    "transfer_group", "use_stripe_sdk", "wallet_options",
))  # fmt: skip
"""Parameters of the processor that the stand-in does not simulate. Nobody here needs them, and so one that
gives them learns that they did not misspell them.
"""


class ApiError(Exception):
    """What the caller gets instead of an answer. `keeps_writes`: what was written until then stays."""

    keeps_writes = False

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        more: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        page = ERROR_PAGES + code.replace("_", "-") if code and code not in NO_PAGE else None
        named = {"code": code, "doc_url": page, "param": param}
        present = {name: value for name, value in named.items() if value is not None}
        self.body = {"error": {"message": message, "type": kind, **present, **(more or {})}}


class CardDeclined(ApiError):
    """The failed attempt is on record, and the answer tells of it in `more`."""

    keeps_writes = True

    def __init__(self, *, code: str, decline_code: str | None, message: str, **more: Any) -> None:
        if decline_code:
            more["decline_code"] = decline_code
        super().__init__(message, status=402, kind="card_error", code=code, more=more)


class NoSuch(ApiError):
    """404 when the address names it; 400 when a parameter does, as the address itself is right then."""

    def __init__(self, noun: str, reference: str, *, param: str) -> None:
        message = f"No such {noun}: '{reference}'"
        super().__init__(message, status=404, code="resource_missing", param=param)
        self.reference = reference


def no_such(noun: str, reference: str, *, param: str = "id") -> NoSuch:
    return NoSuch(noun, reference, param=param)


def unknown_parameters(names: Sequence[str]) -> ApiError:
    """By their full names, such as `payment_intent_data[colour]`; at least one."""
    message = f"Received unknown parameter{'s' if len(names) > 1 else ''}: {', '.join(names)}"
    if all(name.rpartition("[")[2].removesuffix("]") in LEFT_OUT for name in names):
        them = "it" if len(names) == 1 else "them"
        message += f". The processor takes {them}, the stand-in does not simulate {them}."
    return ApiError(message, code="parameter_unknown", param=names[0])


def missing_parameter(name: str) -> ApiError:
    return ApiError(f"Missing required param: {name}.", code="parameter_missing", param=name)


def unauthorized(message: str) -> ApiError:
    return ApiError(message, status=401)
