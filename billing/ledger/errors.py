from billing.kernel.errors import Conflict, NotFound


class UnbalancedEntry(Conflict):
    """Lines that do not sum to zero, or fewer than two: a mistake in the product, never posted."""

    code = "unbalanced-entry"


class AlreadyPosted(Conflict):
    """The same fact was posted a moment ago; nothing was posted again."""

    code = "already-posted"


class NoSuchEntry(NotFound):
    code = "no-such-entry"
