"""Staff bill a line in another way than the clock codes it, and say why. What was before stays on file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import func, select

from billing.care.queries import find_session
from billing.insurance.errors import InvalidOverride, LinesChanged, SuperbillNotPossible
from billing.insurance.models import LineOverrideRow
from billing.insurance.queries.coding import CodedSession, coded_session
from billing.insurance.records import SuperbillLine
from billing.insurance.records.coding import LineChange
from billing.insurance.rules.overrides import override_flaws
from billing.insurance.use_cases.amended_visits import review_papers
from billing.kernel.ids import new_id
from billing.kernel.permissions import Actor
from billing.patients.use_cases import lock_patient
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx

CHANGED_MEANWHILE = (
    "The lines of this visit are others than those that were shown: it was amended, or somebody changed them "
    "meanwhile. Nothing was changed. Look at the lines as they are now, then change them."
)


@dataclass(frozen=True, kw_only=True)
class LineAsked:
    """What a line is to be billed as; None stays as coded. `place` counts the lines from 1."""

    place: int
    code: str | None = None
    units: int | None = None
    modifiers: Sequence[str] | None = None
    pointers: str | None = None


def override_lines(
    tx: Tx,
    *,
    session_id: str,
    lines: Sequence[LineAsked],
    reason: str,
    shown: str | None = None,
    actor: Actor,
    now: datetime,
) -> CodedSession:
    """Bill these lines of a session so, and all others as they are coded; none takes every change back.

    The charges stay where they are, so that their sum does. Papers that were issued stay as they are: the
    next version has the change, and a person is asked to issue it. `shown` is the mark of the lines that
    somebody saw, where they say so.
    Raises: NoSuchSession, SuperbillNotPossible, LinesChanged, InvalidOverride.
    """
    lock_patient(tx, find_session(tx, session_id, actor).patient_id)
    session = find_session(tx, session_id, actor)
    present = coded_session(tx, session, SuperbillNotPossible)
    if shown not in (None, present.shown):
        raise LinesChanged(CHANGED_MEANWHILE)
    coded = present.coded
    changes = [_change(each, coded) for each in lines]
    if flaws := override_flaws(changes, coded):
        raise InvalidOverride("No insurer would take these lines. Correct what is named.", flaws)
    kept = [change for change in changes if not _is_as_coded(change)]
    newest = select(func.max(LineOverrideRow.version)).where(LineOverrideRow.session_id == session_id)
    override_id, version = new_id("ovr"), (tx.session.scalar(newest) or 0) + 1
    told = {"changes": [asdict(change) for change in kept], "reason": reason}
    row = LineOverrideRow(
        id=override_id,
        entity_id=session.entity_id,
        site_id=session.site_id,
        session_id=session_id,
        version=version,
        written_by=actor.person,
        written_at=now,
        sealed=tx.vault.seal(LineOverrideRow.__tablename__, override_id, told),
    )
    tx.session.add(row)
    tx.session.flush()
    detail: dict[str, str | int] = {
        "version": version,
        "lines": len(kept),
        "reason_fingerprint": tx.vault.fingerprint("override.reason", reason),
    }
    record_audit(tx, actor=actor, action="coding.override", subject_id=session_id, now=now, detail=detail)
    review_papers(tx, session_id=session_id, actor=actor, now=now)
    return coded_session(tx, session, SuperbillNotPossible)


def _change(asked: LineAsked, coded: Sequence[SuperbillLine]) -> LineChange:
    """Beside what the line is coded as; a line that there is not keeps its place for the checks to name."""
    is_there = 1 <= asked.place <= len(coded)
    line = coded[asked.place - 1] if is_there else coded[0]
    return LineChange(
        place=asked.place,
        code=line.code if asked.code is None else asked.code,
        units=line.units if asked.units is None else asked.units,
        modifiers=line.modifiers if asked.modifiers is None else tuple(asked.modifiers),
        pointers=line.pointers if asked.pointers is None else asked.pointers,
        was_code=line.code,
        was_units=line.units,
        was_modifiers=line.modifiers,
    )


def _is_as_coded(change: LineChange) -> bool:
    was = change.was_code, change.was_units, change.was_modifiers, ""
    return (change.code, change.units, change.modifiers, change.pointers) == was
