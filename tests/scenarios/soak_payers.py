"""What a relative or an employer pays of somebody's bill, and what goes back to them."""

from __future__ import annotations

from typing import Any

from tests.scenarios.client import Browser
from tests.scenarios.soak_desk import GOOD
from tests.scenarios.soak_visit import Choose, Visit


def another_payer_takes_a_part(visit: Visit, choose: Choose) -> None:
    """A relative's word, or an employer's letter."""
    bill, kind = choose.of(visit.shareable), choose.of(("relative", "employer"))
    payer = {"site_id": visit.clinic.site_id, "kind": kind, "name": "A. Payer", "contact": "512-555-0177"}
    cents = choose.part(bill.owed)
    order = {
        "payer_id": visit.clinic.billing.post("/payers", payer)["id"],
        "amount_cents": cents,
        "reference": "L-1" if kind == "employer" else None,
    }
    share = visit.clinic.billing.post(f"/invoices/{bill.invoice_id}/payer-shares", order)
    bill.share_id, bill.part = share["id"], cents


def payer_pays_at_the_desk(visit: Visit, choose: Choose) -> None:
    bill = choose.of(visit.owed_by_payers)
    cents = choose.of((bill.part_owed, choose.part(bill.part_owed)))
    path = f"/payer-shares/{bill.share_id}/cash-payments"
    visit.clinic.desk.post(path, {"amount_cents": cents})
    visit.model.pay_part_in_cash(bill, cents)


def payer_pays_by_link(visit: Visit, choose: Choose) -> None:
    bill = choose.of(visit.owed_by_payers_on_a_page)
    link = visit.clinic.desk.post(f"/payer-shares/{bill.share_id}/pay-links")
    browser = Browser(visit.clinic.office)
    try:
        page = browser.submit(browser.open(link["url"]))
        browser.submit(page, card_number=GOOD, expiry="12 / 34", cvc="123")
    finally:
        browser.close()
    card = visit.model.charge_part(bill, visit.clinic.stand_in.newest_charge())
    visit.cards.append(card)
    visit.await_booking(card)


def ask_refund_to_payer(visit: Visit, choose: Choose) -> tuple[Any, Any] | None:
    """Of what is held for them, to the card that paid it: the card and the refund."""
    card = choose.of(visit.refundable_to_payers)
    lots = visit.clinic.billing.get(f"/patients/{visit.patient_id}/credits")["items"]
    held = [lot for lot in lots if lot["origin_payment_id"] == card.payment_id and lot["available_cents"]]
    if not held:
        return None
    lot = choose.of(held)
    available = lot["available_cents"]
    body = {
        "amount_cents": choose.of((available, choose.part(available))),
        "available_cents": available,
        "payment_id": card.payment_id,
    }
    return card, visit.clinic.billing.post(f"/credits/{lot['id']}/refunds", body)
