"""When a refund needs a second person, and what it takes of what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from billing.kernel.money import Money, total
from billing.ledger.records import Account
from billing.payments.errors import MoreThanAvailable, NoSuchPayment, PaymentDisputed
from billing.payments.records.payments import Tender
from billing.payments.records.refund_plans import PaymentLeft, RefundPart, RefundPlan
from billing.payments.records.refunds import RefundableSource, RefundMethod
from billing.payments.rules.tenders import ARRIVES_ON

LATELY = timedelta(hours=24)
"""How long a refund that approved itself counts against the next one."""


def needs_second_person(amount: Money, lately: Money, limit: Money) -> bool:
    """Refunds need no approval by somebody else while those of a patient's last day stay within the limit.

    `lately` is what approved itself for the patient within LATELY; many small refunds are a large one.
    """
    return amount + lately > limit


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
