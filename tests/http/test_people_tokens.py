"""API tokens over HTTP and on the command line."""

import json

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from billing.kernel.permissions import SYSTEM, Role
from billing.people.cli import make_commands
from billing.people.queries import actor_for_token
from billing.people.use_cases import issue_token
from billing.platform.data.idempotency import AnsweredRequest


@pytest.fixture
def client(pages):
    return pages.test_client()


@pytest.fixture
def bearer(edge):
    def work(role=Role.ADMIN, entity_id="ent_a"):
        issued = edge.database.in_transaction(
            lambda tx: issue_token(
                tx,
                role=role,
                scopes=[],
                entity_id=entity_id,
                site_ids=None,
                expires_at=None,
                actor=SYSTEM,
                now=edge.clock(),
            )
        )
        return {"Authorization": f"Bearer {issued.secret}"}

    return work


def test_an_administrator_issues_a_token_that_works_until_it_is_revoked(client, bearer):
    admin = bearer()
    answer = client.post("/api/v1/tokens", json={"role": "admin"}, headers=admin)
    assert answer.status_code == 201
    token, fresh = answer.json["token"], {"Authorization": f"Bearer {answer.json['secret']}"}
    assert token["entity_id"] == "ent_a"
    assert client.post("/api/v1/tokens", json={"role": "clinician"}, headers=fresh).status_code == 201
    assert client.delete(f"/api/v1/tokens/{token['id']}", headers=admin).status_code == 204
    assert client.post("/api/v1/tokens", json={"role": "clinician"}, headers=fresh).status_code == 401


def test_a_tokens_secret_is_told_once_and_not_kept_under_the_key(client, edge, bearer):
    keyed = {**bearer(), "Idempotency-Key": "k1"}
    first, second = (client.post("/api/v1/tokens", json={"role": "admin"}, headers=keyed) for _ in range(2))
    assert first.status_code == 201
    assert (second.status_code, second.json["code"]) == (409, "secret-told-once")
    assert first.json["secret"] not in second.text
    with edge.database.reading() as read:
        (row,) = read.session.scalars(select(AnsweredRequest))
        kept = read.vault.open_bytes("answered_request", f"{row.actor_id}/{row.key}", row.sealed)
    assert kept == b""


def test_a_key_that_came_with_another_token_is_refused_as_such(client, bearer):
    keyed = {**bearer(), "Idempotency-Key": "k1"}
    client.post("/api/v1/tokens", json={"role": "admin"}, headers=keyed)
    answer = client.post("/api/v1/tokens", json={"role": "clinician"}, headers=keyed)
    assert (answer.status_code, answer.json["code"]) == (422, "idempotency-key-reused")


def test_only_who_manages_people_issues_tokens(client, bearer):
    answer = client.post("/api/v1/tokens", json={"role": "admin"}, headers=bearer(Role.BILLING))
    assert (answer.status_code, answer.json["code"]) == (403, "not-permitted")


@pytest.mark.parametrize(
    "header",
    [None, "Bearer", "Bearer ", "Bearer nonsense", "Basic YTpi", "Bearer " + "x" * 9_000, "bearer \xe9"],
)
def test_a_stranger_is_asked_for_a_token(client, header):
    headers = {"Authorization": header} if header else {}
    answer = client.post("/api/v1/tokens", json={"role": "admin"}, headers=headers)
    assert (answer.status_code, answer.json["code"]) == (401, "sign-in-required")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"role": "billing", "scopes": ["everything"]}, "unknown-scope"),
        ({"role": "billing", "scopes": ["people:write"]}, "scope-beyond-role"),
        ({"role": "king"}, "invalid-request"),
        ({"role": "billing", "more": 1}, "invalid-request"),
        ({}, "invalid-request"),
        ({"role": "billing", "expires_at": "2026-11-01T00:00:00+00:00"}, "bad-expiry"),
        ({"role": "billing", "expires_at": "2027-01-01T00:00:00"}, "invalid-request"),
    ],
)
def test_a_wrong_order_for_a_token_is_refused_by_name(client, bearer, body, code):
    answer = client.post("/api/v1/tokens", json=body, headers=bearer())
    assert (answer.status_code, answer.json["code"]) == (422, code)


def test_no_token_is_given_for_another_clinic(client, bearer):
    body = {"role": "billing", "entity_id": "ent_00000000000000000000000000"}
    answer = client.post("/api/v1/tokens", json=body, headers=bearer())
    assert (answer.status_code, answer.json["code"]) == (403, "beyond-own-reach")


def test_another_clinics_token_is_not_there_to_revoke(client, bearer):
    foreign = client.post("/api/v1/tokens", json={"role": "billing"}, headers=bearer(entity_id="ent_b"))
    path = f"/api/v1/tokens/{foreign.json['token']['id']}"
    assert client.delete(path, headers=bearer()).status_code == 404


@pytest.fixture
def run(edge):
    clinics = {}
    groups = {group.name: group for group in make_commands(edge, lambda _read: clinics)}

    def work(*words, stdin=None):
        return CliRunner().invoke(groups[words[0]], words[1:], input=stdin)

    work.clinics = clinics
    return work


def who_acts(edge, secret):
    return edge.read(lambda read: actor_for_token(read, secret, edge.clock()))


def test_the_command_line_prints_a_token_once(edge, run):
    run.clinics["b"] = "ent_b"
    secret = run("tokens", "issue", "--role", "billing", "--scope", "quotes:read").output.strip()
    actor = who_acts(edge, secret)
    assert (actor.entity_id, actor.permissions) == ("ent_b", {"quotes:read"})


def test_a_token_goes_to_the_clinic_that_was_named_or_to_all_of_several(edge, run):
    run.clinics.update(a="ent_a", b="ent_b")
    named = json.loads(run("tokens", "issue", "--role", "billing", "--entity", "a", "--json").output)
    of_all = json.loads(run("tokens", "issue", "--role", "billing", "--json").output)
    assert who_acts(edge, named["secret"]).entity_id == "ent_a"
    assert who_acts(edge, of_all["secret"]).entity_id is None


@pytest.mark.parametrize(
    "words",
    [
        ("tokens", "issue", "--role", "king"),
        ("tokens", "issue", "--role", "billing", "--scope", "everything"),
        ("tokens", "issue", "--role", "billing", "--entity", "nowhere"),
        ("tokens", "revoke", "tok_unknown"),
        ("people", "add", "--email", "casey", "--role", "billing"),
        ("people", "disable", "--email", "nobody@example.org"),
    ],
)
def test_a_refused_command_says_so_in_one_sentence_and_fails(run, words):
    result = run(*words)
    assert result.exit_code != 0
    assert "Error" in result.output
    assert "Traceback" not in result.output


def test_a_revoked_token_is_dead(edge, run):
    issued = json.loads(run("tokens", "issue", "--role", "billing", "--json").output)
    assert run("tokens", "revoke", issued["id"]).exit_code == 0
    assert who_acts(edge, issued["secret"]) is None


def test_a_person_is_added_with_a_password_of_theirs_or_one_that_is_made(run):
    own = run(
        "people", "add", "--email", "a@example.org", "--role", "billing", "--password-stdin", "--json",
        stdin="copper-lantern-vogue\n",
    )  # fmt: skip
    made = run(
        "people", "add", "--email", "b@example.org", "--role", "billing", "--role", "clinician", "--json"
    )
    assert "password" not in json.loads(own.output)
    assert len(json.loads(made.output)["password"]) >= 20
    assert run("people", "disable", "--email", "A@example.org").exit_code == 0


def test_a_weak_password_is_refused_on_the_command_line(run):
    words = ("people", "add", "--email", "a@example.org", "--role", "billing", "--password-stdin")
    result = run(*words, stdin="password1234\n")
    assert result.exit_code == 1
    assert "too easy to guess" in result.output
