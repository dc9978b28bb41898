"""What a payer added to a payment, or kept out of it, and what of that a person set apart."""

from __future__ import annotations

from dataclasses import dataclass

from billing.kernel.money import Money
from billing.ledger.records import Account


@dataclass(frozen=True, kw_only=True)
class ApartAdjustment:
    """One that a decision set apart, as it was told. A positive amount reduces the payment."""

    code: str
    reference: str
    amount: Money


@dataclass(frozen=True, kw_only=True)
class ToldAdjustment(ApartAdjustment):
    """A provider adjustment by its place in the payment, from 1."""

    place: int
    is_set_apart: bool
    may_be_set_apart: bool


@dataclass(frozen=True, kw_only=True)
class SettledPart:
    """How much of what was set apart was what."""

    account: Account
    amount: Money


@dataclass(frozen=True, kw_only=True)
class HeldApart:
    """What a posted payment holds on 2240: above zero the payer kept it, below zero it gave it.

    `settled_as` is what it was found to be; nothing while it waits.
    """

    amount: Money
    settled_as: tuple[SettledPart, ...]

    @property
    def is_settled(self) -> bool:
        return bool(self.settled_as)

    @property
    def shown(self) -> str:
        """A mark of as what it was settled, which a page carries back."""
        return " ".join(f"{part.account}:{part.amount.cents}" for part in self.settled_as)
