"""How far a reimbursement is the patient's, when a refund needs a second person, what receipts say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from importlib.resources import files

import yaml

from billing.kernel.money import ZERO, Money
from billing.ledger.records import Account
from billing.payments.errors import CheckPostdated, CheckStale
from billing.payments.records.dormant import Dormancy
from billing.payments.records.payments import Tender
from billing.payments.records.refunds import RefundableSource, RefundMethod

SMALLEST_CARD_PAYMENT = Money(50)
"""The processor's own minimum for US dollars."""

LATELY = timedelta(hours=24)
"""How long a refund that approved itself counts against the next one."""

CHECK_IS_GOOD_FOR = timedelta(days=180)

ARRIVES_ON = {
    Tender.CARD: Account.PROCESSOR_CLEARING,
    Tender.ACH: Account.PROCESSOR_CLEARING,
    Tender.CARD_PRESENT: Account.PROCESSOR_CLEARING,
    Tender.CASH: Account.UNDEPOSITED,
    Tender.CHECK: Account.UNDEPOSITED,
}
"""Where a tender's money is before it is at the bank."""

SERVICES_IN_WORDS = {
    "infusion": "Ketamine infusion treatment",
    "booster": "Ketamine infusion treatment, booster",
    "evaluation": "Medical evaluation",
    "no_show": "Fee for a missed appointment",
    "deposit": "Deposit",
}
TENDERS_IN_WORDS = {
    Tender.CARD: "Card",
    Tender.ACH: "Bank account",
    Tender.CARD_PRESENT: "Card at the desk",
    Tender.CASH: "Cash",
    Tender.CHECK: "Check",
    Tender.CREDIT: "Credit",
    Tender.INSURER: "Health plan",
}


def share_reimbursement(
    amount: Money, *, owed: Money, paid: Money, reimbursed: Money
) -> tuple[Money, Money, Money]:
    """Split what an insurer paid for one session: settles what is owed, is the patient's, goes back.

    `paid` is what the patient paid for the session, `reimbursed` what came back for it before. The patient
    never gets more than was paid; the rest belongs to the payer.
    """
    settled = min(amount, owed)
    left = amount - settled
    patients = max(ZERO, min(left, paid - reimbursed))
    return settled, patients, left - patients


def needs_second_person(amount: Money, lately: Money, limit: Money) -> bool:
    """Refunds need no approval by somebody else while those of a patient's last day stay within the limit.

    `lately` is what approved itself for the patient within LATELY; many small refunds are a large one.
    """
    return amount + lately > limit


def service_in_words(service: str) -> str:
    """What a payer's health account is told of a service, without a code or a diagnosis."""
    return SERVICES_IN_WORDS.get(service, service.replace("_", " ").capitalize())


def paid_with(tender: Tender, instrument: str | None) -> str:
    """`Card (visa 4242)`, as far as it is known."""
    return f"{TENDERS_IN_WORDS[tender]} ({instrument})" if instrument else TENDERS_IN_WORDS[tender]


def given_back_to(method: RefundMethod, reference: str | None) -> str:
    """Where a refund went, a bank account included; the processor's own id says nothing to a payer."""
    if method is RefundMethod.CARD:
        return "Back to the card or account that paid"
    return f"By {reference}" if reference else "By check"


def take_in_order(sources: Iterable[RefundableSource], amount: Money) -> tuple[RefundableSource, ...]:
    """What an amount takes of each source, the earlier one first; as much as there is."""
    taken, left = [], amount
    for source in sources:
        part = min(left, source.amount)
        if part:
            taken.append(replace(source, amount=part))
        left = left - part
    return tuple(taken)


LISTED_AHEAD = timedelta(days=240)
"""So long before a credit is dormant its owner is looked for."""

DORMANCIES = {
    us_state: Dormancy(
        years=said["years"], letter_from=Money(said["letter_from_cents"]), letter_days=said["letter_days"]
    )
    for us_state, said in yaml.safe_load(
        files("billing.payments").joinpath("unclaimed.yaml").read_text()
    ).items()
}
"""Sample data by state of the owner's last known address. Source: docs/sources.md."""


def dormant_on(last_sign: date, dormancy: Dormancy) -> date:
    """The day on which a credit is dormant, so many years after the owner's last sign."""
    last = last_sign - timedelta(days=1) if (last_sign.month, last_sign.day) == (2, 29) else last_sign
    return last.replace(year=last.year + dormancy.years)


def may_be_set_aside(
    amount: Money, dormancy: Dormancy, due_on: date, letter_on: date | None, today: date
) -> bool:
    """Whether a credit is the state's: dormant, and its owner was written to where that is due."""
    if not amount or today < due_on:
        return False
    if amount < dormancy.letter_from:
        return True
    return letter_on is not None and letter_on + timedelta(days=dormancy.letter_days) <= today


def refuse_unless_payable(dated_on: date, today: date) -> None:
    """A bank pays a check from the day written on it, and need not after half a year."""
    if dated_on > today:
        raise CheckPostdated(f"The check is dated {dated_on}; take it on that day or later.")
    if today - dated_on > CHECK_IS_GOOD_FOR:
        raise CheckStale(f"The check is dated {dated_on}, more than {CHECK_IS_GOOD_FOR.days} days ago.")
