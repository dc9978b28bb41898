"""What people are told of claims: how they stand, what is next, and which field of one has a flaw."""

from __future__ import annotations

import re

from billing.insurance.records.acknowledgements import Verdict
from billing.insurance.records.claims import ClaimAnswer, Frequency
from billing.insurance.records.denials import NextStep
from billing.insurance.rules.answers import REVERSAL
from billing.insurance.states import ClaimMark, ClaimState

STATES = {
    ClaimState.DRAFT: ("Being issued", "waiting"),
    ClaimState.ISSUED: ("Not sent yet", "waiting"),
    ClaimState.FILED: ("Filed", "waiting"),
    ClaimState.REJECTED: ("Sent back", "bad"),
    ClaimState.ACCEPTED: ("The insurer has it", "waiting"),
    ClaimState.RECORDS_REQUESTED: ("Records asked for", "bad"),
    ClaimState.PAID: ("Paid", "good"),
    ClaimState.DENIED: ("Denied", "bad"),
    ClaimState.APPLIED_TO_DEDUCTIBLE: ("Went to the deductible", ""),
    ClaimState.APPEALED: ("Appealed", "waiting"),
    ClaimState.REPLACED: ("Replaced", ""),
    ClaimState.VOIDED: ("Withdrawn", ""),
    ClaimState.CLOSED: ("Closed", ""),
}
NEXT = {
    ClaimState.DRAFT: "It is being issued. Load this page again.",
    ClaimState.ISSUED: "Send it with the next file of claims, or on the insurer's page, and say so below.",
    ClaimState.FILED: "Nothing came back yet. Wait for the acknowledgement, then for the insurer's answer.",
    ClaimState.REJECTED: "It was sent back unread. Correct what the codes name, then issue it again.",
    ClaimState.ACCEPTED: "Wait for the insurer's answer.",
    ClaimState.RECORDS_REQUESTED: "The insurer wants to see records. Send them, then say so below.",
    ClaimState.PAID: "The insurer paid. Nothing is left to do.",
    ClaimState.DENIED: "Look at the reasons below. Correct the claim, appeal, or close it.",
    ClaimState.APPLIED_TO_DEDUCTIBLE: "The plan counts it toward what the patient pays first.",
    ClaimState.APPEALED: "Wait for the insurer's answer to the appeal.",
    ClaimState.REPLACED: "A newer one took its place.",
    ClaimState.VOIDED: "It was taken back.",
    ClaimState.CLOSED: "Nothing more is done about it.",
}
STEPS = {
    NextStep.CHECK_CARD: "The insurer does not know the patient, or not on that day. Check the card with the "
    "patient, enter the right insurance, then issue the corrected claim.",
    NextStep.FIND_FIRST_ANSWER: "The insurer has it already. Look for its first answer before anything else.",
    NextStep.PROVE_FILING: "The insurer says that it came too late. Appeal with the proof of filing: the "
    "letter tells when it was sent and what came back.",
    NextStep.SEND_RECORDS: "The insurer wants to see more. Send it, then correct the claim or appeal.",
    NextStep.CORRECT: "Something is missing or wrong. Correct what the codes name, then issue the "
    "corrected claim.",
    NextStep.ASK_LEAVE: "The plan wants to be asked before the visit. Ask for leave now, or appeal.",
    NextStep.FILE_ELSEWHERE: "Another plan comes first. Ask the patient which, and enter that insurance.",
    NextStep.APPEAL_OR_CLOSE: "The plan does not cover it, or calls it not needed or not proven. Appeal, or "
    "close the claim.",
    NextStep.LOOK_UP: "Look the codes up in the insurer's list. Then correct it, appeal, or close it.",
}
FREQUENCIES = {
    Frequency.ORIGINAL: "First of its visit",
    Frequency.REPLACEMENT: "Replaces the insurer's claim",
    Frequency.VOID: "Takes the insurer's claim back",
}
MARKS = {
    ClaimMark.APPEALED: "The clinic appealed",
    ClaimMark.RECORDS_REQUESTED: "The insurer asked for records",
    ClaimMark.RECORDS_SENT: "The records were sent",
    ClaimMark.CLOSED: "Close it: nothing more is done",
}
EVENTS = {
    "issue": "Issued",
    "file": "Filed",
    "reject": "Sent back",
    "accept": "The insurer has it",
    "request_records": "Records were asked for",
    "pay": "Paid",
    "deny": "Denied",
    "deduct": "Went to the deductible",
    "appeal": "Appealed",
    "replace": "Replaced by a newer one",
    "void": "Withdrawn",
    "close": "Closed",
}
VERDICTS = {Verdict.ACCEPTED: "accepted", Verdict.REJECTED: "sent back", Verdict.NOTED: "noted"}

_ITEM = re.compile(r"[0-9]+")
_ONE = {"lines": "line", "diagnoses": "diagnosis"}


def notice_in_words(kind: str, verdict: Verdict) -> str:
    about = "The form of the file" if kind == "999" else "The claim"
    return f"{about} was {VERDICTS[verdict]} ({kind})"


def answer_in_words(answer: ClaimAnswer) -> str:
    if answer.status == REVERSAL:
        return f"{answer.payer_name} reversed an answer of {-answer.paid}"
    if answer.paid:
        return f"{answer.payer_name} paid {answer.paid} of {answer.charge}"
    return f"{answer.payer_name} paid nothing of {answer.charge}"


def field_in_words(pointer: str) -> str:
    """`/lines/0/drug/ndc` is `line 1, drug, ndc`: people count from 1."""
    told: list[str] = []
    for part in pointer.strip("/").split("/"):
        if _ITEM.fullmatch(part) and told:
            told[-1] = f"{_ONE.get(told[-1], told[-1])} {int(part) + 1}"
        else:
            told.append(part.replace("_", " "))
    return ", ".join(told).capitalize()
