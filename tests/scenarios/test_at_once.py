"""Many people at one moment, at two machines of four web processes each and a worker, on real processes."""

import re
import shutil
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import PostgresqlServer
from tests.factories import loopback
from tests.scenarios.client import Browser
from tests.scenarios.office import Failed, Office
from tests.scenarios.soak import BEGINS, WEB_PROCESSES
from tests.scenarios.soak_clinic import CANARIES, Clinic
from tests.scenarios.soak_deeds import (
    dispute,
    dispute_lost,
    dispute_of_what_went_back,
    dispute_won,
    dispute_won_in_part,
    refund_in_part,
    refund_that_fails_later,
)
from tests.scenarios.soak_desk import GOOD, bill, pay_by_card
from tests.scenarios.soak_model import PRICE, Card
from tests.scenarios.soak_visit import Choose, Visit

pytestmark = pytest.mark.processes

CLICKS = 20
CARD = {"card_number": GOOD, "expiry": "12 / 34", "cvc": "123"}


@pytest.fixture(scope="module")
def address(
    tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path, postgresql: PostgresqlServer | None
) -> Iterator[str]:
    """SQLite, or PostgreSQL by TEST_DATABASE_URL."""
    if postgresql is None:
        path = tmp_path_factory.mktemp("at_once") / "billing.db"
        shutil.copyfile(migrated_sqlite, path)
        yield f"sqlite:///{path}"
        return
    name = postgresql.create()
    yield postgresql.address_of(name)
    postgresql.drop_later(name)


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory, address: str) -> Iterator[Clinic]:
    folder = tmp_path_factory.mktemp("office")
    office = Office(
        folder=folder, database_url=address, clock=BEGINS, machines=2, web_processes=WEB_PROCESSES
    )
    try:
        office.open()
        yield Clinic(office, BEGINS)
    finally:
        office.close()


@pytest.fixture
def visit(clinic: Clinic) -> Visit:
    """A patient of their own, with one bill."""
    came = Visit(clinic, uuid.uuid4().int % 1_000_000)
    bill(came, Choose("1"))
    return came


@pytest.fixture
def paid(visit: Visit) -> Card:
    pay_by_card(visit, Choose("1"))
    return visit.cards[0]


def at_once(times: int, deed: Callable[[int], Any]) -> list[Any]:
    with ThreadPoolExecutor(times) as people:
        return list(people.map(deed, range(times)))


def was_charged_once(visit: Visit) -> None:
    """By the books, and by what the processor took of all cards."""
    clinic, (owed,) = visit.clinic, visit.bills
    card = visit.model.charge(owed, clinic.stand_in.newest_charge())
    visit.cards.append(card)
    visit.await_booking(card)
    clinic.compare()
    assert len(clinic.billing.get("/payments", invoice_id=owed.invoice_id)["items"]) == 1


def test_each_machine_has_four_web_processes(clinic: Clinic):
    def are_there(name: str) -> bool:
        pid = (clinic.office.folder / "run" / f"{name}.pid").read_text().strip()
        return len(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()) == WEB_PROCESSES == 4

    for name in ("web", "web2"):
        clinic.office.until(f"four processes of {name} are there", lambda name=name: are_there(name))  # type: ignore[misc]


def test_twenty_clicks_on_pay_are_one_page_and_one_charge(visit: Visit):
    """Of the desk, and of payers with the link; then all of these pay on that page."""
    clinic, (owed,) = visit.clinic, visit.bills
    path = f"/invoices/{owed.invoice_id}"
    link = clinic.desk.post(f"{path}/pay-links")["url"]
    browsers = [Browser(clinic.office) for _ in range(CLICKS)]

    def click(number: int) -> tuple[str, httpx.Response]:
        browser = browsers[number]
        return clinic.desk.post(f"{path}/checkouts")["url"], browser.submit(browser.open(link))

    opened = at_once(CLICKS, click)
    assert len({url for url, _ in opened} | {str(page.url) for _, page in opened}) == 1
    at_once(CLICKS, lambda number: browsers[number].submit(opened[number][1], **CARD))
    for browser in browsers:
        browser.close()
    was_charged_once(visit)


def test_twenty_clicks_that_charge_a_saved_card_are_one_charge(visit: Visit):
    clinic, (owed,) = visit.clinic, visit.bills
    body = {"saved_method_id": save_card(visit), "due_cents": PRICE}
    path = f"/invoices/{owed.invoice_id}/charges"
    answers = at_once(CLICKS, lambda _: clinic.desk.ask(path, body))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * (CLICKS - 1)
    was_charged_once(visit)


def save_card(visit: Visit) -> str:
    """As the patient does with the link that the desk sent; returns the saved card's id."""
    clinic, browser = visit.clinic, Browser(visit.clinic.office)
    path = f"/patients/{visit.patient_id}"
    link = clinic.desk.post(f"{path}/card-links", {"purposes": ["future_visits"]})["url"]
    page = browser.open(link)
    (agreed,) = re.findall(r'name="agree" value="([0-9a-f]{64})"', page.text)
    browser.submit(browser.submit(page, agree=agreed), **CARD)
    browser.close()

    def saved() -> Any:
        (card,) = clinic.desk.get(f"{path}/saved-methods")["items"]
        return card["state"] == "active" and card["id"]

    return str(clinic.office.until("the card is saved", saved))


def test_of_two_clerks_who_refund_one_payment_the_second_is_shown_what_is_left(visit: Visit, paid: Card):
    clinic, path = visit.clinic, f"/payments/{paid.payment_id}/refunds"
    body = {"amount_cents": 15_000, "refundable_cents": PRICE, "reason": "cancelled"}
    clerks = [clinic.billing, clinic.staff["supervisor"]]
    answers = at_once(2, lambda number: clerks[number].ask(path, body))
    done, refused = sorted(answers, key=lambda answer: answer.status_code)
    assert (done.status_code, refused.status_code) == (201, 409)
    assert (refused.json()["code"], refused.json()["refundable_cents"]) == ("refundable-changed", 30_000)
    visit.model.refund(paid, 15_000)
    clinic.compare()
    clinic.stand_in.refuse_leaks()


def test_a_refund_whose_answer_is_lost_for_25_hours_is_looked_up_not_sent_again(visit: Visit, paid: Card):
    clinic, stand_in = visit.clinic, visit.clinic.stand_in
    clinic.control("lose-response", path="/v1/refunds", times=3)
    body = {"amount_cents": PRICE, "refundable_cents": PRICE, "reason": "other"}
    refund = clinic.billing.post(f"/payments/{paid.payment_id}/refunds", body)

    def sent() -> list[Any]:
        return [each for each in stand_in.posted("/v1/refunds") if each["idempotency_key"] == refund["id"]]

    clinic.office.until("the refund was sent, and its answer lost", sent)
    clinic.pass_time(timedelta(hours=25))
    clinic.office.until(
        "it was looked up", lambda: clinic.billing.get(f"/refunds/{refund['id']}")["state"] == "succeeded"
    )
    assert all(each["created"] < clinic.now.timestamp() for each in sent())
    visit.model.refund(paid, PRICE)
    clinic.compare()


def test_a_bank_that_takes_what_went_back_costs_the_clinic_that_until_it_comes_back(visit: Visit, paid: Card):
    clinic, choose = visit.clinic, Choose("1")
    for deed in (refund_in_part, dispute_of_what_went_back, dispute_lost):
        deed(visit, choose)
        clinic.compare()
        clinic.refuse_broken_invariants()
    assert visit.model.chargeback_loss == paid.given_back > 0
    refund_that_fails_later(visit, choose)
    clinic.compare()
    clinic.refuse_broken_invariants()
    assert visit.model.chargeback_loss == 0


@pytest.mark.parametrize("seed", range(3))
def test_two_hundred_notices_in_any_order_end_in_what_was_done(visit: Visit, seed: int):
    """Each twice: of payments, of what banks took, gave back and kept."""
    clinic, choose = visit.clinic, Choose("the same each time")
    for _ in range(14):
        bill(visit, choose)
    clinic.control("duplicate-events", on=True)
    clinic.control("hold-events")
    visit.events_are_held = True
    for deed in (
        *[pay_by_card] * 15,
        dispute,
        dispute,
        dispute,
        dispute_lost,
        dispute_won,
        dispute_won_in_part,
    ):
        deed(visit, choose)
    assert clinic.stand_in.state()["undelivered_events"] >= 200
    visit.release_events("shuffled", seed=seed)
    visit.end()
    clinic.refuse_broken_invariants()


def test_a_name_that_is_told_to_the_processor_would_be_noticed(clinic: Clinic):
    told = {"name": CANARIES[1].lower()}
    key = clinic.office.settings.stripe_secret_key
    answer = loopback.post(
        f"{clinic.office.settings.stripe_api_base}/v1/customers", data=told, auth=(key, "")
    )
    assert answer.status_code == 400
    with pytest.raises(Failed, match="none of its business"):
        clinic.stand_in.refuse_leaks()
    clinic.stand_in.refuse_words(*CANARIES)
    clinic.stand_in.refuse_leaks()
