"""What can go wrong in this room."""

from __future__ import annotations

from billing.kernel.errors import Conflict, Denied, Invalid, NotFound


class NoSuchPatient(NotFound):
    """No patient by that id, or none that this actor may know of."""

    code = "no-such-patient"


class UnknownSite(Invalid):
    """A patient is taken in at a site that does not exist, or is not the actor's."""

    code = "unknown-site"


class InvalidPatient(Invalid):
    """Fields of a person that cannot be right; each is named."""

    code = "invalid-patient"


class InvalidPolicy(Invalid):
    """An insurance card that is incomplete, or that ends before it begins."""

    code = "invalid-policy"


class InvalidEligibility(Invalid):
    """A proof that does not show the right to a discount, or that was seen in the future."""

    code = "invalid-eligibility"


class UnusableSearch(Invalid):
    """A search text without anything that patients can be found by."""

    code = "unusable-search"


class PatientChangedMeanwhile(Conflict):
    """Somebody else amended the patient since the version that was read: read it again."""

    code = "patient-changed-meanwhile"


class BackdatingNeedsSupervisor(Denied):
    """A discount reaches back to an earlier day only when a supervisor enters it."""

    code = "backdating-needs-supervisor"
