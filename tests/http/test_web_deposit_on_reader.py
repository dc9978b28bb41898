"""The page that asks for a deposit: what it says of the reader, and of charges that are stopped."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Role
from billing.payments.flows.checkouts import settle_checkout
from billing.payments.flows.room import Payments
from billing.payments.ports import GatewayRefused
from billing.payments.queries.deposit_requests import list_deposit_requests
from billing.payments.records.checkouts import Reader
from billing.platform.http.edge import Edge
from tests.factories.holds import stopped
from tests.factories.web import MovableClock, Processor, new_staff, send, sign_in, web_app


@dataclass
class AtTheDesk(Processor):
    """With one reader; `refuses` makes that say no."""

    refuses: bool = False

    def list_readers(self):
        return [Reader(id="tmr_1", label="Desk", is_online=True)]

    def ask_on_reader(self, *, key, amount, reader_id, descriptor):
        if self.refuses:
            raise GatewayRefused("terminal_reader_busy")
        return self.open_checkout(
            key=key, amount=amount, expires_at=None, success_url="", cancel_url="", descriptor=descriptor
        )

    def cancel_on_reader(self, reference, *, reader_id):
        self.expire_checkout(reference)


class Desk:
    """A clerk on the page of one patient, where one form asks for 100 on the reader."""

    def __init__(self, database, clinic, now):
        self.edge, self.processor = Edge(database, MovableClock(now), "http://localhost"), AtTheDesk()
        self.now, self.patient = now, clinic.patient
        staff = new_staff(database, Role.FRONT_DESK, now, entity_id=clinic.entity.id)
        self.clerk = sign_in(web_app(self.edge, self.processor), staff)
        self.page = f"/staff/patients/{clinic.patient.id}/deposits/new"

    def ask(self, reader="tmr_1", key="k1"):
        path = f"/staff/patients/{self.patient.id}/deposit-requests"
        answer = send(self.clerk, self.page, path, asked="100.00", reader=reader, key=key)
        return self.clerk.get(answer.location).text if answer.status_code == 303 else answer.text

    def settle(self):
        (reference,) = self.processor.states
        settle_checkout(Payments(self.edge.database, self.processor, self.edge.clock), reference=reference)

    def requests(self):
        return self.edge.read(lambda read: list_deposit_requests(read, SYSTEM, limit=9))


@pytest.fixture
def desk(database, clinic, now):
    return Desk(database, clinic, now)


def test_a_form_sent_again_says_that_the_reader_asks_until_it_was_paid(desk):
    assert "The reader asks for the deposit" in desk.ask()
    assert "The reader asks for the deposit" in desk.ask()
    (reference,) = desk.processor.states
    desk.processor.complete(reference, Money(10_000), desk.now)
    desk.settle()
    again = desk.ask()
    assert "The deposit is paid." in again
    assert "The reader asks" not in again
    assert [each.state for each in desk.requests()] == ["paid"]


@pytest.mark.parametrize("how", ["refused", "expired"])
def test_after_a_reader_took_nothing_the_page_says_how_to_go_on(desk, how):
    if how == "refused":
        desk.processor.refuses = True
    said = desk.ask()
    if how == "expired":
        desk.processor.expire_checkout(*desk.processor.states)
        desk.settle()
        said = desk.ask()
    for shown in (said, desk.ask()):
        assert "The reader took nothing and does not ask any more" in shown
        assert "send a link from the list below" in shown
        assert "Asked for, and not paid" in shown
    assert len(desk.requests()) == 1


def test_without_an_answer_nobody_is_told_to_ask_for_a_second_deposit(desk):
    desk.processor.is_away = True
    said = desk.ask()
    assert "The reader does not answer; what became of it is looked up by itself." in said
    assert "withdraw it there before you ask anew" in said
    assert "try again" not in said
    desk.processor.is_away = False
    assert "The reader asks for the deposit" in desk.ask(), "the same form goes on with the same deposit"
    assert len(desk.requests()) == 1


def test_a_link_for_a_patient_whose_charges_were_stopped_is_refused_on_the_page(database, desk, now):
    desk.ask(reader="")
    (asked,) = desk.requests()
    stopped(database, desk.patient.id, now=now)
    answer = send(desk.clerk, desk.page, f"/staff/deposit-requests/{asked.id}/pay-link", key="k2")
    assert answer.location == desk.page
    assert "Charges of this patient are stopped" in desk.clerk.get(desk.page).text
    assert "Charges of this patient are stopped" in desk.ask(reader="")
