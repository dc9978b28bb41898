"""What can go wrong in this room."""

from __future__ import annotations

from billing.kernel.errors import Conflict, Denied, Invalid, NotFound


class NoSuchPlan(NotFound):
    """No treatment plan by that id, or none that this actor may know of."""

    code = "no-such-plan"


class NoSuchSession(NotFound):
    """No session by that id, or none that this actor may know of."""

    code = "no-such-session"


class InvalidPlan(Invalid):
    """Sessions that cannot be ordered as they are; each mistake is named."""

    code = "invalid-plan"


class InvalidSessionRecord(Invalid):
    """A start, stop or dose that cannot have been."""

    code = "invalid-session-record"


class InvalidCoverAmount(Invalid):
    """Cover is given and taken back in positive amounts."""

    code = "invalid-cover-amount"


class SessionNotPriced(Conflict):
    """Nobody has said yet what the session costs this patient: invoice it first."""

    code = "session-not-priced"


class SessionNotCovered(Conflict):
    """The session is not paid, financed or prepaid in full; `missing_cents` says what is missing.

    `refunded_cents` says what had paid for it and went back.
    """

    code = "session-not-covered"


class SessionOvercovered(Conflict):
    """More would be covered than is due; `missing_cents` says what can still be covered."""

    code = "session-overcovered"


class NothingToUncover(Conflict):
    """That source covers less of the session than is taken back."""

    code = "nothing-to-uncover"


class SessionStillAhead(Conflict):
    """Nobody can have missed a session before its day."""

    code = "session-still-ahead"


class OverrideDenied(Denied):
    """A session without cover is let in by a supervisor only."""

    code = "override-denied"


class NoSuchChart(NotFound):
    """Nothing of that session was recorded yet."""

    code = "no-such-chart"


class ChartNotOpen(Conflict):
    """The patient is not checked in, or what was recorded is signed already; the sentence says which."""

    code = "chart-not-open"


class ChartChanged(Conflict):
    """Another version is on file than who writes the next one saw. Look at it first."""

    code = "chart-changed"


class InvalidChart(Invalid):
    """What was recorded of a session cannot have been, or lacks what a signature stands for."""

    code = "invalid-chart"
