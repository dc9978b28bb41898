"""Saved cards on their pages: seen, asked for, removed, and charged once for what was shown."""

import re
from dataclasses import dataclass, field

import pytest

from billing.invoices.queries import find_invoice
from billing.kernel.money import Money, total
from billing.kernel.permissions import SYSTEM, Role
from billing.payments.ports import CheckoutState, CheckoutStatus
from billing.payments.queries.checkouts import standing_checkout
from billing.payments.queries.credits import credits_of_patient
from billing.payments.queries.payments import list_payments
from billing.payments.queries.saved_methods import find_saved_method
from billing.payments.records.saved_methods import ConsentBy, Purpose
from billing.payments.use_cases.consents import revoke_consent
from billing.payments.use_cases.receive import take_cash
from tests.factories.catalog import seed_sample
from tests.factories.paid import paid_by_check
from tests.factories.saved_cards import a_saved_card
from tests.factories.web import Processor, new_package, new_staff, send, sign_in, web_app
from tests.factories.world import a_charge


@dataclass
class Bank(Processor):
    """Pays each charge of a saved card, unless it declines or is away."""

    decline: str | None = None
    asked: list[Money] = field(default_factory=list)
    detached: list[str] = field(default_factory=list)

    def charge_card(self, *, key, amount, customer, card, descriptor):
        self._answer()
        self.asked.append(amount)
        paid = self.decline is None
        return CheckoutState(
            reference=f"pi_{key}",
            operation=key,
            status=CheckoutStatus.COMPLETE if paid else CheckoutStatus.DECLINED,
            paid=amount if paid else None,
            charge=a_charge(key, amount, self.now) if paid else None,
            decline=self.decline,
        )

    def detach_card(self, card):
        self._answer()
        self.detached.append(card)


@pytest.fixture
def usual_role():
    return Role.FRONT_DESK


@pytest.fixture
def bank(now):
    made = Bank()
    made.now = now
    return made


@pytest.fixture
def pages(edge, bank):
    return web_app(edge, bank)


@pytest.fixture
def card(database, clinic, now):
    return a_saved_card(database, clinic.patient, now)


@pytest.fixture
def cards(clinic):
    return f"/staff/patients/{clinic.patient.id}/cards"


@pytest.fixture
def ask(clinic):
    return f"/staff/invoices/{clinic.invoice.id}/charges/new"


@pytest.fixture
def deed(clinic):
    return f"/staff/invoices/{clinic.invoice.id}/charges"


@pytest.fixture
def form(card):
    return {"saved_method_id": card.id, "due": "255000", "key": "k1"}


def owed(edge, clinic):
    return edge.read(lambda read: find_invoice(read, clinic.invoice.id, SYSTEM)).open_balance


def test_the_page_shows_brand_last_digits_expiry_and_what_was_agreed_to_when(enter, clinic, card, cards):
    clerk = enter()
    assert cards in clerk.get(f"/staff/patients/{clinic.patient.id}/money").text
    page = clerk.get(cards).text
    for shown in ("Visa **** 4242", "12/2040", "Can be charged", "Visits, ", "Instalments of a plan, "):
        assert shown in page
    assert card.card.reference not in page


def test_a_patient_without_a_card_is_asked_for_one_by_a_link_shown_once(enter, cards):
    clerk = enter()
    assert "No card is saved." in clerk.get(cards).text
    path = cards.replace("/cards", "/card-link")
    assert 'id="purposes-wrong"' in send(clerk, cards, path).text
    assert 'id="purposes-wrong"' in send(clerk, cards, path, purposes="fun").text
    shown = send(clerk, cards, path, purposes="future_visits").text
    link = re.search(r"http://localhost(/pay/[\w-]+/card)", shown)[1]
    opened = clerk.application.test_client().get(link).text
    assert "visits" in opened
    assert "Maria" not in opened


def test_removing_a_card_is_asked_about_once(enter, card, cards):
    clerk = enter()
    assert f'href="/staff/saved-methods/{card.id}/remove"' in clerk.get(cards).text
    asked = clerk.get(f"/staff/saved-methods/{card.id}/remove").text
    assert "It cannot be brought back:" in asked
    assert f'action="/staff/saved-methods/{card.id}/remove"' in asked


def test_a_card_is_removed_at_the_processor_and_charged_no_more(edge, enter, bank, card, cards, ask):
    clerk = enter()
    for _ in range(2):
        send(clerk, cards, f"/staff/saved-methods/{card.id}/remove")
    assert bank.detached == [card.card.reference]
    assert "No card is saved." in clerk.get(cards).text
    assert "No saved card may be charged for visits." in clerk.get(ask).text


def test_a_processor_that_is_away_leaves_the_card_uncharged_all_the_same(edge, enter, bank, card, cards, ask):
    bank.is_away, clerk = True, enter()
    send(clerk, cards, f"/staff/saved-methods/{card.id}/remove")
    page = clerk.get(cards).text
    assert "has not confirmed its removal yet" in page
    assert "Being removed" in page
    assert "No saved card may be charged for visits." in clerk.get(ask).text


def test_a_charge_is_said_in_words_and_taken_once(edge, enter, bank, clinic, ask, deed, form):
    clerk = enter()
    page = clerk.get(ask).text
    assert "<strong>$2,550.00</strong> is taken at once" in page
    assert "Visa **** 4242" in page
    assert bank.asked == []
    for _ in range(2):
        answer = send(clerk, ask, deed, **form)
        assert (answer.status_code, answer.location) == (303, f"/staff/patients/{clinic.patient.id}/money")
    assert "$2,550.00 was taken from the card." in clerk.get(answer.location).text
    assert bank.asked == [Money(255_000)]
    assert owed(edge, clinic) == Money(0)
    assert len(edge.read(lambda read: list_payments(read, SYSTEM, limit=9))) == 1
    assert "owes nothing" in clerk.get(ask).text


def test_who_saw_another_amount_is_told_the_new_one_and_nothing_is_taken(
    edge, enter, bank, clinic, database, ask, deed, form, now
):
    clerk = enter()
    database.in_transaction(
        lambda tx: take_cash(tx, invoice_id=clinic.invoice.id, amount=Money(5_000), actor=SYSTEM, now=now)
    )
    answer = send(clerk, ask, deed, **form)
    assert answer.status_code == 409
    assert "By now $2,500.00 is left for the card." in answer.text
    assert bank.asked == []
    assert 'id="saved_method_id-wrong"' in send(clerk, ask, deed, due="250000", key="k2").text
    assert send(clerk, ask, deed, **form | {"key": ""}).status_code == 422


@pytest.mark.parametrize(
    ("word", "advice"),
    [
        ("insufficient_funds", "Try it another day."),
        ("stolen_card", "Ask for another card."),
        ("authentication_required", "Make a pay link and send it."),
    ],
)
def test_a_decline_takes_nothing_and_says_what_to_do(
    edge, enter, bank, clinic, ask, deed, form, word, advice
):
    bank.decline, clerk = word, enter()
    answer = send(clerk, ask, deed, **form)
    told = clerk.get(answer.location).text
    for each in (
        advice,
        f"Invoice {clinic.invoice.number}: ",
        f'{clinic.patient.id}#cash-{clinic.invoice.id}"',
    ):
        assert each in told
    assert owed(edge, clinic) == Money(255_000)


def test_a_charge_without_an_answer_says_that_nobody_knows_yet_and_is_not_taken_twice(
    edge, enter, bank, clinic, ask, deed, form
):
    bank.is_away, clerk = True, enter()
    answer = send(clerk, ask, deed, **form)
    assert "do not charge again" in clerk.get(answer.location).text
    bank.is_away = False
    assert send(clerk, ask, deed, **form | {"key": "k2"}).status_code == 409
    assert bank.asked == []


def test_a_consent_that_was_taken_back_is_not_charged(
    edge, enter, bank, database, card, cards, ask, deed, form, now
):
    database.in_transaction(
        lambda tx: revoke_consent(
            tx,
            saved_method_id=card.id,
            purpose=Purpose.FUTURE_VISITS,
            told_by=ConsentBy.WRITING,
            actor=SYSTEM,
            now=now,
        )
    )
    clerk = enter()
    assert "Visits, " not in clerk.get(cards).text
    assert "No saved card may be charged for visits." in clerk.get(ask).text
    assert send(clerk, cards, deed, **form).status_code == 409
    assert bank.asked == []


def test_an_accountant_reads_of_cards_and_does_nothing(edge, enter, clinic, card, cards, ask, deed, form):
    reader = enter(Role.ACCOUNTANT)
    page = reader.get(cards).text
    assert "Visa **** 4242" in page
    assert "<button" not in page.split("<main", 1)[1]
    assert "Maria" not in page
    assert reader.get(ask).status_code == 403
    for path in (deed, f"/staff/saved-methods/{card.id}/remove", cards.replace("/cards", "/card-link")):
        assert send(reader, "/staff/money", path, **form).status_code == 403
    assert edge.read(lambda read: find_saved_method(read, card.id, SYSTEM)).state == "active"


def test_another_clinic_finds_no_card_and_charges_none(
    pages, database, bank, card, cards, ask, deed, form, now
):
    other = seed_sample(database, now, "a")
    stranger = sign_in(pages, new_staff(database, Role.FRONT_DESK, now, entity_id=other.id))
    for path in (cards, ask):
        assert stranger.get(path).status_code == 404
    for path in (deed, f"/staff/saved-methods/{card.id}/remove", cards.replace("/cards", "/card-link")):
        assert send(stranger, "/staff/today", path, **form, purposes="future_visits").status_code == 404
    assert (bank.asked, bank.detached) == ([], [])


def test_the_patients_credit_comes_off_first_and_a_refused_charge_leaves_it_where_it_is(
    edge, enter, bank, clinic, card, form, database, now
):
    other = new_package(database, clinic.patient, now)
    paid_by_check(database, clinic.invoice, now, Money(260_000))
    clerk, deed = enter(), f"/staff/invoices/{other.id}/charges"
    ask = f"{deed}/new"

    def held():
        lots = edge.read(lambda read: credits_of_patient(read, clinic.patient.id, SYSTEM))
        return total(lot.available for lot in lots)

    page = clerk.get(ask).text
    assert "<strong>$50.00</strong> of the patient&#39;s credit comes off" in page.replace("'", "&#39;")
    assert "<strong>$2,500.00</strong> is taken at once" in page
    refused = send(clerk, ask, deed, **form)
    assert (refused.status_code, bank.asked, held()) == (409, [], Money(5_000))
    send(clerk, ask, deed, **{**form, "due": "250000", "key": "k2"})
    assert (bank.asked, held()) == ([Money(250_000)], Money(0))


def test_a_form_of_tenders_sent_again_leaves_a_charge_without_outcome_alone(
    edge, enter, bank, clinic, deed, ask, form
):
    clerk, tenders = enter(), f"/staff/invoices/{clinic.invoice.id}/tenders"
    handed = {"cash": "200.00", "key": "k9"}
    assert send(clerk, f"{tenders}/new", tenders, **handed).status_code == 303
    bank.is_away = True
    send(clerk, ask, deed, **{**form, "due": "235000"})
    bank.is_away = False
    page = send(clerk, f"{tenders}/new", tenders, **handed)
    standing = edge.read(lambda read: standing_checkout(read, clinic.invoice.id))
    assert (page.status_code, standing.state, standing.way) == (303, "created", "saved")
    assert bank.told == []
