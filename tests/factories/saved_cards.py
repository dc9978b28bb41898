"""A patient who opens a link, ticks what they agree to, and saves a card on the processor's page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import httpx

from billing.catalog.queries import find_entity
from billing.kernel.permissions import SYSTEM
from billing.patients.records import Patient as Person
from billing.payments.records.saved_methods import CardFacts, Purpose, SavedMethod
from billing.payments.rules.saved_methods import consent_text
from billing.payments.use_cases.card_saving import begin_saving, complete_saving, make_card_link
from billing.platform.data.database import Database, Tx
from tests.factories import loopback
from tests.factories.office import Office
from tests.factories.sandbox import pay_on_card_page

VISITS, INSTALMENTS = "future_visits", "plan_instalments"


def a_saved_card(database: Database, patient: Person, now: datetime, *, last4: str = "4242") -> SavedMethod:
    """As it is once the patient agreed to everything and came back from the processor's page."""

    def save(tx: Tx) -> SavedMethod:
        link, _ = make_card_link(tx, patient_id=patient.id, purposes=list(Purpose), actor=SYSTEM, now=now)
        clinic = find_entity(tx, patient.entity_id).trade_name
        agreed = [consent_text(purpose, clinic).sha256 for purpose in Purpose]
        begun = begin_saving(
            tx, link=link, agreed=agreed, return_url="https://clinic.example/", actor=SYSTEM, now=now
        )
        card = CardFacts(reference=f"pm_{begun.id}", brand="visa", last4=last4, exp_month=12, exp_year=2040)
        return complete_saving(
            tx, saved_method_id=begun.id, reference=f"cs_{begun.id}", card=card, actor=SYSTEM, now=now
        )

    return database.in_transaction(save)


class Patient:
    """A browser that holds a link to save a card."""

    def __init__(self, link: str) -> None:
        self.link = link
        self.browser = loopback.client(timeout=30)

    def page(self) -> str:
        answer = self.browser.get(self.link)
        assert answer.status_code == 200, answer.text
        return answer.text

    def agree(self, hashes: Sequence[str] | None = None) -> httpx.Response:
        """Tick and send: all that is asked, unless told."""
        page = self.page()
        offered = re.findall(r'name="agree" value="([0-9a-f]{64})"', page)
        return self.send(self.link, page, agree=list(offered if hashes is None else hashes))

    def remove(self) -> httpx.Response:
        page = self.page()
        path = re.search(r'action="(/pay/[^"]+/remove)"', page)
        assert path
        return self.send(str(httpx.URL(self.link).join(path[1])), page)

    def send(self, url: str, page: str, **fields: Any) -> httpx.Response:
        token = re.search(r'name="csrf_token" value="([^"]+)"', page)
        assert token
        return self.browser.post(url, data={"csrf_token": token[1], **fields})


def card_link(office: Office, patient_id: str, purposes: Sequence[str] = (VISITS, INSTALMENTS)) -> str:
    answer = office.post(f"/patients/{patient_id}/card-links", {"purposes": list(purposes)})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["url"])


def save_card(
    office: Office,
    patient_id: str,
    card: str = "4242424242424242",
    purposes: Sequence[str] = (VISITS, INSTALMENTS),
) -> dict[str, Any]:
    """To the end: the saved card as the API shows it."""
    visitor = Patient(card_link(office, patient_id, purposes))
    sent = visitor.agree()
    assert sent.status_code == 303, sent.text
    if pay_on_card_page(sent.headers["Location"], card) is None:
        loopback.post(sent.headers["Location"], data={"authentication": "complete"})
    tell_of_page(office, sent.headers["Location"])
    return newest_card(office, patient_id)


def tell_of_page(office: Office, url: str) -> None:
    """The processor's notice of its page."""
    office.hear("checkout.session.completed", url.rpartition("/")[2])


def newest_card(office: Office, patient_id: str) -> dict[str, Any]:
    card: dict[str, Any] = office.get(f"/patients/{patient_id}/saved-methods").json()["items"][0]
    return card
