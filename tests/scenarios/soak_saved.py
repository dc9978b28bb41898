"""Cards that patients save, charged while they are away; where their bank says no, for now or for good."""

from __future__ import annotations

import re
from typing import Any

from tests.scenarios.client import Browser
from tests.scenarios.soak_desk import GOOD
from tests.scenarios.soak_model import Bill
from tests.scenarios.soak_visit import Choose, Visit

CONSENT = re.compile(r'name="agree" value="([0-9a-f]{64})"')
SOFT, HARD, NOT_ANY_MORE = "insufficient_funds", "lost_card", "none"


def save_a_card(visit: Visit, choose: Choose) -> None:
    """Agreed to for visits on the page of a link, typed on the processor's."""
    purposes = {"purposes": ["future_visits"]}
    link = visit.clinic.desk.post(f"/patients/{visit.patient_id}/card-links", purposes)
    browser = Browser(visit.clinic.office)
    try:
        page = browser.open(link["url"])
        (consent,) = CONSENT.findall(page.text)
        page = browser.submit(page, agree=consent)
        browser.submit(page, card_number=GOOD, expiry="12 / 34", cvc="123")
    finally:
        browser.close()
    visit.saved = visit.clinic.office.until("the card is saved", lambda: _active(visit))


def charge_the_saved_card(visit: Visit, choose: Choose) -> bool:
    paid = choose.of(visit.owing_to_the_saved_card)
    told = _charge(visit, paid)
    assert told["state"] == "paid", told
    needs_a_card = visit.model.available < paid.owed
    visit.model.take_credit(paid)
    if needs_a_card:
        card = visit.model.charge(paid, visit.clinic.stand_in.newest_charge())
        visit.cards.append(card)
        visit.await_booking(card)
    return needs_a_card


def saved_card_that_is_declined(visit: Visit, choose: Choose) -> None:
    """Credit that came off first is credit again. After a decline for good another card is saved."""
    reason, reference = choose.of((SOFT, HARD)), _at_the_processor(visit)
    visit.clinic.control("decline-method", payment_method=reference, reason=reason)
    told = _charge(visit, choose.of(visit.owing_more_than_credit))
    assert (told["state"], told["decline"]) == ("declined", reason), told
    if reason == SOFT:
        visit.clinic.control("decline-method", payment_method=reference, reason=NOT_ANY_MORE)
        return
    removed = visit.clinic.desk.post(f"/saved-methods/{visit.saved}/remove")
    assert removed["state"] == "detached"
    visit.saved = ""


def _charge(visit: Visit, bill: Bill) -> Any:
    due = max(0, bill.owed - visit.model.available)
    body = {"saved_method_id": visit.saved, "due_cents": due}
    return visit.clinic.desk.post(f"/invoices/{bill.invoice_id}/charges", body)


def _active(visit: Visit) -> str:
    newest = visit.clinic.desk.get(f"/patients/{visit.patient_id}/saved-methods")["items"][0]
    return str(newest["id"]) if newest["state"] == "active" else ""


def _at_the_processor(visit: Visit) -> str:
    """Who came last is the newest customer there."""
    (customer,) = visit.clinic.stand_in.listed("customers", limit="1")["data"]
    (method,) = visit.clinic.stand_in.listed("payment_methods", customer=customer["id"], limit="1")["data"]
    return str(method["id"])
