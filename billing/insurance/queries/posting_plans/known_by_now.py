"""What was set apart as unknown and can be booked by now."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from billing.insurance.queries.posting_plans.balances import refuse_missing_balances
from billing.insurance.queries.posting_plans.budget import Budget, CannotTake
from billing.insurance.queries.posting_plans.recoveries import takings_of_recoveries
from billing.insurance.records import RemittanceTransaction
from billing.insurance.records.answers import Place
from billing.insurance.rules.provider_adjustments import FORWARD_BALANCE, INTEREST, RECOVERY
from billing.insurance.rules.set_apart import without
from billing.kernel.permissions import Actor
from billing.platform.data.database import Read


def refuse_known_by_now(
    read: Read,
    place: Place,
    whole: RemittanceTransaction,
    apart: Collection[int],
    actor: Actor,
    budget: Budget,
) -> None:
    """What was set apart as unknown may be on file by now, beside all that this payment takes.

    Raises: CannotTake.
    """
    for number, each in enumerate(whole.provider_adjustments, 1):
        if number not in apart:
            continue
        alone = replace(whole, provider_adjustments=(each,))
        if each.code == RECOVERY:
            is_known = _is_recovered(read, place, alone, actor, budget)
        else:
            beside = without(whole, {*apart} - {number})
            is_known = each.code in (FORWARD_BALANCE, INTEREST) and _is_balance(read, place, beside)
        if is_known:
            raise CannotTake(
                f"The {each.code} of {each.amount} at segment {each.segment} was set apart, and can be "
                "booked by now: what it is about is on file. Set apart the others alone, or none."
            )


def _is_recovered(
    read: Read, place: Place, alone: RemittanceTransaction, actor: Actor, budget: Budget
) -> bool:
    try:
        return bool(takings_of_recoveries(read, place, alone, actor, budget))
    except CannotTake:
        return False


def _is_balance(read: Read, place: Place, beside: RemittanceTransaction) -> bool:
    try:
        refuse_missing_balances(read, place.entity_id, beside)
    except CannotTake:
        return False
    return True
