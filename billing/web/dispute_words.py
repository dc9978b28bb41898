"""What people are told of disputes: why, how they stand, and what a packet of evidence holds."""

from __future__ import annotations

from billing.kernel.money import Money
from billing.payments.records.dispute_answers import AnswerKind, DisputeAnswer, EvidenceFact
from billing.payments.records.disputes import Dispute
from billing.payments.states.dispute_answers import AnswerState
from billing.payments.states.disputes import DisputeState

REASONS = {
    "bank_cannot_process": "The bank could not take the payment",
    "check_returned": "The bank returned the payment",
    "credit_not_processed": "A refund was promised and did not come",
    "customer_initiated": "The payer asked for it",
    "debit_not_authorized": "The payer says they did not allow the debit",
    "duplicate": "The payer says they paid twice",
    "fraudulent": "The payer says they did not pay this",
    "general": "The bank names no reason",
    "incorrect_account_details": "The account was not right",
    "insufficient_funds": "The account had too little money",
    "noncompliant": "The bank says a rule was not kept",
    "product_not_received": "The payer says they did not get the service",
    "product_unacceptable": "The payer says the service was not as agreed",
    "subscription_canceled": "The payer says they had cancelled",
    "unrecognized": "The payer does not recognize the payment",
}
STATES = {
    DisputeState.NOTED: ("Just heard of", "waiting"),
    DisputeState.INQUIRY: ("The bank asks", "waiting"),
    DisputeState.NEEDS_RESPONSE: ("Wants an answer", "bad"),
    DisputeState.UNDER_REVIEW: ("The bank decides", "waiting"),
    DisputeState.WON: ("Won", "good"),
    DisputeState.LOST: ("Lost", ""),
    DisputeState.CLOSED: ("Closed", ""),
}
PROGRESS = {
    DisputeState.NOTED: "The processor is being asked about it.",
    DisputeState.INQUIRY: "The bank only asks so far: the money is still here. An answer may be enough.",
    DisputeState.NEEDS_RESPONSE: "The bank took the money. It comes back only if the answer convinces it.",
    DisputeState.UNDER_REVIEW: "The bank has the clinic's answer and decides. That can take 60 to 75 days.",
    DisputeState.WON: "The bank decided for the clinic.",
    DisputeState.LOST: "The bank keeps the money.",
    DisputeState.CLOSED: "It never became a dispute, or was withdrawn.",
}
FACTS = {
    EvidenceFact.RECEIPT: "The payment and its receipt",
    EvidenceFact.POLICY: "What the payer agreed to",
    EvidenceFact.SERVICES: "Days of service and what was given",
    EvidenceFact.REFUNDS: "What was given back",
    EvidenceFact.COMMUNICATION: "What passed between payer and clinic",
    EvidenceFact.EARLIER_PAYMENTS: "Earlier payments by the same card or account",
    EvidenceFact.OTHER_PAYMENT: "The other payment of this amount",
    EvidenceFact.STATEMENT: "A statement in your own words",
}
ANSWERS = {
    AnswerState.WAITING: ("Waits for approval", "waiting"),
    AnswerState.READY: ("Ready to be sent", "waiting"),
    AnswerState.SENDING: ("Being sent", "waiting"),
    AnswerState.SENT: ("Sent", "good"),
    AnswerState.REFUSED: ("Did not arrive", "bad"),
}


def reason_in_words(dispute: Dispute) -> str:
    return REASONS.get(dispute.reason, dispute.reason.replace("_", " ").capitalize())


def told_beside_loss(paid_twice: Money, reimbursed: Money) -> str | None:
    """What a lost dispute cost beside the payment; None when that is nothing."""
    told = [f"{paid_twice} paid twice"] if paid_twice else []
    told += [f"{reimbursed} given by insurers"] if reimbursed else []
    return ", ".join(told) or None


def title_of(answer: DisputeAnswer) -> str:
    """`Packet 2`, or that the money was given up."""
    if answer.kind is AnswerKind.ACCEPTANCE:
        return f"Accept the loss of {answer.amount}"
    return f"Packet {answer.number}"
