"""The lines of the drugs themselves: code, units, NDC and words. Source: HCPCS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import ROUND_CEILING, Decimal

from billing.care.records import GivenDrug, Way
from billing.insurance.records import CodedService
from billing.insurance.records.coding import CodeRule, CodeSet, CodingStep
from billing.insurance.rules.coding.visit import Found, Visit, add, mg, times_of
from billing.insurance.rules.lines import drug_given


def drugs_of(visit: Visit, codes: CodeSet, *, is_bundled: bool) -> Found:
    """A line for each drug and vial, its doses together; units by the code's own mg, or else 1.

    Where the visit was broken off before any was given there is none.
    """
    lines: list[CodedService] = []
    notes: list[CodingStep] = []
    together: dict[tuple[str, str, Way], list[GivenDrug]] = {}
    for drug in visit.drugs:
        if not (is_bundled and drug.way is Way.NASAL):
            way = Way.NASAL if drug.way is Way.NASAL else Way.INFUSION
            together.setdefault((drug.drug, drug.listed.ndc, way), []).append(drug)
    for drugs in together.values():
        add(_drug(drugs, visit, codes), lines, notes)
    return lines, notes


def _drug(drugs: Sequence[GivenDrug], visit: Visit, codes: CodeSet) -> CodedService | CodingStep:
    first, dose = drugs[0], sum((drug.dose_mg for drug in drugs), start=Decimal(0))
    if not dose:
        text = f"{first.listed.name}: {mg(dose)} were given; no line."
        return CodingStep(rule=CodeRule.DRUG_UNIT, text=text)
    is_spray = first.way is Way.NASAL
    included = {"told": ""} if is_spray else {}
    given = drug_given(first.listed, dose, **included)
    code, steps = _code_of(first, codes)
    unit = next((r for r in codes.rows if r.rule is CodeRule.DRUG_UNIT and r.code == code), None)
    units = 1
    if unit and unit.least:
        units = max(1, int((dose / unit.least).to_integral_value(ROUND_CEILING)))
        text = f"{mg(dose)} at {unit.least} mg a unit of {code}."
        steps = [*steps, CodingStep(rule=CodeRule.DRUG_UNIT, text=text)]
    ran = {times_of(drug, visit) for drug in drugs if drug.way is not Way.PUSH or drug.started_at}
    return CodedService(
        code=code,
        units=units,
        description=given.description,
        times=(min(each[0] for each in ran), max(each[1] for each in ran)) if ran else None,
        steps=tuple(steps),
        drug=replace(given, code=code),
        listed=first.listed,
        weight=1 if is_spray else 0,
    )


def _code_of(drug: GivenDrug, codes: CodeSet) -> tuple[str, list[CodingStep]]:
    """The code of the clinic's list, or what took its place on that day."""
    listed = drug.listed.hcpcs
    rows = (row for row in codes.rows if row.rule is CodeRule.DRUG_CODE and row.instead_of == listed)
    if row := next(rows, None):
        text = f"{row.code} is billed in place of {listed} on that day."
        return row.code, [CodingStep(rule=CodeRule.DRUG_CODE, text=text)]
    return listed, [
        CodingStep(rule=CodeRule.DRUG_CODE, text=f"{drug.listed.name}: {listed} in the clinic's list.")
    ]
