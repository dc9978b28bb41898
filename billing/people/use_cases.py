"""Writes about who may act. Each runs inside the caller's transaction."""

from __future__ import annotations

import hmac
import secrets
import unicodedata
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any

from argon2 import PasswordHasher
from sqlalchemy import ColumnElement, Select, delete, insert, select, true, update
from sqlalchemy.exc import IntegrityError

from billing.kernel.errors import Flaw
from billing.kernel.ids import new_id
from billing.kernel.permissions import Actor, Role
from billing.people.errors import BadExpiry, BeyondOwnReach, PersonExists
from billing.people.models import ApiToken, SignInTries, StaffSessionRow, StaffUser
from billing.people.queries import find_staff, find_token, link_print, staff_of, token_of
from billing.people.records import IssuedToken, LinkOwner, OpenedLink, Staff, Token
from billing.people.rules import (
    LINK_TRIES,
    TRIES_PER_ADDRESS,
    TRY_WINDOW,
    UNICODE_FORM,
    answers_for,
    check_password,
    narrowed,
    secret_hash,
    tidy_email,
    try_limits,
    within_reach,
)
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx

TOKEN_PREFIX = "clinic_"  # noqa: S105 - not a secret, the mark in front of one
"""Lets scanners of source code recognise a token that was left in it."""

SECRET_BYTES = 32
LINK_SECRET_BYTES = 20
NOBODYS_BIRTHDAY = date.min


def issue_token(
    tx: Tx,
    *,
    role: Role,
    scopes: Sequence[str],
    entity_id: str | None,
    site_ids: Sequence[str] | None,
    expires_at: datetime | None,
    actor: Actor,
    now: datetime,
) -> IssuedToken:
    """Make a token: its role's permissions, or of those only the scopes named. Its secret is shown once.

    Raises: UnknownScope, ScopeBeyondRole, BadExpiry, BeyondOwnReach.
    """
    _check_reach(actor, entity_id, site_ids)
    if expires_at is not None and expires_at <= now:
        raise BadExpiry("A token must expire in the future.", [Flaw("/expires_at", "Name a later instant.")])
    secret = TOKEN_PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    token_id = new_id("tok")
    row = ApiToken(
        id=token_id,
        secret_sha256=secret_hash(secret),
        role=role.value,
        scopes=sorted(narrowed(role, scopes)),
        entity_id=entity_id,
        site_ids=_as_list(site_ids),
        expires_at=expires_at,
        revoked_at=None,
        issued_by=actor.id,
        person_id=answers_for(token_id, actor),
        issued_at=now,
    )
    tx.session.add(row)
    tx.session.flush()
    record_audit(
        tx, actor=actor, action="token.issue", subject_id=row.id, now=now, detail={"role": role.value}
    )
    return IssuedToken(token=token_of(row), secret=secret)


def revoke_token(tx: Tx, *, token_id: str, actor: Actor, now: datetime) -> Token:
    """End a token at once; a revoked one stays as it is.

    Raises: NoSuchToken.
    """
    find_token(tx, token_id, actor)
    row = tx.session.get_one(ApiToken, token_id, with_for_update=True, populate_existing=True)
    if row.revoked_at is None:
        row.revoked_at = now
        record_audit(tx, actor=actor, action="token.revoke", subject_id=token_id, now=now)
    return token_of(row)


def add_staff(
    tx: Tx,
    *,
    email: str,
    roles: Sequence[Role],
    password: str,
    entity_id: str | None,
    site_ids: Sequence[str] | None,
    actor: Actor,
    now: datetime,
) -> Staff:
    """Let somebody sign in.

    Raises: BadEmail, BadPassword, PersonExists, BeyondOwnReach.
    """
    _check_reach(actor, entity_id, site_ids)
    address = tidy_email(email)
    check_password(password, address)
    row = StaffUser(
        id=new_id("usr"),
        email=address,
        password_hash=PasswordHasher().hash(unicodedata.normalize(UNICODE_FORM, password)),
        fs_uniquifier=secrets.token_hex(32),
        active=True,
        roles=sorted({role.value for role in roles}),
        entity_id=entity_id,
        site_ids=_as_list(site_ids),
        added_at=now,
    )
    try:
        with tx.session.begin_nested():
            tx.session.add(row)
    except IntegrityError as error:
        raise PersonExists("Somebody signs in with this address already.") from error
    detail = {"roles": " ".join(row.roles)}
    record_audit(tx, actor=actor, action="staff.add", subject_id=row.id, now=now, detail=detail)
    return staff_of(row)


def disable_staff(tx: Tx, *, staff_id: str, actor: Actor, now: datetime) -> Staff:
    """Keep somebody out from now on: no sign-in, and every session and token of theirs ends.

    Raises: NoSuchPerson.
    """
    find_staff(tx, staff_id, actor)
    row = tx.session.get_one(StaffUser, staff_id, with_for_update=True, populate_existing=True)
    row.active = False
    row.fs_uniquifier = secrets.token_hex(32)
    tx.session.execute(
        update(StaffSessionRow)
        .where(StaffSessionRow.staff_id == staff_id, StaffSessionRow.ended_at.is_(None))
        .values(ended_at=now)
    )
    record_audit(tx, actor=actor, action="staff.disable", subject_id=staff_id, now=now)
    issued = select(ApiToken.id).where(ApiToken.person_id == staff_id, ApiToken.revoked_at.is_(None))
    for token_id in tx.session.scalars(issued.order_by(ApiToken.id)).all():
        revoke_token(tx, token_id=token_id, actor=actor, now=now)
    return staff_of(row)


def keep_password_hash(tx: Tx, *, staff_id: str, password_hash: str, actor: Actor, now: datetime) -> None:
    """Store the same password under stronger settings, when these have changed since it was stored."""
    tx.session.get_one(StaffUser, staff_id).password_hash = password_hash
    record_audit(tx, actor=actor, action="staff.rehash", subject_id=staff_id, now=now)


def start_session(tx: Tx, *, staff_id: str, address: str, actor: Actor, now: datetime) -> str:
    """Sign somebody in from an address; returns the secret that the browser's cookie carries.

    The account's tries are forgotten, and this one is not held against the address.
    """
    secret = secrets.token_urlsafe(SECRET_BYTES)
    user = tx.session.get_one(StaffUser, staff_id)
    row = StaffSessionRow(
        id=new_id("sgn"),
        staff_id=staff_id,
        secret_sha256=secret_hash(secret),
        started_at=now,
        last_seen_at=now,
        ended_at=None,
    )
    tx.session.add(row)
    _forgive_tries(tx, user.email, address)
    record_audit(tx, actor=actor, action="staff.sign_in", subject_id=staff_id, now=now)
    return secret


def touch_session(tx: Tx, *, session_id: str, actor: Actor, now: datetime) -> None:
    """Note that a session of the actor is in use. An ended one stays ended."""
    tx.session.execute(
        update(StaffSessionRow)
        .where(
            StaffSessionRow.id == session_id,
            StaffSessionRow.staff_id == actor.id,
            StaffSessionRow.ended_at.is_(None),
        )
        .values(last_seen_at=now)
    )


def end_session(tx: Tx, *, secret: str, actor: Actor, now: datetime) -> None:
    """Sign one browser out. An unknown secret changes nothing."""
    staff_id = tx.session.scalar(
        update(StaffSessionRow)
        .where(StaffSessionRow.secret_sha256 == secret_hash(secret), StaffSessionRow.ended_at.is_(None))
        .values(ended_at=now)
        .returning(StaffSessionRow.staff_id)
    )
    if staff_id is not None:
        record_audit(tx, actor=actor, action="staff.sign_out", subject_id=staff_id, now=now)


def take_sign_in_try(tx: Tx, *, email: str, address: str, actor: Actor, now: datetime) -> bool:
    """Count one try at signing in, before the password is looked at. False: too many lately, do not look.

    The answer does not depend on whether there is such an account.
    """
    for name, limit in try_limits(email, address).items():
        key = tx.vault.fingerprint("sign-in", name)
        tries = _count_try(tx, key, limit, now)
        if tries is None:
            return False
        if tries == limit:
            record_audit(tx, actor=actor, action="staff.last_try", subject_id=key[:40], now=now)
    return True


def take_public_try(tx: Tx, *, form: str, address: str, actor: Actor, now: datetime) -> bool:
    """Count one try at a form that anybody may send, before it is read. False: too many lately."""
    key = tx.vault.fingerprint("public-form", f"{form}\0{address}")
    tries = _count_try(tx, key, TRIES_PER_ADDRESS, now)
    if tries == TRIES_PER_ADDRESS:
        record_audit(tx, actor=actor, action="public.last_try", subject_id=key[:40], now=now)
    return tries is not None


def new_link(tx: Tx, purpose: str) -> tuple[str, dict[str, Any]]:
    """The secret of a new link of the portal, told once, and what its row keeps of it."""
    secret = secrets.token_urlsafe(LINK_SECRET_BYTES)
    return secret, {"fingerprint": link_print(tx.vault, purpose, secret), "tries_left": LINK_TRIES}


def open_by_birth_date(
    tx: Tx,
    *,
    links: Any,
    fingerprint: str,
    born_on: date,
    owner_of: Callable[[str], LinkOwner],
    trail: str,
    only: ColumnElement[bool] | None = None,
    actor: Actor,
    now: datetime,
) -> OpenedLink | None:
    """The link when the birth date is its patient's; None for all else, whatever it is.

    `links` is the table of a room's links: id, fingerprint, tries_left and expires_at. Each try is counted
    before anything is compared, so that no number of tries at once exceeds LINK_TRIES; the right date gives
    the tries back. `owner_of` may say LinkEnded: nothing of the try is kept then.
    """
    tried = tx.session.scalar(
        update(links)
        .where(
            links.fingerprint == fingerprint,
            links.tries_left > 0,
            links.expires_at > now,
            true() if only is None else only,
        )
        .values(tries_left=links.tries_left - 1)
        .returning(links.id)
    )
    owner = owner_of(tried) if tried else None
    right = owner.born_on if owner else NOBODYS_BIRTHDAY
    is_right = hmac.compare_digest(right.isoformat(), born_on.isoformat())
    if tried is None or owner is None:
        return None
    holder = Actor(id=tried, entity_id=owner.entity_id, permissions=frozenset())
    action = f"{trail}.open" if is_right else f"{trail}.open.refuse"
    record_audit(tx, actor=holder, action=action, subject_id=owner.subject_id, now=now)
    if not is_right:
        return None
    tx.session.execute(update(links).where(links.id == tried).values(tries_left=LINK_TRIES))
    return OpenedLink(id=tried, holder=holder)


def _forgive_tries(tx: Tx, email: str, address: str) -> None:
    pair, account, source = (tx.vault.fingerprint("sign-in", name) for name in try_limits(email, address))
    tx.session.execute(delete(SignInTries).where(SignInTries.key.in_([pair, account])))
    tx.session.execute(
        update(SignInTries)
        .where(SignInTries.key == source, SignInTries.tries > 0)
        .values(tries=SignInTries.tries - 1)
    )


def _count_try(tx: Tx, key: str, limit: int, now: datetime) -> int | None:
    """How many tries there are with this one, or None when there were too many before it."""
    row = tx.session.scalar(_tries_with(key))
    if row is None:
        row = _first_try(tx, key, now)
    if now - row.window_began_at >= TRY_WINDOW:
        row.tries, row.window_began_at = 0, now
    if row.tries >= limit:
        return None
    row.tries += 1
    tx.session.flush()
    return row.tries


def _first_try(tx: Tx, key: str, now: datetime) -> SignInTries:
    try:
        with tx.session.begin_nested():
            tx.session.execute(insert(SignInTries).values(key=key, tries=0, window_began_at=now))
    except IntegrityError:  # somebody else's first try came a moment ago
        pass
    return tx.session.scalars(_tries_with(key)).one()


def _tries_with(key: str) -> Select[SignInTries]:
    query = select(SignInTries).where(SignInTries.key == key).with_for_update()
    return query.execution_options(populate_existing=True)


def _check_reach(actor: Actor, entity_id: str | None, site_ids: Sequence[str] | None) -> None:
    """Nobody gives a reach that they do not have.

    Raises: BeyondOwnReach.
    """
    if not within_reach(actor, entity_id, site_ids):
        raise BeyondOwnReach("You can give access only to the clinic and sites that you have yourself.")


def _as_list(site_ids: Sequence[str] | None) -> list[str] | None:
    return None if site_ids is None else sorted(set(site_ids))
