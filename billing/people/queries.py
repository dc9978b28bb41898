"""Reads: who may act, and with which permissions."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from billing.kernel.permissions import Actor, Permission, Role
from billing.people.errors import NoSuchPerson, NoSuchToken
from billing.people.models import ApiToken, StaffSessionRow, StaffUser
from billing.people.records import Credentials, Staff, StaffSession, Token
from billing.people.rules import permissions_of, secret_hash, session_lives, within_reach
from billing.platform.data.database import Read
from billing.platform.data.selects import row_where
from billing.platform.data.vault import Vault


def actor_for_token(read: Read, secret: str, now: datetime) -> Actor | None:
    """The bearer of a token that is neither revoked nor expired."""
    row = row_where(read, ApiToken, secret_sha256=secret_hash(secret))
    if row is None or row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= now):
        return None
    token = token_of(row)
    allowed = frozenset(token.scopes) & permissions_of([token.role])
    return Actor(
        id=token.id,
        entity_id=token.entity_id,
        permissions=allowed,
        site_ids=None if token.site_ids is None else frozenset(token.site_ids),
        person_id=row.person_id,
    )


def actor_for_user(read: Read, user_id: str) -> Actor | None:
    """A member of staff who may sign in."""
    row = read.session.get(StaffUser, user_id)
    if row is None or not row.active:
        return None
    staff = staff_of(row)
    return Actor(
        id=staff.id,
        entity_id=staff.entity_id,
        permissions=permissions_of(staff.roles),
        site_ids=None if staff.site_ids is None else frozenset(staff.site_ids),
    )


def live_session(read: Read, secret: str, now: datetime) -> StaffSession | None:
    """The browser session with this secret, unless it ended, idled too long or is too old."""
    found = read.session.execute(
        select(StaffSessionRow, StaffUser)
        .join(StaffUser, StaffUser.id == StaffSessionRow.staff_id)
        .where(
            StaffSessionRow.secret_sha256 == secret_hash(secret),
            StaffSessionRow.ended_at.is_(None),
            StaffUser.active,
        )
    ).one_or_none()
    if found is None:
        return None
    row, user = found
    if not session_lives(started_at=row.started_at, last_seen_at=row.last_seen_at, as_of=now):
        return None
    return StaffSession(
        id=row.id,
        staff_id=row.staff_id,
        uniquifier=user.fs_uniquifier,
        started_at=row.started_at,
        last_seen_at=row.last_seen_at,
    )


def credentials_of_email(read: Read, email: str) -> Credentials | None:
    """What a password is compared with; the address in any case of letters."""
    row = read.session.scalar(select(StaffUser).where(StaffUser.email == email.strip().casefold()))
    return _credentials(row) if row else None


def credentials_of_uniquifier(read: Read, uniquifier: str) -> Credentials | None:
    row = read.session.scalar(select(StaffUser).where(StaffUser.fs_uniquifier == uniquifier))
    return _credentials(row) if row else None


def find_staff(read: Read, staff_id: str, actor: Actor) -> Staff:
    """Raises: NoSuchPerson."""
    row = read.session.get(StaffUser, staff_id)
    if row is None or not within_reach(actor, row.entity_id, row.site_ids):
        raise NoSuchPerson("There is no such person.")
    return staff_of(row)


def find_staff_by_email(read: Read, email: str, actor: Actor) -> Staff:
    """Raises: NoSuchPerson."""
    row = read.session.scalar(select(StaffUser).where(StaffUser.email == email.strip().casefold()))
    return find_staff(read, row.id if row else "", actor)


def list_staff(read: Read, actor: Actor) -> list[Staff]:
    """The actor's colleagues by address, those who may no longer sign in at the end."""
    query = select(StaffUser).order_by(StaffUser.active.desc(), StaffUser.email)
    if actor.entity_id is not None:
        query = query.where(StaffUser.entity_id == actor.entity_id)
    rows = read.session.scalars(query)
    return [staff_of(row) for row in rows if within_reach(actor, row.entity_id, row.site_ids)]


def list_tokens(read: Read, actor: Actor) -> list[Token]:
    """Those that were not revoked, newest first."""
    query = select(ApiToken).where(ApiToken.revoked_at.is_(None)).order_by(ApiToken.id.desc())
    if actor.entity_id is not None:
        query = query.where(ApiToken.entity_id == actor.entity_id)
    rows = read.session.scalars(query)
    return [token_of(row) for row in rows if within_reach(actor, row.entity_id, row.site_ids)]


def find_token(read: Read, token_id: str, actor: Actor) -> Token:
    """Raises: NoSuchToken."""
    row = read.session.get(ApiToken, token_id)
    if row is None or not within_reach(actor, row.entity_id, row.site_ids):
        raise NoSuchToken("There is no such token.")
    return token_of(row)


def staff_of(row: StaffUser) -> Staff:
    return Staff(
        id=row.id,
        email=row.email,
        roles=tuple(Role(role) for role in row.roles),
        entity_id=row.entity_id,
        site_ids=None if row.site_ids is None else tuple(row.site_ids),
        active=row.active,
    )


def link_print(vault: Vault, purpose: str, secret: str) -> str:
    """What a link of the portal is found by; the secret itself is told once, and each purpose has its own."""
    return vault.fingerprint(purpose, secret.encode(errors="replace").decode())


def token_of(row: ApiToken) -> Token:
    known = set(Permission)
    return Token(
        id=row.id,
        role=Role(row.role),
        scopes=tuple(Permission(scope) for scope in row.scopes if scope in known),
        entity_id=row.entity_id,
        site_ids=None if row.site_ids is None else tuple(row.site_ids),
        expires_at=row.expires_at,
        issued_at=row.issued_at,
        revoked_at=row.revoked_at,
    )


def _credentials(row: StaffUser) -> Credentials:
    return Credentials(
        staff_id=row.id,
        email=row.email,
        password_hash=row.password_hash,
        uniquifier=row.fs_uniquifier,
        active=row.active,
    )
