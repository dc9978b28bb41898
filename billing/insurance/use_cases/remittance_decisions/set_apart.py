"""What a payer added or kept that nobody can book is set apart, so that the rest is posted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from billing.insurance.errors import AdjustmentNotSetApart, AdjustmentsChanged
from billing.insurance.records import ProviderAdjustment, Remittance
from billing.insurance.records.remittances import DecisionKind, KeptContent
from billing.insurance.rules.set_apart import mark_of, may_be_set_apart
from billing.insurance.use_cases.remittance_decisions.keeping import content_kept, decide, look, parked
from billing.kernel.permissions import Actor
from billing.platform.data.database import Tx


def set_adjustments_apart(
    tx: Tx,
    *,
    remittance_id: str,
    places: Sequence[int],
    reason: str,
    shown: str | None = None,
    actor: Actor,
    now: datetime,
) -> Remittance:
    """Keep these of its provider adjustments on 2240, and look again: the rest is posted if it can be.

    `places` are theirs in the payment, from 1; `shown` is the mark of all of them that somebody saw, where
    they say so. The newest decision holds: without places nothing is apart.
    Raises: NoSuchRemittance, RemittanceNotParked, RemittanceNotKept; AdjustmentsChanged;
    AdjustmentNotSetApart for one that is not there, or that the books know by themselves.
    """
    row = parked(tx, remittance_id, actor)
    content = content_kept(tx, row)
    _refuse_others_than_shown(content, places, shown)
    chosen = [_chosen(content, place) for place in sorted(set(places))]
    apart = [[each.code, each.reference, each.amount.cents] for each in chosen]
    decide(tx, row, DecisionKind.SET_APART, reason, actor, now, more={"apart": apart})
    return look(tx, row, content, actor, now)


def _refuse_others_than_shown(content: KeptContent, places: Sequence[int], shown: str | None) -> None:
    """Raises: AdjustmentsChanged."""
    told = content.transaction.provider_adjustments
    if shown in (None, mark_of(told)):
        return
    there = [
        f"at place {place} is {each.code} of {each.amount}"
        for place, each in enumerate(told, 1)
        if place in places
    ]
    raise AdjustmentsChanged(
        f"The adjustments of this payment are others, or in another order, than those that were shown: "
        f"{', '.join(there) or 'at those places is nothing'} now. Nothing was set apart. Choose again."
    )


def _chosen(content: KeptContent, place: int) -> ProviderAdjustment:
    told = content.transaction.provider_adjustments
    if not 1 <= place <= len(told):
        raise AdjustmentNotSetApart("The payment has no such adjustment. Load it again.")
    if not may_be_set_apart(told[place - 1]):
        raise AdjustmentNotSetApart(
            f"The books know what {told[place - 1].code} is: leave it with the payment."
        )
    return told[place - 1]
