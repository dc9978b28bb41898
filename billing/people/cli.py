"""`tokens` and `people` on the command line."""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Callable, Mapping
from typing import TypeVar

import click

from billing.kernel.errors import BillingError
from billing.kernel.permissions import SYSTEM, Role
from billing.people.queries import find_staff_by_email
from billing.people.records import IssuedToken
from billing.people.use_cases import add_staff, disable_staff, issue_token, revoke_token
from billing.platform.data.database import Read
from billing.platform.http.edge import Edge

T = TypeVar("T")

LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
"""Those that nobody takes for each other."""

EntitiesBySlug = Callable[[Read], Mapping[str, str]]
"""Ids of the clinics by their slug; given by wiring, since clinics are kept on a higher floor."""

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
ENTITY = click.option("--entity", metavar="SLUG", help="The clinic. Default: the only one, or else all.")
ROLE = click.Choice([role.value for role in Role])


def make_commands(edge: Edge, entities_by_slug: EntitiesBySlug) -> list[click.Group]:
    return [_tokens(edge, entities_by_slug), _people(edge, entities_by_slug)]


def _tokens(edge: Edge, entities_by_slug: EntitiesBySlug) -> click.Group:
    tokens = click.Group("tokens", help="API tokens.")

    @tokens.command("issue")
    @click.option("--role", required=True, type=ROLE)
    @click.option("--scope", "scopes", multiple=True, help="Narrows the role; repeatable.")
    @ENTITY
    @AS_JSON
    def issue(role: str, scopes: tuple[str, ...], entity: str | None, as_json: bool) -> None:  # noqa: FBT001
        """Print a new token, once."""
        entity_id = _entity_id(edge, entities_by_slug, entity)
        issued = _told(
            lambda: edge.database.in_transaction(
                lambda tx: issue_token(
                    tx,
                    role=Role(role),
                    scopes=scopes,
                    entity_id=entity_id,
                    site_ids=None,
                    expires_at=None,
                    actor=SYSTEM,
                    now=edge.clock(),
                )
            )
        )
        click.echo(json.dumps(_token_json(issued)) if as_json else issued.secret)

    @tokens.command("revoke")
    @click.argument("token_id")
    @AS_JSON
    def revoke(token_id: str, as_json: bool) -> None:  # noqa: FBT001
        """Revoke a token at once."""
        _told(
            lambda: edge.database.in_transaction(
                lambda tx: revoke_token(tx, token_id=token_id, actor=SYSTEM, now=edge.clock())
            )
        )
        click.echo(json.dumps({"ok": True, "id": token_id}) if as_json else f"{token_id} is revoked.")

    return tokens


def _people(edge: Edge, entities_by_slug: EntitiesBySlug) -> click.Group:
    people = click.Group("people", help="Members of staff who sign in.")

    @people.command("add")
    @click.option("--email", required=True)
    @click.option("--role", "roles", required=True, multiple=True, type=ROLE, help="Repeatable.")
    @click.option("--password-stdin", is_flag=True, help="Read the password; without it, one is made.")
    @ENTITY
    @AS_JSON
    def add(
        email: str,
        roles: tuple[str, ...],
        password_stdin: bool,  # noqa: FBT001
        entity: str | None,
        as_json: bool,  # noqa: FBT001
    ) -> None:
        """Let somebody sign in. A password that is made here is printed once."""
        entity_id = _entity_id(edge, entities_by_slug, entity)
        password = sys.stdin.readline().rstrip("\r\n") if password_stdin else _new_password()
        staff = _told(
            lambda: edge.database.in_transaction(
                lambda tx: add_staff(
                    tx,
                    email=email,
                    roles=[Role(role) for role in roles],
                    password=password,
                    entity_id=entity_id,
                    site_ids=None,
                    actor=SYSTEM,
                    now=edge.clock(),
                )
            )
        )
        roles_held = [role.value for role in staff.roles]
        made = {} if password_stdin else {"password": password}
        if as_json:
            click.echo(json.dumps({"id": staff.id, "email": staff.email, "roles": roles_held, **made}))
        else:
            click.echo("  ".join([staff.id, staff.email, ", ".join(roles_held), *made.values()]))

    @people.command("disable")
    @click.option("--email", required=True)
    @AS_JSON
    def disable(email: str, as_json: bool) -> None:  # noqa: FBT001
        """Keep somebody out, and end all of their sessions."""
        staff = _told(lambda: edge.read(lambda read: find_staff_by_email(read, email, SYSTEM)))
        edge.database.in_transaction(
            lambda tx: disable_staff(tx, staff_id=staff.id, actor=SYSTEM, now=edge.clock())
        )
        shown = {"ok": True, "id": staff.id}
        click.echo(json.dumps(shown) if as_json else f"{staff.email} can no longer sign in.")

    return people


def _new_password() -> str:
    """A password that nobody can guess, for a person who was given none: 100 bits in groups of letters."""
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(5)) for _ in range(4))


def _entity_id(edge: Edge, entities_by_slug: EntitiesBySlug, slug: str | None) -> str | None:
    ids = edge.read(entities_by_slug)
    if slug is None:
        return next(iter(ids.values())) if len(ids) == 1 else None
    if slug not in ids:
        known = ", ".join(sorted(ids)) or "none yet; run `seed` first"
        raise click.ClickException(f"There is no clinic {slug}. Known: {known}.")
    return ids[slug]


def _token_json(issued: IssuedToken) -> dict[str, object]:
    token = issued.token
    return {
        "id": token.id,
        "secret": issued.secret,
        "role": token.role,
        "scopes": list(token.scopes),
        "entity_id": token.entity_id,
    }


def _told(work: Callable[[], T]) -> T:
    """Run, and say a refusal in one sentence instead of a traceback."""
    try:
        return work()
    except BillingError as error:
        raise click.ClickException(error.detail) from error
