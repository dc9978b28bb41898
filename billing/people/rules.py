"""Decisions about permissions, passwords, sessions and tries; pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal

from billing.kernel.errors import Flaw
from billing.kernel.permissions import ROLES, SYSTEM, Actor, Permission, Role
from billing.people.errors import BadEmail, BadPassword, ScopeBeyondRole, UnknownScope

IDLE_LIMIT = timedelta(minutes=15)
SESSION_LIMIT = timedelta(hours=12)
TOUCH_EVERY = timedelta(minutes=1)
"""How stale a session's last sight may be before it is written again."""

TRY_WINDOW = timedelta(minutes=15)
TRIES_PER_ACCOUNT_AND_ADDRESS = 5
TRIES_PER_ACCOUNT = 20
TRIES_PER_ADDRESS = 50
"""The wider limits stop one account being tried from many addresses, and many accounts from one."""

LINK_TRIES = 5
"""How often the birth date may be wrong to a link of the portal before it closes."""

UNICODE_FORM: Literal["NFKC"] = "NFKC"
"""How a password is normalised, so that it is the same whatever keyboard typed it (NIST SP 800-63B)."""

SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 200
MEANINGFUL_CHARACTERS = 6
COMMON_WORDS = (
    "qwertyuiop", "asdfghjkl", "zxcvbnm", "1qaz2wsx", "qazwsx", "qwerty", "qwertz", "azerty", "asdfgh",
    "password", "passwort", "passw", "passphrase", "pass", "letmein", "welcome", "iloveyou", "sunshine",
    "princess", "football", "baseball", "basketball", "superman", "batman", "pokemon", "starwars",
    "whatever", "trustno", "dragon", "monkey", "shadow", "master", "michael", "jordan", "jennifer",
    "administrator", "admin", "root", "login", "signin", "secret", "changeme", "change", "default",
    "temporary", "temp", "testing", "test", "guest", "user", "hello", "access", "computer", "internet",
    "google", "facebook", "liverpool", "chelsea", "arsenal", "summer", "winter", "autumn", "spring",
    "january", "february", "march", "april", "june", "july", "august", "september", "october",
    "november", "december", "monday", "friday", "clinic", "ketamine", "infusion", "billing", "medical",
    "hospital", "health", "patient", "doctor", "nurse", "abcdefgh", "abcdef", "abcd", "abc", "love",
    "this", "that", "your", "the", "my", "is", "me", "in",
)  # fmt: skip
LOOKALIKES = str.maketrans("@4831!0$57", "aabeiiosst")
EMAIL_PATTERN = re.compile(r"[^\s@\x00-\x1f]+@[^\s@\x00-\x1f]+\.[^\s@\x00-\x1f.]{2,}")


def permissions_of(roles: Iterable[Role]) -> frozenset[Permission]:
    return frozenset[Permission]().union(*(ROLES[role] for role in roles))


def within_reach(actor: Actor, entity_id: str | None, site_ids: Sequence[str] | None) -> bool:
    """Whether an access to this clinic and these sites (None: to all of them) lies within the actor's own."""
    within_entity = actor.entity_id is None or actor.entity_id == entity_id
    within_sites = actor.site_ids is None or (site_ids is not None and actor.site_ids >= set(site_ids))
    return within_entity and within_sites


def answers_for(token_id: str, issuer: Actor) -> str:
    """Who answers for what a token does: the person who issued it, also by way of another token.

    A token from the command line stands for whoever it was made for, and answers for itself.
    """
    return token_id if issuer.id == SYSTEM.id else issuer.person


def narrowed(role: Role, scopes: Sequence[str]) -> frozenset[Permission]:
    """What a token of this role may do: the scopes asked for, or all that the role may when none is.

    Raises: UnknownScope, ScopeBeyondRole.
    """
    unknown = [scope for scope in scopes if scope not in set(Permission)]
    if unknown:
        flaws = [Flaw(f"/scopes/{scopes.index(scope)}", "There is no such scope.") for scope in unknown]
        raise UnknownScope("A scope is not known. The known ones are the permissions of the role.", flaws)
    asked = frozenset(Permission(scope) for scope in scopes)
    beyond = sorted(asked - ROLES[role])
    if beyond:
        flaws = [Flaw(f"/scopes/{scopes.index(scope)}", "The role does not hold this.") for scope in beyond]
        raise ScopeBeyondRole(f"The role {role} does not hold: {', '.join(beyond)}.", flaws)
    return asked or ROLES[role]


def secret_hash(secret: str) -> str:
    """How a random secret of 128 bits or more is kept; without salt, since nobody can guess one."""
    return hashlib.sha256(secret.encode()).hexdigest()


def tidy_email(email: str) -> str:
    """The form in which an address is kept and compared.

    Raises: BadEmail.
    """
    tidy = email.strip().casefold()
    if len(tidy) > 200 or not EMAIL_PATTERN.fullmatch(tidy):
        raise BadEmail(
            "Give an e-mail address such as name@example.com.", [Flaw("/email", "Not an address.")]
        )
    return tidy


def check_password(password: str, email: str) -> None:
    """Long enough, and not what people who guess try first.

    Raises: BadPassword.
    Source: NIST SP 800-63B 5.1.1.2 (length and common values rather than kinds of characters).
    """
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        message = f"Use {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters."
        raise BadPassword(message, [Flaw("/password", message)])
    if len(_meaningful(password, email)) < MEANINGFUL_CHARACTERS:
        message = "This password is too easy to guess. Use several unrelated words."
        raise BadPassword(message, [Flaw("/password", message)])


def _meaningful(password: str, email: str) -> str:
    """What is left of a password without common words, the person's own address, runs and repeats."""
    folded = password.casefold()
    read_two_ways = (folded, folded.translate(LOOKALIKES))
    return min((_without_runs(_without_words(text, email)) for text in read_two_ways), key=len)


def _without_words(text: str, email: str) -> str:
    text = re.sub(r"(19|20)\d\d", "", text)
    own = [part for part in re.split(r"[^a-z0-9]+", email.casefold()) if len(part) > 2]
    for word in sorted((*own, *COMMON_WORDS), key=len, reverse=True):
        text = text.replace(word, "")
    return text


def _without_runs(text: str) -> str:
    """Each character once, and none that only counts on from the one before it."""
    kept: dict[str, None] = {}
    for before, character in pairwise("\0" + text):
        if abs(ord(character) - ord(before)) != 1:
            kept[character] = None
    return "".join(kept)


def session_lives(*, started_at: datetime, last_seen_at: datetime, as_of: datetime) -> bool:
    """Whether a browser is still signed in: seen lately, and not signed in for too long."""
    return as_of - last_seen_at < IDLE_LIMIT and as_of - started_at < SESSION_LIMIT


def try_limits(email: str, address: str) -> dict[str, int]:
    """The counters that one try at signing in counts against, and how far each may go."""
    account = email.strip().casefold()[:300]
    return {
        f"account and address\0{account}\0{address}": TRIES_PER_ACCOUNT_AND_ADDRESS,
        f"account\0{account}": TRIES_PER_ACCOUNT,
        f"address\0{address}": TRIES_PER_ADDRESS,
    }
