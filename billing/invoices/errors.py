from billing.kernel.errors import Conflict, NotFound


class NoSuchInvoice(NotFound):
    code = "no-such-invoice"


class QuoteWithoutPlan(Conflict):
    """An invoice is for the sessions of a plan; the quote names none."""

    code = "quote-without-plan"


class SessionNotQuoted(Conflict):
    """A session that the quote does not price, or one that was named twice."""

    code = "session-not-quoted"


class SessionAlreadyInvoiced(Conflict):
    """A session stands on one invoice at a time; void that one first."""

    code = "session-already-invoiced"


class SessionCalledOff(Conflict):
    """A session of the quote was cancelled or missed since: quote the plan again, then invoice it."""

    code = "session-called-off"


class InvoiceNotOpen(Conflict):
    """It was paid or voided before."""

    code = "invoice-not-open"


class MoreThanOwed(Conflict):
    """A tender above the open balance; `open_cents` says what is owed."""

    code = "more-than-owed"


class MoreThanApplied(Conflict):
    """More than a tender still settles there; `applied_cents` says how much it does."""

    code = "more-than-applied"


class InvoiceInUse(Conflict):
    """Money was applied to it, or a session of it was given; voiding would lose that."""

    code = "invoice-in-use"


class PackageSession(Conflict):
    """One session of a prepaid package cannot be cancelled by itself."""

    code = "package-session"
