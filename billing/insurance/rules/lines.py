"""The lines of a superbill: what was done, and how much of the session's net charge stands on each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from billing.catalog.records import Drug
from billing.insurance.records import CodedService, DrugGiven, SuperbillLine
from billing.kernel.money import Money, split

NDC_SHAPES = {(4, 4, 2), (5, 3, 2), (5, 4, 1), (5, 4, 2)}
NDC_PARTS = (5, 4, 2)
MOST_DIAGNOSES = 12
"""Lines A to L of the claim form."""
POINTERS = "ABCDEFGHIJKL"
MOST_POINTERS = 4


def padded_ndc(ndc: str) -> str:
    """An NDC as insurers take it, 5-4-2: `1234-5678-90` is `01234-5678-90`.

    Raises: ValueError for anything else than 4-4-2, 5-3-2, 5-4-1 or 5-4-2 digits, or eleven without hyphens.
    """
    if re.fullmatch(r"[0-9]{11}", ndc):
        return f"{ndc[:5]}-{ndc[5:9]}-{ndc[9:]}"
    parts = ndc.split("-")
    if tuple(map(len, parts)) not in NDC_SHAPES or not all(re.fullmatch(r"[0-9]+", part) for part in parts):
        raise ValueError("an NDC has 4-4-2, 5-3-2, 5-4-1 or 5-4-2 digits")
    return "-".join(part.zfill(width) for part, width in zip(parts, NDC_PARTS, strict=True))


def drug_given(drug: Drug, dose_mg: Decimal, *, told: str = "included in the infusion") -> DrugGiven:
    """The drug line's facts; the quantity counts the NDC's own unit, to a thousandth."""
    dose = f"{dose_mg.normalize():f} mg given"
    quantity = (dose_mg / drug.mg_per_unit).quantize(Decimal("0.001")).normalize()
    return DrugGiven(
        code=drug.hcpcs,
        description="; ".join(part for part in (f"{drug.name} {drug.strength}, {dose}", told) if part),
        ndc=padded_ndc(drug.ndc),
        quantity=f"{quantity:f}",
        unit=drug.unit,
    )


def control_number(session_id: str) -> str:
    """What the insurer sends back to us for this session: 14 capitals and digits, which box 26 of the
    paper form has room for.

    The random part of the session's own id, so that it is the same on each version and on a claim.
    """
    return session_id.rpartition("_")[2][-14:].upper()


def charge_lines(
    services: Sequence[CodedService], *, list_charge: Money, net: Money
) -> tuple[SuperbillLine, ...]:
    """Put the session's net charge over its lines, so that they sum to it to the cent.

    Coded add-ons get their share in proportion to the list charge; the rest stands on the services by their
    weights; what is included in another comes with it at 0. One service at least has no price of its own.
    """
    priced = [each for each in services if each.list_charge is not None]
    others = [each for each in services if each.list_charge is None]
    own = [each.list_charge.cents for each in priced if each.list_charge is not None]
    rest = max(0, list_charge.cents - sum(own))
    charged, *shares = split(net, [rest, *own] if rest or any(own) else [1, *own])
    weights = [_weight(each) for each in others]
    charges = split(charged, weights if any(weights) else [1, *weights[1:]])
    by_service = dict(zip(map(id, [*others, *priced]), [*charges, *shares], strict=True))
    return tuple(_line(each, by_service[id(each)]) for each in services)


def _weight(service: CodedService) -> int:
    return service.units if service.weight is None else service.weight


def _line(service: CodedService, charge: Money) -> SuperbillLine:
    return SuperbillLine(
        code=service.code,
        units=service.units,
        charge=charge,
        description=service.description,
        drug=service.drug,
        modifiers=service.modifiers,
        times=service.times,
        steps=service.steps,
    )


def pointers(diagnoses: int) -> str:
    """The letters that a line points to: at most four of those listed."""
    return POINTERS[: min(diagnoses, MOST_POINTERS)]
