"""What the data half of the platform may refuse."""

from billing.kernel.errors import Conflict, NotFound, Unavailable


class DatabaseBusy(Unavailable):
    """Too many writers at once: nothing was changed, try again shortly."""

    code = "busy"


class KeyReused(Conflict):
    """An Idempotency-Key that came before with another request."""

    code = "idempotency-key-reused"


class DocumentMissing(Conflict):
    """A document that was never frozen, or whose bytes no longer match their hash."""

    code = "document-missing"


class NoSuchTask(NotFound):
    code = "no-such-task"


class VaultClosed(Unavailable):
    """Sealed data that none of the configured keys opens."""

    code = "vault-closed"
