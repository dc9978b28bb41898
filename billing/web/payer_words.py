"""What people are told of other payers: who they are, how their part stands, and why it ends."""

from __future__ import annotations

from billing.invoices.records import Bearer, EndReason, PayerKind, PayerShare
from billing.invoices.states import ShareState

KINDS = {
    PayerKind.RELATIVE: "Relative",
    PayerKind.SPONSOR: "Sponsor",
    PayerKind.GRANT: "Grant",
    PayerKind.EMPLOYER: "Employer",
    PayerKind.COMPENSATION: "Workers' compensation",
    PayerKind.VA: "VA",
}
REASONS = {
    EndReason.WITHDRAWN: "The payer withdrew",
    EndReason.NOT_AUTHORIZED: "It never was authorized",
    EndReason.MISTAKE: "It was entered by mistake",
    EndReason.DENIED: "The payer denied it",
    EndReason.PAID_SHORT: "The payer paid too little",
}
BEARERS = {
    Bearer.PATIENT: "The patient owes it",
    Bearer.CLINIC: "The clinic bears it",
}


def standing_of(share: PayerShare) -> tuple[str, str]:
    """How a part stands in few words, and how these are colored."""
    if share.state is ShareState.ENDING:
        return "Waits for a second person to end it", "waiting"
    if share.state is ShareState.ENDED:
        return "Ended", ""
    if not share.open_balance:
        return ("Paid", "good") if share.paid else ("Nothing owed any more", "")
    return ("Denied", "bad") if share.denied_at else ("Owes", "waiting")
