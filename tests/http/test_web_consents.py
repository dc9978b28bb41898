"""What a patient agreed to about saved cards, on its page: the words, when, how, and whether it counts."""

from datetime import date, timedelta

import pytest

from billing.catalog.queries import sites
from billing.kernel.permissions import SYSTEM, Actor, Permission, Role
from billing.payments.records.saved_methods import ConsentBy, Purpose
from billing.payments.rules.saved_methods import consent_text
from billing.payments.use_cases.card_saving import begin_saving, make_card_link
from billing.payments.use_cases.consents import record_written_consent, revoke_consent
from tests.factories.catalog import seed_sample
from tests.factories.paid import statements_of
from tests.factories.saved_cards import a_saved_card
from tests.factories.web import Processor, new_staff, send, sign_in

VISITS = "charge it for what I owe on invoices for visits"
INSTALMENTS = "charge it for the instalments of a payment plan"


class Detaching(Processor):
    def detach_card(self, card):
        self._answer()


@pytest.fixture
def processor():
    return Detaching()


@pytest.fixture
def card(database, clinic, now):
    return a_saved_card(database, clinic.patient, now)


@pytest.fixture
def page(clinic):
    return f"/staff/patients/{clinic.patient.id}/consents"


def taken_back(database, card, purpose, told_by, now):
    database.in_transaction(
        lambda tx: revoke_consent(
            tx, saved_method_id=card.id, purpose=purpose, told_by=told_by, actor=SYSTEM, now=now
        )
    )


def test_who_agreed_to_nothing_has_a_page_that_says_so(enter, clinic, page):
    clerk, cards = enter(), f"/staff/patients/{clinic.patient.id}/cards"
    assert f'href="{page}"' in clerk.get(cards).text
    shown = clerk.get(page).text
    assert "The patient has agreed to nothing." in shown
    assert f'href="{cards}"' in shown


def test_the_words_the_moment_and_the_way_are_shown_for_each_purpose(enter, card, page):
    shown = enter().get(page).text
    for each in ("Visa **** 4242", VISITS, INSTALMENTS, "Sample Clinic B", "Nov 2, 2026", "09:00 CST"):
        assert each in shown
    assert shown.count("By the patient, on the page of a link") == 2
    assert shown.count("In force") == 2
    assert "Sample, Maria" in shown


def test_a_consent_on_paper_says_when_it_was_signed_and_who_recorded_it(
    database, enter, clinic, card, page, now
):
    taken_back(database, card, Purpose.FUTURE_VISITS, ConsentBy.LINK, now)
    staff = new_staff(database, Role.FRONT_DESK, now, entity_id=clinic.entity.id)
    clerk = Actor(id=staff.id, entity_id=clinic.entity.id, permissions=frozenset(Permission))
    later = now + timedelta(days=3)
    database.in_transaction(
        lambda tx: record_written_consent(
            tx,
            saved_method_id=card.id,
            purpose=Purpose.FUTURE_VISITS,
            signed_on=date(2026, 11, 4),
            actor=clerk,
            now=later,
        )
    )
    shown = enter().get(page).text
    for each in ("Signed on paper", "Nov 4, 2026", "Nov 5, 2026", staff.email):
        assert each in shown
    assert shown.count(VISITS) == 2
    assert shown.count("In force") == 2


def test_what_was_taken_back_stays_with_its_words_and_is_not_in_force(database, enter, card, page, now):
    taken_back(database, card, Purpose.FUTURE_VISITS, ConsentBy.WRITING, now + timedelta(days=1))
    shown = enter().get(page).text
    for each in (VISITS, "Taken back", "The patient told the clinic", "Nov 3, 2026"):
        assert each in shown
    assert shown.count("In force") == 1


@pytest.mark.parametrize("is_away", [False, True])
def test_a_removed_card_keeps_what_was_agreed_to(enter, processor, clinic, card, page, is_away):
    """Also while the processor has not confirmed the removal."""
    processor.is_away, clerk = is_away, enter()
    send(clerk, f"/staff/patients/{clinic.patient.id}/cards", f"/staff/saved-methods/{card.id}/remove")
    shown = clerk.get(page).text
    assert VISITS in shown
    assert ("Being removed" if is_away else "Removed") in shown
    assert "In force" not in shown


def test_what_was_agreed_to_before_any_card_is_shown_without_one(database, enter, clinic, page, now):
    words, who = consent_text(Purpose.FUTURE_VISITS, clinic.entity.trade_name), {"actor": SYSTEM, "now": now}

    def begin(tx):
        asked = {"patient_id": clinic.patient.id, "purposes": [words.purpose]}
        link, _ = make_card_link(tx, **asked, **who)
        begin_saving(tx, link=link, agreed=[words.sha256], return_url="https://c.example/", **who)

    database.in_transaction(begin)
    shown = enter().get(page).text
    assert VISITS in shown
    assert "No card yet" in shown


def test_an_accountant_reads_consents_without_a_name(enter, card, page):
    shown = enter(Role.ACCOUNTANT).get(page).text
    assert VISITS in shown
    assert "Maria" not in shown
    assert card.card.reference not in shown


@pytest.mark.parametrize("role", [Role.CLINICIAN, Role.ADMIN])
def test_who_does_not_read_payments_reads_no_consent(enter, card, page, role):
    assert enter(role).get(page).status_code == 403


def test_another_clinic_and_another_site_find_no_such_patient(
    pages, database, enter, clinic, card, page, now
):
    other = seed_sample(database, now, "a")
    stranger = sign_in(pages, new_staff(database, Role.BILLING, now, entity_id=other.id))
    assert stranger.get(page).status_code == 404
    with database.reading() as read:
        second = sites(read, clinic.entity.id)[1]
    assert enter(Role.FRONT_DESK, site_ids=[second.id]).get(page).status_code == 404


def test_who_read_it_is_on_the_trail(database, enter, card, page):
    clerk = enter()
    with statements_of(database) as told:
        clerk.get(page)
    assert any("INSERT INTO audit_row" in each for each in told)
