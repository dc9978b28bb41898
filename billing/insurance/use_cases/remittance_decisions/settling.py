"""What was set apart of a payment is settled: somebody found out what it was, and it leaves account 2240."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from billing.catalog.queries import site_date
from billing.insurance.errors import NothingSetApart, NothingSettled
from billing.insurance.queries import find_remittance
from billing.insurance.queries.set_apart import (
    REMITTANCE_APART,
    apart_at_sites,
    held_apart,
    settling_entries,
)
from billing.insurance.records import Remittance
from billing.insurance.records.answers import Place
from billing.insurance.records.remittances import DecisionKind
from billing.insurance.records.set_apart import HeldApart, SettledPart
from billing.insurance.rules.set_apart import SETTLES, spread
from billing.insurance.states import RemittanceState
from billing.insurance.use_cases.parked_remittances import Parked
from billing.insurance.use_cases.remittance_decisions.keeping import decide, locked
from billing.kernel.money import ZERO, Money, total
from billing.kernel.permissions import Actor
from billing.ledger.queries import entries_of
from billing.ledger.records import Account, Line, Posting, Source
from billing.ledger.use_cases import post, reverse
from billing.platform.data.database import Tx
from billing.platform.data.tasks import ask_again, end_tasks


def settle_set_apart(
    tx: Tx,
    *,
    remittance_id: str,
    parts: Sequence[SettledPart],
    reason: str,
    actor: Actor,
    now: datetime,
) -> Remittance:
    """Book all of what was set apart as what it was, today: kept by the payer it is debited, given credited.

    It leaves 2240 at the sites where it lies, the parts in their order.

    Raises: NoSuchRemittance; NothingSetApart when nothing is held or it was settled before, and for parts
    that are not all of it or of an account that does not take it.
    """
    row = locked(tx, remittance_id, actor)
    held = held_apart(tx, row.id)
    if row.state != RemittanceState.POSTED or held is None or held.is_settled:
        raise NothingSetApart("Nothing that was set apart of it waits: it was settled, or undone.")
    _refuse_other_parts(held, parts)
    at = apart_at_sites(tx, row.id, held.amount)
    shared, before = spread(parts, at), _settled_before(tx, row.id)
    for number, site_id in enumerate(at, before + 1):
        place = Place(entity_id=str(row.entity_id), site_id=site_id)
        source = Source(REMITTANCE_APART, row.id, f"settled-{number}" if number > 1 else "settled")
        lines = _settling_lines(at[site_id], shared[site_id])
        post(tx, Posting.of(place, source, site_date(tx, site_id, now), lines), actor=actor, now=now)
    decide(tx, row, DecisionKind.SETTLED, reason, actor, now)
    end_tasks(tx, kind=REMITTANCE_APART, subject_ids=[row.id], actor=actor, now=now)
    return find_remittance(tx, row.id, actor)


def unsettle_set_apart(
    tx: Tx, *, remittance_id: str, reason: str, shown: str | None = None, actor: Actor, now: datetime
) -> Remittance:
    """Reverse what settled it, today; it is on 2240 again, and a person is asked to settle it anew.

    `shown` is the mark of as what the person saw it settled.
    Raises: NoSuchRemittance; NothingSettled.
    """
    row = locked(tx, remittance_id, actor)
    held, entries = held_apart(tx, row.id), settling_entries(tx, row.id)
    if not entries or held is None:
        raise NothingSettled("What was set apart of it is not settled: nothing is there to take back.")
    if shown is not None and shown != held.shown:
        raise NothingSettled("It was settled anew since you looked. See as what, and decide again.")
    for entry in entries:
        on = site_date(tx, entry.site_id, now)
        reverse(
            tx,
            entry,
            source_kind=REMITTANCE_APART,
            source_id=row.id,
            reversed_on=on,
            actor=actor,
            now=now,
        )
    decide(tx, row, DecisionKind.UNSETTLED, reason, actor, now)
    about = Parked(row.id, str(row.entity_id))
    ask_again(tx, kind=REMITTANCE_APART, about=about, actor=actor, now=now)
    return find_remittance(tx, row.id, actor)


def _settled_before(tx: Tx, remittance_id: str) -> int:
    """Each fact is posted once, and so a later one has a number."""
    entries = entries_of(tx, source_kind=REMITTANCE_APART, source_id=remittance_id)
    return sum(entry.reverses_id is None for entry in entries)


def _settling_lines(held: Money, parts: Sequence[SettledPart]) -> tuple[Line, ...]:
    is_kept = held > ZERO
    return (
        Line(Account.UNAPPLIED_PAYER_MONEY, -held),
        *(Line(part.account, part.amount if is_kept else -part.amount) for part in parts),
    )


def _refuse_other_parts(held: HeldApart, parts: Sequence[SettledPart]) -> None:
    """Raises: NothingSetApart."""
    whole = held.amount if held.amount > ZERO else -held.amount
    if any(part.amount <= ZERO or part.account not in SETTLES for part in parts):
        raise NothingSetApart("Each part is above zero, on an account that this may be booked to.")
    if total(part.amount for part in parts) != whole:
        raise NothingSetApart(f"The parts are not {whole} together. Settle all of it at once.")
