"""What cannot be priced."""

from __future__ import annotations

from billing.kernel.errors import Conflict, Denied, Invalid, NotFound


class CannotPrice(Invalid):
    """The plan names something that the fee schedule does not know, or lacks what a price needs."""

    code = "cannot-price"


class NothingToQuote(Conflict):
    """A treatment plan without a session left to price."""

    code = "nothing-to-quote"


class QuotedOnAnotherDay(Denied):
    """Only a supervisor quotes as of a day that is not today: rights to discounts end, and prices change."""

    code = "quoted-on-another-day"


class NoSuchQuote(NotFound):
    code = "no-such-quote"


class PlanFileRefused(Invalid):
    """The file is no plan that can be priced; each field is named by its JSON pointer."""

    code = "plan-file-refused"
