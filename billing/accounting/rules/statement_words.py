"""A statement in a lay person's words: what was paid, what came back to you, what waits. Never a sign."""

from __future__ import annotations

from billing.accounting.records.statements import (
    Answer,
    AnswerKind,
    Choice,
    GivenBack,
    Held,
    Package,
    Part,
    PartKind,
    Standing,
    Visit,
    Way,
)
from billing.kernel.clock import day_in_words
from billing.payments.records.credits import CreditSource

PARTS = {
    PartKind.PAID: "You paid",
    PartKind.CREDIT: "Paid from your credit",
    PartKind.INSURER: "An insurer paid",
    PartKind.OTHER: "Somebody else paid for you",
    PartKind.OTHER_OWES: "Somebody else is to pay; you are not asked for it",
    PartKind.WAIVED: "The clinic does not charge it",
    PartKind.BACK: "You paid it, and it went back to you",
    PartKind.ON_ITS_WAY: "You paid it, and it is on its way back to you",
    PartKind.BANK: "You paid it, and your bank took it back",
    PartKind.HELD: "You paid it, and we hold it for you",
    PartKind.BACK_TO_OTHER: "Somebody else paid it, and it went back to them",
}
ANSWERS = {
    AnswerKind.PAID_CLINIC: "{insurer} paid the clinic {amount}",
    AnswerKind.PAID_YOU: "{insurer} says that it paid you {amount}",
    AnswerKind.PAID_OTHER: "{insurer} paid somebody else",
    AnswerKind.DEDUCTIBLE: "{insurer} counted {amount} towards your own share (deductible) and paid nothing",
    AnswerKind.DENIED: "{insurer} denied it and paid nothing",
    AnswerKind.TOOK_BACK: "{insurer} took {amount} back from the clinic",
    AnswerKind.WANTS_BACK: "The insurer wants back {amount} that you have used; we look at it first",
    AnswerKind.WAITS: "The insurer has the claim and has not answered",
    AnswerKind.TOLD_PAID: "You told us that the insurer paid you",
    AnswerKind.TOLD_DEDUCTIBLE: "You told us that it counts towards your own share (deductible)",
    AnswerKind.TOLD_DENIED: "You told us that the insurer denied it",
    AnswerKind.TOLD_OTHER: "You sent us a letter of the insurer",
}
SOURCES = {
    CreditSource.REIMBURSEMENT: "An insurer paid for a visit",
    CreditSource.OVERPAYMENT: "You paid more than was owed",
    CreditSource.RETURN: "A visit was called off",
    CreditSource.RELEASED: "It came off a visit for a refund",
    CreditSource.DEPOSIT: "Your deposit",
}
CHOICES = {
    Choice.TO_CHOOSE: "Waits for your choice: off your next bill, or back to you",
    Choice.COMES_OFF: "Comes off your next bill",
    Choice.GOES_BACK: "Goes back to you, as you chose",
    Choice.DEPOSIT: "Comes off your next bill",
}
NOTHING_LEFT = "Nothing is left of it"
WAYS = {
    Way.ASKED: "Asked for; somebody at the clinic has to approve it",
    Way.ON_ITS_WAY: "On its way to you",
    Way.SENT: "Sent to you",
    Way.STATE: "Nobody took it; it is kept for you with the state's unclaimed property",
}
STANDINGS = {
    Standing.GIVEN: "",
    Standing.TO_COME: "planned",
    Standing.MISSED: "missed",
}


def part_in_words(part: Part) -> str:
    """`You paid: Card (visa 4242), Nov 2, 2026`, as far as each is known."""
    more = ", ".join(each for each in (part.tender, day_in_words(part.on) if part.on else None) if each)
    return f"{PARTS[part.kind]}: {more}" if more else PARTS[part.kind]


def answer_in_words(answer: Answer) -> str:
    """What the insurer said, with its day."""
    told = ANSWERS[answer.kind].format(insurer=answer.insurer or "The insurer", amount=answer.amount)
    since = "since" if answer.kind is AnswerKind.WAITS else "on"
    return f"{told} ({since} {day_in_words(answer.on)})"


def visit_in_words(visit: Visit) -> str:
    """The day, and whether it is still to come."""
    mark = STANDINGS[visit.standing]
    return f"{day_in_words(visit.on)} ({mark})" if mark else day_in_words(visit.on)


def source_in_words(held: Held) -> str:
    """Where the money came from."""
    told = SOURCES[CreditSource(held.source)]
    return f"{told} on {day_in_words(held.insured_on)}" if held.insured_on and held.is_insurers else told


def choice_in_words(held: Held) -> str:
    return CHOICES[held.choice] if held.left else NOTHING_LEFT


def refund_in_words(refund: GivenBack) -> str:
    """Where it is, and which way it goes."""
    if refund.way is Way.SENT and refund.on is not None:
        return f"{WAYS[refund.way]} on {day_in_words(refund.on)}. {refund.told}"
    return WAYS[refund.way]


def package_in_words(package: Package) -> str:
    visits = "visit is" if package.left == 1 else "visits are"
    return f"Invoice {package.number}: {package.left} of {package.visits} {visits} still to come"
