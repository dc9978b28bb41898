from billing.kernel.errors import Conflict, Denied, Invalid, NotFound


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


class SessionNotMissed(Conflict):
    """Only a session that the patient missed costs the no-show fee."""

    code = "session-not-missed"


class NoFeeAgreed(Conflict):
    """No quote names the session, or the schedule of its quote has no no-show fee: none can be charged."""

    code = "no-fee-agreed"


class FeeChanged(Conflict):
    """The no-show fee is another than the asker was shown: look again."""

    code = "fee-changed"


class NotAFee(Conflict):
    """Only a no-show fee is waived; another invoice is voided while nothing has happened on it."""

    code = "not-a-fee"


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


class NothingToStop(Conflict):
    """It is no package, is void, or none of its sessions is still to come."""

    code = "nothing-to-stop"


class PackageUnderWay(Conflict):
    """A visit of it has begun and is not recorded yet; afterwards it can be stopped."""

    code = "package-under-way"


class GivenSessionsOwed(Conflict):
    """Sessions that were given are not paid yet; `owed_cents` says how much of them."""

    code = "given-sessions-owed"


class StopChanged(Conflict):
    """Stopping the package does something else by now than was shown; look at it again."""

    code = "stop-changed"


class NoSuchPayer(NotFound):
    """No other payer by that id, or none that this actor may know of."""

    code = "no-such-payer"


class NoSuchShare(NotFound):
    """No part of another payer by that id, or none that this actor may know of."""

    code = "no-such-share"


class InvalidShare(Invalid):
    """A part that this kind of payer cannot take; each mistake is named."""

    code = "invalid-share"


class SessionPartlyPaid(Conflict):
    """Something covers a session already that another payer is to pay as a whole; free that first."""

    code = "session-partly-paid"


class NeverThePatient(Conflict):
    """Authorized compensation or VA care is never billed to the patient; the clinic bears the rest."""

    code = "never-the-patient"


class ShareNotGiven(Conflict):
    """The clinic bears only what was given; call the sessions to come off instead."""

    code = "share-not-given"


class OwnShareDecision(Denied):
    """Somebody else has to agree that a payer's part ends."""

    code = "own-share-decision"
