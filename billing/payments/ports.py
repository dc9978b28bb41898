"""What payments asks of the outside, free of any vendor's words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from billing.kernel.errors import Conflict, Invalid, Unavailable
from billing.kernel.money import ZERO, Money
from billing.payments.records.checkouts import Event, Reader
from billing.payments.records.disputes import DisputeFacts
from billing.payments.records.mail import Letter
from billing.payments.records.payments import ChargeFacts
from billing.payments.records.payouts import PayoutFacts
from billing.payments.records.reconciliation import MovementFacts, Notice
from billing.payments.records.saved_methods import CardFacts

RenderReceipt = Callable[[Mapping[str, Any]], bytes]
"""Turns a frozen receipt into a PDF; the same body gives the same bytes."""

RenderEvidence = Callable[[Mapping[str, Any]], bytes]
"""Turns a frozen packet of evidence into a PDF; the same body gives the same bytes."""


RenderChoiceLetter = Callable[[Mapping[str, Any]], bytes]
"""Turns the body of a letter that asks a patient to choose into a PDF; the same body, the same bytes."""


class MailUnavailable(Unavailable):
    """The mail server did not take the mail now; it is tried again by itself."""

    code = "mail-unavailable"

    def __init__(self) -> None:
        super().__init__("The mail server did not take the mail. It is tried again by itself.")


class MailRefused(Conflict):
    """The mail server will never take mail for this address."""

    code = "mail-refused"

    def __init__(self) -> None:
        super().__init__("The mail server takes no mail for this address. Correct the address.")


class Mailer(Protocol):
    def send(self, letter: Letter) -> None:
        """Raises: MailUnavailable, MailRefused."""


class GatewayTimeout(Unavailable):
    """The processor gave no usable answer: the operation may or may not have happened.

    Send it again under the same key within 24 hours, or look it up; never assume either.
    """

    code = "processor-unavailable"

    def __init__(self) -> None:
        super().__init__(
            "The card processor did not answer. What happened is looked up by itself; wait for it."
        )


class GatewayRefused(Conflict):
    """A definite no: nothing happened at the processor. `reason` is the processor's own code."""

    code = "processor-refused"

    def __init__(self, reason: str) -> None:
        super().__init__("The card processor refused this. Take another way to pay or refund.", reason=reason)
        self.reason = reason


class BadSignature(Invalid):
    """A webhook that the processor did not send, or not lately, or not for this mode, or whose id is none.

    `skewed` says that all but its age was right: then it is a clock that is wrong, here or there.
    """

    code = "bad-signature"

    def __init__(self, detail: str, *, skewed: bool = False) -> None:
        super().__init__(detail)
        self.skewed = skewed


class CheckoutStatus(StrEnum):
    """PROCESSING: a debit was authorized and takes days; DECLINED: it failed. COMPLETE is paid."""

    OPEN = "open"
    PROCESSING = "processing"
    COMPLETE = "complete"
    DECLINED = "declined"
    EXPIRED = "expired"


class SavingStatus(StrEnum):
    OPEN = "open"
    COMPLETE = "complete"
    EXPIRED = "expired"


class RefundStatus(StrEnum):
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class OpenedCheckout:
    """Where a patient can pay: its id at the processor, and the address if it is a page."""

    reference: str
    url: str | None


@dataclass(frozen=True, kw_only=True)
class CheckoutState:
    """A checkout as it stands now. `operation` is our key; `paid` and `charge` come together or not at all.

    `charge` of a paid checkout is None for the moment in which the processor has not yet booked it.
    `lost_fee` is what a debit that failed cost all the same; `decline` is the bank's word for its no.
    """

    reference: str
    operation: str | None
    status: CheckoutStatus
    paid: Money | None
    charge: ChargeFacts | None
    lost_fee: Money = ZERO
    decline: str | None = None


@dataclass(frozen=True, kw_only=True)
class SavingState:
    """A page on which a card is saved. `operation` is our key; `card` comes with COMPLETE."""

    reference: str
    operation: str | None
    status: SavingStatus
    card: CardFacts | None


@dataclass(frozen=True, kw_only=True)
class RefundState:
    """A refund as it stands now; it may fail weeks after it succeeded.

    `fee` is what refunding cost, zero where the processor charges nothing for it.
    `balance_transaction` took the money out, `failure_balance_transaction` brought it back.
    """

    reference: str
    operation: str | None
    charge_reference: str | None
    status: RefundStatus
    amount: Money
    balance_transaction: str | None
    fee: Money
    failure_balance_transaction: str | None


class SavedCards(Protocol):
    """What the card processor keeps for patients, of whom it knows nothing. As `Gateway` otherwise."""

    def open_customer(self, *, key: str) -> str:
        """Somebody for whom cards are kept; the answer is their id there."""

    def find_customer(self, key: str, *, opened_after: datetime) -> str | None: ...

    def open_saving(
        self, *, key: str, customer: str, expires_at: datetime, success_url: str, cancel_url: str
    ) -> OpenedCheckout:
        """Open a page on which a card is saved for a customer."""

    def read_saving(self, reference: str) -> SavingState | None:
        """A page as it stands now; None when it is one to pay on."""

    def find_saving(self, key: str, *, opened_after: datetime) -> SavingState | None: ...

    def read_card(self, reference: str) -> CardFacts | None:
        """A saved card as it is kept now; None when it is kept no more."""

    def detach_card(self, reference: str) -> None:
        """Keep the card no more. Harmless a second time."""

    def charge_card(
        self, *, key: str, amount: Money, customer: str, card: str, descriptor: str | None
    ) -> CheckoutState:
        """Take money from a saved card while its owner is away: COMPLETE, PROCESSING or DECLINED.

        Raises: GatewayRefused where nothing was tried.
        """

    def cancel_charge(self, reference: str) -> None:
        """Nothing is taken any more. GatewayRefused when it was, or never will be: read it."""


class Gateway(SavedCards, Protocol):
    """The card processor. `key` is our operation's id: the same key is the same operation, done once.

    Each method but `read_event` raises GatewayTimeout or GatewayRefused.
    """

    def open_checkout(
        self,
        *,
        key: str,
        amount: Money,
        expires_at: datetime,
        success_url: str,
        cancel_url: str,
        descriptor: str | None,
    ) -> OpenedCheckout:
        """Open a page to pay `amount` on, until `expires_at` (30 minutes to 24 hours from now).

        `{CHECKOUT_SESSION_ID}` in `success_url` becomes the reference; `descriptor` is for card statements.
        """

    def read_checkout(self, reference: str) -> CheckoutState:
        """Of a page or of a reader alike; COMPLETE, DECLINED and EXPIRED are final."""

    def list_readers(self) -> list[Reader]: ...

    def ask_on_reader(
        self, *, key: str, amount: Money, reader_id: str, descriptor: str | None
    ) -> OpenedCheckout:
        """Let a reader ask for a card.

        Raises: GatewayRefused for one that is busy, away or unknown: then nothing stands.
        """

    def is_asking(self, reference: str, *, reader_id: str) -> bool:
        """Whether the reader waits for a card for this: not any more once one was declined, or it gave up."""

    def cancel_on_reader(self, reference: str, *, reader_id: str) -> None:
        """No card is taken any more. GatewayRefused when one was: read it."""

    def find_intent(self, key: str, *, opened_after: datetime) -> CheckoutState | None:
        """What was asked on a reader or of a saved card under this key, as `find_checkout`."""

    def expire_checkout(self, reference: str) -> None:
        """Close the page. GatewayRefused when it is no longer open: read it to learn why."""

    def find_checkout(self, key: str, *, opened_after: datetime) -> CheckoutState | None:
        """The checkout that was opened under this key, if any was.

        `opened_after` is when the operation was recorded; an hour is allowed for clocks that differ.
        """

    def refund(self, *, key: str, charge_reference: str, amount: Money) -> RefundState: ...

    def read_refund(self, reference: str) -> RefundState: ...

    def find_refund(self, key: str, *, charge_reference: str) -> RefundState | None:
        """The refund of this charge that was asked for under this key, if any was."""

    def read_dispute(self, reference: str) -> DisputeFacts:
        """A dispute as it stands now, with each movement of the balance that it caused."""

    def send_evidence(self, *, key: str, reference: str, packet: bytes) -> str:
        """Answer a dispute with a PDF and nothing else; the file's id at the processor.

        Raises: GatewayRefused when it was answered or decided before, or too late: nothing was sent then.
        """

    def accept_dispute(self, *, key: str, reference: str) -> None:
        """Let the bank keep the money. GatewayRefused when it takes no answer any more."""

    def read_payout(self, reference: str) -> PayoutFacts:
        """A payout as it stands now, with what it is made of when that is complete."""

    def list_events(self, *, since: datetime | None, until: datetime) -> Iterator[Notice]:
        """What happened from `since`, or as long as it is kept, to `until`; a page at a time."""

    def list_movements(self, *, since: datetime | None, until: datetime) -> Iterator[MovementFacts]:
        """What moved the balance, likewise."""

    def movements_of(self, object_id: str) -> list[MovementFacts]:
        """What a charge, refund or payout moved, or one movement by its id; none of what is not there."""

    def list_payouts(self, *, since: datetime | None, until: datetime) -> Iterator[PayoutFacts]:
        """As they stand now, each without what it is made of."""

    def read_balance(self) -> Money:
        """What the processor holds for the clinic, available or not yet."""

    def read_event(self, payload: bytes, signature: str, now: datetime) -> Event:
        """Verify and read a webhook from its raw body and the value of its signature header.

        Raises: BadSignature.
        """
