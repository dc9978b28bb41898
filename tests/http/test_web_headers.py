"""What every answer tells the browser."""

import re

import pytest

from billing.platform.http.edge import Edge
from tests.factories.web import MovableClock, Processor, web_app

PAGES = ["/staff/sign-in", "/estimate-notice", "/pay/unknown", "/staff/today", "/api/v1/tokens"]


@pytest.fixture
def open_at(database, now):
    def work(public_url):
        return web_app(Edge(database, MovableClock(now), public_url), Processor()).test_client()

    return work


@pytest.fixture
def client(open_at):
    return open_at("http://localhost")


@pytest.mark.parametrize("path", PAGES)
def test_every_answer_guards_the_browser(client, path):
    told = client.get(path).headers
    assert told["X-Content-Type-Options"] == "nosniff"
    assert told["Referrer-Policy"] == "no-referrer"
    assert told["Cache-Control"] == "no-store"
    policy = told["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self';" in policy
    assert "unsafe" not in policy


def test_each_page_has_a_number_of_its_own_and_no_script_or_style_inside(client):
    first, second = client.get("/staff/sign-in"), client.get("/staff/sign-in")
    numbers = [
        re.search(r"'nonce-([^']+)'", page.headers["Content-Security-Policy"])[1] for page in (first, second)
    ]
    assert numbers[0] != numbers[1]
    assert f'nonce="{numbers[0]}"' in first.text
    assert not re.search(r"<script|<style| style=| on\w+=", first.text)


def test_style_sheets_may_be_kept(client):
    with client.get("/static/app.css") as answer:
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-cache"


def test_over_tls_the_cookie_is_bound_to_the_host_and_plain_http_is_over(open_at):
    client = open_at("https://pay.clinic.example")
    answer = client.get("/staff/sign-in", base_url="https://pay.clinic.example")
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-session=")
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert "Domain" not in cookie


def test_a_form_is_taken_over_tls_though_our_pages_send_no_referrer(open_at):
    client, base = open_at("https://pay.clinic.example"), "https://pay.clinic.example"
    page = client.get("/staff/sign-in", base_url=base).text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)[1]
    form = {"email": "a@example.org", "password": "wrong", "csrf_token": token}
    assert client.post("/staff/sign-in", data=form, base_url=base).status_code == 200


def test_without_tls_there_is_no_promise_of_it(client):
    assert "Strict-Transport-Security" not in client.get("/staff/sign-in").headers
