"""A patient's statement: what was charged, paid and answered, what is held, owed, and came back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from billing.catalog.records import Entity
from billing.kernel.money import ZERO, Money, total


@dataclass(frozen=True)
class Period:
    """Clinic-local days, both included."""

    starts_on: date
    ends_on: date

    def has(self, on: date | None) -> bool:
        return on is not None and self.starts_on <= on <= self.ends_on


class Standing(StrEnum):
    """Whether a visit took place. MISSED: a fee is charged for it."""

    GIVEN = "given"
    TO_COME = "to_come"
    MISSED = "missed"


class PartKind(StrEnum):
    """What became of a part of a visit's price.

    OTHER_OWES: another payer is to pay it. WAIVED: the clinic bears it. The last five were paid once, and are
    not asked of the patient again: the money went back, is on its way, is held, or a bank took it.
    """

    PAID = "paid_by_you"
    CREDIT = "paid_from_credit"
    INSURER = "paid_by_insurer"
    OTHER = "paid_by_another"
    OTHER_OWES = "another_is_to_pay"
    WAIVED = "waived"
    BACK = "back_to_you"
    ON_ITS_WAY = "on_its_way_back"
    BANK = "taken_by_bank"
    HELD = "held_for_you"
    BACK_TO_OTHER = "back_to_another"


PATIENTS_OWN = frozenset({
    PartKind.PAID, PartKind.CREDIT, PartKind.BACK, PartKind.ON_ITS_WAY, PartKind.BANK, PartKind.HELD,
})  # fmt: skip
"""What the patient had paid, wherever it is now."""
LEFT_THE_VISIT = frozenset({PartKind.BACK, PartKind.ON_ITS_WAY, PartKind.BANK, PartKind.HELD})
"""What of that does not pay for the visit any more."""
NEVER_CAME_OR_LEFT = frozenset({*LEFT_THE_VISIT, PartKind.BACK_TO_OTHER, PartKind.OTHER_OWES})
"""Parts for which the clinic holds no money."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """`tender` says in words with what it was paid, where that is known; `on` when.

    `is_from_elsewhere`: it is of another site than those of the statement, and told with the visit alone.
    """

    kind: PartKind
    amount: Money
    on: date | None = None
    tender: str | None = None
    is_from_elsewhere: bool = False


class AnswerKind(StrEnum):
    """What an insurer said of a visit. TOLD_*: what the patient told of a letter that came to them."""

    PAID_CLINIC = "paid_the_clinic"
    PAID_YOU = "paid_you"
    PAID_OTHER = "paid_somebody_else"
    DEDUCTIBLE = "applied_to_deductible"
    DENIED = "denied"
    TOOK_BACK = "took_back"
    WANTS_BACK = "wants_back"
    WAITS = "waits_for_an_answer"
    TOLD_PAID = "you_told_us_paid"
    TOLD_DEDUCTIBLE = "you_told_us_deductible"
    TOLD_DENIED = "you_told_us_denied"
    TOLD_OTHER = "you_sent_a_letter"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """`on` is when the insurer paid or said so, or since when it has the claim."""

    kind: AnswerKind
    on: date
    amount: Money = ZERO
    insurer: str | None = None


@dataclass(frozen=True, kw_only=True)
class Visit:
    """charge - discount = net = parts + owed.

    `reimbursed` is what of insurers' money for it is or was the patient's, less what the insurer took back.
    """

    session_id: str
    on: date
    description: str
    standing: Standing
    charge: Money
    discount: Money
    net: Money
    parts: tuple[Part, ...]
    answers: tuple[Answer, ...] = ()
    reimbursed: Money = ZERO

    @property
    def owed(self) -> Money:
        return self.net - total(part.amount for part in self.parts)

    @property
    def is_earned(self) -> bool:
        return self.standing is not Standing.TO_COME

    @property
    def paid_ahead(self) -> Money:
        """What the clinic holds for it as long as it is to come."""
        if self.is_earned:
            return ZERO
        return total(part.amount for part in self.parts if part.kind not in NEVER_CAME_OR_LEFT)

    def sum_of(self, kinds: frozenset[PartKind]) -> Money:
        return total(part.amount for part in self.parts if part.kind in kinds)


class Choice(StrEnum):
    """What the patient wants done with money that is held. DEPOSIT: it comes off the next invoice."""

    TO_CHOOSE = "waits_for_your_choice"
    COMES_OFF = "comes_off_your_next_bill"
    GOES_BACK = "is_to_go_back_to_you"
    DEPOSIT = "deposit"


@dataclass(frozen=True)
class Undone:
    """What of a deed did not stand, and from which day on."""

    on: date
    amount: Money


@dataclass(frozen=True, kw_only=True)
class Held:
    """Money that is or was held for the patient: amount = used + back + gone + left.

    `back` went back or is about to. `gone` was taken back by an insurer or a bank, put elsewhere, or is kept
    for the owner by the state; `undone` of it by the insurer that had paid it. `insured_on` is the day of the
    visit for which an insurer paid it. `is_patients`: the patient had paid it, and no insurer.
    """

    id: str
    on: date
    source: str
    choice: Choice
    amount: Money
    used: Money
    back: Money
    left: Money
    is_insurers: bool
    is_patients: bool
    undone: tuple[Undone, ...] = ()
    insured_on: date | None = None
    goes_back_on: date | None = None
    """When what waits for the patient's choice goes back by itself."""

    @property
    def gone(self) -> Money:
        return self.amount - self.used - self.back - self.left

    @property
    def taken_back(self) -> Money:
        return total(each.amount for each in self.undone)


@dataclass(frozen=True, kw_only=True)
class Used:
    """Insurers' money that was held and came off a bill; `undone` is held again."""

    on: date
    amount: Money
    undone: tuple[Undone, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Received:
    """A payment of the patient; `is_health_account`: from an HSA or FSA; `undone` their bank did not pay."""

    id: str
    on: date
    amount: Money
    tender: str
    is_health_account: bool
    undone: tuple[Undone, ...] = ()


class Way(StrEnum):
    """Where a refund is. ASKED: somebody has to approve it. STATE: nobody took it, and the state keeps it."""

    ASKED = "asked_for"
    ON_ITS_WAY = "on_its_way"
    SENT = "sent"
    STATE = "kept_by_the_state"


@dataclass(frozen=True, kw_only=True)
class GivenBack:
    """`has_left` the clinic's books; `is_patients` own money, which no insurer had paid for a visit.

    `undone` came back to the clinic, by a bank or because nobody cashed the check.
    """

    id: str
    way: Way
    amount: Money
    on: date | None
    told: str
    has_left: bool
    is_patients: bool
    is_deposit: bool
    undone: tuple[Undone, ...] = ()


@dataclass(frozen=True, kw_only=True)
class BankTook:
    """What the patient's bank took back of a payment; while it is not `is_final`, it may come again.

    `on` is when it decided, and until then when it asked; `undone` it gave back after that.
    """

    on: date
    amount: Money
    is_final: bool
    undone: tuple[Undone, ...] = ()

    @property
    def kept(self) -> Money:
        return self.amount - total(each.amount for each in self.undone)


@dataclass(frozen=True, kw_only=True)
class Demand:
    """What an insurer wants back of money that the patient has used, and nobody billed or forgave."""

    on: date
    owed: Money


@dataclass(frozen=True, kw_only=True)
class Package:
    """A series on one invoice of which visits are to come; `paid_ahead` is held for those."""

    number: int
    visits: int
    left: int
    paid_ahead: Money


@dataclass(frozen=True, kw_only=True)
class Facts:
    """All of one patient's money at an instant, as far as who asks may know of it.

    `bounced` and `failed` are payments and refunds that went, and came to nothing later.
    """

    visits: tuple[Visit, ...] = ()
    packages: tuple[Package, ...] = ()
    received: tuple[Received, ...] = ()
    bounced: tuple[Received, ...] = ()
    refunds: tuple[GivenBack, ...] = ()
    failed: tuple[GivenBack, ...] = ()
    held: tuple[Held, ...] = ()
    used: tuple[Used, ...] = ()
    banks: tuple[BankTook, ...] = ()
    demands: tuple[Demand, ...] = ()
    kept_by_state: Money = ZERO


@dataclass(frozen=True, kw_only=True)
class Totals:
    """As things stand, whatever the period; `came_back`, `insurer_paid_you` and `by_bank` are the period's.

    `owed_now` is for visits that took place and for fees, `owed_ahead` for visits to come, `wanted_back` what
    an insurer wants back and nobody billed or forgave, so that it is not owed yet. `on_its_way` has not left
    yet, `asked_for` neither.
    """

    owed_now: Money
    owed_ahead: Money
    wanted_back: Money
    to_choose: Money
    comes_off: Money
    goes_back: Money
    deposits: Money
    paid_ahead: Money
    asked_for: Money
    on_its_way: Money
    kept_by_state: Money
    at_bank: Money
    claims_waiting: int
    came_back: Money
    insurer_paid_you: Money
    by_bank: Money

    @property
    def owed(self) -> Money:
        return self.owed_now + self.owed_ahead

    @property
    def expected(self) -> Money:
        """What waits for the patient: to come off a bill, or to go back. Nothing of an unanswered claim."""
        waiting = (self.to_choose, self.comes_off, self.goes_back, self.deposits)
        return total((*waiting, self.asked_for, self.on_its_way))


@dataclass(frozen=True)
class Sums:
    """One of the three sums as a patient reads it; a part may be told beside it that is not counted."""

    title: str
    amount: Money
    parts: tuple[tuple[str, Money | str], ...]


@dataclass(frozen=True, kw_only=True)
class About:
    """Whose statement it is, who makes it and when; `of_sites`: of the sites alone where its maker works.

    `is_on_hold`: charges are stopped, so that it asks for nothing.
    """

    clinic: Entity
    patient: str
    number: str
    made_on: date
    of_sites: bool
    is_on_hold: bool


@dataclass(frozen=True, kw_only=True)
class Statement:
    """What of all is shown for a period: its visits and those that are not settled, its money."""

    about: About
    period: Period
    totals: Totals
    visits: tuple[Visit, ...]
    packages: tuple[Package, ...]
    received: tuple[Received, ...]
    refunds: tuple[GivenBack, ...]
    banks: tuple[BankTook, ...]
    held: tuple[Held, ...]

    @property
    def is_empty(self) -> bool:
        return not (self.visits or self.received or self.refunds or self.held or self.banks)
