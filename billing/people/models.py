"""Tables of staff, their sessions, tokens, and tries at signing in."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from billing.platform.data.base import Base, Id


class StaffUser(Base):
    __tablename__ = "staff_user"
    __table_args__ = (CheckConstraint("email = lower(email)", name="email_is_lower_case"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(200), unique=True)
    password_hash: Mapped[str] = mapped_column(String(200))
    fs_uniquifier: Mapped[str] = mapped_column(String(64), unique=True)
    active: Mapped[bool]
    roles: Mapped[list[str]] = mapped_column(JSON)
    entity_id: Mapped[Id | None]
    site_ids: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    added_at: Mapped[datetime]


class StaffSessionRow(Base):
    """A signed-in browser. Its cookie holds the secret; only the hash is here."""

    __tablename__ = "staff_session"

    id: Mapped[Id] = mapped_column(primary_key=True)
    staff_id: Mapped[Id] = mapped_column(ForeignKey("staff_user.id"), index=True)
    secret_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    started_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class ApiToken(Base):
    """`person_id` answers for what the token does: see rules.answers_for."""

    __tablename__ = "api_token"

    id: Mapped[Id] = mapped_column(primary_key=True)
    secret_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    role: Mapped[str] = mapped_column(String(30))
    scopes: Mapped[list[str]] = mapped_column(JSON)
    entity_id: Mapped[Id | None]
    site_ids: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    issued_by: Mapped[Id]
    person_id: Mapped[Id] = mapped_column(index=True)
    issued_at: Mapped[datetime]


class SignInTries(Base):
    """Tries since a window began. The key is a keyed hash: who tried from where is not to be read here."""

    __tablename__ = "sign_in_tries"
    __table_args__ = (CheckConstraint("tries >= 0", name="tries_are_counted_up"),)

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    tries: Mapped[int]
    window_began_at: Mapped[datetime]
