"""The card page and the control page: what a payer and a tester see."""

import re
from pathlib import Path

import pytest

from billing.sandbox.control import ACTIONS
from tests.factories import loopback
from tests.factories.sandbox import start_sandbox, submit_card

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def clock(tmp_path_factory):
    file = tmp_path_factory.mktemp("clock") / "clock"
    file.write_text("2026-11-02T12:00:00+00:00")
    return file


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory, clock):
    running = start_sandbox(tmp_path_factory.mktemp("stand-in"), "http://127.0.0.1:1", clock)
    yield running
    running.stop()


@pytest.fixture
def page(sandbox):
    """The address of a page on which $450 can be paid."""
    body = {
        "mode": "payment",
        "success_url": "http://127.0.0.1:9999/paid?id={CHECKOUT_SESSION_ID}",
        "cancel_url": "http://127.0.0.1:9999/back?a=1&b=2",
        "line_items[0][quantity]": "1",
        "line_items[0][price_data][currency]": "usd",
        "line_items[0][price_data][unit_amount]": "45000",
        "line_items[0][price_data][product_data][name]": "<b>Clinic services</b>",
    }
    return ask(sandbox, "POST", "/v1/checkout/sessions", data=body).json()["url"]


def ask(sandbox, method, path, **more):
    return loopback.request(
        method, sandbox.url + path, headers={"Authorization": f"Bearer {sandbox.secret_key}"}, **more
    )


def charge_count(sandbox):
    return len(ask(sandbox, "GET", "/v1/charges?limit=100").json()["data"])


def test_the_page_shows_the_amount_and_labels_every_field(page):
    text = loopback.get(page).text
    assert "Pay $450.00" in text
    assert "&lt;b&gt;Clinic services&lt;/b&gt;" in text
    assert 'href="http://127.0.0.1:9999/back?a=1&amp;b=2"' in text
    labelled = re.findall(r'<label for="(\w+)"', text)
    assert labelled == re.findall(r'<input id="(\w+)"', text) == ["card_number", "expiry", "cvc"]


def test_the_page_runs_no_script_and_takes_nothing_from_elsewhere(page):
    answer = loopback.get(page)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "form-action 'self' http://127.0.0.1:9999" in policy
    assert "<script" not in answer.text
    assert "style=" not in answer.text
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"card": "4000000000000002"}, "Your card was declined."),
        ({"card": "4000 0000 0000 9995"}, "Your card has insufficient funds."),
        ({"card": "4242424242424241"}, "Your card number is incomplete or wrong."),
        ({"card": "4111111111111111"}, "this page takes test cards only"),
        ({"card": "４２４２４２４２４２４２４２４２"}, "Your card number is incomplete or wrong."),
        ({"expiry": "10 / 26"}, "in the past"),
        ({"expiry": "13 / 30"}, "Write it as MM / YY"),
        ({"cvc": "12"}, "3 digits"),
    ],
)
def test_a_mistake_or_decline_is_said_and_the_payer_tries_again(page, fields, words):
    answer = submit_card(page, **{"card": "4242424242424242", **fields})
    assert answer.status_code == 402
    assert 'role="alert"' in answer.text
    assert words in answer.text.replace("&#39;", "'")
    assert submit_card(page, "4242 4242 4242 4242", expiry="11/2026").status_code == 303


def test_paying_twice_is_one_charge_and_the_same_way_back(sandbox, page):
    before = charge_count(sandbox)
    first, second = submit_card(page, "4242424242424242"), submit_card(page, "4242424242424242")
    assert first.headers["Location"] == second.headers["Location"]
    assert first.headers["Location"].startswith("http://127.0.0.1:9999/paid?id=cs_test_")
    assert charge_count(sandbox) == before + 1
    assert loopback.get(page).status_code == 410


def test_the_card_number_is_kept_nowhere(sandbox, page):
    submit_card(page, "5555555555554444")
    database = Path(sandbox.environ["SANDBOX_DB"])
    kept = b"".join(file.read_bytes() for file in database.parent.glob(f"{database.name}*"))
    assert b"4444" in kept
    assert b"5555555555554444" not in kept


def test_a_page_that_never_was_is_404(sandbox):
    assert loopback.get(f"{sandbox.url}/c/pay/cs_test_nothing").status_code == 404
    assert loopback.post(f"{sandbox.url}/c/pay/cs_test_nothing").status_code == 404


def test_the_control_page_labels_every_field_and_its_forms_work(sandbox):
    text = loopback.get(f"{sandbox.url}/_control").text
    fields = re.findall(r'<(?:input|select) id="([\w-]+)"', text)
    assert re.findall(r'<label for="([\w-]+)"', text) == fields
    answer = loopback.post(f"{sandbox.url}/_control/duplicate-events", data={"on": "true"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/_control?done=duplicate-events")
    assert "Done: duplicate-events." in loopback.get(f"{sandbox.url}/_control?done=duplicate-events").text
    assert sandbox.state()["duplicate_events"] is True
    loopback.post(f"{sandbox.url}/_control/duplicate-events", data={"on": "false"})


@pytest.mark.parametrize(
    ("action", "body"),
    [("nothing", {}), ("lose-response", {"times": -1}), ("fail-refund", {"refund": "re_1"})],
)
def test_a_wrong_control_is_refused(sandbox, action, body):
    assert loopback.post(f"{sandbox.url}/_control/{action}", json=body).status_code in (400, 404)


def test_a_request_that_holds_a_forbidden_word_is_refused(sandbox):
    sandbox.control("refuse-words", words=["ketamine", "Jane Doe"])
    intent = {"amount": "1000", "currency": "usd"}
    try:
        for text in ("KETAMINE infusion", "for jane doe"):
            refused = ask(sandbox, "POST", "/v1/payment_intents", data={**intent, "description": text})
            assert (refused.status_code, refused.json()["error"]["code"]) == (400, "forbidden_word")
        assert ask(sandbox, "GET", "/v1/events?type=ketamine").status_code == 400
        assert ask(sandbox, "POST", "/v1/payment_intents", data=intent).status_code == 200
    finally:
        sandbox.control("refuse-words", words=[])


def test_words_to_refuse_are_given_at_the_start_too(tmp_path):
    running = start_sandbox(tmp_path, "http://127.0.0.1:1", refused_words=["ketamine", " Jane Doe"])
    try:
        data = {"metadata[note]": "for jane doe"}
        refused = ask(running, "POST", "/v1/customers", data=data)
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "forbidden_word")
        (told,) = running.state()["refused_requests"]
        assert (told["path"], told["word"]) == ("/v1/customers", "Jane Doe")
        assert [asked["status"] for asked in running.requests("/v1/customers")] == [400]
        assert "Jane Doe" in loopback.get(f"{running.url}/_control").text
        assert ask(running, "GET", "/v1/customers").json()["data"] == []
    finally:
        running.stop()


def test_the_control_page_has_a_form_for_every_control_and_shows_what_is_saved(sandbox):
    made = [
        ask(sandbox, "POST", "/v1/customers").json()["id"],
        ask(sandbox, "POST", "/v1/setup_intents").json()["id"],
        ask(sandbox, "POST", "/v1/payment_intents", data={"amount": "500", "currency": "usd"}).json()["id"],
        ask(sandbox, "POST", "/v1/terminal/readers", data={"registration_code": "simulated-wpe"}).json()[
            "id"
        ],
    ]
    text = loopback.get(f"{sandbox.url}/_control").text
    assert [name for name in ACTIONS if f'action="/_control/{name}"' not in text] == []
    assert [reference for reference in made if reference not in text] == []


def test_requests_are_remembered_with_their_parameters(sandbox):
    ask(sandbox, "POST", "/v1/payment_intents", data={"amount": "1234", "currency": "usd"})
    last = sandbox.requests("/v1/payment_intents")[-1]
    assert (last["method"], last["status"]) == ("POST", 200)
    assert last["parameters"] == {"amount": "1234", "currency": "usd"}
