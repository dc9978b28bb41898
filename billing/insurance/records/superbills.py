"""What a superbill may have beside the facts of its visit, as its reader wants it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ReferringProvider:
    """Who sent the patient; without a name nobody did."""

    name: str
    npi: str


NOBODY = ReferringProvider(name="", npi="")


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """None stays as on the present version. Usually nobody referred, the patient is paid, codes are alone.

    `pays_clinic`: the patient assigned the plan's payment to the clinic. `with_wording`: what the diagnoses
    mean is written out beside their codes.
    """

    referring_provider: ReferringProvider | None = None
    pays_clinic: bool | None = None
    with_wording: bool | None = None


AS_BEFORE = Wishes()
