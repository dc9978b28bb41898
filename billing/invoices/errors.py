from billing.kernel.errors import Conflict, NotFound


class NoSuchInvoice(NotFound):
    code = "no-such-invoice"


class QuoteWithoutPlan(Conflict):
    """An invoice is for the sessions of a plan; the quote names none."""

    code = "quote-without-plan"


class SessionNotQuoted(Conflict):
    code = "session-not-quoted"


class SessionAlreadyInvoiced(Conflict):
    code = "session-already-invoiced"


class InvoiceNotOpen(Conflict):
    """It was paid or voided before."""

    code = "invoice-not-open"


class MoreThanOwed(Conflict):
    code = "more-than-owed"


class InvoiceInUse(Conflict):
    """Money was applied to it, or a session of it was given; voiding would lose that."""

    code = "invoice-in-use"


class PackageSession(Conflict):
    """One session of a prepaid package cannot be cancelled by itself."""

    code = "package-session"
