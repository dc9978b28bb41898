"""Stopping charges on a page: what staff see, who lifts it, and what a holder of a link is told."""

from datetime import timedelta

import pytest

from billing.kernel.permissions import SYSTEM, Role
from billing.patients.records import HoldReason, HoldTerms
from billing.patients.use_cases import place_hold
from tests.factories.holds import NOTE, stopped
from tests.factories.web import new_pay_link, send, token_of

DIED = {"reason": "death", "effective_from": "2026-10-30", "note": NOTE, "key": "k" * 20}


def test_the_desk_stops_charges_and_billing_lets_them_go_on(pages, database, clinic, enter, now):
    desk, patient = enter(Role.FRONT_DESK), clinic.invoice.patient_id
    page, holds = f"/staff/patients/{patient}", f"/staff/patients/{patient}/holds"
    link = f"/pay/{new_pay_link(database, clinic.invoice.id, now)}"
    assert "Make a pay link" in desk.get(page).text
    assert send(desk, holds, holds, **DIED).status_code == 303
    shown = desk.get(page).text
    assert "The patient died</strong> on" in shown
    assert "Oct 30, 2026" in shown
    assert not [each for each in ("Make a pay link", "Charge a saved card") if each in shown]
    assert "Take cash" in shown
    assert "Lift this stop" not in desk.get(holds).text
    closed = pages.test_client().get(link)
    assert closed.status_code == 404
    assert not [word for word in ("died", "death", "stopped", "hold") if word in closed.text.lower()]

    billing = enter(Role.BILLING)
    seen = billing.get(holds).text
    assert NOTE in seen
    hold_id = seen.split("/staff/holds/")[1].split("/lift")[0]
    assert send(billing, holds, f"/staff/holds/{hold_id}/lift", key="l" * 20).status_code == 422, "no reason"
    lift = {"why": "Wrong patient", "key": "l" * 20}
    assert send(billing, holds, f"/staff/holds/{hold_id}/lift", **lift).status_code == 303
    assert "Wrong patient" in billing.get(holds).text
    assert "Make a pay link" in billing.get(page).text
    assert pages.test_client().get(link).status_code == 200


def test_a_stale_page_is_answered_in_words(database, clinic, enter):
    desk, patient = enter(Role.FRONT_DESK), clinic.invoice.patient_id
    page = f"/staff/patients/{patient}"
    token = token_of(desk, page)
    stopped(database, patient)
    sent = desk.post(f"/staff/invoices/{clinic.invoice.id}/pay-link", data={"csrf_token": token})
    assert sent.status_code == 303
    assert "Charges of this patient are stopped: nothing is taken" in desk.get(page).text


@pytest.mark.parametrize("entered", [{"reason": "moved"}, {"effective_from": "2027-01-01"}])
def test_a_form_that_cannot_be_right_is_shown_again(clinic, enter, entered):
    desk, holds = enter(Role.FRONT_DESK), f"/staff/patients/{clinic.invoice.patient_id}/holds"
    again = send(desk, holds, holds, **{**DIED, **entered})
    assert again.status_code == 422
    assert f'id="{next(iter(entered))}-wrong"' in again.text
    assert NOTE in again.text


def test_an_accountant_sees_that_charges_are_stopped_and_not_why(database, clinic, enter):
    patient = clinic.invoice.patient_id
    stopped(database, patient)
    books = enter(Role.ACCOUNTANT).get(f"/staff/patients/{patient}/money").text
    assert "Charges of this patient are stopped" in books
    assert not [word for word in ("bankrupt", NOTE) if word in books.lower()]


WAYS = ("Make a pay link", "Charge a saved card", "On the reader")


@pytest.mark.parametrize(("reason", "on", "offered"), [
    (HoldReason.BANKRUPTCY, -9, True), (HoldReason.BANKRUPTCY, 0, False), (HoldReason.DEATH, -9, False),
])  # fmt: skip
def test_a_debt_of_after_a_filing_is_offered_to_be_charged(database, clinic, enter, now, reason, on, offered):
    database.in_transaction(
        lambda tx: place_hold(
            tx,
            patient_id=clinic.patient.id,
            terms=HoldTerms(reason=reason),
            effective_from=now.date() + timedelta(days=on),
            actor=SYSTEM,
            now=now,
        )
    )
    shown = enter(Role.FRONT_DESK).get(f"/staff/patients/{clinic.patient.id}").text
    assert [way in shown for way in WAYS] == [offered] * 3
    assert ("Invoice 1 came afterwards, and is charged as ever, without credit." in shown) is offered
