"""What the control API does to payments: debits ended, saved methods spoiled, payers and readers moved."""

from __future__ import annotations

from billing.sandbox import intents, setups
from billing.sandbox.actions import Action
from billing.sandbox.bank_payments import end_debit
from billing.sandbox.banks import FAILURES as DEBIT_FAILURES
from billing.sandbox.calls import Call, lookup, shown
from billing.sandbox.cards import DECLINES
from billing.sandbox.errors import ApiError
from billing.sandbox.parameters import Form, choice, flag, text
from billing.sandbox.payment_methods import find_card
from billing.sandbox.readers import FAILURES as READER_FAILURES
from billing.sandbox.readers import fail_action, show_card
from billing.sandbox.sessions import follow_debit
from billing.sandbox.storage import Thing

NEVER = "none"


def end_one_debit(call: Call, body: Thing) -> Thing:
    """Before its time: paid, or failed for a reason."""
    intent = lookup(call, "payment_intent", body["payment_intent"], param="payment_intent")
    charge = lookup(call, "charge", intent["latest_charge"] or "", param="payment_intent")
    ended = end_debit(call, charge, body.get("failure"))
    follow_debit(call, ended)
    return shown(call, ended)


def decline_from_now_on(call: Call, body: Thing) -> Thing:
    """Each later charge on a saved card is declined, or debit of a saved account failed, for this reason."""
    method = lookup(call, "payment_method", body["payment_method"], param="payment_method")
    reasons = DEBIT_FAILURES if method["type"] == "us_bank_account" else DECLINES
    if body["reason"] not in (*reasons, NEVER):
        raise ApiError(f"One of {', '.join(reasons)} can happen to a {method['type']}.", param="reason")
    method["_decline"] = None if body["reason"] == NEVER else body["reason"]
    call.shelf.save(method)
    return shown(call, method)


def authenticate(call: Call, body: Thing) -> Thing:
    """The payer, who was asked, proves who they are or cannot."""
    kind = "setup_intent" if body["intent"].startswith("seti_") else "payment_intent"
    intent = lookup(call, kind, body["intent"], param="intent")
    module = setups if kind == "setup_intent" else intents
    module.authenticated(call, intent, succeeds=body["succeeds"])
    return shown(call, intent)


def switch_reader(call: Call, body: Thing) -> Thing:
    device = lookup(call, "terminal.reader", body["reader"], param="reader")
    device["status"] = "online" if body["on"] else "offline"
    call.shelf.save(device)
    return shown(call, device)


def end_reader_action(call: Call, body: Thing) -> Thing:
    """The reader gives up what it was told to do."""
    device = lookup(call, "terminal.reader", body["reader"], param="reader")
    code = body.get("reason", "customer_canceled")
    fail_action(call, device, code, READER_FAILURES[code])
    return shown(call, device)


def lose_reader(call: Call, body: Thing) -> Thing:
    """As the next card is shown to it: what the bank says then, the reader does not learn."""
    device = lookup(call, "terminal.reader", body["reader"], param="reader")
    device["_lost"] = True
    call.shelf.save(device)
    return shown(call, device)


def card_at_reader(call: Call, body: Thing) -> Thing:
    """Somebody shows a test card to the reader."""
    device = lookup(call, "terminal.reader", body["reader"], param="reader")
    show_card(call, device, find_card(body["number"], param="number"))
    return shown(call, device)


ACTIONS = {
    "end-debit": Action(
        Form(
            {"payment_intent": text(255), "failure": choice(*DEBIT_FAILURES)},
            required=frozenset({"payment_intent"}),
        ),
        end_one_debit,
    ),
    "decline-method": Action(
        Form(
            {
                "payment_method": text(255),
                "reason": choice(*dict.fromkeys((*DECLINES, *DEBIT_FAILURES, NEVER))),
            },
            required=frozenset({"payment_method", "reason"}),
        ),
        decline_from_now_on,
    ),
    "authenticate": Action(
        Form({"intent": text(255), "succeeds": flag()}, required=frozenset({"intent", "succeeds"})),
        authenticate,
    ),
    "switch-reader": Action(
        Form({"reader": text(255), "on": flag()}, required=frozenset({"reader", "on"})), switch_reader
    ),
    "fail-reader-action": Action(
        Form({"reader": text(255), "reason": choice(*READER_FAILURES)}, required=frozenset({"reader"})),
        end_reader_action,
    ),
    "lose-reader": Action(Form({"reader": text(255)}, required=frozenset({"reader"})), lose_reader),
    "show-card": Action(
        Form({"reader": text(255), "number": text(23)}, required=frozenset({"reader", "number"})),
        card_at_reader,
    ),
}
