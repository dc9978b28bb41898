"""The frame of every staff page: whose office it is, where one can go, who is signed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from billing.catalog.errors import NoScheduleInForce
from billing.catalog.queries import find_entity, schedule_in_force
from billing.catalog.records import Entity
from billing.kernel.clock import local_date
from billing.kernel.permissions import Actor, Permission
from billing.people.queries import find_staff
from billing.platform.data.database import Read


@dataclass(frozen=True, kw_only=True)
class Place:
    """A page of the main navigation, for those who may read it."""

    name: str
    path: str
    permission: Permission


PLACES = (
    Place(name="Today", path="/staff/today", permission=Permission.CARE_READ),
    Place(name="Visits to sign", path="/staff/charts", permission=Permission.CARE_RECORD),
    Place(name="Invoices and payments", path="/staff/money", permission=Permission.INVOICES_READ),
    Place(name="Superbills", path="/staff/superbills", permission=Permission.SUPERBILLS_WRITE),
    Place(name="Bank deposits", path="/staff/bank-deposits", permission=Permission.PAYMENTS_READ),
    Place(name="Other payers", path="/staff/payers", permission=Permission.PAYERS_READ),
    Place(name="Cash drawers", path="/staff/cash-drawers", permission=Permission.PAYMENTS_READ),
    Place(name="Outstanding checks", path="/staff/outstanding-checks", permission=Permission.REFUNDS_READ),
    Place(name="Unclaimed property", path="/staff/unclaimed", permission=Permission.CREDITS_READ),
    Place(name="Claims", path="/staff/claims", permission=Permission.CLAIMS_READ),
    Place(name="Insurers' answers", path="/staff/remittances", permission=Permission.REMITTANCES_READ),
    Place(name="Disputes", path="/staff/disputes", permission=Permission.PAYMENTS_READ),
    Place(name="Approvals", path="/staff/approvals", permission=Permission.REFUNDS_APPROVE),
    Place(name="Tasks", path="/staff/tasks", permission=Permission.TASKS_WORK),
    Place(name="People", path="/staff/people", permission=Permission.PEOPLE_WRITE),
)


@dataclass(frozen=True, kw_only=True)
class Shell:
    clinic: str
    is_sample: bool
    email: str
    places: tuple[Place, ...]


def places_of(actor: Actor) -> tuple[Place, ...]:
    return tuple(place for place in PLACES if actor.may(place.permission))


def shell_of(read: Read, actor: Actor, now: datetime) -> Shell:
    entity = find_entity(read, actor.entity_id) if actor.entity_id else None
    return Shell(
        clinic=entity.trade_name if entity else "All clinics",
        is_sample=entity is not None and _is_sample(read, entity, now),
        email=find_staff(read, actor.id, actor).email,
        places=places_of(actor),
    )


def _is_sample(read: Read, entity: Entity, now: datetime) -> bool:
    """Whether the clinic charges invented prices."""
    try:
        return schedule_in_force(read, entity.id, local_date(now, ZoneInfo(entity.timezone))).is_sample
    except NoScheduleInForce:
        return False
