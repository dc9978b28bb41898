"""What can go wrong with staff accounts and tokens."""

from __future__ import annotations

from billing.kernel.errors import Conflict, Denied, Invalid, NotFound


class NoSuchToken(NotFound):
    """There is no such token, or it belongs to a clinic that the actor does not see."""

    code = "no-such-token"


class NoSuchPerson(NotFound):
    """There is no such member of staff, or they belong to a clinic that the actor does not see."""

    code = "no-such-person"


class PersonExists(Conflict):
    """Somebody signs in with this e-mail address already."""

    code = "person-exists"


class BadPassword(Invalid):
    """The password is too short, too long, or too easy to guess."""

    code = "bad-password"


class BadEmail(Invalid):
    """The e-mail address is none."""

    code = "bad-email"


class UnknownScope(Invalid):
    """A scope that no permission is called; a token is never issued with a part of what was asked."""

    code = "unknown-scope"


class ScopeBeyondRole(Invalid):
    """A scope that the token's role does not hold; scopes narrow a role and never widen it."""

    code = "scope-beyond-role"


class BadExpiry(Invalid):
    """The token would have expired already."""

    code = "bad-expiry"


class BeyondOwnReach(Denied):
    """Nobody gives access to a clinic or site that they do not have themselves."""

    code = "beyond-own-reach"


class LinkEnded(NotFound):
    """The link opens nothing any more: who made it may not see it themselves, or has left."""

    code = "link-ended"
