"""Consents that stay, and charges that rest on them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from billing.accounting.queries.verify import verify
from billing.accounting.records import Status
from billing.invoices.errors import InvoiceNotOpen
from billing.kernel.errors import NotFound
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM
from billing.payments.errors import (
    CheckoutStands,
    ConsentMissing,
    DueChanged,
    NoSuchSavedMethod,
    NotChargeable,
)
from billing.payments.errors.days import BadDay
from billing.payments.flows.charges import charge_saved_card
from billing.payments.flows.room import Payments
from billing.payments.queries.saved_methods import consents_of, find_saved_method, living_consents
from billing.payments.records.saved_methods import ConsentBy, Purpose
from billing.payments.use_cases.checkouts import begin_charge, decline_checkout
from billing.payments.use_cases.consents import record_written_consent, revoke_consent
from billing.payments.use_cases.receive import take_cash, take_check
from billing.payments.use_cases.saved_methods import begin_removal, note_card
from billing.platform.data.idempotency import RequestKey
from tests.factories.accounting import behind_the_back
from tests.factories.invoices import a_patient, billed
from tests.factories.patients import new_patient
from tests.factories.rivals import at_once
from tests.factories.saved_cards import a_saved_card
from tests.factories.web import Processor

DUE = Money(45_000)
VISITS, INSTALMENTS = Purpose.FUTURE_VISITS, Purpose.PLAN_INSTALMENTS


@pytest.fixture
def bill(database):
    return billed(database, a_patient(database), only_first=1)


@pytest.fixture
def card(database, bill, now):
    return a_saved_card(database, bill.patient, now)


def charge(database, bill, card, now, *, due=DUE, purpose=VISITS, key="k1"):
    return database.in_transaction(
        lambda tx: begin_charge(
            tx,
            invoice_id=bill.invoice.id,
            saved_method_id=card.id,
            due=due,
            purpose=purpose,
            request=RequestKey(key, "0" * 64),
            actor=SYSTEM,
            now=now,
        )
    )


def revoke(database, card, purpose, now):
    return database.in_transaction(
        lambda tx: revoke_consent(
            tx, saved_method_id=card.id, purpose=purpose, told_by=ConsentBy.WRITING, actor=SYSTEM, now=now
        )
    )


def test_a_charge_names_the_consent_that_it_rests_on(database, bill, card, now):
    begun = charge(database, bill, card, now)
    with database.reading() as read:
        assert begun.consent_id == living_consents(read, card.id)[VISITS]


def test_a_charge_for_one_purpose_does_not_rest_on_the_consent_to_another(database, bill, card, now):
    assert revoke(database, card, INSTALMENTS, now).purposes == (VISITS,)
    with pytest.raises(ConsentMissing):
        charge(database, bill, card, now, purpose=INSTALMENTS)
    assert charge(database, bill, card, now).amount == DUE


def test_nothing_is_taken_back_twice(database, card, now):
    revoke(database, card, VISITS, now)
    with pytest.raises(ConsentMissing):
        revoke(database, card, VISITS, now)


def test_a_consent_on_paper_keeps_its_date_and_its_words(database, card, now):
    revoke(database, card, VISITS, now)
    database.in_transaction(
        lambda tx: record_written_consent(
            tx, saved_method_id=card.id, purpose=VISITS, signed_on=date(2026, 11, 1), actor=SYSTEM, now=now
        )
    )
    with database.reading() as read:
        told = consents_of(read, card.id, SYSTEM)[-1]
    assert (told.told_by, told.signed_on, told.actor_id) == (ConsentBy.WRITING, date(2026, 11, 1), "system")
    assert told.text is not None


def test_a_consent_is_not_signed_in_days_to_come(database, card, now):
    revoke(database, card, VISITS, now)
    paper = {"saved_method_id": card.id, "purpose": VISITS, "signed_on": date(2026, 11, 3)}
    with pytest.raises(BadDay):
        database.in_transaction(lambda tx: record_written_consent(tx, **paper, actor=SYSTEM, now=now))


@pytest.mark.parametrize("table", ["consent", "consent_text"])
@pytest.mark.parametrize("deed", ["UPDATE {} SET purpose = 'anything'", "DELETE FROM {}"])
def test_what_was_agreed_to_is_never_changed(database, card, table, deed):
    with pytest.raises(DBAPIError, match=r"keeps what it holds|never change|append|refuse"):
        database.in_transaction(lambda tx: tx.session.execute(text(deed.format(table))))


def test_words_that_were_changed_behind_the_back_are_found(database, card, now):
    behind_the_back(
        database, "UPDATE consent_text SET text = 'I give everything.' WHERE purpose = 'future_visits'"
    )
    with database.reading() as read:
        looked = verify(read, now=now, refund_limit=Money(20_000))
    assert {check.number for check in looked.checks if check.status is Status.FAILED} == {12}


def test_a_card_pays_for_its_own_patient_alone(database, bill, now):
    other = new_patient(
        database, entity_id=bill.patient.entity_id, site_id=bill.patient.site_id, given_name="Elsa", now=now
    )
    with pytest.raises(NoSuchSavedMethod):
        charge(database, bill, a_saved_card(database, other, now), now)


def test_nobody_of_another_clinic_knows_of_the_card(database, card):
    stranger = replace(SYSTEM, entity_id="ent_" + "0" * 26)
    with database.reading() as read, pytest.raises(NotFound):
        find_saved_method(read, card.id, stranger)


def test_what_is_paid_is_not_charged(database, bill, card, now):
    database.in_transaction(
        lambda tx: take_cash(tx, invoice_id=bill.invoice.id, amount=DUE, actor=SYSTEM, now=now)
    )
    with pytest.raises(InvoiceNotOpen):
        charge(database, bill, card, now)


def test_what_was_paid_in_part_is_charged_for_the_rest_when_that_is_what_was_meant(database, bill, card, now):
    database.in_transaction(
        lambda tx: take_cash(tx, invoice_id=bill.invoice.id, amount=Money(5_000), actor=SYSTEM, now=now)
    )
    with pytest.raises(DueChanged) as changed:
        charge(database, bill, card, now)
    assert changed.value.more["open_cents"] == 40_000
    assert charge(database, bill, card, now, due=Money(40_000)).amount == Money(40_000)


def test_credit_comes_off_before_the_card_is_asked(database, bill, card, now):
    """The amount that was believed is then another one, and nothing is charged."""
    older = billed(database, bill.patient, only_first=1)
    database.in_transaction(
        lambda tx: take_check(
            tx,
            invoice_id=older.invoice.id,
            amount=Money(46_000),
            number="1",
            dated_on=date(2026, 11, 1),
            is_health_account=False,
            actor=SYSTEM,
            now=now,
        )
    )
    room = Payments(database, Processor(), lambda: now)
    with pytest.raises(DueChanged) as changed:
        charge_saved_card(
            room,
            invoice_id=bill.invoice.id,
            saved_method_id=card.id,
            due=DUE,
            purpose=VISITS,
            request=RequestKey("k1", "0" * 64),
            actor=SYSTEM,
        )
    assert changed.value.more["open_cents"] == 44_000


def test_a_hard_decline_blocks_and_a_later_expiry_renews(database, bill, card, now):
    begun = charge(database, bill, card, now)
    database.in_transaction(
        lambda tx: decline_checkout(
            tx,
            checkout_id=begun.id,
            reference="pi_1",
            lost_fee=Money(0),
            decline="lost_card",
            actor=SYSTEM,
            now=now,
        )
    )
    with pytest.raises(NotChargeable):
        charge(database, bill, card, now, key="k2")
    for year in (2040, 2041):
        shown = replace(card.card, exp_year=year)
        noted = database.in_transaction(
            lambda tx, shown=shown: note_card(tx, saved_method_id=card.id, card=shown, actor=SYSTEM, now=now)
        )
        assert (noted.state == "active") is (year == 2041)


def test_a_card_that_is_being_removed_is_not_charged(database, bill, card, now):
    later = now + timedelta(minutes=1)
    database.in_transaction(lambda tx: begin_removal(tx, saved_method_id=card.id, actor=SYSTEM, now=later))
    with pytest.raises(NotChargeable):
        charge(database, bill, card, now)


def begin_at_once(database, invoice_id, card_id, key, now):
    return database.in_transaction(
        lambda tx: begin_charge(
            tx,
            invoice_id=invoice_id,
            saved_method_id=card_id,
            due=DUE,
            purpose=VISITS,
            request=RequestKey(key, "0" * 64),
            actor=SYSTEM,
            now=now,
        )
    ).id


@pytest.mark.processes
def test_of_eight_charges_at_one_moment_one_begins(database, database_url, bill, card, now):
    told = [(bill.invoice.id, card.id, f"k{number}", now) for number in range(8)]
    answers = at_once(database_url, begin_at_once, told)
    assert answers.count(CheckoutStands.code) == 7
    assert sum(str(each).startswith("chk_") for each in answers) == 1
