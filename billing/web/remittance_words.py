"""What people are told of insurers' answers: how each stands, what became of its claims, who decided what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from billing.insurance.records import Adjustment, AnsweredClaim, Outcome, Remittance
from billing.insurance.records.remittances import DecisionKind, ToldClaim
from billing.insurance.records.set_apart import ToldAdjustment
from billing.insurance.records.uploads import FAILED
from billing.insurance.rules.answers import PAID_TO_PATIENT, PREDETERMINATION, REVERSAL
from billing.insurance.rules.provider_adjustments import (
    FEE,
    FORWARD_BALANCE,
    INTEREST,
    RECOVERY,
    REFUND_SEEN,
    TOO_MUCH_REFUNDED,
)
from billing.insurance.states import RemittanceState
from billing.insurance.use_cases.remittances import DUPLICATE
from billing.kernel.money import ZERO, Money

STATES = {
    RemittanceState.PARKED: ("Waits for you", "waiting"),
    RemittanceState.POSTED: ("Posted", "good"),
    RemittanceState.PUT_ASIDE: ("Set aside", ""),
    RemittanceState.UNDONE: ("Undone", ""),
    DUPLICATE: ("Came before", ""),
    "refused": ("Cannot be read", "bad"),
    FAILED: ("Not posted", "bad"),
}
"""Also of a file, and of a transaction in it; a state that is newer than these is shown by its name."""
WOULD = {
    RemittanceState.POSTED: "Will be posted",
    RemittanceState.PARKED: "Will wait for you",
    FAILED: "Not looked at",
}
"""The same before anything is done."""
ADVICE = {
    RemittanceState.PARKED: "Nothing of it is booked. It is posted whole as soon as nothing is in the way.",
    RemittanceState.POSTED: "It is booked whole, once. Sent again, it is a copy and changes nothing.",
    RemittanceState.PUT_ASIDE: "It is not for these books. Nothing of it is booked, however often it comes.",
    RemittanceState.UNDONE: "All that it did was reversed. Sent again, it is looked at as if it were new.",
}
OUTCOMES = {
    Outcome.REIMBURSED: "Paid to the clinic",
    Outcome.NOTHING_PAID: "Nothing paid: posts nothing",
    Outcome.PAID_TO_PATIENT: "Paid to the patient: posts nothing",
    Outcome.PAID_TO_OTHER: "Paid to an employer or attorney: posts nothing",
    Outcome.NOT_OURS: "Another provider's claim: posts nothing",
    Outcome.ESTIMATE_ONLY: "An estimate: posts nothing",
    Outcome.NOT_DECIDED: "Not decided yet: posts nothing",
    Outcome.REVERSAL: "Takes back what an earlier answer paid",
}
STATUSES = {
    "1": "Processed as primary",
    "2": "Processed as secondary",
    "3": "Processed as tertiary",
    "4": "Denied",
    "19": "Processed as primary, sent on",
    "20": "Processed as secondary, sent on",
    "21": "Processed as tertiary, sent on",
    REVERSAL: "Takes an earlier answer back",
    "23": "Not ours",
    PREDETERMINATION: "An estimate",
}
"""CLP02. Source: X12 005010X221A1, section 2.4 of the CLP segment."""
GROUPS = {
    "CO": "contract",
    "PR": "patient's share",
    "OA": "other",
    "PI": "payer's decision",
    "CR": "correction",
}
"""CAS01."""
DECISIONS = {
    DecisionKind.MATCH: "Named the visit of claim {place}",
    DecisionKind.UNMATCH: "Took back the visit of claim {place}",
    DecisionKind.SET_ASIDE: "Set it aside",
    DecisionKind.PUT_BACK: "Put it back",
    DecisionKind.DISTINCT: "Said that it is another payment",
    DecisionKind.RIGHT_DAY: "Said that its day is right",
    DecisionKind.SET_APART: "Set apart what nobody can book",
    DecisionKind.OURS: "Said that its payee is this clinic",
    DecisionKind.SETTLED: "Settled what was set apart",
    DecisionKind.UNSETTLED: "Took back how it was settled",
}


def stands(state: str) -> tuple[str, str]:
    """In few words, with their color."""
    return STATES.get(state) or (state.replace("_", " ").capitalize(), "")


def would_stand(status: str) -> tuple[str, str]:
    """The same of what is only looked at."""
    told, color = stands(status)
    return WOULD.get(status, told), color


def why(remittance: Remittance) -> str:
    """Why it waits; on paper there are claims, and no segments."""
    reason = remittance.reason or ""
    return reason.replace("The claim at segment", "Claim") if remittance.is_on_paper else reason


def became(claim: ToldClaim) -> str:
    """What the claim of a posted remittance did with its money."""
    settled = claim.paid - claim.credit - claim.above
    return _did(
        claim.outcome,
        {
            "is the patient's credit": claim.credit,
            "paid what the visit owed": settled,
            "is held for the insurer": claim.above,
        },
    )


def would_do(claim: AnsweredClaim) -> str:
    """The same of what is only looked at."""
    rest = claim.paid - claim.credit
    return _did(
        claim.outcome,
        {
            "is the patient's credit": claim.credit,
            "pays what the visit owes, or is held for the insurer": rest,
        },
    )


def _did(outcome: Outcome | None, parts: Mapping[str, Money]) -> str:
    if outcome is None:
        return "Not booked yet"
    if outcome is not Outcome.REIMBURSED:
        return OUTCOMES.get(outcome) or outcome.replace("_", " ").capitalize()
    return ", ".join(f"{amount} {did}" for did, amount in parts.items() if amount)


def in_codes(adjustments: Sequence[Adjustment]) -> str:
    """`PR-1 $30.00 (patient's share)`; the wording of the codes is not ours to show."""
    return "; ".join(_in_code(each) for each in adjustments)


def _in_code(adjustment: Adjustment) -> str:
    is_patients = adjustment.code == PAID_TO_PATIENT
    group = "paid to the patient" if is_patients else GROUPS.get(adjustment.group, "")
    told = f"{adjustment.group}-{adjustment.code} {adjustment.amount}"
    return f"{told} ({group})" if group else told


def billed(amount: Money, charge: Money, *, is_part: bool) -> str:
    """The remark on a claim whose charge is another than was billed, or was paid before."""
    if amount == charge:
        return "an earlier answer paid it, too"
    return f"a part of {amount} that was billed" if is_part else f"{amount} was billed"


BESIDE = {
    INTEREST: "interest",
    RECOVERY: "for an earlier payment",
    FORWARD_BALANCE: "a balance between two payments",
    REFUND_SEEN: "a refund of ours that it got",
    TOO_MUCH_REFUNDED: "what a refund of ours had above",
    FEE: "a fee for how it pays",
}
"""PLB03-1 of what the books know."""


def beside(adjustment: ToldAdjustment) -> str:
    """What an insurer kept or added beside the claims: `Kept $40.00: for an earlier payment (WO)`."""
    amount = adjustment.amount
    did = f"Kept {amount}" if amount > ZERO else f"Added {-amount}"
    what = BESIDE.get(adjustment.code)
    return f"{did}: {what} ({adjustment.code})" if what else f"{did}: its code {adjustment.code}"


def decided(kind: DecisionKind, place: int | None) -> str:
    return DECISIONS[kind].format(place=place or "that was")
