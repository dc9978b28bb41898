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


class InvalidHold(Invalid):
    """Charges cannot be stopped from a day to come, nor from one before the patient was born."""

    code = "invalid-hold"


class NoSuchHold(NotFound):
    """No stop of charges by that id, or none that this actor may know of."""

    code = "no-such-hold"


class AlreadyOnHold(Conflict):
    """Charges are stopped for that reason already: lift the stop that stands, then enter another."""

    code = "already-on-hold"


class InvalidPlanLimits(Invalid):
    """A private contract is one of a patient of Medicare, and is signed by today."""

    code = "invalid-plan-limits"


class HoldLifted(Conflict):
    """The stop of charges was lifted before; nothing is left to lift."""

    code = "hold-lifted"


class AccountOnHold(Conflict):
    """Charges of this patient are stopped. Take cash or a check that is brought, or ask another payer for
    their part; what is held for the patient can be refunded. The patient's page says why."""

    code = "account-on-hold"


class UnusableSearch(Invalid):
    """A search text without anything that patients can be found by."""

    code = "unusable-search"


class PatientChangedMeanwhile(Conflict):
    """Somebody else amended the patient since the version that was read: read it again."""

    code = "patient-changed-meanwhile"


class BackdatingNeedsSupervisor(Denied):
    """A discount reaches back to an earlier day only when a supervisor enters it."""

    code = "backdating-needs-supervisor"
