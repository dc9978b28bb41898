"""The money of one payment: what is kept out of it, by whom it is borne, and what else it brings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
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
    """What is kept out of a payment: for a demand of the payer, or on an account of no patient.

    `site_id` is where it is booked when no claim bears it.
    """

    site_id: str
    amount: Money
    takeback_id: str | None
    account: Account


class Settlement:
    """Claims that pay bear what is kept, the first first; what is left over has an entry of its own,
    one for each site.

    So the bank is debited with what came in, and never credited for what did not go out.
    """

    def __init__(
        self, tx: Tx, *, place: Place, source: Source, on: date, actor: Actor, now: datetime
    ) -> None:
        self._tx, self._place, self._source, self._on = tx, place, source, on
        self._actor, self._now = actor, now
        self._kept: list[Kept] = []
        self._brought: list[tuple[str, Line]] = []

    def keep_for_demand(self, takeback_id: str, amount: Money, site_id: str | None = None) -> None:
        """At the place of the payment unless told otherwise."""
        self._keep(Kept(site_id or self._place.site_id, amount, takeback_id, Account.PAYER_MONEY_TO_RETURN))

    def keep_on(self, account: Account, amount: Money, site_id: str | None = None) -> None:
        """Debit an account, or credit it with an amount below zero."""
        at = site_id or self._place.site_id
        if amount.cents < 0:
            self._brought.append((at, credit(account, -amount)))
        elif amount:
            self._keep(Kept(at, amount, None, account))

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
        left = [(kept.site_id, self._line(kept, kept.amount, self._source.id)) for kept in self._kept]
        at: dict[str, list[Line]] = {self._place.site_id: []}
        for site_id, line in (*left, *self._brought):
            at.setdefault(site_id, []).append(line)
        for number, (site_id, lines) in enumerate(at.items(), 1):
            if lines:
                self._post(number, site_id, lines)

    def _post(self, number: int, site_id: str, lines: Sequence[Line]) -> None:
        place = replace(self._place, site_id=site_id)
        source = self._source
        if number > 1:
            source = replace(source, purpose=f"{source.purpose}-{number}")
        rest = Money(-sum(line.amount.cents for line in lines))
        posting = Posting.of(place, source, self._on, (debit(Account.BANK, rest), *lines))
        post(self._tx, posting, actor=self._actor, now=self._now)

    def _keep(self, more: Kept) -> None:
        for kept in self._kept:
            if replace(kept, amount=more.amount) == more:
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
