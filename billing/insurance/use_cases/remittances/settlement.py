"""The money of one payment: what is kept out of it, by whom it is borne, and what else it brings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from billing.insurance.records.answers import Place
from billing.kernel.money import Money
from billing.kernel.permissions import Actor
from billing.ledger.records import Account, Line, Posting, Source, credit, debit
from billing.ledger.use_cases import post
from billing.payments.use_cases.recoup import withhold
from billing.platform.data.database import Tx


@dataclass
class Kept:
    """What is kept out of a payment: for a demand of the payer, or on an account of no patient."""

    amount: Money
    takeback_id: str | None
    account: Account


class Settlement:
    """Claims that pay bear what is kept, the first first; what is left over has an entry of its own.

    So the bank is debited with what came in, and never credited for what did not go out.
    """

    def __init__(
        self, tx: Tx, *, place: Place, source: Source, on: date, actor: Actor, now: datetime
    ) -> None:
        self._tx, self._place, self._source, self._on = tx, place, source, on
        self._actor, self._now = actor, now
        self._kept: list[Kept] = []
        self._brought: list[Line] = []

    def keep_for_demand(self, takeback_id: str, amount: Money) -> None:
        self._keep(Kept(amount, takeback_id, Account.PAYER_MONEY_TO_RETURN))

    def keep_on(self, account: Account, amount: Money) -> None:
        """Debit an account, or credit it with an amount below zero."""
        if amount.cents < 0:
            self._brought.append(credit(account, -amount))
        elif amount:
            self._keep(Kept(amount, None, account))

    def borne_by(self, source_id: str, most: Money) -> tuple[Line, ...]:
        """The debits of what is kept out of this claim's money."""
        lines = []
        while self._kept and most:
            kept = self._kept[0]
            part = min(kept.amount, most)
            lines.append(self._line(kept, part, source_id))
            kept.amount, most = kept.amount - part, most - part
            if not kept.amount:
                self._kept.pop(0)
        return tuple(lines)

    def close(self) -> None:
        """Post what no claim bore, and what was brought besides."""
        lines: Sequence[Line] = [
            *(self._line(kept, kept.amount, self._source.id) for kept in self._kept),
            *self._brought,
        ]
        if lines:
            rest = Money(-sum(line.amount.cents for line in lines))
            posting = Posting.of(self._place, self._source, self._on, (debit(Account.BANK, rest), *lines))
            post(self._tx, posting, actor=self._actor, now=self._now)

    def _keep(self, more: Kept) -> None:
        for kept in self._kept:
            if (kept.takeback_id, kept.account) == (more.takeback_id, more.account):
                kept.amount = kept.amount + more.amount
                return
        self._kept.append(more)

    def _line(self, kept: Kept, amount: Money, source_id: str) -> Line:
        if kept.takeback_id is None:
            return debit(kept.account, amount)
        return withhold(
            self._tx,
            takeback_id=kept.takeback_id,
            amount=amount,
            source_id=source_id,
            withheld_on=self._on,
            actor=self._actor,
            now=self._now,
        )
