"""What this room hands to others: frozen, free of the database, without any secret but a new one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from billing.kernel.permissions import Actor, Permission, Role


@dataclass(frozen=True, kw_only=True)
class Staff:
    """Somebody who signs in. No entity means every clinic of this installation; no sites, every site."""

    id: str
    email: str
    roles: tuple[Role, ...]
    entity_id: str | None
    site_ids: tuple[str, ...] | None
    active: bool


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """What signing in compares with. `uniquifier` changes when all of a person's sessions must end."""

    staff_id: str
    email: str
    password_hash: str
    uniquifier: str
    active: bool


@dataclass(frozen=True, kw_only=True)
class StaffSession:
    """One signed-in browser."""

    id: str
    staff_id: str
    uniquifier: str
    started_at: datetime
    last_seen_at: datetime


@dataclass(frozen=True, kw_only=True)
class Token:
    """An API token without its secret. `scopes` is what it may do: its role's permissions, narrowed."""

    id: str
    role: Role
    scopes: tuple[Permission, ...]
    entity_id: str | None
    site_ids: tuple[str, ...] | None
    expires_at: datetime | None
    issued_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class IssuedToken:
    """A new token with its secret, which is never shown again."""

    token: Token
    secret: str


@dataclass(frozen=True, kw_only=True)
class LinkOwner:
    """Whose birth date opens a link of the portal, and what the trail says was opened."""

    entity_id: str
    born_on: date
    subject_id: str


@dataclass(frozen=True, kw_only=True)
class OpenedLink:
    """A link that the right birth date opened, and who looks by it: anybody who has both."""

    id: str
    holder: Actor
