"""From what the clinician recorded to the codes: how long it ran decides what it is called.

Codes are effective-dated data (`rules/code_sets.py`). Each line says by which rule it came about; what has no
code says why. Source: CMS Claims Processing Manual, chapter 12, 30.5.
"""

from __future__ import annotations

from dataclasses import dataclass

from billing.insurance.records import CodedService
from billing.insurance.records.coding import CodeSet, CodingStep
from billing.insurance.rules.coding.drugs import drugs_of
from billing.insurance.rules.coding.infusions import fluid, infused
from billing.insurance.rules.coding.talks import nasal, talks
from billing.insurance.rules.coding.visit import Visit

OFFICE = "11"
"""Place of service."""


@dataclass(frozen=True, kw_only=True)
class CodedVisit:
    """The services of a visit and its drugs, and what was recorded and has no code."""

    services: tuple[CodedService, ...]
    drugs: tuple[CodedService, ...]
    not_coded: tuple[CodingStep, ...]


def code_visit(visit: Visit, codes: CodeSet) -> CodedVisit:
    """All lines of a visit before any charge: one initial code, and whatever ran beside or after it.

    The start of a line, flush, tubing and watching the patient afterwards are no infusion.
    """
    veins, notes = infused(visit, codes)
    fluids, fluid_notes = fluid(visit, codes, after=bool(veins))
    sprays = nasal(visit, codes)
    talked, talk_notes = talks(visit, codes, is_procedure=bool(veins or fluids), is_bundled=bool(sprays))
    drugs, drug_notes = drugs_of(visit, codes, is_bundled=bool(sprays))
    return CodedVisit(
        services=(*veins, *fluids, *sprays, *talked),
        drugs=tuple(drugs),
        not_coded=(*notes, *fluid_notes, *talk_notes, *drug_notes),
    )
