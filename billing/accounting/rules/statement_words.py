"""A statement in a lay person's words: what was paid, what came back to you, what waits. Never a sign."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from billing.accounting.records.statements import (
    About,
    Answer,
    AnswerKind,
    BankTook,
    Choice,
    GivenBack,
    Held,
    Package,
    Part,
    PartKind,
    Received,
    Standing,
    Sums,
    Totals,
    Visit,
    Way,
)
from billing.accounting.records.year_statements import YearEnd
from billing.kernel.clock import day_in_words
from billing.kernel.money import ZERO, Money
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
UNTIL = "Without a word from you it goes back to you on {day}. Choose by the link in our letter, or call us"
WANTED_BACK = "Not counted: an insurer wants it back; we ask you for nothing before we have looked at it"
NOTHING_LEFT = "Nothing is left of it"
WAYS = {
    Way.ASKED: "Asked for; somebody at the clinic has to approve it",
    Way.ON_ITS_WAY: "On its way to you",
    Way.SENT: "Sent to you",
    Way.STATE: "Nobody took it; it is kept for you with the state's unclaimed property",
}
BANK_KEPT = "Your bank took a payment back from the clinic"
BANK_HOLDS = "Your bank holds a payment until it has decided"
PURPOSE = "What you still owe, what you may expect, and what came back to you."
YEAR_PURPOSE = (
    "For your records, and for a health account (HSA, FSA, HRA): what you paid, less what came back."
)
NO_VISITS = "No visits in this time."
NO_PAID = "You paid nothing in this time."
NO_BACK = "Nothing came back to you in this time."
NO_HELD = "We hold no money for you beside what is paid for visits to come."
NO_MONEY = "No money moved in this time."
YEAR_BACK = "Came back to you, or an insurer's money was held for you"
NET_PAID = "You paid, less what came back to you"
NET_BACK = "More came back to you than you paid, by"
AS_OF = "As things stand on {day}. Questions? Call {phone}. It does not say what a health account covers."
OF_SITES = (
    "This statement is of some of the clinic's sites only. Ask the clinic for one of all of them. Money of "
    "another site that paid a visit is told with the visit, and not among the payments."
)
ELSEWHERE = "at another of our sites"
ON_HOLD = "Charges are stopped for this account. This is for your records, and asks for no payment."
HEALTH_ACCOUNT = (
    "A health account (HSA or FSA) paid some of this. What came back to you of that may have to go back to "
    "the account: ask its administrator or a tax adviser. The clinic gives no tax advice."
)
YEAR_NOTES = (
    "A refund is of the year in which it was sent. The year in which you paid stays as it was.",
    (
        "An insurer's money for a visit that you had paid came back to you on the day on which we held it "
        "for you; what of it paid a later bill counts as paid by you."
    ),
    (
        "What an insurer or a bank took back, or did not pay after all, is of the year in which it did; the "
        "year before stays as it was."
    ),
    "By date of service are visits that took place in the year, and fees; what you paid ahead is not in it.",
)
STANDINGS = {
    Standing.GIVEN: "",
    Standing.TO_COME: "planned",
    Standing.MISSED: "missed",
}


def notices_of(about: About) -> Iterator[str]:
    """What has to be known before any sum is read."""
    if about.is_on_hold:
        yield ON_HOLD
    if about.of_sites:
        yield OF_SITES


def part_in_words(part: Part) -> str:
    """`You paid: Card (visa 4242), Nov 2, 2026`, as far as each is known."""
    site = ELSEWHERE if part.is_from_elsewhere else None
    day = day_in_words(part.on) if part.on else None
    more = ", ".join(each for each in (part.tender, site, day) if each)
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
    """What becomes of what is left, and what became of what is gone."""
    told = [CHOICES[held.choice] if held.left else NOTHING_LEFT]
    if held.left and held.goes_back_on:
        told.append(UNTIL.format(day=day_in_words(held.goes_back_on)))
    if held.taken_back:
        told.append(f"{held.taken_back} of the insurer's payment was taken back")
    if elsewhere := held.gone - held.taken_back:
        told.append(f"{elsewhere} was taken by a bank, put elsewhere, or is kept for you by the state")
    return ". ".join(told)


def refund_in_words(refund: GivenBack) -> str:
    """Where it is, and which way it goes."""
    if refund.way is Way.SENT and refund.on is not None:
        return f"{WAYS[refund.way]} on {day_in_words(refund.on)}. {refund.told}"
    return WAYS[refund.way]


def package_in_words(package: Package) -> str:
    visits = "visit is" if package.left == 1 else "visits are"
    return f"Invoice {package.number}: {package.left} of {package.visits} {visits} still to come"


def received_in_words(received: Received) -> str:
    return f"{received.tender}, from a health account" if received.is_health_account else received.tender


def bank_in_words(bank: BankTook) -> str:
    return BANK_KEPT if bank.is_final else BANK_HOLDS


def net_in_words(year_end: YearEnd) -> tuple[str, Money]:
    """What is left of a year's payments, or how much more came back in it than was paid."""
    return (NET_PAID, year_end.net) if year_end.net >= ZERO else (NET_BACK, -year_end.net)


def cost_in_words(cost: Money) -> str:
    """What a visit cost in the end; where more came back than was paid for it, that."""
    return str(cost) if cost >= ZERO else f"{-cost} more back"


def sums_in_words(totals: Totals) -> tuple[Sums, Sums, Sums]:
    """What is owed, what waits for the patient, what came back in the period; parts of nothing left out."""
    owed = (
        ("For visits that took place, and fees", totals.owed_now),
        ("For visits to come, by the day of the visit", totals.owed_ahead),
    )
    waits = (
        ("An insurer's money that waits for your choice", totals.to_choose),
        ("Comes off your next bill", totals.comes_off),
        ("Your deposit, which comes off your next bill", totals.deposits),
        ("Goes back to you, as you chose", totals.goes_back),
        ("Refunds that wait for approval", totals.asked_for),
        ("Refunds on their way to you", totals.on_its_way),
    )
    return (
        Sums("You still owe", totals.owed, (*_some(owed), *_some([(WANTED_BACK, totals.wanted_back)]))),
        Sums("You may expect", totals.expected, (*_some(waits), *_beside(totals))),
        Sums("Sent back to you", totals.came_back, tuple(_elsewhere(totals))),
    )


def _some(parts: Iterable[tuple[str, Money]]) -> tuple[tuple[str, Money | str], ...]:
    return tuple((told, amount) for told, amount in parts if amount)


def _beside(totals: Totals) -> Iterator[tuple[str, Money | str]]:
    """What is not counted: nobody knows what an insurer or a bank will say."""
    if totals.claims_waiting:
        yield "Claims without an answer; we cannot say what comes of them", str(totals.claims_waiting)
    if totals.paid_ahead:
        yield "Not counted: paid ahead for your visits to come", totals.paid_ahead
    if totals.at_bank:
        yield "Not counted: your bank holds it until it has decided", totals.at_bank
    if totals.kept_by_state:
        yield "Not counted: kept for you as the state's unclaimed property", totals.kept_by_state


def _elsewhere(totals: Totals) -> Iterator[tuple[str, Money | str]]:
    if totals.insurer_paid_you:
        yield "Not counted: your insurer says that it paid you directly", totals.insurer_paid_you
    if totals.by_bank:
        yield "Not counted: your bank took it back from the clinic", totals.by_bank
