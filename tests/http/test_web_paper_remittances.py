"""A paper EOB typed in on its page: room as it is needed, each mistake beside its field, booked once."""

import re

import pytest

from billing.insurance.queries import list_remittances
from billing.kernel.permissions import SYSTEM, Role
from billing.ledger.queries import trial_balance
from tests.factories.insurance import a_course, handed_out, imported
from tests.factories.remittance_835 import Claim, remittance
from tests.factories.web import new_staff, send, sign_in, token_of

ASK = "/staff/remittances/paper"
LOOK = f"{ASK}/look"
KEY = "k" * 20


@pytest.fixture
def course(database):
    return a_course(database)


@pytest.fixture
def clerk(pages, database, course, now):
    return sign_in(pages, new_staff(database, Role.BILLING, now, entity_id=course.patient.entity_id))


@pytest.fixture
def bills(database, course):
    return [handed_out(database, session_id) for session_id in course.session_ids]


@pytest.fixture
def typed(bills):
    """The form of one claim of $382.50, of which $180.00 was paid."""
    return {
        "lines": "0",
        "adjustments": "4",
        "payer_name": "Sample Plan",
        "check_number": "5501",
        "amount": "$180.00",
        "paid_on": "2026-11-02",
        "c1_control_number": bills[0].control_number,
        "c1_status": "1",
        "c1_charge": "382.50",
        "c1_paid": "180",
        "c1_a1_group": "PR",
        "c1_a1_code": "1",
        "c1_a1_amount": "202.50",
    }


def look(clerk, **fields):
    return clerk.post(LOOK, data={"csrf_token": token_of(clerk, ASK), **fields})


def books(database):
    with database.reading() as read:
        return {account: cents for account, cents in trial_balance(read).items() if cents}


def kept(database):
    with database.reading() as read:
        return [each.status for each in list_remittances(read, SYSTEM, limit=9)]


def test_it_is_looked_at_and_then_booked_once(database, clerk, typed):
    before = books(database)
    seen = look(clerk, **typed)
    assert "This would become of it" in seen.text
    assert "$180.00 is the patient&#39;s credit" in seen.text
    assert 'value="$180.00"' in seen.text
    assert (books(database), kept(database)) == (before, [])
    for key in (KEY, KEY, "l" * 20):
        sent = send(clerk, ASK, ASK, key=key, **typed)
        assert sent.status_code == 303
    page = clerk.get(sent.location).text
    assert "This EOB was typed in before" in page
    assert "Keyed in from paper" in page
    assert kept(database) == ["posted"]
    assert books(database)["1000"] - before.get("1000", 0) == 18_000
    assert "on paper" in clerk.get("/staff/remittances").text


@pytest.mark.parametrize(
    ("change", "field", "told"),
    [
        ({"amount": "179.99"}, "amount", "The claims pay $180.00, which is $180.00, but the check"),
        ({"c1_paid": "181"}, "c1_paid", "is typed as paid"),
        ({"amount": ""}, "amount", "zero or more"),
        ({"amount": "1e400"}, "amount", "zero or more"),
        ({"c1_charge": "0.001"}, "c1_charge", "zero or more"),
        ({"c1_a1_amount": ""}, "c1_a1_amount", "above zero"),
        ({"c1_a1_code": ""}, "c1_a1_code", "code of the adjustment"),
        ({"c1_a1_group": "XX"}, "c1_a1_group", "letters before the code"),
        ({"c1_status": "9"}, "c1_status", "Choose what the insurer did"),
        ({"payer_name": " "}, "payer_name", "Fill this in"),
        ({"payer_name": "x" * 81}, "payer_name", ""),
        ({"check_number": "4242 4242 4242 4242"}, "check_number", "card number"),
        ({"paid_on": "2026-13-01"}, "paid_on", "Choose a day"),
        ({"paid_on": "2026-11-03"}, "paid_on", "still to come"),
        ({"kept": "-5"}, "kept", "above zero"),
    ],
)
def test_each_mistake_is_told_beside_its_field_and_changes_nothing(
    database, clerk, typed, change, field, told
):
    before = books(database)
    refused = send(clerk, ASK, ASK, key=KEY, **typed | change)
    assert refused.status_code == 422
    (sentence,) = re.findall(rf'<p class="wrong" id="{field}-wrong">([^<]*)</p>', refused.text)
    assert told in sentence
    assert typed["c1_control_number"] in refused.text
    assert (books(database), kept(database)) == (before, [])


def test_a_form_without_any_claim_names_the_first(clerk, typed):
    empty = {name: value for name, value in typed.items() if not name.startswith("c1_")}
    refused = send(clerk, ASK, ASK, key=KEY, **empty, c1_status="1")
    assert (refused.status_code, 'id="c1_charge-wrong"' in refused.text) == (422, True)


def test_there_is_room_for_more_claims_services_and_adjustments(clerk, typed):
    one = look(clerk, **typed, add="claim")
    assert 'name="c2_charge"' in one.text
    assert 'value="382.50"' in one.text
    two = look(clerk, **typed | {"lines": "0,0", "adjustments": "4,4"}, add="line-2")
    assert ('name="c2_l1_charge"' in two.text, 'name="c1_l1_charge"' in two.text) == (True, False)
    more = look(clerk, **typed, add="adjustment-1")
    assert 'name="c1_a8_amount"' in more.text
    for nonsense in ("line-9", "line--1", "x", "adjustment-"):
        assert look(clerk, **typed, add=nonsense).status_code == 200
    odd = look(clerk, **typed | {"lines": "999999,x", "adjustments": "1"}, add="claim")
    assert odd.text.count('name="c2_charge"') == 1


def test_of_several_claims_with_services_the_field_that_is_wrong_is_named(database, clerk, typed, bills):
    two = typed | {
        "lines": "0,0,2",
        "adjustments": "4,4,4",
        "amount": "200.00",
        "c3_control_number": bills[1].control_number,
        "c3_status": "1",
        "c3_charge": "382.50",
        "c3_paid": "20",
        "c3_l2_procedure": "HC:96365",
        "c3_l2_charge": "382.50",
        "c3_l2_paid": "21",
        "c3_l2_a1_group": "CO",
        "c3_l2_a1_code": "45",
        "c3_l2_a1_amount": "362.50",
    }
    refused = send(clerk, ASK, ASK, key=KEY, **two)
    assert 'id="c3_l2_paid-wrong"' in refused.text
    booked = send(clerk, ASK, ASK, key="l" * 20, **two | {"c3_l2_paid": "20"})
    assert booked.status_code == 303
    assert kept(database) == ["posted"]


def test_interest_and_what_the_insurer_kept_are_typed_without_codes(database, clerk, typed):
    sent = send(clerk, ASK, ASK, key=KEY, **typed | {"interest": "1.20", "amount": "181.20"})
    assert sent.status_code == 303
    assert kept(database) == ["posted"]


def test_a_claim_without_our_number_waits_and_leads_to_its_visit(database, clerk, typed):
    sent = send(clerk, ASK, ASK, key=KEY, **typed | {"c1_control_number": ""})
    page = clerk.get(sent.location).text
    assert "Claim 1 has the control number 0" in page
    assert "1 claim needs a visit" in page
    assert "Find its visit" in page
    assert kept(database) == ["parked"]


def test_a_check_whose_file_was_posted_is_refused_until_somebody_looked(database, clerk, typed, bills):
    claim = Claim(control_number=bills[0].control_number, charge_cents=38_250, paid_cents=18_000)
    imported(database, remittance([claim], trace="5501"))
    before = books(database)
    assert "is_another_payment" not in clerk.get(ASK).text
    refused = send(clerk, ASK, ASK, key=KEY, **typed)
    assert (refused.status_code, 'id="check_number-wrong"' in refused.text) == (409, True)
    assert 'name="is_another_payment"' in refused.text
    assert books(database) == before
    other = typed | {"c1_control_number": bills[1].control_number, "is_another_payment": "on"}
    assert send(clerk, ASK, ASK, key="l" * 20, **other).status_code == 303
    assert sorted(kept(database)) == ["posted", "posted"]


def test_known_insurers_are_offered_and_shown_literally(database, clerk, bills):
    claim = Claim(control_number=bills[0].control_number, charge_cents=38_250, paid_cents=0)
    imported(database, remittance([claim], payer_name="<b>PLAN"))
    assert '<option value="&lt;b&gt;PLAN"></option>' in clerk.get(ASK).text


def test_who_only_reads_types_nothing_in(pages, database, course, now):
    reader = sign_in(pages, new_staff(database, Role.ACCOUNTANT, now, entity_id=course.patient.entity_id))
    assert reader.get(ASK).status_code == 403
