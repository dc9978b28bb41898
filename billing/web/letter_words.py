"""What an insurer's letter says, as patients are asked and staff are told."""

from __future__ import annotations

from billing.insurance.records.letters import LetterOutcome

ASKED = {
    LetterOutcome.PAID_ME: "The insurer pays me",
    LetterOutcome.DENIED: "The insurer does not pay",
    LetterOutcome.DEDUCTIBLE: "It counts toward my deductible",
    LetterOutcome.OTHER: "Something else, or I am not sure",
}
TOLD = {
    LetterOutcome.PAID_ME: "Paid to the patient",
    LetterOutcome.DENIED: "Denied",
    LetterOutcome.DEDUCTIBLE: "Applied to the deductible",
    LetterOutcome.OTHER: "Something else",
}
KINDS = {"application/pdf": "PDF", "image/jpeg": "picture", "image/png": "picture"}
