from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.kernel.permissions import ROLES, Permission, Role
from billing.people.errors import BadEmail, BadPassword, ScopeBeyondRole, UnknownScope
from billing.people.rules import check_password, narrowed, permissions_of, session_lives, tidy_email

NOW = datetime(2026, 11, 2, 15, tzinfo=UTC)

EASY = [
    "password1234",
    "Passw0rd!2026",
    "P@ssw0rd1234",
    "passwordpassword",
    "123456789012",
    "aaaaaaaaaaaaaa",
    "qwertyuiop123",
    "letmein12345",
    "iloveyou1234",
    "Summer2026!!",
    "adminadmin123",
    "abcdefghijkl",
    "casey.jones1",
    "1qaz2wsx3edc"[:12],
    "ketamineclinic",
    "welcome12345",
]


@pytest.mark.parametrize("password", EASY)
def test_what_people_who_guess_try_first_is_refused(password):
    with pytest.raises(BadPassword):
        check_password(password, "casey.jones@example.org")


@pytest.mark.parametrize("password", ["elevencharz", "", "x" * 201])
def test_a_password_has_twelve_to_two_hundred_characters(password):
    with pytest.raises(BadPassword):
        check_password(password, "casey@example.org")


@pytest.mark.parametrize(
    "password", ["correct horse battery staple", "copper-lantern-vogue", "Zk4$vTq9!mWx", "füllige Brombeere"]
)
def test_several_unrelated_words_are_taken(password):
    check_password(password, "casey@example.org")


@given(st.text(max_size=40))
def test_any_text_is_either_taken_or_refused_as_a_password(password):
    with suppress(BadPassword):
        check_password(password, "casey@example.org")


@given(st.sampled_from(Role), st.lists(st.sampled_from(Permission)))
def test_a_token_never_may_more_than_its_role(role, scopes):
    try:
        assert narrowed(role, scopes) <= ROLES[role]
    except ScopeBeyondRole:
        assert set(scopes) - ROLES[role]


def test_scopes_narrow_a_role_and_none_leaves_it_whole():
    assert narrowed(Role.BILLING, ["quotes:read"]) == {Permission.QUOTES_READ}
    assert narrowed(Role.BILLING, []) == ROLES[Role.BILLING]


def test_an_unknown_scope_is_refused_by_its_place():
    with pytest.raises(UnknownScope) as refusal:
        narrowed(Role.BILLING, ["quotes:read", "everything"])
    assert refusal.value.flaws[0].pointer == "/scopes/1"


def test_two_roles_may_what_either_may():
    both = permissions_of([Role.CLINICIAN, Role.ADMIN])
    assert both == ROLES[Role.CLINICIAN] | ROLES[Role.ADMIN]


@pytest.mark.parametrize(
    ("age", "idle", "lives"),
    [
        (timedelta(0), timedelta(0), True),
        (timedelta(hours=11, minutes=59), timedelta(minutes=14), True),
        (timedelta(hours=1), timedelta(minutes=15), False),
        (timedelta(hours=12), timedelta(0), False),
    ],
)
def test_a_session_ends_after_15_idle_minutes_or_12_hours(age, idle, lives):
    assert session_lives(started_at=NOW - age, last_seen_at=NOW - idle, as_of=NOW) is lives


def test_an_address_is_kept_in_lower_case():
    assert tidy_email("  Casey@Example.ORG ") == "casey@example.org"


@pytest.mark.parametrize(
    "email", ["casey", "casey@", "@example.org", "a b@example.org", "a@b.c", "a@b@c.org"]
)
def test_what_is_no_address_is_refused(email):
    with pytest.raises(BadEmail):
        tidy_email(email)
