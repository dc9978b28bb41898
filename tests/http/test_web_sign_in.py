"""Staff sign in and out, as a browser does it."""

import re
from datetime import timedelta

import pytest

from billing.kernel.permissions import SYSTEM, Role
from billing.people.use_cases import add_staff, disable_staff
from tests.factories.web import PASSWORD

EMAIL = "casey@example.org"
PAGE = "/staff/sign-in"


@pytest.fixture
def client(pages):
    return pages.test_client()


@pytest.fixture
def hire(edge):
    def work(email=EMAIL, role=Role.BILLING):
        return edge.database.in_transaction(
            lambda tx: add_staff(
                tx,
                email=email,
                roles=[role],
                password=PASSWORD,
                entity_id=None,
                site_ids=None,
                actor=SYSTEM,
                now=edge.clock(),
            )
        )

    return work


def token_in(page):
    return re.search(r'name="csrf_token" value="([^"]+)"', page.text)[1]


def sign_in(client, email=EMAIL, password=PASSWORD):
    form = {"email": email, "password": password, "csrf_token": token_in(client.get(PAGE))}
    return client.post(PAGE, data=form)


def is_signed_in(client):
    return client.get("/staff/").location != PAGE


def test_somebody_signs_in_and_arrives_at_the_first_page_of_theirs(client, hire):
    hire()
    answer = sign_in(client)
    assert answer.status_code == 302
    assert client.get(answer.location).location == "/staff/today"


@pytest.mark.parametrize(
    ("role", "first"),
    [(Role.FRONT_DESK, "/staff/today"), (Role.ACCOUNTANT, "/staff/money"), (Role.ADMIN, "/staff/people")],
)
def test_each_role_arrives_where_it_works(client, hire, role, first):
    hire(role=role)
    assert client.get(sign_in(client).location).location == first


def test_the_address_may_be_typed_in_any_case(client, hire):
    hire()
    sign_in(client, email=" Casey@EXAMPLE.org")
    assert is_signed_in(client)


def test_a_wrong_password_and_an_unknown_person_get_the_same_answer(pages, hire):
    hire()
    wrong = sign_in(pages.test_client(), password="copper-lantern-vague")
    unknown = sign_in(pages.test_client(), email="robin@example.org")
    assert wrong.status_code == unknown.status_code == 200
    assert "The e-mail or the password is wrong." in wrong.text

    def told(page):
        varying = r'value="[^"]*"|nonce="[^"]*"'
        return re.sub(varying, "", page.text)

    assert told(wrong) == told(unknown)


def test_a_disabled_person_is_kept_out_with_the_same_answer(client, edge, hire):
    staff = hire()
    edge.database.in_transaction(
        lambda tx: disable_staff(tx, staff_id=staff.id, actor=SYSTEM, now=edge.clock())
    )
    assert "The e-mail or the password is wrong." in sign_in(client).text
    assert not is_signed_in(client)


def test_after_five_wrong_passwords_even_the_right_one_waits_15_minutes(client, clock, hire):
    hire()
    for _ in range(5):
        assert sign_in(client, password="copper-lantern-vague").status_code == 200
    refused = sign_in(client)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "900")
    assert not is_signed_in(client)
    clock.now += timedelta(minutes=15)
    sign_in(client)
    assert is_signed_in(client)


def test_too_many_tries_say_the_same_of_an_unknown_person(client):
    answers = [sign_in(client, email="robin@example.org").status_code for _ in range(6)]
    assert answers == [200] * 5 + [429]


def test_signing_out_is_a_post_and_ends_the_session_on_the_server(pages, client, hire):
    hire()
    sign_in(client)
    stolen = client.get_cookie("session").value
    assert client.get("/staff/sign-in/out").status_code == 405
    page = client.get("/staff/nowhere")
    client.post("/staff/sign-in/out", data={"csrf_token": token_in(page)})
    assert not is_signed_in(client)
    thief = pages.test_client()
    thief.set_cookie("session", stolen)
    assert not is_signed_in(thief)


def test_15_idle_minutes_lead_back_to_the_sign_in_page(client, clock, hire):
    hire()
    sign_in(client)
    clock.now += timedelta(minutes=14)
    assert is_signed_in(client)
    clock.now += timedelta(minutes=14)
    assert is_signed_in(client)
    clock.now += timedelta(minutes=15)
    assert not is_signed_in(client)
    assert client.get(PAGE).status_code == 200
    sign_in(client)
    assert is_signed_in(client)


def test_disabling_a_person_ends_their_session_at_once(client, edge, hire):
    staff = hire()
    sign_in(client)
    edge.database.in_transaction(
        lambda tx: disable_staff(tx, staff_id=staff.id, actor=SYSTEM, now=edge.clock())
    )
    assert not is_signed_in(client)


def test_each_sign_in_has_a_session_and_a_form_token_of_its_own(client, hire):
    hire()
    before = token_in(client.get(PAGE))
    sign_in(client)
    assert client.post("/staff/sign-in/out", data={"csrf_token": before}).status_code == 400
    with client.session_transaction() as session:
        first = session["staff_session"]
    client.post("/staff/sign-in/out", data={"csrf_token": token_in(client.get("/staff/nowhere"))})
    sign_in(client)
    with client.session_transaction() as session:
        assert session["staff_session"] != first


def test_a_form_without_its_token_changes_nothing(client, hire):
    hire()
    answer = client.post(PAGE, data={"email": EMAIL, "password": PASSWORD})
    assert answer.status_code == 400
    assert "This page was open for too long" in answer.text
    assert not is_signed_in(client)


def test_signing_in_never_leads_to_another_site(client, hire):
    hire()
    form = {
        "email": EMAIL,
        "password": PASSWORD,
        "csrf_token": token_in(client.get(PAGE)),
        "next": "https://elsewhere.example/",
    }
    assert "elsewhere" not in (client.post(PAGE, data=form).location or "")


def test_json_does_not_sign_in(client, hire):
    hire()
    token = token_in(client.get(PAGE))
    answer = client.post(PAGE, json={"email": EMAIL, "password": PASSWORD}, headers={"X-CSRFToken": token})
    assert answer.status_code == 415
    assert not is_signed_in(client)


def test_the_cookie_of_a_page_opens_nothing_under_the_api(client, hire):
    hire(role=Role.ADMIN)
    sign_in(client)
    assert client.post("/api/v1/tokens", json={"role": "billing"}).status_code == 401


@pytest.mark.parametrize("path", ["/staff/today", "/staff/money", "/staff/patients/pat_1", "/staff/nowhere"])
def test_a_stranger_is_sent_to_the_sign_in_page(client, path):
    for answer in (client.get(path), client.post(path)):
        assert (answer.status_code, answer.location) == (303, PAGE)
