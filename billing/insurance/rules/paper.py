"""An explanation of benefits that came on paper, as the same record that a file gives.

What does not add up is said by field, since whoever typed it has the paper before them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from billing.insurance.records import (
    Adjustment,
    ProviderAdjustment,
    RemittanceClaim,
    RemittanceLine,
    RemittanceTransaction,
)
from billing.insurance.records.remittances import KnownPayer, PaperEob, TypedClaim, TypedLine
from billing.insurance.rules.answers import NO_PAYMENT, our_number
from billing.insurance.rules.lines import control_number
from billing.kernel.errors import Flaw
from billing.kernel.money import ZERO, Money, total

NO_NUMBER = "0"
"""What insurers put in the place of a control number that they did not get."""
PAPER_PAYER = "PAPER "
"""Begins the id of a payer that is known by its name alone."""
BY_CHECK, WITH_MONEY, NOTICE = "CHK", "I", "H"


def paper_transaction(eob: PaperEob, payer_id: str) -> RemittanceTransaction:
    """Claims are numbered from 1, in the place of a file's segments; so are their lines, after them."""
    return RemittanceTransaction(
        segment=0,
        payer_id=payer_id,
        payer_name=eob.payer_name,
        payee_npi="",
        trace=eob.check_number,
        amount=eob.amount,
        paid_on=eob.paid_on,
        handling=WITH_MONEY if eob.amount else NOTICE,
        credit=True,
        method=BY_CHECK if eob.amount else NO_PAYMENT,
        claims=tuple(_claim(place, claim) for place, claim in enumerate(eob.claims, 1)),
        provider_adjustments=tuple(
            ProviderAdjustment(0, each.code, each.reference, each.amount) for each in eob.provider_adjustments
        ),
        is_on_paper=True,
    )


def flaws_of(eob: PaperEob, today: date) -> list[Flaw]:
    """What does not add up or cannot be, each by its pointer; the lines of a claim come before it."""
    return list(_flaws(eob, today))


def payer_id_of(name: str, known: Iterable[KnownPayer]) -> str:
    """The id under which a typed payer is kept, the same however often its name is typed.

    A payer that has sent files, and whose name no other one has, is that payer.
    """
    mine = PAPER_PAYER + _plain(name)
    same = {payer.payer_id for payer in known if _plain(payer.name) == _plain(name)}
    return next(iter(same)) if len(same) == 1 and mine not in same else mine


def _plain(name: str) -> str:
    return " ".join(name.upper().split())[:70]


def _claim(place: int, claim: TypedClaim) -> RemittanceClaim:
    number = control_number(claim.session_id) if claim.session_id else our_number(claim.control_number)
    return RemittanceClaim(
        place,
        number or NO_NUMBER,
        str(claim.status),
        claim.charge,
        claim.paid,
        _patients_share(claim),
        claim.payer_claim_number,
        claim.adjustments,
        tuple(_line(place, line) for line in claim.lines),
    )


def _line(place: int, line: TypedLine) -> RemittanceLine:
    return RemittanceLine(
        place, line.procedure, line.charge, line.paid, line.adjustments, line.served_on, control_number=""
    )


def _patients_share(claim: TypedClaim) -> Money:
    """As it was typed, or else what the adjustments of the group PR say."""
    if claim.patient_responsibility is not None:
        return claim.patient_responsibility
    adjustments = [*claim.adjustments, *(each for line in claim.lines for each in line.adjustments)]
    return total(each.amount for each in adjustments if each.group == "PR")


def _flaws(eob: PaperEob, today: date) -> Iterator[Flaw]:
    if eob.paid_on > today:
        yield Flaw("/paid_on", "The date is still to come. Type the date on the check.")
    for place, claim in enumerate(eob.claims):
        at = f"/claims/{place}"
        if claim.session_id and claim.control_number:
            yield Flaw(f"{at}/control_number", "Give the number on the claim or the visit, not both.")
        for number, line in enumerate(claim.lines):
            yield from _unbalanced(
                f"{at}/lines/{number}/paid_cents", line.charge, line.paid, line.adjustments
            )
        everything = [*claim.adjustments, *(each for line in claim.lines for each in line.adjustments)]
        yield from _unbalanced(f"{at}/paid_cents", claim.charge, claim.paid, everything)
    yield from _unbalanced_check(eob)


def _unbalanced(
    pointer: str, charge: Money, paid: Money, adjustments: Iterable[Adjustment]
) -> Iterator[Flaw]:
    adjusted = total(each.amount for each in adjustments)
    if charge - adjusted != paid:
        message = (
            f"Charged {charge} less adjustments of {adjusted} is {charge - adjusted}, but {paid} is typed as "
            "paid. Compare each figure with the paper."
        )
        yield Flaw(pointer, message)


def _unbalanced_check(eob: PaperEob) -> Iterator[Flaw]:
    paid = total(claim.paid for claim in eob.claims)
    kept = total(each.amount for each in eob.provider_adjustments)
    if paid - kept == eob.amount:
        return
    less = f" less {kept} beside the claims" if kept != ZERO else ""
    message = (
        f"The claims pay {paid}{less}, which is {paid - kept}, but the check is typed as {eob.amount}. "
        "Is a claim missing, or interest, or something that the insurer kept?"
    )
    yield Flaw("/amount_cents", message)
