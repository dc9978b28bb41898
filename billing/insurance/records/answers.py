"""What an insurer said before of a session of ours, and what it takes back of that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from billing.insurance.records import Match, RemittanceTransaction
from billing.kernel.money import Money


@dataclass(frozen=True, kw_only=True)
class EarlierAnswer:
    """One posted answer to a claim."""

    id: str
    session_id: str
    control_number: str
    charge: Money
    paid: Money


@dataclass(frozen=True, kw_only=True)
class BilledOtherwise:
    """What a visit was billed at last, where an answer has another charge, or pays the same one again.

    `is_part` when the payer's answers with other charges come to a billed one together.
    """

    billed: Money
    is_part: bool


@dataclass(frozen=True, kw_only=True)
class Doubt:
    """Why a payment is parked; it `waits` when what is missing may still be posted."""

    reason: str
    waits: bool = False


@dataclass(frozen=True, kw_only=True)
class PaymentDay:
    """Why a person has to look at the day that a payment gives for itself, and the day that it is booked on.

    `is_to_come`: it is so far ahead that nobody can say it is right. `is_before_visit`: of one that it pays.
    """

    doubt: str | None
    is_to_come: bool
    is_before_visit: bool
    booked_on: date


@dataclass(frozen=True, kw_only=True)
class Part:
    """How much of one earlier payment is taken back."""

    reimbursement_id: str
    amount: Money


@dataclass(frozen=True, kw_only=True)
class Taking:
    """What a payment takes back, and of which earlier ones; `put_off` of it is not taken out of this one.

    `demand` is the payer's own number for it, for a demand that is not on file yet.
    """

    demand: str
    parts: tuple[Part, ...]
    put_off: Money


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the entries of a payment are posted that are of no session."""

    entity_id: str
    site_id: str


@dataclass(frozen=True, kw_only=True)
class PostingPlan:
    """All that is to be done to post a payment; nothing of it raises a doubt.

    `reversed_answers` has by the segment of a reversal the answer that it negates, or None for one without
    money that was never seen; `reversed_here` the segment of a claim of the same payment; `put_off` what
    of a reversal is not taken yet. `copies` are the segments of what was paid to the patient already,
    `set_apart` the places of the provider adjustments that a person set apart.
    """

    transaction: RemittanceTransaction
    matches: Mapping[int, Match]
    place: Place
    reversed_answers: Mapping[int, str | None]
    reversed_here: Mapping[int, int]
    put_off: Mapping[int, Money]
    takings: tuple[Taking, ...]
    booked_on: date
    copies: frozenset[int]
    set_apart: frozenset[int]
