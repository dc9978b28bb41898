"""Balances (FB) and interest (L6) of earlier payments that one takes."""

from __future__ import annotations

from billing.insurance.queries.earlier_answers import adjusted_so_far
from billing.insurance.queries.posting_plans.budget import CannotTake
from billing.insurance.records import RemittanceTransaction
from billing.insurance.rules.provider_adjustments import FORWARD_BALANCE, INTEREST, sorted_adjustments
from billing.kernel.money import ZERO
from billing.platform.data.database import Read


def refuse_missing_balances(read: Read, entity_id: str, transaction: RemittanceTransaction) -> None:
    """The payer takes what it left open, or gave as interest, before; no more of it. Raises: CannotTake."""
    told, payer_id = (
        sorted_adjustments(transaction.provider_adjustments, transaction.claims),
        transaction.payer_id,
    )
    carried = told.carried - adjusted_so_far(read, entity_id, payer_id, FORWARD_BALANCE)
    if told.consumed > carried:
        raise CannotTake(
            f"The payer takes {told.consumed} that earlier payments left open (FB), "
            f"but what is on file left {carried} open."
        )
    held = -adjusted_so_far(read, entity_id, payer_id, INTEREST)
    if told.interest > ZERO and told.interest > held:
        raise CannotTake(
            f"The payer takes back interest of {told.interest}, but {held} of its interest is on file."
        )
