"""What the catalog refuses."""

from __future__ import annotations

from billing.kernel.errors import Conflict, Invalid, NotFound, Unavailable


class ClinicFileRefused(Invalid):
    """Nothing of the file was loaded; each flaw names its line."""

    code = "clinic-file-refused"


class ScheduleAlreadyPublished(Conflict):
    """A published fee schedule never changes; a correction is a new one under a new code."""

    code = "fee-schedule-already-published"


class NoScheduleInForce(Conflict):
    """No fee schedule was in force on that date."""

    code = "no-fee-schedule-in-force"


class NoSuchSchedule(NotFound):
    code = "no-such-fee-schedule"


class NoSuchEntity(NotFound):
    code = "no-such-entity"


class NoSuchSite(NotFound):
    code = "no-such-site"


class NoSuchProvider(NotFound):
    code = "no-such-provider"


class NoSuchCondition(NotFound):
    code = "no-such-condition"


class NoSuchProtocol(NotFound):
    code = "no-such-protocol"


class DatabaseNotReady(Unavailable):
    """The database was not set up, or cannot be reached."""

    code = "database-not-ready"
