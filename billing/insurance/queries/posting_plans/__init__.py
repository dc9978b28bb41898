"""What posting a payment will do, or why it waits: decided under the locks, before anything is written."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from billing.catalog.queries import sites
from billing.insurance.queries.earlier_answers import answers_named
from billing.insurance.queries.posting_plans.balances import refuse_missing_balances
from billing.insurance.queries.posting_plans.budget import Budget, CannotTake
from billing.insurance.queries.posting_plans.known_by_now import refuse_known_by_now
from billing.insurance.queries.posting_plans.paid_twice import copies_in, takings_paid_to_both
from billing.insurance.queries.posting_plans.recoveries import (
    entry_of_answer,
    recoveries_of,
    takings_of_recoveries,
)
from billing.insurance.queries.posting_plans.reversals import (
    put_off_of,
    reversed_here_and_before,
    takings_of_reversals,
)
from billing.insurance.records import Match, RemittanceTransaction
from billing.insurance.records.answers import Doubt, Place, PostingPlan
from billing.insurance.rules.set_apart import without
from billing.kernel.permissions import Actor
from billing.platform.data.database import Read

NOWHERE = Place(entity_id="", site_id="")
"""Of a payment without money that concerns no session of ours: it has no entries."""


def plan_posting(
    read: Read,
    entity_id: str | None,
    transaction: RemittanceTransaction,
    matches: Mapping[int, Match],
    actor: Actor,
    booked_on: date,
    apart: frozenset[int],
) -> PostingPlan | Doubt:
    """The patients are locked, and the payment by itself raises no doubt."""
    whole, transaction = transaction, without(transaction, apart)
    place = _place(read, entity_id, transaction, matches, actor) or NOWHERE
    if place is NOWHERE and (whole.amount or whole.provider_adjustments):
        return Doubt(reason="The payment is for no session of ours.")
    try:
        refuse_missing_balances(read, place.entity_id, transaction)
        answers, here = reversed_here_and_before(read, transaction, matches)
        negated = {answer.id for answer in answers.values() if answer}
        budget = Budget(read)
        takings = [
            *takings_of_reversals(transaction, answers, budget),
            *takings_of_recoveries(read, place, transaction, actor, budget),
            *takings_paid_to_both(read, transaction, matches, negated, budget),
        ]
        refuse_known_by_now(read, place, whole, apart, actor, budget)
    except CannotTake as error:
        return Doubt(reason=str(error), waits=True)
    return PostingPlan(
        transaction=whole,
        set_apart=apart,
        matches=matches,
        place=place,
        reversed_answers={segment: answer.id if answer else None for segment, answer in answers.items()},
        reversed_here=here,
        put_off=put_off_of(transaction),
        takings=tuple(takings),
        booked_on=booked_on,
        copies=copies_in(read, transaction, matches, negated),
    )


def _place(
    read: Read,
    entity_id: str | None,
    transaction: RemittanceTransaction,
    matches: Mapping[int, Match],
    actor: Actor,
) -> Place | None:
    """The site of the first claim, else of the first payment that is taken back, else the entity's first."""
    for match in matches.values():
        return Place(entity_id=match.entity_id, site_id=match.site_id)
    for each in recoveries_of(transaction):
        for answer in answers_named(read, each.reference, transaction.payer_id, entity_id, actor):
            entry = entry_of_answer(read, answer)
            return Place(entity_id=entry.entity_id, site_id=entry.site_id)
    known = sites(read, entity_id) if entity_id else ()
    return Place(entity_id=str(entity_id), site_id=known[0].id) if known else None
