"""Which step a denial's codes call for. The codes' texts have a copyright: none is here.

Source: X12 external code list 139, claim adjustment reason codes (codes alone). 125 and 165 are given
no more, and stay for answers from before.
"""

from __future__ import annotations

from billing.insurance.records.claims import ClaimAnswer
from billing.insurance.records.denials import NextStep
from billing.insurance.rules.claim_answers import denying, event_of
from billing.insurance.states import ClaimEvent

PATIENT_UNKNOWN = "4"
"""CLP02. Payers send it with plain denials, too, so that it is asked only where no code says why."""

CODES: dict[NextStep, frozenset[str]] = {
    NextStep.CHECK_CARD: frozenset({"26", "27", "31", "32", "33", "140", "177", "200"}),
    NextStep.FIND_FIRST_ANSWER: frozenset({"18", "B13"}),
    NextStep.PROVE_FILING: frozenset({"29"}),
    NextStep.SEND_RECORDS: frozenset({"148", "163", "164", "226", "227", "250", "251", "252"}),
    NextStep.CORRECT: frozenset({
        "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "16", "110", "125", "129", "146", "165",
        "175", "181", "182", "183", "189", "199", "206", "207", "208", "288",
    }),
    NextStep.ASK_LEAVE: frozenset({"15", "197", "198", "210", "243", "284", "287", "296", "302"}),
    NextStep.FILE_ELSEWHERE: frozenset({"19", "20", "21", "22", "24", "109", "166", "280", "301"}),
    NextStep.APPEAL_OR_CLOSE: frozenset({
        "35", "39", "49", "50", "55", "56", "58", "96", "114", "119", "149", "150", "151", "152", "153",
        "154", "167", "188", "193", "204", "242", "256", "272", "273", "279",
    }),
}  # fmt: skip


def next_step(answer: ClaimAnswer) -> NextStep | None:
    """What to do about an answer that denies; None for any other. Of several steps the most pressing."""
    if event_of(answer) is not ClaimEvent.DENY:
        return None
    told = {code.partition("-")[2] for code in denying(answer)}
    if not told and answer.status == PATIENT_UNKNOWN:
        return NextStep.CHECK_CARD
    return next((step for step in NextStep if CODES.get(step, frozenset()) & told), NextStep.LOOK_UP)
