"""EOBs on paper, as they are keyed in."""

from __future__ import annotations

from datetime import date

from billing.insurance.records import Adjustment
from billing.insurance.records.remittances import PaperEob, TypedClaim
from billing.kernel.money import Money

CHECK_DAY = date(2026, 11, 2)


def typed_claim(number: str, *, charge: int = 38_250, paid: int = 18_000, **more: object) -> TypedClaim:
    """The rest is the patient's (PR-1) unless told otherwise."""
    left = charge - paid
    usual = {"adjustments": (Adjustment("PR", "1", Money(left)),) if left else ()}
    told = usual | more
    return TypedClaim(control_number=number, charge=Money(charge), paid=Money(paid), **told)  # type: ignore[arg-type]


def paper_eob(*claims: TypedClaim, amount: int | None = None, **more: object) -> PaperEob:
    """The check is what the claims pay unless it is told."""
    paid = sum(claim.paid.cents for claim in claims)
    usual: dict[str, object] = {
        "payer_name": "Sample Health Plan",
        "check_number": "5501",
        "paid_on": CHECK_DAY,
    }
    told = usual | more
    return PaperEob(claims=claims, amount=Money(paid if amount is None else amount), **told)  # type: ignore[arg-type]
