"""PaymentIntents: an amount to be paid, through as many attempts as it takes."""

from __future__ import annotations

from typing import Any

from billing.sandbox import banks, charges
from billing.sandbox.bank_payments import begin_debit
from billing.sandbox.calls import Call, lookup, shown
from billing.sandbox.cards import AUTHENTICATION_REQUIRED, Decline, decline_of, needs_authentication
from billing.sandbox.errors import ApiError, missing_parameter
from billing.sandbox.events import emit
from billing.sandbox.mandates import mandate_for
from billing.sandbox.parameters import Parser, whole
from billing.sandbox.payment_methods import TYPES, attach, given_method, refusal_to_save, refuse_unfit
from billing.sandbox.storage import Condition, Thing, new_reference

LEAST_CENTS, MOST_CENTS = 50, 99_999_999
CAN_BE_CONFIRMED = ("requires_payment_method", "requires_confirmation", "requires_action")
CAN_BE_CANCELED = (*CAN_BE_CONFIRMED, "requires_capture")


def amount() -> Parser:
    """Cents, from $0.50 to eight digits. Source: docs.stripe.com/currencies."""

    def parse(raw: Any, name: str) -> int:
        cents = int(whole(1)(raw, name))
        if cents < LEAST_CENTS:
            raise ApiError("Amount must be at least $0.50 usd", code="amount_too_small", param=name)
        if cents > MOST_CENTS:
            raise ApiError("Amount must be no more than $999,999.99", code="amount_too_large", param=name)
        return cents

    return parse


def fitting_types(kinds: list[str], capture_method: str | None) -> list[str]:
    """Those of the types that such a payment can be made with. Raises: ApiError when there is none."""
    fit = [kind for kind in kinds if kind != "us_bank_account" or capture_method != "manual"]
    if not fit:
        message = "None of the allowed payment method types can be captured manually."
        raise ApiError(message, param="allowed_payment_method_types")
    return fit


def automatic(params: Thing) -> Thing | None:
    """Who names no types takes all that fit. Source: docs.stripe.com/api/payment_intents/create."""
    if "allowed_payment_method_types" in params:
        return params.get("automatic_payment_methods")
    return {"allow_redirects": "always", "enabled": True, **params.get("automatic_payment_methods", {})}


def new_intent(call: Call, *, cents: int, params: Thing, managed: bool = False) -> Thing:
    """`managed`: by Checkout, so that nobody else may confirm it."""
    reference = new_reference("pi")
    kinds = params.get("allowed_payment_method_types")
    if params.get("customer"):
        lookup(call, "customer", params["customer"], param="customer")
    intent = call.shelf.add({
        "id": reference,
        "object": "payment_intent",
        "allowed_payment_method_types": kinds,
        "amount": cents,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": automatic(params),
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": params.get("capture_method", "automatic_async"),
        "client_secret": f"{reference}_secret_{new_reference('x')[2:]}",
        "confirmation_method": "automatic",
        "created": call.now,
        "currency": "usd",
        "customer": params.get("customer"),
        "description": params.get("description"),
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": params.get("metadata", {}),
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_options": {
            "card": {"request_three_d_secure": "automatic"}, **params.get("payment_method_options", {}),
        },
        "payment_method_types": fitting_types(kinds or list(TYPES), params.get("capture_method")),
        "processing": None,
        "receipt_email": None,
        "review": None,
        "setup_future_usage": params.get("setup_future_usage"),
        "shipping": None,
        "statement_descriptor": params.get("statement_descriptor"),
        "statement_descriptor_suffix": params.get("statement_descriptor_suffix"),
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
        "_managed": managed,
    })  # fmt: skip
    emit(call, "payment_intent.created", intent)
    return intent


def confirm(call: Call, intent: Thing, params: Thing) -> Thing | None:
    """Try to pay with the method given or chosen before: the charge, or None while the payer must act.

    Raises: ApiError when the intent or the method is not fit for it.
    """
    method = given_method(call, params, otherwise=intent["payment_method"])
    if method is None:
        message = "You cannot confirm this PaymentIntent because it's missing a payment method."
        raise ApiError(message, code="payment_intent_unexpected_state", param="payment_method")
    refuse_unfit(method, intent["customer"], intent["payment_method_types"])
    for name in ("capture_method", "setup_future_usage"):
        intent[name] = params.get(name, intent[name])
    intent["_return_url"] = params.get("return_url")
    if method["type"] == "us_bank_account":
        return _confirm_debit(call, intent, method, params)
    off_session = bool(params.get("off_session"))
    if not needs_authentication(method, off_session=off_session):
        return pay(call, intent, method, _decline(intent, method))
    if off_session or params.get("error_on_requires_action"):
        return pay(call, intent, method, decline_of(method) or AUTHENTICATION_REQUIRED)
    _require(call, intent, method, authentication(call, intent))
    return None


def _decline(intent: Thing, method: Thing) -> Decline | None:
    """A card that cannot be saved cannot be paid with either, where it is to be saved."""
    saves = intent["setup_future_usage"] and method["type"] == "card"
    return decline_of(method) or (refusal_to_save(method) if saves else None)


def _confirm_debit(call: Call, intent: Thing, method: Thing, params: Thing) -> Thing | None:
    if intent["capture_method"] == "manual":
        raise ApiError("A us_bank_account cannot be captured manually.", param="capture_method")
    acceptance = params.get("mandate_data", {}).get("customer_acceptance")
    mandate = _named_mandate(call, params, method) or mandate_for(call, method, acceptance)
    if method["_verified"]:
        charge = begin_debit(call, intent, method, mandate)
        _keep_or_use_up(call, intent, method)
        return charge
    _require(call, intent, method, verification(call, intent))
    return None


def _named_mandate(call: Call, params: Thing, method: Thing) -> Thing | None:
    if "mandate" not in params:
        return None
    mandate = lookup(call, "mandate", params["mandate"], param="mandate")
    if mandate["payment_method"] != method["id"] or mandate["status"] != "active":
        message = "The provided mandate is invalid and can not be used for this payment."
        raise ApiError(message, code="payment_intent_mandate_invalid", param="mandate")
    return mandate


def pay(call: Call, intent: Thing, method: Thing, decline: Decline | None) -> Thing:
    """Charge a card, and keep it for the intent's customer if that was asked for."""
    charge = charges.attempt(call, intent, method, decline)
    if decline is None:
        _keep_or_use_up(call, intent, method)
    return charge


def _keep_or_use_up(call: Call, intent: Thing, method: Thing) -> None:
    if method["type"] == "card_present":
        return
    if intent["setup_future_usage"]:
        method["_set_up"] = True
        if intent["customer"]:
            attach(call, method, lookup(call, "customer", intent["customer"]))
    elif not method["customer"]:
        method["_used"] = True
    call.shelf.save(method)


def _require(call: Call, intent: Thing, method: Thing, action: Thing) -> None:
    intent.update(
        status="requires_action", payment_method=method["id"], next_action=action, last_payment_error=None
    )
    call.shelf.save(intent)
    emit(call, f"{intent['object']}.requires_action", intent)


def authentication(call: Call, intent: Thing) -> Thing:
    """What the payer must do next: on a page, when there is one to come back to."""
    if not intent.get("_return_url"):
        return {"type": "use_stripe_sdk", "use_stripe_sdk": {}}
    url = f"{call.base_url}/c/authenticate/{intent['id']}"
    return {
        "redirect_to_url": {"return_url": intent["_return_url"], "url": url},
        "type": "redirect_to_url",
    }


def verification(call: Call, intent: Thing) -> Thing:
    """Two deposits arrive the next day."""
    details = {
        "arrival_date": call.now + 24 * 3600,
        "hosted_verification_url": f"{call.base_url}/c/verify/{intent['id']}",
        "microdeposit_type": "amounts",
    }
    return {"type": "verify_with_microdeposits", "verify_with_microdeposits": details}


def check_deposits(intent: Thing, method: Thing, params: Thing) -> None:
    """Raises: ApiError unless the payer saw what was deposited."""
    if (intent["next_action"] or {}).get("type") != "verify_with_microdeposits":
        raise in_wrong_state("verify the microdeposits of", intent)
    if ("amounts" in params) == ("descriptor_code" in params):
        raise missing_parameter("amounts")
    if method["us_bank_account"]["last4"] == banks.WITHOUT_DEPOSITS:
        message = "The microdeposits could not be sent to this bank account."
        raise ApiError(message, code="payment_method_microdeposit_failed")
    if "amounts" in params and sorted(params["amounts"]) != banks.DEPOSITS:
        message = "The amounts provided do not match the amounts that we sent to the bank account."
        raise ApiError(message, code="payment_method_microdeposit_verification_amounts_mismatch")
    if "descriptor_code" in params and params["descriptor_code"] != banks.DEPOSIT_CODE:
        message = "The descriptor code does not match the one that we sent to the bank account."
        raise ApiError(message, code="payment_method_microdeposit_verification_descriptor_code_mismatch")


def verified(call: Call, intent: Thing) -> None:
    """The payer saw the deposits: the debit begins."""
    method = lookup(call, "payment_method", intent["payment_method"])
    method["_verified"] = True
    call.shelf.save(method)
    begin_debit(call, intent, method, mandate_for(call, method, None))
    _keep_or_use_up(call, intent, method)


def authenticated(call: Call, intent: Thing, *, succeeds: bool) -> None:
    """The payer did what the bank asked for, or could not. Raises: ApiError unless it was asked for."""
    if intent["status"] != "requires_action":
        raise in_wrong_state("authenticate", intent)
    method = lookup(call, "payment_method", intent["payment_method"])
    if succeeds:
        pay(call, intent, method, _decline(intent, method))
        return
    error = {
        "code": "payment_intent_authentication_failure",
        "message": "The provided PaymentMethod has failed authentication. Provide another PaymentMethod.",
        "payment_method": shown(call, method),
        "type": "invalid_request_error",
    }
    intent.update(
        status="requires_payment_method", payment_method=None, next_action=None, last_payment_error=error
    )
    call.shelf.save(intent)
    emit(call, "payment_intent.payment_failed", intent)


def cancel_intent(call: Call, intent: Thing, reason: str | None) -> Thing:
    """Raises: ApiError when it has been paid or canceled, or is under way."""
    if intent["status"] not in CAN_BE_CANCELED:
        raise in_wrong_state("cancel", intent)
    if intent["status"] == "requires_capture":
        charge = lookup(call, "charge", intent["latest_charge"])
        charges.release(call, charge, "charge.expired" if reason == "automatic" else "charge.refunded")
    intent.update(
        status="canceled", canceled_at=call.now, cancellation_reason=reason, amount_capturable=0,
        next_action=None,
    )  # fmt: skip
    call.shelf.save(intent)
    emit(call, "payment_intent.canceled", intent)
    return intent


def release_overdue(call: Call) -> None:
    """What was held and never captured is free again."""
    overdue: list[Condition] = [("_due_at", "<=", call.now), ("captured", "=", 0)]
    for charge in call.shelf.select("charge", overdue, oldest_first=True):
        cancel_intent(call, lookup(call, "payment_intent", charge["payment_intent"]), "automatic")


def in_wrong_state(verb: str, intent: Thing, *, code: str | None = None) -> ApiError:
    """Of a PaymentIntent or a SetupIntent, which goes along. A reader says it with a code of its own."""
    noun = {"payment_intent": "PaymentIntent", "setup_intent": "SetupIntent"}[intent["object"]]
    message = f"You cannot {verb} this {noun} because it has a status of {intent['status']}."
    visible = {name: value for name, value in intent.items() if not name.startswith("_")}
    code = code or f"{intent['object']}_unexpected_state"
    return ApiError(message, code=code, more={intent["object"]: visible})
