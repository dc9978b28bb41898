"""Add-ons that were sold with a visit, beside what the chart says was done. The chart has the last word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from billing.catalog.records import AddOn
from billing.insurance.records import CodedService
from billing.insurance.records.coding import CodingStep
from billing.insurance.rules.coding import CodedVisit
from billing.kernel.money import Money, total

DRUG_CODES = ("J", "Q01", "S00", "S01")
"""How codes of drugs begin. Source: HCPCS Level II."""
OF_MANY_DRUGS = frozenset({"J3490", "J3535", "J3590", "J7599", "J7699", "J7799", "J7999", "J8499", "J9999"})
"""Not otherwise classified: two add-ons with one of these need not be the same drug. Source: HCPCS."""
ADD_ON = "add_on"

Sold = tuple[AddOn, int]


def with_add_ons(
    coded: CodedVisit, sold: Sequence[Sold]
) -> tuple[tuple[CodedService, ...], tuple[CodingStep, ...]]:
    """All lines of a visit, and what was sold and has none of its own.

    A drug is billed as the chart has it: dose, units and NDC; the add-on gives that line its price. One that
    the chart does not have is no line, and its price stands on the services, as that of one without a code.
    """
    coded_ones = [each for each in sold if each[0].hcpcs and each[1]]
    by_line: dict[int, list[Sold]] = {}
    others, without = [], []
    for add_on, units in coded_ones:
        place = next((at for at, drug in enumerate(coded.drugs) if _is_of(add_on, drug)), None)
        if place is not None:
            by_line.setdefault(place, []).append((add_on, units))
        elif str(add_on.hcpcs).startswith(DRUG_CODES):
            without.append(_untold(add_on, units))
        else:
            others.append(_service(add_on, units))
    may_price = bool(coded.services)
    priced = [_priced(coded.drugs[at], by_line[at], may_price=may_price) for at in sorted(by_line)]
    included = [drug for at, drug in enumerate(coded.drugs) if at not in by_line]
    return (*coded.services, *others, *priced, *included), tuple(without)


def _is_of(add_on: AddOn, drug: CodedService) -> bool:
    """By the drug itself; by the code alone where that names one drug."""
    listed = drug.listed
    if listed is None:
        return False
    if add_on.code == listed.code or add_on.name.casefold() == listed.name.casefold():
        return True
    return add_on.hcpcs not in OF_MANY_DRUGS and add_on.hcpcs in (listed.hcpcs, drug.code)


def _priced(drug: CodedService, sold: Sequence[Sold], *, may_price: bool) -> CodedService:
    """Some line has to be without a price of its own, for the rest of the charge to stand on."""
    steps = (*drug.steps, *(_step(add_on, units) for add_on, units in sold))
    if not may_price:
        return replace(drug, steps=steps)
    price = total(_price(add_on, units) for add_on, units in sold)
    return replace(drug, description=drug.description.partition(";")[0], list_charge=price, steps=steps)


def _service(add_on: AddOn, units: int) -> CodedService:
    return CodedService(
        code=str(add_on.hcpcs),
        units=units,
        description=add_on.name,
        list_charge=_price(add_on, units),
        steps=(_step(add_on, units),),
    )


def _price(add_on: AddOn, units: int) -> Money:
    return Money(add_on.cents * units)


def _step(add_on: AddOn, units: int) -> CodingStep:
    return CodingStep(rule=ADD_ON, text=f"{add_on.name} x {units}: {add_on.hcpcs} in the prices.")


def _untold(add_on: AddOn, units: int) -> CodingStep:
    told = f"{add_on.name} x {units}, {add_on.hcpcs}: no line of this drug is in the signed chart"
    return CodingStep(rule=ADD_ON, text=f"{told}. Its price stands on the services.")
