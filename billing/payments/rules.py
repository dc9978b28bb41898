"""How far a reimbursement is the patient's, when a refund needs a second person, what receipts say."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from importlib.resources import files

import yaml

from billing.kernel.money import ZERO, Money, total
from billing.ledger.records import Account
from billing.payments.errors import (
    CheckPostdated,
    CheckStale,
    DisputeAnswered,
    DisputeOverdue,
    FactNotOnFile,
    MoreThanAvailable,
    NoSuchPayment,
    PaymentDisputed,
)
from billing.payments.records.dispute_answers import AnswerKind, DisputeAnswer, EvidenceFact
from billing.payments.records.disputes import Dispute
from billing.payments.records.dormant import Dormancy
from billing.payments.records.payments import Tender
from billing.payments.records.reconciliation import Difference, ExceptionKind, Family
from billing.payments.records.refund_plans import PaymentLeft, RefundPart, RefundPlan
from billing.payments.records.refunds import RefundableSource, RefundMethod
from billing.payments.records.saved_methods import AfterDecline, ConsentText, Purpose
from billing.payments.states.dispute_answers import AnswerState
from billing.payments.states.disputes import WANTS_ANSWER, DisputeState

SMALLEST_CARD_PAYMENT = Money(50)
"""The processor's own minimum for US dollars."""

LATELY = timedelta(hours=24)
"""How long a refund that approved itself counts against the next one."""

CHECK_IS_GOOD_FOR = timedelta(days=180)

LOOKED_UP_AGAIN, LOOKED_UP_DAILY = timedelta(hours=1), timedelta(days=1)
"""An operation without an outcome: looked up after some minutes, after an hour, then daily."""

ARRIVES_ON = {
    Tender.CARD: Account.PROCESSOR_CLEARING,
    Tender.ACH: Account.PROCESSOR_CLEARING,
    Tender.CARD_PRESENT: Account.PROCESSOR_CLEARING,
    Tender.CASH: Account.UNDEPOSITED,
    Tender.CHECK: Account.UNDEPOSITED,
    Tender.BANK: Account.BANK,
}
"""Where a tender's money is before it is at the bank."""

BANKABLE = frozenset(tender for tender, account in ARRIVES_ON.items() if account is Account.UNDEPOSITED)
"""What people carry to the bank."""

FAMILIES = {
    "charge": Family.CHARGE,
    "charge_failure": Family.CHARGE,
    "refund": Family.REFUND,
    "refund_failure": Family.REFUND,
    "dispute": Family.DISPUTE,
    "dispute_reversal": Family.DISPUTE,
    "payout": Family.PAYOUT,
    "payout_reversal": Family.PAYOUT,
}
WHOLE = (Family.CHARGE, Family.REFUND, Family.PAYOUT)
NOT_IN_BOOKS = {
    Family.CHARGE: ExceptionKind.CHARGE,
    Family.REFUND: ExceptionKind.REFUND,
    Family.DISPUTE: ExceptionKind.DISPUTE,
    Family.PAYOUT: ExceptionKind.PAYOUT,
    Family.MOVEMENT: ExceptionKind.MOVEMENT,
}

BOOKABLE = (
    Account.BANK,
    Account.UNAPPLIED_PAYER_MONEY,
    Account.PROCESSOR_FEES,
    Account.DISPUTE_FEES,
    Account.BANK_FEES,
    Account.CHARGEBACK_LOSS,
)
"""What an exception may turn out to be: none of it is a patient's, whose money goes by its own ways."""

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
    Tender.BANK: "Bank transfer",
    Tender.CREDIT: "Credit",
    Tender.INSURER: "Health plan",
}

CONSENTS = yaml.safe_load(files("billing.payments").joinpath("consents.yaml").read_text(encoding="utf-8"))
"""The texts of today, by purpose."""

NEVER_AGAIN = frozenset({
    "card_not_supported", "expired_card", "incorrect_number", "invalid_account", "invalid_number",
    "lost_card", "pickup_card", "restricted_card", "revocation_of_all_authorizations",
    "revocation_of_authorization", "stolen_card", "stop_payment_order",
})  # fmt: skip
"""Declines after which the same card is not tried again. Source: docs.stripe.com/declines/codes."""

ONLY_THE_PAYER = frozenset({"authentication_required"})


def after_decline(code: str) -> AfterDecline:
    """What can be done after a bank declined a saved card in these words."""
    if code in NEVER_AGAIN:
        return AfterDecline.NEW_CARD
    return AfterDecline.ASK_PAYER if code in ONLY_THE_PAYER else AfterDecline.TRY_LATER


def consent_text(purpose: Purpose, clinic: str) -> ConsentText:
    """What a patient of that clinic is asked to agree to now; another clinic's text is another text."""
    said = CONSENTS[purpose]
    words = said["text"].format(clinic=clinic)
    sha256 = hashlib.sha256(words.encode()).hexdigest()
    return ConsentText(purpose=purpose, version=said["version"], text=words, sha256=sha256)


def share_reimbursement(
    amount: Money, *, owed: Money, paid: Money, reimbursed: Money
) -> tuple[Money, Money, Money]:
    """Split what an insurer paid for one session: settles what is owed, is the patient's, goes back.

    `paid` is what the patient paid for the session, `reimbursed` what came back for it before. The patient
    never gets more than was paid; the rest belongs to the payer. What they got, not having paid, they owe.
    """
    settled = max(ZERO, min(amount, owed, owed + paid - reimbursed))
    left = amount - settled
    patients = max(ZERO, min(left, paid - reimbursed))
    return settled, patients, left - patients


def held_as(payer_id: str | None) -> Account:
    """Money that waits is the patient's credit, or another payer's, to be returned to nobody else."""
    return Account.PATIENT_CREDITS if payer_id is None else Account.PAYER_MONEY_TO_RETURN


def needs_second_person(amount: Money, lately: Money, limit: Money) -> bool:
    """Refunds need no approval by somebody else while those of a patient's last day stay within the limit.

    `lately` is what approved itself for the patient within LATELY; many small refunds are a large one.
    """
    return amount + lately > limit


def next_look(began_at: datetime, now: datetime) -> datetime:
    """When an operation is looked up again that has no outcome now: an hour after it began, then daily."""
    first = began_at + LOOKED_UP_AGAIN
    return first if now < first else now + LOOKED_UP_DAILY


def family_of(reporting_category: str) -> Family:
    """By the reporting category, since many types share one."""
    return FAMILIES.get(reporting_category, Family.MOVEMENT)


def held_against(reference: str, source: str | None, reporting_category: str) -> str:
    """The id of what a movement is compared with: a charge, refund or payout as a whole, else itself."""
    if source is None or family_of(reporting_category) not in WHOLE:
        return reference
    return source


def kind_of(difference: Difference) -> ExceptionKind:
    """The name of what cannot be explained."""
    if not difference.is_at_processor:
        return ExceptionKind.MISSING
    if difference.is_in_books:
        return ExceptionKind.AMOUNT
    return NOT_IN_BOOKS[difference.family]


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


_F = EvidenceFact
_BANKS_OWN = (_F.RECEIPT, _F.COMMUNICATION)
"""For what a bank could not take: that the payer meant to pay is all there is to show."""
ANYTHING_ELSE = (_F.RECEIPT, _F.POLICY, _F.SERVICES, _F.COMMUNICATION)
CALLED_FOR: dict[str, tuple[EvidenceFact, ...]] = {
    "bank_cannot_process": _BANKS_OWN,
    "check_returned": _BANKS_OWN,
    "credit_not_processed": (_F.RECEIPT, _F.POLICY, _F.REFUNDS, _F.COMMUNICATION),
    "customer_initiated": ANYTHING_ELSE,
    "debit_not_authorized": (_F.RECEIPT, _F.COMMUNICATION, _F.EARLIER_PAYMENTS),
    "duplicate": (_F.RECEIPT, _F.SERVICES, _F.OTHER_PAYMENT),
    "fraudulent": (_F.RECEIPT, _F.SERVICES, _F.COMMUNICATION, _F.EARLIER_PAYMENTS),
    "general": ANYTHING_ELSE,
    "incorrect_account_details": _BANKS_OWN,
    "insufficient_funds": _BANKS_OWN,
    "noncompliant": ANYTHING_ELSE,
    "product_not_received": (_F.RECEIPT, _F.SERVICES, _F.COMMUNICATION),
    "product_unacceptable": (_F.RECEIPT, _F.POLICY, _F.SERVICES, _F.REFUNDS, _F.COMMUNICATION, _F.STATEMENT),
    "subscription_canceled": (_F.RECEIPT, _F.POLICY, _F.SERVICES, _F.REFUNDS, _F.COMMUNICATION),
    "unrecognized": (_F.RECEIPT, _F.SERVICES, _F.COMMUNICATION, _F.EARLIER_PAYMENTS),
}
"""What convinces a bank, by the reason that it gives. Source: docs/sources.md."""

HEALTH_DATA = frozenset({EvidenceFact.SERVICES, EvidenceFact.STATEMENT})
"""Days of service, and free words, which may tell of anything."""


def called_for(reason: str) -> tuple[EvidenceFact, ...]:
    """Which facts a reason calls for; one that is new to us calls for what any dispute does."""
    return CALLED_FOR.get(reason, ANYTHING_ELSE)


def missing_of(reason: str, held: Collection[EvidenceFact]) -> tuple[EvidenceFact, ...]:
    """What a reason calls for and is not held."""
    return tuple(fact for fact in called_for(reason) if fact not in held)


def holds_health_data(facts: Iterable[EvidenceFact]) -> bool:
    return not HEALTH_DATA.isdisjoint(facts)


def choose_facts(
    reason: str, on_file: Collection[EvidenceFact], wanted: Sequence[EvidenceFact] | None
) -> tuple[EvidenceFact, ...]:
    """What a packet holds: what was wanted, or all that its reason calls for short of health data.

    A statement that was given is always told. Raises: FactNotOnFile, also when nothing is left to tell.
    """
    if wanted is None:
        wanted = [fact for fact in called_for(reason) if fact in on_file and fact not in HEALTH_DATA]
    chosen = {*wanted, *(fact for fact in on_file if fact is EvidenceFact.STATEMENT)}
    missing = [fact for fact in EvidenceFact if fact in chosen and fact not in on_file]
    if missing or not chosen:
        raise FactNotOnFile(
            "That is not on file. Leave it out, or state it in your own words.", missing=missing
        )
    return tuple(fact for fact in EvidenceFact if fact in chosen)


def refuse_unless_answerable(dispute: Dispute, answers: Iterable[DisputeAnswer], now: datetime) -> None:
    """A bank takes one answer, in time; an inquiry that became a dispute may be answered once more.

    What was sent counts at once, before the bank says so: what it asks now was answered.
    Raises: DisputeAnswered, DisputeOverdue.
    """
    if dispute.state not in WANTS_ANSWER:
        raise DisputeAnswered(f"This dispute takes no answer: it is {dispute.state.replace('_', ' ')}.")
    if dispute.due_at is not None and now > dispute.due_at:
        raise DisputeOverdue("The time to answer this dispute is over.")
    if was_answered(dispute, answers):
        raise DisputeAnswered("An answer to this dispute was sent, or is on its way already.")


def was_answered(dispute: Dispute, answers: Iterable[DisputeAnswer]) -> bool:
    """Whether an answer to what the bank asks now was sent, or one is on its way, whatever it was for."""
    is_inquiry = dispute.state is DisputeState.INQUIRY
    return any(
        answer.state is AnswerState.SENDING
        or (answer.state is AnswerState.SENT and (is_inquiry or not answer.was_to_the_inquiry))
        for answer in answers
    )


def refuse_second_acceptance(answers: Iterable[DisputeAnswer]) -> None:
    """Raises: DisputeAnswered."""
    if any(each.kind is AnswerKind.ACCEPTANCE and each.state is AnswerState.WAITING for each in answers):
        raise DisputeAnswered("Somebody asked to accept this dispute. Another person has to approve that.")


def take_in_order(sources: Iterable[RefundableSource], amount: Money) -> tuple[RefundableSource, ...]:
    """What an amount takes of each source, the earlier one first; as much as there is."""
    listed = list(sources)
    taken = _fill([source.amount for source in listed], amount)
    return tuple(replace(source, amount=part) for source, part in zip(listed, taken, strict=True) if part)


def plan_refund(
    amount: Money | None, payments: Iterable[PaymentLeft], chosen: Sequence[str] | None = None
) -> RefundPlan:
    """From which payments an amount goes back, each at most what it has left; without an amount, everything.

    What can go back to the card or account that paid goes first, the newest payment before older ones; or
    only the chosen payments, in that order. A payer's payment is none of the patient's, a disputed one waits.
    Raises: NoSuchPayment, PaymentDisputed when all that is left is disputed, MoreThanAvailable.
    """
    own = [each for each in _in_refund_order(payments, chosen) if each.payer_id is None and each.refundable]
    free = [each for each in own if not each.is_disputed]
    disputed = tuple(each.payment_id for each in own if each.is_disputed)
    refundable = total(each.refundable for each in free)
    if disputed and not free:
        raise PaymentDisputed(
            "A bank disputes all that could go back. Wait until it has decided.", payment_ids=disputed
        )
    if amount is not None and amount > refundable:
        raise MoreThanAvailable(
            "Less than that can go back to this patient.",
            available_cents=refundable.cents,
            disputed_payment_ids=disputed,
        )
    taken = _fill([each.refundable for each in free], refundable if amount is None else amount)
    parts = tuple(
        RefundPart(payment_id=each.payment_id, method=each.method, amount=part)
        for each, part in zip(free, taken, strict=True)
        if part
    )
    return RefundPlan(refundable=refundable, parts=parts, disputed_payment_ids=disputed)


def goes_back_by(tender: Tender) -> RefundMethod:
    """Only the processor gives money back the way it came; cash and checks go back by check."""
    by_processor = ARRIVES_ON[tender] is Account.PROCESSOR_CLEARING
    return RefundMethod.CARD if by_processor else RefundMethod.CHECK


def _in_refund_order(payments: Iterable[PaymentLeft], chosen: Sequence[str] | None) -> list[PaymentLeft]:
    """Raises: NoSuchPayment."""
    if chosen is None:
        return sorted(payments, key=_to_tender_and_newest, reverse=True)
    known = {each.payment_id: each for each in payments}
    if not known.keys() >= set(chosen):
        raise NoSuchPayment("There is no such payment of this patient.")
    return [known[payment_id] for payment_id in dict.fromkeys(chosen)]


def _to_tender_and_newest(payment: PaymentLeft) -> tuple[bool, datetime, str]:
    return payment.method is RefundMethod.CARD, payment.received_at, payment.payment_id


def _fill(amounts: Iterable[Money], wanted: Money) -> list[Money]:
    """What is taken of each, the earlier one first; as much as there is."""
    taken, left = [], wanted
    for amount in amounts:
        taken.append(min(left, amount))
        left = left - taken[-1]
    return taken


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
        raise CheckPostdated("The check is dated later than today; take it on that day or later.")
    if today - dated_on > CHECK_IS_GOOD_FOR:
        raise CheckStale(f"The check is dated more than {CHECK_IS_GOOD_FOR.days} days ago.")
