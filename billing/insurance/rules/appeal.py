"""The body of an appeal letter: facts on file and what is asked for, and nothing beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from billing.catalog.records import Address
from billing.insurance.records.claims import Claim, ClaimAnswer, IssuedClaim
from billing.insurance.records.denials import NextStep
from billing.insurance.rules.claim_answers import denying
from billing.insurance.rules.denials import next_step
from billing.kernel.clock import day_in_words


@dataclass(frozen=True, kw_only=True)
class Filed:
    """The proof of filing: when, in which file of ours, and when it was accepted on its way, if it was."""

    on: date
    control_number: int | None
    accepted_on: date | None
    accepted_by_codes: Sequence[str]


def appeal_body(
    claim: IssuedClaim, facts: Claim, answer: ClaimAnswer, filed: Filed, *, written_on: date, version: int
) -> dict[str, Any]:
    """What is frozen. All of it stands in the claim as it was sent, in the answer, or in our files."""
    return {
        "number": claim.number,
        "version": version,
        "is_sample": facts.is_sample,
        "written_on": written_on.isoformat(),
        "clinic": {
            "name": facts.billing.name,
            "address": _lines(facts.billing.address),
            "phone": facts.submitter.phone,
            "npi": facts.billing.npi,
            "tin": facts.billing.tin,
        },
        "payer": facts.payer.name,
        "patient": {
            "name": f"{facts.patient.given_name} {facts.patient.family_name}",
            "born_on": facts.patient.born_on.isoformat() if facts.patient.born_on else "",
            "member_id": facts.subscriber.member_id,
            "group_number": facts.subscriber.group_number,
        },
        "claim": {
            "control_number": facts.control_number,
            "payer_claim_number": answer.payer_claim_number,
            "service_on": claim.service_on.isoformat(),
            "filed_on": filed.on.isoformat(),
            "charge_cents": facts.charge.cents,
            "paid_cents": answer.paid.cents,
            "provider": f"{facts.rendering.given_name} {facts.rendering.family_name}".strip(),
            "diagnoses": list(facts.diagnoses),
            "lines": [
                {"code": line.code, "units": line.units, "cents": line.charge.cents} for line in facts.lines
            ],
        },
        "reasons": [
            {"code": f"{each.group}-{each.code}", "cents": each.amount.cents} for each in answer.reasons
        ],
        "remarks": list(answer.remarks),
        "text": [_opening(answer), *_grounds(claim, answer, filed), CLOSING],
        "enclosed": ["The claim", "Your answer", *(["Its acknowledgement"] if filed.accepted_on else [])],
    }


def same_letter(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two letters say the same, but for their day and number."""
    return {**one, "written_on": "", "version": 0} == {**other, "written_on": "", "version": 0}


CLOSING = "Please send your answer to the address above."


def _opening(answer: ClaimAnswer) -> str:
    return f"We ask you to review your decision of {day_in_words(answer.paid_on)} on the claim named above."


def _grounds(claim: IssuedClaim, answer: ClaimAnswer, filed: Filed) -> list[str]:
    if next_step(answer) is NextStep.PROVE_FILING:
        return [_proof(claim, filed), "Please decide it as one that came in time."]
    codes = ", ".join(denying(answer)) or "that it names"
    told = (
        f"It rests on the codes {codes}. Please tell us the provision of the plan, and the criteria, that it"
    )
    asked = [f"{told} is based on."]
    if next_step(answer) is NextStep.ASK_LEAVE:
        asked.append("If leave was to be asked for before the visit, please consider it now.")
    return [*asked, "Please have it looked at by somebody who had no part in the decision."]


def _proof(claim: IssuedClaim, filed: Filed) -> str:
    days = (filed.on - claim.service_on).days
    number = f" in our file {filed.control_number:09d}" if filed.control_number else ""
    sent = f"The claim was sent on {day_in_words(filed.on)}{number}, {days} days after the day of service."
    if filed.accepted_on is None:
        return sent
    codes = f" ({', '.join(filed.accepted_by_codes)})" if filed.accepted_by_codes else ""
    return f"{sent} The acknowledgement of {day_in_words(filed.accepted_on)} accepted it{codes}."


def _lines(address: Address) -> list[str]:
    zip_code = address.postal_code[:5] + (f"-{address.postal_code[5:]}" if address.postal_code[5:] else "")
    place = f"{address.city}, {address.state} {zip_code}"
    return [line for line in (address.line1, address.line2, place) if line]
