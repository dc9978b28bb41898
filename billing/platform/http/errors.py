"""What the HTTP edge itself may refuse."""

from billing.kernel.errors import BillingError, Conflict, Denied, Invalid


class InvalidRequest(Invalid):
    """A body, query or header that does not say what the endpoint needs; each field is named."""

    code = "invalid-request"


class SignInRequired(BillingError):
    """Nobody, or nobody known, asked: send a valid token."""

    code = "sign-in-required"


class NotPermitted(Denied):
    """The actor's role or the token's scopes do not include this."""

    code = "not-permitted"


class KeyRequired(BillingError):
    """A request that moves money came without an Idempotency-Key."""

    code = "idempotency-key-required"


class SecretToldOnce(Conflict):
    """An Idempotency-Key under which a secret was told, once: it is not kept."""

    code = "secret-told-once"
