"""What a patient had chosen for a credit on a day, as the audit trail keeps it."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    Date,
    FromClause,
    String,
    case,
    cast,
    column,
    func,
    literal,
    null,
    or_,
    select,
    table,
)
from sqlalchemy.dialects.postgresql import JSONB

from billing.payments.records.credits import Election
from billing.platform.data.base import Instant

TAKEN_BACK = "credit.elect.ask"
CHOICE = table(
    "audit_row",
    *(column(name, String()) for name in ("id", "action", "subject_id")),
    column("at", Instant()),
    column("detail", JSON().with_variant(JSONB(), "postgresql")),
)


def elected(credit: FromClause, until: date) -> ColumnElement[Any]:
    """The choice that stood at the end of a day: before one was made, or once it was taken back, that of
    the credit's kind.

    Each choice is a row of the audit trail, with the site's day; the oldest rows have only their instant.
    """
    actions = {f"credit.elect.{choice}": literal(choice.value, String()) for choice in Election}
    chosen_on = func.coalesce(
        CHOICE.c.detail["on"].as_string(), cast(func.date(CHOICE.c.at, type_=Date()), String())
    )
    chosen = (
        select(case(actions, value=CHOICE.c.action))
        .where(CHOICE.c.subject_id == credit.c.id, CHOICE.c.action.in_([*actions, TAKEN_BACK]))
        .where(chosen_on <= until.isoformat())
        .order_by(CHOICE.c.at.desc(), CHOICE.c.id.desc())
        .limit(1)
        .correlate(credit)
        .scalar_subquery()
    )
    waits = or_(credit.c.payer_id.is_not(None), credit.c.source.in_(("reimbursement", "released")))
    return func.coalesce(chosen, case((waits, null()), else_=literal("credit", String())), type_=String())
