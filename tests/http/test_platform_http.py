"""The edge itself: who may ask, what is refused and how, and the same request twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from flask_smorest import Api

from billing.catalog.queries import sites
from billing.kernel.permissions import Role
from billing.ledger.queries import trial_balance
from billing.people.api import make_blueprint as make_people
from billing.platform.http.api import ApiBlueprint, make_api
from tests.factories.catalog import seed_sample
from tests.factories.invoices import a_patient, billed
from tests.factories.room_app import Door, room_client

DESCRIPTION = "/api/v1/openapi.json"
NOWHERE = "inv_" + "0" * 26


@pytest.mark.parametrize("path", ["/api/v1/invoices", f"/api/v1/invoices/{NOWHERE}", "/api/v1/nothing"])
def test_a_stranger_learns_nothing_under_the_api(app, path):
    answer = app.test_client().get(path)
    assert (answer.status_code, answer.mimetype) == (401, "application/problem+json")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("token", ["", "Bearer", "Bearer x", "Basic eDp5", "Bearer \x80\xff", "Bearer a b"])
def test_no_made_up_token_is_a_key(app, token):
    assert app.test_client().get("/api/v1/invoices", headers={"Authorization": token}).status_code == 401


def test_a_role_does_what_its_permissions_say_and_no_more(issue):
    accountant = issue(Role.ACCOUNTANT)
    assert accountant.get("/ledger/trial-balance").status_code == 200
    refused = accountant.post("/invoices", {"quote_id": "quo_" + "0" * 26})
    assert (refused.status_code, refused.json["code"]) == (403, "not-permitted")
    assert refused.json["permission"] == "invoices:issue"


def test_the_public_list_is_open_and_small(app):
    client = app.test_client()
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 200
    document = client.get(DESCRIPTION).json
    assert document["openapi"].startswith("3.1")
    assert "/api/v1/invoices/{invoice_id}" in document["paths"]


def test_the_description_is_written_when_first_asked_for_and_once(database, now):
    client = room_client(database, Door(None, now), make_people)
    api, described = client.application.extensions["flask-smorest"]["apis"][""]["ext_obj"], []
    api.ma_plugin.converter.add_attribute_function(lambda _self, field, **_: described.append(field) or {})
    assert client.get("/api/v1/tokens").status_code == 401
    assert described == []
    first, fields = client.get(DESCRIPTION).data, len(described)
    assert fields > 0
    assert (client.get(DESCRIPTION).data, len(described)) == (first, fields)


def test_the_description_is_the_one_that_is_written_at_the_start(app):
    at_the_start = Flask("billing")
    api = make_api(at_the_start)
    for blueprint in app.blueprints.values():
        if isinstance(blueprint, ApiBlueprint):
            Api.register_blueprint(api, blueprint)
    assert app.test_client().get(DESCRIPTION).data == at_the_start.test_client().get(DESCRIPTION).data


def test_those_who_ask_first_and_at_once_all_get_the_whole_description(app):
    with ThreadPoolExecutor(4) as threads:
        asked = [threads.submit(app.test_client().get, DESCRIPTION) for _ in range(4)]
    answers = {answer.result().data for answer in asked}
    assert answers == {app.test_client().get(DESCRIPTION).data}


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 422),
        (b"null", "application/json", 422),
        (b'{"quote_id": NaN}', "application/json", 422),
        (b"\xff\xfe", "application/json", 400),
        (b"quote_id=1", "application/x-www-form-urlencoded", 415),
        (b"", "application/json", 422),
        (b'{"quote_id": "' + b"x" * 1_100_000 + b'"}', "application/json", 413),
    ],
)
def test_a_body_that_is_not_what_it_should_be_is_refused(app, issue, body, content_type, status):
    client = issue(Role.BILLING)
    answer = client._client.post(
        "/api/v1/invoices", data=body, content_type=content_type, headers=client._headers
    )
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")


def test_each_mistake_is_named_by_its_pointer(issue):
    answer = issue(Role.BILLING).post("/invoices", {"quote_id": 5, "session_ids": ["x"], "total": 1})
    assert answer.status_code == 422
    assert {flaw["pointer"] for flaw in answer.json["errors"]} == {"/quote_id", "/session_ids/0", "/total"}


@pytest.fixture
def bill(database):
    return billed(database, a_patient(database), only_first=1)


@pytest.mark.parametrize(
    "amount", [-1, 0, 0.001, 1.0, "5", True, None, 2**63, 10**400, [], {}, float("inf"), "١٢"]
)
def test_an_amount_that_is_no_amount_is_refused_by_name(issue, bill, amount):
    answer = issue(Role.FRONT_DESK).post(
        f"/invoices/{bill.invoice.id}/cash-payments", {"amount_cents": amount}
    )
    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"] == "/amount_cents"


def test_a_payment_without_a_key_is_refused_and_moves_nothing(app, issue, bill, database):
    clerk = issue(Role.FRONT_DESK)
    answer = clerk._client.post(
        f"/api/v1/invoices/{bill.invoice.id}/cash-payments",
        json={"amount_cents": 100},
        headers=clerk._headers,
    )
    assert (answer.status_code, answer.json["code"]) == (400, "idempotency-key-required")
    with database.reading() as read:
        assert trial_balance(read) == {}


def test_the_same_request_twice_is_one_payment_and_one_answer(issue, bill, database):
    clerk, path = issue(Role.FRONT_DESK), f"/invoices/{bill.invoice.id}/cash-payments"
    first, second = (clerk.post(path, {"amount_cents": 100}, key="k1") for _ in range(2))
    assert (first.status_code, first.data) == (201, second.data)
    with database.reading() as read:
        assert trial_balance(read) == {"1060": 100, "2100": -100}


def test_a_key_that_came_with_another_body_is_refused(issue, bill):
    clerk, path = issue(Role.FRONT_DESK), f"/invoices/{bill.invoice.id}/cash-payments"
    clerk.post(path, {"amount_cents": 100}, key="k1")
    answer = clerk.post(path, {"amount_cents": 200}, key="k1")
    assert (answer.status_code, answer.json["code"]) == (422, "idempotency-key-reused")


def test_a_key_belongs_to_the_one_who_sent_it(issue, bill, database):
    path = f"/invoices/{bill.invoice.id}/cash-payments"
    for _ in range(2):
        assert issue(Role.FRONT_DESK).post(path, {"amount_cents": 100}, key="k1").status_code == 201
    with database.reading() as read:
        assert trial_balance(read)["1060"] == 200


def test_a_pay_link_asked_for_twice_under_one_key_is_told_once(issue, bill):
    clerk, path = issue(Role.FRONT_DESK), f"/invoices/{bill.invoice.id}/pay-links"
    first, second = (clerk.post(path, key="k1") for _ in range(2))
    assert first.status_code == 201
    assert (second.status_code, second.json["code"]) == (409, "secret-told-once")
    assert "/pay/" not in second.text
    assert clerk.post(path, key="k2").json["url"] != first.json["url"]


def test_a_key_that_cannot_be_used_is_refused_at_every_post(issue):
    answer = issue(Role.FRONT_DESK).post("/patients/search", {"text": "Mar"}, key="a b")
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "Idempotency-Key")


def test_a_processor_that_does_not_answer_is_said_to_be_unavailable(issue, bill):
    answer = issue(Role.BILLING).post(f"/invoices/{bill.invoice.id}/checkouts")
    assert (answer.status_code, answer.json["code"]) == (503, "processor-unavailable")
    assert answer.headers["Retry-After"]


def test_pages_follow_each_other_by_cursor_without_a_gap(issue, database):
    patient = a_patient(database)
    made = [billed(database, patient, only_first=1).invoice.id for _ in range(5)]
    clerk, seen, cursor = issue(Role.BILLING), [], ""
    while True:
        page = clerk.get(f"/invoices?limit=2{cursor}").json
        seen += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == list(reversed(made))


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "cursor=x", "sort=name", "limit=-1"])
def test_a_list_takes_the_named_filters_only(issue, query):
    assert issue(Role.BILLING).get(f"/invoices?{query}").status_code == 422


def test_another_sites_invoice_is_not_there(issue, bill, database):
    with database.reading() as read:
        other = sites(read, bill.invoice.entity_id)[1]
    stranger = issue(Role.BILLING, entity_id=bill.invoice.entity_id, site_ids=[other.id])
    assert stranger.get(f"/invoices/{bill.invoice.id}").status_code == 404
    assert stranger.get("/invoices").json["items"] == []
    answer = stranger.post(f"/invoices/{bill.invoice.id}/cash-payments", {"amount_cents": 100})
    assert (answer.status_code, answer.json["code"]) == (404, "no-such-invoice")


def test_an_empty_clinic_has_empty_lists(issue, database, now):
    seed_sample(database, now)
    assert issue(Role.BILLING).get("/payments").json == {"items": [], "next_cursor": None}


def test_a_webhook_that_nobody_signed_or_that_is_huge_is_refused(app):
    client = app.test_client()
    assert client.post("/webhooks/stripe", data=b"{}").status_code == 422
    assert client.post("/webhooks/stripe", data=b"x" * 300_000).status_code == 413


def test_a_public_address_asked_in_a_wrong_way_says_so_and_a_secret_one_says_nothing(app):
    browser = app.test_client()
    assert browser.get("/webhooks/stripe").status_code == 405
    assert browser.delete("/pay/some-token").status_code == 405
    assert browser.delete("/staff/today").status_code == 303
    assert browser.get("/webhooks/other").status_code == 303
    assert browser.delete("/api/v1/payments").status_code == 401
