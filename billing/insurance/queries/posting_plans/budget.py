"""What is left of earlier payments while one is planned that takes some of them back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from billing.insurance.queries.earlier_answers import reimbursements_of
from billing.insurance.records.answers import EarlierAnswer, Part
from billing.kernel.money import ZERO, Money
from billing.payments.queries.takebacks import left_to_recoup
from billing.platform.data.database import Read


class CannotTake(Exception):
    """What the payer takes back is not there; the reason in words."""


@dataclass
class Budget:
    """What can still be taken back of each earlier payment, less what this one takes already."""

    read: Read
    left: dict[str, Money] = field(default_factory=dict)

    def take(
        self, answers: Sequence[EarlierAnswer], amount: Money, *, returned_by: Money = ZERO
    ) -> tuple[Part, ...]:
        """Of these payments, the first first; of the amount the payer may have got as much before.

        Raises: CannotTake when they have less than that left.
        """
        parts, wanted = [], amount
        for reimbursement_id in (
            each for answer in answers for each in reimbursements_of(self.read, answer.id)
        ):
            left = self.left_of(reimbursement_id)
            if part := min(left, wanted):
                parts.append(Part(reimbursement_id=reimbursement_id, amount=part))
                self.left[reimbursement_id] = left - part
                wanted = wanted - part
        if wanted > returned_by:
            raise CannotTake(f"only {amount - wanted} of {amount} is left to take back: the rest was before")
        return tuple(parts)

    def left_of(self, reimbursement_id: str) -> Money:
        if reimbursement_id not in self.left:
            self.left[reimbursement_id] = left_to_recoup(self.read, reimbursement_id)
        return self.left[reimbursement_id]


def told_taking(
    budget: Budget,
    answers: Sequence[EarlierAnswer],
    amount: Money,
    told: str,
    *,
    returned_by: Money = ZERO,
) -> tuple[Part, ...]:
    """The same, and what cannot be taken is told in words. Raises: CannotTake."""
    try:
        return budget.take(answers, amount, returned_by=returned_by)
    except CannotTake as error:
        raise CannotTake(f"{told} cannot be posted: {error}.") from None
