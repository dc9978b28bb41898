"""Who paid on a card page just before it was closed is told what became of it, and nobody else is."""

from __future__ import annotations

import re

import pytest

from billing.invoices.records import Bearer, EndReason, PayerKind
from billing.invoices.use_cases.end_share import ask_to_end
from billing.invoices.use_cases.shares import agree_share
from billing.invoices.use_cases.stop import stop_package
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM
from billing.payments.flows.checkouts import cancel_checkout, settle_checkout
from billing.payments.flows.room import Payments
from billing.payments.queries.checkouts import checkout_by_reference
from billing.payments.states.checkouts import CheckoutState
from billing.payments.use_cases.checkouts import await_debit
from billing.payments.use_cases.links import make_payers_link
from billing.platform.data.tasks import TaskState, list_tasks
from tests.factories.holds import stopped
from tests.factories.payers import a_fixed_part, a_payer
from tests.factories.web import new_pay_link

ALL, PART = Money(255_000), Money(50_000)


@pytest.fixture
def client(pages):
    return pages.test_client()


@pytest.fixture
def room(edge, processor):
    return Payments(edge.database, processor, edge.clock)


@pytest.fixture
def link(database, clinic, now):
    return f"/pay/{new_pay_link(database, clinic.invoice.id, now)}"


@pytest.fixture
def share(database, clinic, now):
    order = a_fixed_part(a_payer(database, clinic.site.id, PayerKind.RELATIVE), PART.cents)
    named = {"invoice_id": clinic.invoice.id, "order": order, "actor": SYSTEM, "now": now}
    return database.in_transaction(lambda tx: agree_share(tx, **named))


@pytest.fixture
def payers_link(database, share, now):
    named = {"share_id": share.id, "actor": SYSTEM, "now": now}
    return f"/pay/{database.in_transaction(lambda tx: make_payers_link(tx, **named))[1]}"


@pytest.fixture
def went_off(client, processor):
    """To the processor's page; its reference."""

    def go(link):
        token = re.search(r'name="csrf_token" value="([^"]+)"', client.get(link).text)[1]
        assert client.post(link, data={"csrf_token": token}).status_code == 303
        return next(iter(processor.states))

    return go


@pytest.fixture
def ended(database, share, now):
    order = {"reason": EndReason.WITHDRAWN, "borne_by": Bearer.PATIENT, "actor": SYSTEM, "now": now}
    return lambda: database.in_transaction(lambda tx: ask_to_end(tx, share_id=share.id, **order))


@pytest.fixture
def called_off(database, clinic, now):
    """All visits, none of which was given."""
    named = {"invoice_id": clinic.invoice.id, "actor": SYSTEM, "now": now}
    return lambda: database.in_transaction(lambda tx: stop_package(tx, **named))


@pytest.fixture
def open_tasks(database):
    def look():
        with database.reading() as read:
            return [each.kind for each in list_tasks(read, SYSTEM, state=TaskState.OPEN, limit=9)]

    return look


def test_a_payment_just_before_charges_were_stopped_is_confirmed_to_who_made_it(
    client, pages, database, clinic, processor, room, link, went_off, now
):
    reference = went_off(link)
    stopped(database, clinic.patient.id)
    processor.complete(reference, ALL, now)
    assert client.get("/pay/thanks").location == link
    assert "being confirmed" in client.get(link).text
    settle_checkout(room, reference=reference)
    told = client.get(link).text
    assert "Paid. Thank you." in told
    for each in ("$2,550.00", "RC-000001", "Ask the clinic for the receipt by that number."):
        assert each in told
    assert f"{link}/receipt" not in told, "it opens nothing while charges are stopped"
    stranger = pages.test_client().get(link)
    assert (stranger.status_code, "2,550" in stranger.text) == (404, False)


def test_a_debit_that_was_ordered_just_before_is_on_its_way(
    client, database, clinic, link, went_off, room, now
):
    reference = went_off(link)
    stopped(database, clinic.patient.id)
    checkout = room.database.in_transaction(lambda tx: checkout_by_reference(tx, reference))
    named = {"checkout_id": checkout.id, "reference": reference, "actor": SYSTEM, "now": now}
    database.in_transaction(lambda tx: await_debit(tx, **named))
    told = client.get(link).text
    assert "$2,550.00 is coming from your bank account" in told
    assert "with this link" not in told


def test_who_did_not_pay_finds_the_link_closed_as_anybody(client, database, clinic, room, link, went_off):
    reference = went_off(link)
    stopped(database, clinic.patient.id)
    assert client.get(link).status_code == 404
    with database.reading() as read:
        checkout = checkout_by_reference(read, reference)
    assert cancel_checkout(room, checkout_id=checkout.id, actor=SYSTEM).state is CheckoutState.EXPIRED
    assert client.get(link).status_code == 404


def test_a_payer_whose_part_ended_while_they_paid_reads_one_true_thing(
    client, processor, room, payers_link, went_off, ended, now
):
    reference = went_off(payers_link)
    ended()
    processor.complete(reference, PART, now)
    waiting = client.get(payers_link).text
    assert ("being confirmed" in waiting, "withdrawn" in waiting) == (True, False)
    settle_checkout(room, reference=reference)
    told = client.get(payers_link).text
    assert "Paid. Thank you." in told
    assert "The clinic had withdrawn this bill by then: it holds $500.00 of it for you" in told


def test_a_payer_who_paid_what_was_owed_is_told_nothing_of_that(
    client, processor, room, payers_link, went_off, now
):
    reference = went_off(payers_link)
    processor.complete(reference, PART, now)
    settle_checkout(room, reference=reference)
    told = client.get(payers_link).text
    assert ("Paid. Thank you." in told, "withdrawn" in told) == (True, False)


def test_a_payer_whose_visits_were_called_off_while_they_paid_reads_that_the_clinic_holds_their_money(
    client, processor, room, payers_link, went_off, called_off, open_tasks, now
):
    reference = went_off(payers_link)
    called_off()
    processor.complete(reference, PART, now)
    settle_checkout(room, reference=reference)
    told = client.get(payers_link).text
    assert "The clinic holds $500.00 of it for you, since no more is owed" in told
    assert ("Paid. Thank you." in told, "withdrawn" in told) == (True, False)
    assert open_tasks() == ["charge-not-owed"]


def test_a_patient_whose_visits_were_called_off_while_they_paid_reads_it_too(
    client, processor, room, link, went_off, called_off, open_tasks, now
):
    reference = went_off(link)
    called_off()
    processor.complete(reference, ALL, now)
    settle_checkout(room, reference=reference)
    told = client.get(link).text
    assert "The clinic holds $2,550.00 of it as the patient's credit, since no more is owed" in told
    assert open_tasks() == ["charge-not-owed"]


def test_who_paid_what_was_owed_reads_of_no_credit_and_nobody_is_asked(
    client, processor, room, link, went_off, open_tasks, now
):
    processor.complete(went_off(link), ALL, now)
    settle_checkout(room, reference=next(iter(processor.states)))
    told = client.get(link).text
    assert ("Paid. Thank you." in told, "credit" in told) == (True, False)
    assert open_tasks() == []
