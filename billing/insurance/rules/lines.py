"""The lines of a superbill: what was done, and how much of the session's net charge stands on each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from billing.catalog.records import Drug
from billing.insurance.records import AddedService, CodedService, DrugGiven, SuperbillLine
from billing.kernel.money import ZERO, Money, split, total

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


def drug_given(drug: Drug, dose_mg: Decimal) -> DrugGiven:
    """The drug line's facts; the quantity counts the NDC's own unit, to a thousandth."""
    dose = f"{dose_mg.normalize():f} mg given"
    quantity = (dose_mg / drug.mg_per_unit).quantize(Decimal("0.001")).normalize()
    return DrugGiven(
        code=drug.hcpcs,
        description=f"{drug.name} {drug.strength}, {dose}; included in the infusion",
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
    services: Sequence[CodedService],
    *,
    list_charge: Money,
    net: Money,
    added: Sequence[AddedService] = (),
    drug: DrugGiven | None = None,
) -> tuple[SuperbillLine, ...]:
    """Put the session's net charge over its lines, so that they sum to it to the cent.

    Coded add-ons get their share in proportion to the list charge; the rest stands on the services by their
    units; the drug comes with the infusion at 0.
    """
    rest = max(ZERO, list_charge - total(each.list_charge for each in added))
    weights = [rest.cents, *(each.list_charge.cents for each in added)]
    rest, *shares = split(net, weights if any(weights) else [1, *weights[1:]])
    charges = split(rest, [service.units for service in services])
    coded: list[CodedService | AddedService] = [*services, *added]
    lines = [
        SuperbillLine(code=each.code, units=each.units, charge=charge, description=each.description)
        for each, charge in zip(coded, (*charges, *shares), strict=True)
    ]
    if drug:
        lines.append(
            SuperbillLine(code=drug.code, units=1, charge=ZERO, description=drug.description, drug=drug)
        )
    return tuple(lines)


def pointers(diagnoses: int) -> str:
    """The letters that a line points to: at most four of those listed."""
    return POINTERS[: min(diagnoses, MOST_POINTERS)]
