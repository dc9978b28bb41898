from datetime import timedelta

import pytest
from sqlalchemy import select

from billing.kernel.permissions import ROLES, SYSTEM, Actor, Permission, Role
from billing.people.errors import (
    BadExpiry,
    BadPassword,
    BeyondOwnReach,
    NoSuchPerson,
    NoSuchToken,
    PersonExists,
)
from billing.people.models import ApiToken, SignInTries, StaffSessionRow, StaffUser
from billing.people.queries import (
    actor_for_token,
    actor_for_user,
    credentials_of_email,
    find_staff,
    live_session,
)
from billing.people.use_cases import (
    add_staff,
    disable_staff,
    end_session,
    issue_token,
    revoke_token,
    start_session,
    take_sign_in_try,
    touch_session,
)

PASSWORD = "copper-lantern-vogue"
HERE = "192.0.2.1"
ADMIN_OF_A = Actor(id="usr_a", entity_id="ent_a", permissions=ROLES[Role.ADMIN])


@pytest.fixture
def issue(database, now):
    def work(role=Role.BILLING, scopes=(), entity_id="ent_a", site_ids=None, expires_at=None, actor=SYSTEM):
        return database.in_transaction(
            lambda tx: issue_token(
                tx,
                role=role,
                scopes=scopes,
                entity_id=entity_id,
                site_ids=site_ids,
                expires_at=expires_at,
                actor=actor,
                now=now,
            )
        )

    return work


@pytest.fixture
def hire(database, now):
    def work(
        email="casey@example.org", roles=(Role.BILLING,), password=PASSWORD, entity_id="ent_a", actor=SYSTEM
    ):
        return database.in_transaction(
            lambda tx: add_staff(
                tx,
                email=email,
                roles=roles,
                password=password,
                entity_id=entity_id,
                site_ids=None,
                actor=actor,
                now=now,
            )
        )

    return work


@pytest.fixture
def sign_in(database, now):
    def work(staff_id, at=now):
        return database.in_transaction(
            lambda tx: start_session(tx, staff_id=staff_id, address=HERE, actor=SYSTEM, now=at)
        )

    return work


@pytest.fixture
def try_once(database, now):
    def work(email, address=HERE, at=now):
        return database.in_transaction(
            lambda tx: take_sign_in_try(tx, email=email, address=address, actor=SYSTEM, now=at)
        )

    return work


def ask(database, query):
    with database.reading() as read:
        return query(read)


def bearer(database, now, issued):
    return ask(database, lambda read: actor_for_token(read, issued.secret, now))


def test_a_token_acts_with_its_role_for_its_clinic(database, now, issue):
    issued = issue(role=Role.CLINICIAN, site_ids=["site_1"])
    actor = ask(database, lambda read: actor_for_token(read, issued.secret, now))
    assert actor == Actor(
        id=issued.token.id,
        entity_id="ent_a",
        permissions=ROLES[Role.CLINICIAN],
        site_ids=frozenset({"site_1"}),
        person_id=issued.token.id,
    )


def test_whoever_issues_tokens_answers_for_all_of_them(database, now, issue, hire):
    staff = hire(roles=[Role.ADMIN])
    admin = ask(database, lambda read: actor_for_user(read, staff.id))
    first = bearer(database, now, issue(Role.ADMIN, actor=admin))
    second = bearer(database, now, issue(actor=first))
    assert {first.person, second.person} == {admin.person} == {staff.id}


def test_two_tokens_from_the_command_line_are_two_persons_and_what_they_issue_is_theirs(database, now, issue):
    one, other = (bearer(database, now, issue(Role.ADMIN)) for _ in range(2))
    assert (one.person, other.person) == (one.id, other.id)
    assert [bearer(database, now, issue(actor=one)).person for _ in range(2)] == [one.id] * 2


def test_scopes_narrow_what_a_token_may_do(database, now, issue):
    issued = issue(role=Role.BILLING, scopes=["quotes:read", "quotes:write"])
    actor = ask(database, lambda read: actor_for_token(read, issued.secret, now))
    assert actor.permissions == {Permission.QUOTES_READ, Permission.QUOTES_WRITE}


def test_the_secret_of_a_token_is_not_in_the_database(database, issue):
    issued = issue()
    row = ask(database, lambda read: read.session.get(ApiToken, issued.token.id))
    assert issued.secret not in str(vars(row))
    assert len(issued.secret) > 40


def test_nobody_acts_by_a_secret_that_was_never_issued(database, now, issue):
    secret = issue().secret
    middle = len(secret) // 2
    tampered = secret[:middle] + ("a" if secret[middle] != "a" else "b") + secret[middle + 1 :]
    assert ask(database, lambda read: actor_for_token(read, tampered, now)) is None
    assert ask(database, lambda read: actor_for_token(read, "", now)) is None


def test_a_token_ends_when_it_expires(database, now, issue):
    issued = issue(expires_at=now + timedelta(days=1))
    later = now + timedelta(days=1)
    assert ask(database, lambda read: actor_for_token(read, issued.secret, now)) is not None
    assert ask(database, lambda read: actor_for_token(read, issued.secret, later)) is None


def test_a_token_that_has_expired_already_is_not_issued(now, issue):
    with pytest.raises(BadExpiry):
        issue(expires_at=now)


def test_a_revoked_token_is_dead_at_once_and_stays_so(database, now, issue):
    issued = issue()
    for _ in range(2):
        database.in_transaction(lambda tx: revoke_token(tx, token_id=issued.token.id, actor=SYSTEM, now=now))
    assert ask(database, lambda read: actor_for_token(read, issued.secret, now)) is None


def test_another_clinics_token_does_not_exist(database, now, issue):
    foreign = issue(entity_id="ent_b").token
    with pytest.raises(NoSuchToken):
        database.in_transaction(lambda tx: revoke_token(tx, token_id=foreign.id, actor=ADMIN_OF_A, now=now))


def test_an_administrator_gives_no_token_for_another_clinic_or_for_all(issue):
    for entity_id in ("ent_b", None):
        with pytest.raises(BeyondOwnReach):
            issue(entity_id=entity_id, actor=ADMIN_OF_A)


def test_an_administrator_of_one_site_gives_access_to_that_site_alone(issue):
    local = Actor(
        id="usr_l", entity_id="ent_a", permissions=ROLES[Role.ADMIN], site_ids=frozenset({"site_1"})
    )
    assert issue(site_ids=["site_1"], actor=local)
    for site_ids in (None, ["site_2"], ["site_1", "site_2"]):
        with pytest.raises(BeyondOwnReach):
            issue(site_ids=site_ids, actor=local)


def test_staff_act_with_all_of_their_roles(database, hire):
    staff = hire(roles=[Role.CLINICIAN, Role.ACCOUNTANT])
    actor = ask(database, lambda read: actor_for_user(read, staff.id))
    assert actor.permissions == ROLES[Role.CLINICIAN] | ROLES[Role.ACCOUNTANT]


def test_a_password_is_kept_as_argon2id(database, hire):
    staff = hire()
    row = ask(database, lambda read: read.session.get(StaffUser, staff.id))
    assert row.password_hash.startswith("$argon2id$")


def test_an_address_signs_in_once_in_whatever_case(database, hire):
    hire(email="Casey@Example.org")
    assert ask(database, lambda read: credentials_of_email(read, " CASEY@example.ORG ")) is not None
    with pytest.raises(PersonExists):
        hire(email="casey@example.org")


def test_a_common_password_is_refused_and_nobody_is_added(database, hire):
    with pytest.raises(BadPassword):
        hire(password="Passw0rd!2026")
    assert ask(database, lambda read: read.session.scalars(select(StaffUser)).all()) == []


def test_another_clinics_staff_do_not_exist(database, hire):
    staff = hire(entity_id="ent_b")
    with pytest.raises(NoSuchPerson):
        ask(database, lambda read: find_staff(read, staff.id, ADMIN_OF_A))


def test_a_session_lives_while_it_is_used_and_12_hours_at_most(database, now, hire, sign_in):
    staff = hire()
    secret = sign_in(staff.id)
    actor = ask(database, lambda read: actor_for_user(read, staff.id))

    def use(at):
        found = ask(database, lambda read: live_session(read, secret, at))
        if found:
            database.in_transaction(lambda tx: touch_session(tx, session_id=found.id, actor=actor, now=at))
        return found is not None

    at = now
    while use(at):
        at += timedelta(minutes=10)
    assert at == now + timedelta(hours=12)


def test_an_idle_session_ends_after_15_minutes(database, now, hire, sign_in):
    secret = sign_in(hire().id)
    almost, over = now + timedelta(minutes=14, seconds=59), now + timedelta(minutes=15)
    assert ask(database, lambda read: live_session(read, secret, almost)) is not None
    assert ask(database, lambda read: live_session(read, secret, over)) is None


def test_signing_out_ends_one_browser_and_not_the_other(database, now, hire, sign_in):
    staff = hire()
    desk, phone = sign_in(staff.id), sign_in(staff.id)
    database.in_transaction(lambda tx: end_session(tx, secret=desk, actor=SYSTEM, now=now))
    assert ask(database, lambda read: live_session(read, desk, now)) is None
    assert ask(database, lambda read: live_session(read, phone, now)) is not None


def test_the_secret_of_a_session_is_not_in_the_database(database, hire, sign_in):
    secret = sign_in(hire().id)
    row = ask(database, lambda read: read.session.scalars(select(StaffSessionRow)).one())
    assert secret not in str(vars(row))


def test_disabling_a_person_ends_all_of_their_sessions(database, now, hire, sign_in):
    staff = hire()
    before = ask(database, lambda read: credentials_of_email(read, staff.email))
    secrets = [sign_in(staff.id), sign_in(staff.id)]
    disabled = database.in_transaction(lambda tx: disable_staff(tx, staff_id=staff.id, actor=SYSTEM, now=now))
    after = ask(database, lambda read: credentials_of_email(read, staff.email))
    assert not disabled.active
    assert before.uniquifier != after.uniquifier
    assert ask(database, lambda read: actor_for_user(read, staff.id)) is None
    assert [ask(database, lambda read, s=secret: live_session(read, s, now)) for secret in secrets] == [
        None
    ] * 2


def test_disabling_a_person_revokes_the_tokens_that_they_issued_and_no_others(database, now, issue, hire):
    staff = hire(roles=[Role.ADMIN])
    admin = ask(database, lambda read: actor_for_user(read, staff.id))
    own, kept = issue(Role.ADMIN, actor=admin), issue(Role.ADMIN)
    child = issue(actor=bearer(database, now, own))
    database.in_transaction(lambda tx: disable_staff(tx, staff_id=staff.id, actor=SYSTEM, now=now))
    assert [bearer(database, now, token) is not None for token in (own, child, kept)] == [False, False, True]


@pytest.mark.parametrize("email", ["casey@example.org", "nobody@example.org"])
def test_the_sixth_try_within_15_minutes_is_refused_whoever_it_is(now, hire, try_once, email):
    hire()
    assert [try_once(email) for _ in range(6)] == [True] * 5 + [False]
    assert not try_once(email, at=now + timedelta(minutes=14, seconds=59))
    assert try_once(email, at=now + timedelta(minutes=15))


def test_another_account_and_another_address_have_tries_of_their_own(try_once):
    assert [try_once("casey@example.org") for _ in range(6)][-1] is False
    assert try_once("robin@example.org")
    assert try_once("casey@example.org", address="192.0.2.2")


def test_one_account_is_not_tried_from_ever_more_addresses(try_once):
    tries = [try_once("casey@example.org", address=f"192.0.2.{number}") for number in range(21)]
    assert tries == [True] * 20 + [False]


def test_ever_more_accounts_are_not_tried_from_one_address(try_once):
    tries = [try_once(f"casey{number}@example.org") for number in range(51)]
    assert tries == [True] * 50 + [False]


def test_tries_that_are_refused_do_not_lock_the_account_for_others(try_once):
    for _ in range(40):
        try_once("casey@example.org")
    assert try_once("casey@example.org", address="192.0.2.2")


def test_signing_in_forgets_the_tries_before_it(hire, try_once, sign_in):
    staff = hire()
    for _ in range(4):
        for _ in range(4):
            assert try_once(staff.email)
        sign_in(staff.id)


def test_who_tried_to_sign_in_is_not_to_be_read(database, try_once):
    try_once("casey@example.org")
    rows = ask(database, lambda read: read.session.scalars(select(SignInTries)).all())
    assert len(rows) == 3
    assert not any("casey" in row.key or HERE in row.key for row in rows)
