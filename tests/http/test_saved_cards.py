"""Saved cards and their charges, over real HTTP beside the stand-in."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest

from billing.accounting.queries.verify import verify
from billing.kernel.money import Money
from billing.ledger.queries import trial_balance
from billing.payments.flows.resolve import resolve
from tests.conftest import NOW
from tests.factories.invoices import a_patient, billed
from tests.factories.office import Office
from tests.factories.sandbox import pay_on_card_page, sdk_client
from tests.factories.saved_cards import (
    INSTALMENTS,
    VISITS,
    Patient,
    card_link,
    newest_card,
    save_card,
    tell_of_page,
)

pytestmark = pytest.mark.processes


@pytest.fixture
def card(office, bill):
    return save_card(office, bill.patient.id)


def charge(office: Office, bill, card, *, due=45_000, key="c1"):
    body = {"saved_method_id": card["id"], "due_cents": due}
    return office.post(f"/invoices/{bill.invoice.id}/charges", body, key=key)


def decline(office: Office, card, reason: str) -> None:
    """From now on the bank says no, in these words."""
    office.sandbox.control("decline-method", payment_method=reference_of(office, card), reason=reason)


def reference_of(office: Office, card) -> str:
    client = sdk_client(office.sandbox)
    (customer,) = client.customers.list().data
    return next(
        each.id for each in client.payment_methods.list({"customer": customer.id}).data
        if each.card.last4 == card["last4"]
    )  # fmt: skip


def books(office: Office):
    with office.database.reading() as read:
        return {account: cents for account, cents in trial_balance(read).items() if cents}


def intents(office: Office) -> list[dict[str, object]]:
    return [e for e in office.sandbox.requests("/v1/payment_intents") if e["method"] == "POST"]


def charges_at_processor(office: Office):
    return [each for each in sdk_client(office.sandbox).charges.list().data if each.paid]


# --- saving ---------------------------------------------------------------------------------------


def test_a_patient_agrees_and_saves_a_card(office, bill):
    visitor = Patient(card_link(office, bill.patient.id))
    sent = visitor.agree()
    assert newest_card(office, bill.patient.id)["state"] == "pending"
    back = pay_on_card_page(sent.headers["Location"])
    assert str(back).endswith("/pay/thanks/card"), "the processor never learns the token"
    tell_of_page(office, sent.headers["Location"])
    tell_of_page(office, sent.headers["Location"])
    card = newest_card(office, bill.patient.id)
    assert (card["state"], card["brand"], card["last4"]) == ("active", "visa", "4242")
    assert card["purposes"] == [VISITS, INSTALMENTS]
    assert "Visa ending in 4242, valid until 12/2040" in visitor.page()


def test_what_was_agreed_to_can_be_read_again_word_for_word(office, bill, card):
    consents = office.get(f"/saved-methods/{card['id']}/consents").json()["items"]
    assert [(each["purpose"], each["deed"], each["told_by"]) for each in consents] == [
        (VISITS, "given", "link"),
        (INSTALMENTS, "given", "link"),
    ]
    for each in consents:
        assert hashlib.sha256(each["text"].encode()).hexdigest() == each["text_sha256"]
        assert "Sample Clinic B" in each["text"]
        assert each["at"] == NOW.isoformat()


def test_without_a_tick_nothing_is_saved_and_nobody_is_sent_anywhere(office, bill):
    refused = Patient(card_link(office, bill.patient.id)).agree([])
    assert refused.status_code == 422
    assert "Tick what you agree to" in refused.text
    assert office.get(f"/patients/{bill.patient.id}/saved-methods").json()["items"] == []
    assert office.sandbox.requests("/v1/") == []


def test_a_text_that_was_not_shown_is_agreed_to_by_nobody(office, bill):
    refused = Patient(card_link(office, bill.patient.id, [VISITS])).agree(["0" * 64])
    assert (refused.status_code, "has changed" in refused.text) == (422, True)


def test_each_purpose_is_agreed_to_by_itself(office, bill):
    card = save_card(office, bill.patient.id, purposes=[INSTALMENTS])
    assert card["purposes"] == [INSTALMENTS]
    refused = charge(office, bill, card)
    assert (refused.status_code, refused.json()["code"]) == (409, "consent-missing")
    assert intents(office) == []


def test_twenty_clicks_open_one_page_and_make_one_customer(office, bill):
    visitor = Patient(card_link(office, bill.patient.id))
    assert len({visitor.agree().headers["Location"] for _ in range(20)}) == 1
    assert len(sdk_client(office.sandbox).customers.list().data) == 1


def test_a_second_card_is_kept_for_the_same_customer(office, bill, card):
    save_card(office, bill.patient.id, "5555555555554444")
    (customer,) = sdk_client(office.sandbox).customers.list().data
    assert (customer.name, customer.email, customer.description) == (None, None, None)
    assert len(sdk_client(office.sandbox).payment_methods.list({"customer": customer.id}).data) == 2


def test_a_page_whose_notice_was_lost_is_read_again(office, bill, clock_file):
    sent = Patient(card_link(office, bill.patient.id)).agree()
    pay_on_card_page(sent.headers["Location"])
    clock_file.write_text((NOW + timedelta(hours=2)).isoformat())
    assert resolve(office.room).unknown == 0
    assert newest_card(office, bill.patient.id)["state"] == "active"


def test_who_never_typed_a_card_may_begin_again(office, bill, clock_file):
    visitor = Patient(card_link(office, bill.patient.id))
    first = visitor.agree().headers["Location"]
    clock_file.write_text((NOW + timedelta(hours=2)).isoformat())
    second = visitor.agree().headers["Location"]
    assert first != second
    states = [
        each["state"] for each in office.get(f"/patients/{bill.patient.id}/saved-methods").json()["items"]
    ]
    assert states == ["pending", "abandoned"]


@pytest.mark.parametrize("later", [timedelta(minutes=10), timedelta(hours=25)])
@pytest.mark.parametrize("path", ["/v1/customers", "/v1/checkout/sessions"])
def test_a_lost_answer_makes_neither_a_second_customer_nor_a_second_page(
    office, bill, clock_file, path, later
):
    visitor = Patient(card_link(office, bill.patient.id))
    office.sandbox.control("lose-response", path=path, times=1)
    assert visitor.agree().status_code == 503
    clock_file.write_text((NOW + later).isoformat())
    assert resolve(office.room).unknown == 0
    location = visitor.agree().headers["Location"]
    assert pay_on_card_page(location)
    tell_of_page(office, location)
    assert newest_card(office, bill.patient.id)["state"] == "active"
    assert len(sdk_client(office.sandbox).customers.list().data) == 1


def test_a_notice_that_comes_before_the_answer_finds_its_card(office, bill):
    """The answer to our call was lost, so that we never kept the page's id."""
    visitor = Patient(card_link(office, bill.patient.id))
    office.sandbox.control("lose-response", path="/v1/checkout/sessions", times=1)
    visitor.agree()
    (page,) = sdk_client(office.sandbox).checkout.sessions.list().data
    assert pay_on_card_page(page.url)
    office.hear("checkout.session.completed", page.id)
    assert newest_card(office, bill.patient.id)["state"] == "active"


# --- charging -------------------------------------------------------------------------------------


def test_a_saved_card_pays_what_is_owed(office, bill, card):
    paid = charge(office, bill, card)
    assert (paid.status_code, paid.json()["state"], paid.json()["way"]) == (201, "paid", "saved")
    (payment,) = office.get(f"/payments?invoice_id={bill.invoice.id}").json()["items"]
    assert (payment["tender"], payment["instrument"]) == ("card", "visa 4242")
    assert books(office)["2100"] == -45_000
    assert [each.amount for each in charges_at_processor(office)] == [45_000]
    assert charge(office, bill, card).json()["id"] == paid.json()["id"]
    (asked,) = intents(office)
    assert asked["parameters"]["statement_descriptor_suffix"] == "CLINIC B AUSTIN"


def test_a_notice_of_a_paid_charge_books_nothing_twice(office, bill, card):
    charge(office, bill, card)
    (intent,) = sdk_client(office.sandbox).payment_intents.list().data
    for _ in range(2):
        office.hear("payment_intent.succeeded", intent.id)
    assert books(office)["2100"] == -45_000


def test_who_believes_another_amount_charges_nothing(office, bill, card):
    refused = charge(office, bill, card, due=45_001)
    assert (refused.status_code, refused.json()["code"]) == (409, "due-changed")
    assert refused.json()["open_cents"] == 45_000
    assert intents(office) == []


def test_credit_that_covers_all_pays_and_no_card_is_asked(office, bill, card):
    handed = {"tender": "cash", "amount_cents": 45_000}
    assert office.post(f"/patients/{bill.patient.id}/deposits", handed, key="d1").status_code == 201
    paid = charge(office, bill, card, due=0)
    assert (paid.status_code, paid.json()["state"]) == (201, "paid")
    assert office.get(f"/invoices/{bill.invoice.id}").json()["state"] == "paid"
    assert intents(office) == []


def test_a_charge_needs_a_key(office, bill, card):
    assert charge(office, bill, card, key="").status_code == 400


def test_twenty_keys_charge_once(office, bill, card):
    answers = [charge(office, bill, card, key=f"k{number}") for number in range(20)]
    assert [each.status_code for each in answers].count(201) == 1
    assert len(charges_at_processor(office)) == 1


def test_while_a_page_stands_no_card_is_charged(office, bill, card):
    office.post(f"/invoices/{bill.invoice.id}/checkouts", key="p1")
    refused = charge(office, bill, card)
    assert (refused.status_code, refused.json()["code"]) == (409, "checkout-stands")


def test_a_card_pays_for_no_other_patient(office, bill, card):
    other = billed(office.database, a_patient(office.database), only_first=1)
    assert charge(office, other, card).json()["code"] == "no-such-saved-method"
    assert intents(office) == []


def test_after_the_consent_was_taken_back_no_card_is_charged_until_it_is_given_in_writing(office, bill, card):
    revoked = office.post(f"/saved-methods/{card['id']}/consents/revoke", {"purpose": VISITS})
    assert revoked.json()["purposes"] == [INSTALMENTS]
    assert charge(office, bill, card).json()["code"] == "consent-missing"
    written = {"purpose": VISITS, "signed_on": "2026-11-02"}
    assert office.post(f"/saved-methods/{card['id']}/consents", written).status_code == 201
    assert charge(office, bill, card, key="c2").json()["state"] == "paid"
    told = office.get(f"/saved-methods/{card['id']}/consents").json()["items"]
    assert [each["deed"] for each in told if each["purpose"] == VISITS] == ["given", "revoked", "given"]
    assert told[-1]["told_by"] == "writing"


def test_a_soft_decline_leaves_the_bill_owed_and_the_card_chargeable(office, bill, card):
    decline(office, card, "insufficient_funds")
    told = charge(office, bill, card).json()
    assert (told["state"], told["decline"], told["next_step"]) == (
        "declined",
        "insufficient_funds",
        "try_later",
    )
    assert books(office) == {}
    decline(office, card, "none")
    assert charge(office, bill, card, key="c2").json()["state"] == "paid"


@pytest.mark.parametrize("reason", ["lost_card", "stolen_card", "expired_card"])
def test_a_hard_decline_blocks_the_card_until_another_is_saved(office, bill, card, reason):
    decline(office, card, reason)
    told = charge(office, bill, card).json()
    assert (told["decline"], told["next_step"], told["pay_link"]) == (reason, "new_card", None)
    blocked = newest_card(office, bill.patient.id)
    assert (blocked["state"], blocked["blocked_for"]) == ("blocked", reason)
    assert charge(office, bill, card, key="c2").json()["code"] == "not-chargeable"
    assert len(intents(office)) == 1
    renewed = save_card(office, bill.patient.id, "5555555555554444")
    assert charge(office, bill, renewed, key="c3").json()["state"] == "paid"


def test_a_card_whose_bank_gave_it_a_later_expiry_is_charged_again(office, bill, card):
    decline(office, card, "expired_card")
    charge(office, bill, card)
    reference = reference_of(office, card)
    sdk_client(office.sandbox).payment_methods.update(reference, {"card": {"exp_month": 1, "exp_year": 2045}})
    decline(office, card, "none")
    office.hear("payment_method.automatically_updated", reference)
    assert charge(office, bill, card, key="c2").json()["state"] == "paid"


def test_a_bank_that_asks_for_its_customer_is_answered_on_a_pay_link(office, bill):
    card = save_card(office, bill.patient.id, "4000002760003184")
    told = charge(office, bill, card).json()
    assert (told["decline"], told["next_step"]) == ("authentication_required", "ask_payer")
    assert "$450.00" in Patient(told["pay_link"]).page()
    assert newest_card(office, bill.patient.id)["state"] == "active"


# --- answers that were lost -----------------------------------------------------------------------


def test_a_lost_answer_is_asked_for_again_under_the_same_key(office, bill, card):
    office.sandbox.control("lose-response", path="/v1/payment_intents", times=1)
    assert charge(office, bill, card).status_code == 503
    assert charge(office, bill, card, key="other").json()["code"] == "checkout-stands"
    assert "being confirmed" in Patient(pay_link(office, bill)).page()
    assert charge(office, bill, card).json()["state"] == "paid"
    assert len({each["idempotency_key"] for each in intents(office)}) == 1
    assert len(charges_at_processor(office)) == 1


def test_a_lost_answer_is_found_by_the_job(office, bill, card, clock_file):
    office.sandbox.control("lose-response", path="/v1/payment_intents", times=1)
    charge(office, bill, card)
    clock_file.write_text((NOW + timedelta(minutes=10)).isoformat())
    assert resolve(office.room).unknown == 0
    assert charge(office, bill, card).json()["state"] == "paid"
    assert len(charges_at_processor(office)) == 1


def test_after_25_hours_a_charge_is_looked_up_and_never_sent_again(office, bill, card, clock_file):
    office.sandbox.control("lose-response", path="/v1/payment_intents", times=1)
    charge(office, bill, card)
    sent = len(intents(office))
    clock_file.write_text((NOW + timedelta(hours=25)).isoformat())
    assert charge(office, bill, card).json()["state"] == "paid"
    assert len(intents(office)) == sent
    assert len(charges_at_processor(office)) == 1


def test_a_charge_that_never_arrived_is_closed_after_25_hours(office, bill, card, clock_file):
    office.sandbox.control("force-answer", path="/v1/payment_intents", status=500, times=1)
    assert charge(office, bill, card).status_code == 503
    sent = len(intents(office))
    clock_file.write_text((NOW + timedelta(hours=25)).isoformat())
    assert resolve(office.room).unknown == 0
    assert charge(office, bill, card).json()["state"] == "expired"
    assert (len(intents(office)), charges_at_processor(office)) == (sent, [])
    assert charge(office, bill, card, key="c2").json()["state"] == "paid"


def test_what_never_arrived_is_not_sent_once_the_consent_was_taken_back(office, bill, card, clock_file):
    office.sandbox.control("force-answer", path="/v1/payment_intents", status=500, times=1)
    charge(office, bill, card)
    office.post(f"/saved-methods/{card['id']}/consents/revoke", {"purpose": VISITS})
    clock_file.write_text((NOW + timedelta(minutes=10)).isoformat())
    assert resolve(office.room).unknown == 0
    assert charges_at_processor(office) == []


def test_a_charge_on_its_way_holds_its_invoice_though_the_consent_was_taken_back(
    office, bill, card, clock_file
):
    office.sandbox.control("force-answer", path="/v1/payment_intents", status=500, times=1)
    charge(office, bill, card)
    office.post(f"/saved-methods/{card['id']}/consents/revoke", {"purpose": VISITS})
    again = charge(office, bill, card)
    assert (again.status_code, again.json()["code"]) == (409, "being-charged")
    clock_file.write_text((NOW + timedelta(minutes=10)).isoformat())
    assert resolve(office.room).unknown == 0
    assert charge(office, bill, card).json()["state"] == "expired"


def test_a_charge_without_an_outcome_is_not_canceled(office, bill, card):
    office.sandbox.control("lose-response", path="/v1/payment_intents", times=1)
    charge(office, bill, card)
    standing = charge(office, bill, card, key="c2").json()["checkout_id"]
    refused = office.post(f"/checkouts/{standing}/cancel")
    assert (refused.status_code, refused.json()["code"]) == (409, "being-charged")
    removal = office.post(f"/saved-methods/{card['id']}/remove")
    assert (removal.status_code, removal.json()["code"]) == (409, "being-charged")


# --- removing -------------------------------------------------------------------------------------


def test_staff_remove_a_card_at_the_processor_too(office, bill, card):
    reference = reference_of(office, card)
    for _ in range(2):
        assert office.post(f"/saved-methods/{card['id']}/remove").json()["state"] == "detached"
    assert sdk_client(office.sandbox).payment_methods.retrieve(reference).customer is None
    assert charge(office, bill, card).json()["code"] == "not-chargeable"


def test_a_patient_removes_a_card_on_the_page_of_a_link(office, bill, card):
    visitor = Patient(card_link(office, bill.patient.id))
    assert visitor.remove().status_code == 303
    assert newest_card(office, bill.patient.id)["state"] == "detached"
    assert "ending in 4242" not in visitor.page()


def test_a_link_removes_no_other_patients_card(office, bill, card):
    stranger = Patient(card_link(office, a_patient(office.database).id))
    page = stranger.page()
    assert "ending in 4242" not in page
    stranger.send(f"{stranger.link}/{card['id']}/remove", page)
    assert newest_card(office, bill.patient.id)["state"] == "active"


@pytest.mark.parametrize("later", [timedelta(minutes=10), timedelta(hours=25)])
def test_a_removal_whose_answer_was_lost_is_done(office, bill, card, clock_file, later):
    office.sandbox.control("lose-response", path="/v1/payment_methods", times=1)
    assert office.post(f"/saved-methods/{card['id']}/remove").status_code == 503
    assert charge(office, bill, card).json()["code"] == "not-chargeable"
    clock_file.write_text((NOW + later).isoformat())
    assert resolve(office.room).unknown == 0
    assert newest_card(office, bill.patient.id)["state"] == "detached"


def test_a_card_that_the_processor_keeps_no_more_is_not_charged(office, bill, card):
    reference = reference_of(office, card)
    sdk_client(office.sandbox).payment_methods.detach(reference)
    refused = charge(office, bill, card)
    assert (refused.status_code, refused.json()["code"]) == (409, "processor-refused")
    office.hear("payment_method.detached", reference)
    assert newest_card(office, bill.patient.id)["state"] == "detached"
    assert office.post(f"/invoices/{bill.invoice.id}/checkouts", key="k9").status_code == 201


# --- afterwards -----------------------------------------------------------------------------------


def test_what_a_saved_card_paid_goes_back_to_it(office, bill, card):
    charge(office, bill, card)
    (payment,) = office.get(f"/payments?invoice_id={bill.invoice.id}").json()["items"]
    body = {"amount_cents": 10_000, "refundable_cents": 45_000, "reason": "other"}
    asked = office.post(f"/payments/{payment['id']}/refunds", body, key="r1")
    assert asked.status_code == 201, asked.text
    office.work()
    (moved,) = sdk_client(office.sandbox).charges.list().data
    assert moved.amount_refunded == 10_000


def test_a_bank_may_dispute_what_a_saved_card_paid(office, bill, card):
    charge(office, bill, card)
    (moved,) = charges_at_processor(office)
    dispute = office.sandbox.control("open-dispute", charge=moved.id, reason="fraudulent")
    office.hear("charge.dispute.created", dispute["id"])
    (told,) = office.get("/disputes").json()["items"]
    assert told["amount_cents"] == 45_000
    assert books(office)["1070"] == 45_000


def test_the_books_hold_after_charges_declines_and_removals(office, bill, card):
    decline(office, card, "insufficient_funds")
    charge(office, bill, card)
    decline(office, card, "none")
    charge(office, bill, card, key="c2")
    office.post(f"/saved-methods/{card['id']}/remove")
    with office.database.reading() as read:
        verdict = verify(read, now=NOW, refund_limit=Money(25_000))
    assert verdict.ok, verdict


def test_the_processor_learns_nothing_of_the_patient(office, bill):
    words = ["maria", "sample", "ketamine", "infusion", "depression", bill.patient.id, bill.invoice.id]
    office.sandbox.control("refuse-words", words=words)
    card = save_card(office, bill.patient.id)
    assert charge(office, bill, card).json()["state"] == "paid"
    assert office.post(f"/saved-methods/{card['id']}/remove").json()["state"] == "detached"


def pay_link(office: Office, bill) -> str:
    return str(office.post(f"/invoices/{bill.invoice.id}/pay-links").json()["url"])
