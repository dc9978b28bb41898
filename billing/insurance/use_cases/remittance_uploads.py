"""Files that somebody sends: kept sealed, read and posted by the worker where they are large.

The worker takes one transaction after another, each with what it became, so that it goes on where it was cut
off.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import and_, delete, or_, select, update

from billing.catalog.queries import entities
from billing.insurance.models.remittances import RemittanceUploadPartRow, RemittanceUploadRow
from billing.insurance.queries.remittance_uploads import PART, UPLOAD, no_such_upload, part_name, upload_of
from billing.insurance.records import Remittance, RemittanceTransaction
from billing.insurance.records.uploads import FAILED, UPLOAD_FAILED, Expected, Upload
from billing.insurance.states import UPLOAD_MOVES, UploadEvent, UploadState
from billing.insurance.use_cases.parked_remittances import NO_SITE
from billing.kernel.ids import new_id
from billing.kernel.permissions import Actor
from billing.kernel.states import next_state
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx
from billing.platform.data.jobs import enqueue, waiting_keys
from billing.platform.data.tasks import open_task

KEPT_FOR, TOLD_FOR = timedelta(days=1), timedelta(days=30)
"""How long a file waits for its posting, and how long what it did is told."""
READ_UPLOAD, POST_UPLOAD = "read-remittance-upload", "post-remittance-upload"
WORKED_ON = (UploadState.READING, UploadState.POSTING)
NOT_POSTED = (
    "It could not be posted, by a fault of the program, and nothing of it is booked. Send the file again: "
    "what is posted comes out as come before, and this is tried again."
)
NOT_READ = (
    "The file could not be read, by a fault of the program. Nothing of it is booked. Send it again, or have "
    "it posted on the server: flask remittances import FILE."
)


def keep_upload(tx: Tx, *, content: bytes, claims: int | None, actor: Actor, now: datetime) -> Upload:
    """Keep a file for who sent it; one whose claims nobody counted yet is read by the worker."""
    forget_uploads(tx, actor=actor, now=now)
    upload_id = new_id("rup")
    row = RemittanceUploadRow(
        id=upload_id,
        sealed=tx.vault.seal_bytes(UPLOAD, upload_id, content),
        uploaded_at=now,
        uploaded_by=actor.id,
        state=UploadState.READING if claims is None else UploadState.READ,
        claims=claims or 0,
        claims_done=0,
    )
    _give_reach(row, actor)
    tx.session.add(row)
    tx.session.flush()
    if claims is None:
        _enqueue(tx, READ_UPLOAD, upload_id, upload_id, now)
    record_audit(tx, actor=actor, action="remittance.upload", subject_id=upload_id, now=now)
    return upload_of(tx, row)


def forget_uploads(tx: Tx, *, actor: Actor, now: datetime) -> None:
    """What was kept for too long goes, also when nobody sends another file; not while it is worked on.

    What no job works on any more is given up before.
    """
    _give_up_stranded(tx, actor, now)
    is_over = or_(
        and_(RemittanceUploadRow.state == UploadState.READ, RemittanceUploadRow.uploaded_at < now - KEPT_FOR),
        and_(
            RemittanceUploadRow.state.in_((UploadState.POSTED, UploadState.REFUSED)),
            RemittanceUploadRow.uploaded_at < now - TOLD_FOR,
        ),
    )
    held = select(RemittanceUploadRow.id).where(is_over).with_for_update(skip_locked=True)
    gone = list(tx.session.scalars(held))
    tx.session.execute(delete(RemittanceUploadPartRow).where(RemittanceUploadPartRow.upload_id.in_(gone)))
    tx.session.execute(delete(RemittanceUploadRow).where(RemittanceUploadRow.id.in_(gone)))


def hold_upload(tx: Tx, *, upload_id: str, actor: Actor, now: datetime) -> bool:
    """Whether a file still waits for its posting; nobody else posts it until this transaction ends.

    Raises: NoSuchUpload.
    """
    return _own(tx, upload_id, actor).state == UploadState.READ


def order_posting(tx: Tx, *, upload_id: str, actor: Actor, now: datetime) -> Upload:
    """Have the worker post a file in the name of the actor; ordered before, it stays as it is.

    Raises: NoSuchUpload; IllegalMove for one that cannot be read.
    """
    row = _own(tx, upload_id, actor)
    if row.state not in (UploadState.POSTING, UploadState.POSTED):
        _order(tx, row, actor, now)
        _enqueue(tx, POST_UPLOAD, upload_id, upload_id, now)
    return upload_of(tx, row)


def finish_upload(
    tx: Tx,
    *,
    upload_id: str,
    became: Sequence[tuple[RemittanceTransaction, Remittance]],
    actor: Actor,
    now: datetime,
) -> None:
    """It was posted in this very transaction: keep what became of its parts, and the file no longer.

    Raises: NoSuchUpload; IllegalMove when it was posted before.
    """
    row = _own(tx, upload_id, actor)
    _order(tx, row, actor, now)
    keep_parts(tx, upload_id=upload_id, parts=((told, None) for told, _ in became), actor=actor, now=now)
    for place, (_, remittance) in enumerate(became, 1):
        keep_outcome(tx, upload_id=upload_id, place=place, remittance=remittance, actor=actor, now=now)
    end_posting(tx, upload_id=upload_id, actor=actor, now=now)


def keep_parts(
    tx: Tx,
    *,
    upload_id: str,
    parts: Iterable[tuple[RemittanceTransaction, Expected | None]],
    actor: Actor,
    now: datetime,
) -> None:
    """What a file says, transaction by transaction, and what each would become, if that is known."""
    rows = [
        _part(tx, upload_id, place, transaction, expected)
        for place, (transaction, expected) in enumerate(parts, 1)
    ]
    tx.session.execute(delete(RemittanceUploadPartRow).where(RemittanceUploadPartRow.upload_id == upload_id))
    tx.insert(RemittanceUploadPartRow, rows)
    claims = sum(int(str(row["claims"])) for row in rows)
    _note(tx, upload_id, claims=claims, claims_done=0)


def is_in(tx: Tx, *, upload_id: str, state: UploadState, actor: Actor, now: datetime) -> bool:
    """Whether it still is in this state; it stays there until this transaction ends."""
    row = _locked(tx, upload_id)
    return row is not None and row.state == state


def end_reading(tx: Tx, *, upload_id: str, actor: Actor, now: datetime) -> None:
    """It waits for who sent it, unless they ordered its posting meanwhile."""
    row = _locked(tx, upload_id)
    if row is not None and row.state == UploadState.READING:
        _move(row, UploadEvent.READ)


def keep_outcome(
    tx: Tx, *, upload_id: str, place: int, remittance: Remittance, actor: Actor, now: datetime
) -> None:
    """What one transaction became, in the transaction that did it."""
    part = tx.session.get_one(RemittanceUploadPartRow, (upload_id, place), populate_existing=True)
    _became(tx, part, remittance.status, remittance.reason)
    part.remittance_id = remittance.id or None
    tx.session.flush()


def keep_failure(tx: Tx, *, upload_id: str, place: int, actor: Actor, now: datetime) -> None:
    """The program failed at one transaction, which is held: nothing of it was done."""
    part = tx.session.get_one(RemittanceUploadPartRow, (upload_id, place), populate_existing=True)
    _became(tx, part, FAILED, NOT_POSTED)
    tx.session.flush()


def hold_part(tx: Tx, *, upload_id: str, place: int, actor: Actor, now: datetime) -> bool:
    """Whether one transaction is still to be done; nobody else does it until this transaction ends."""
    part = tx.session.get_one(
        RemittanceUploadPartRow, (upload_id, place), with_for_update=True, populate_existing=True
    )
    return part.status is None


def go_on_posting(tx: Tx, *, upload_id: str, place: int, actor: Actor, now: datetime) -> None:
    """The rest of it, from this transaction on, is another job's."""
    _enqueue(tx, POST_UPLOAD, part_name(upload_id, place), upload_id, now)


def end_posting(tx: Tx, *, upload_id: str, actor: Actor, now: datetime) -> None:
    """All of it is done: the file itself is kept no longer. Of what failed a person is asked."""
    row = _locked(tx, upload_id)
    if row is not None and row.state == UploadState.POSTING:
        _move(row, UploadEvent.FINISH)
        row.sealed, row.posted_at, row.claims_done = None, now, row.claims
        failed = select(RemittanceUploadPartRow.place).where(
            RemittanceUploadPartRow.upload_id == upload_id, RemittanceUploadPartRow.status == FAILED
        )
        if tx.session.scalar(failed.limit(1)) is not None:
            _ask(tx, row, actor, now)


def refuse_upload(tx: Tx, *, upload_id: str, reason: str, actor: Actor, now: datetime) -> None:
    """It cannot be read to its end: nothing of it is posted, and the file is kept no longer."""
    row = _locked(tx, upload_id)
    if row is not None and row.state in WORKED_ON:
        _move(row, UploadEvent.REFUSE)
        row.sealed, row.refusal = None, tx.vault.seal(UPLOAD, upload_id, {"reason": reason})


def give_up(tx: Tx, *, upload_id: str, actor: Actor, now: datetime) -> None:
    """Nobody works on it any more: what was not posted is told, and a person asked if that was ordered."""
    row = _locked(tx, upload_id)
    if row is None or row.state not in WORKED_ON:
        return
    record_audit(tx, actor=actor, action="remittance.give_up", subject_id=upload_id, now=now)
    parts = select(RemittanceUploadPartRow).where(RemittanceUploadPartRow.upload_id == upload_id)
    listed = tx.session.scalars(parts.execution_options(populate_existing=True)).all()
    if row.state == UploadState.POSTING and listed:
        for part in listed:
            if part.status is None:
                _became(tx, part, FAILED, NOT_POSTED)
        tx.session.flush()
        end_posting(tx, upload_id=upload_id, actor=actor, now=now)
        return
    was_ordered = row.state == UploadState.POSTING
    refuse_upload(tx, upload_id=upload_id, reason=NOT_READ, actor=actor, now=now)
    if was_ordered:
        _ask(tx, row, actor, now)


def _give_up_stranded(tx: Tx, actor: Actor, now: datetime) -> None:
    """Held first: who works on one adds the next job before the last one ends."""
    worked_on = select(RemittanceUploadRow.id).where(RemittanceUploadRow.state.in_(WORKED_ON))
    held = tx.session.scalars(worked_on.with_for_update(skip_locked=True)).all()
    waiting = {key.partition("/")[0] for key in waiting_keys(tx, (READ_UPLOAD, POST_UPLOAD))} if held else ()
    for upload_id in held:
        if upload_id not in waiting:
            give_up(tx, upload_id=upload_id, actor=actor, now=now)


def _ask(tx: Tx, row: RemittanceUploadRow, actor: Actor, now: datetime) -> None:
    """Whose the rest of a file is that somebody sent for all clinics nobody knows: one of them is asked."""
    entity_id = row.entity_id or next((each.id for each in entities(tx)), None)
    if entity_id is not None:
        open_task(
            tx,
            kind=UPLOAD_FAILED,
            subject_id=row.id,
            entity_id=entity_id,
            site_id=NO_SITE,
            actor=actor,
            now=now,
        )


def _became(tx: Tx, part: RemittanceUploadPartRow, status: str, reason: str | None) -> None:
    name = part_name(part.upload_id, part.place)
    part.status = status
    part.sealed = tx.vault.seal(PART, name, tx.vault.open(PART, name, part.sealed) | {"reason": reason})


def note_progress(tx: Tx, *, upload_id: str, done: int, of: int, actor: Actor, now: datetime) -> None:
    """How many claims are done, and of how many, to be shown."""
    _note(tx, upload_id, claims_done=done, claims=of)


def _enqueue(tx: Tx, kind: str, key: str, upload_id: str, now: datetime) -> None:
    enqueue(tx, kind=kind, key=key, due_at=now, payload={"upload_id": upload_id})


def _note(tx: Tx, upload_id: str, **numbers: int) -> None:
    tx.session.execute(
        update(RemittanceUploadRow).where(RemittanceUploadRow.id == upload_id).values(**numbers)
    )


def _order(tx: Tx, row: RemittanceUploadRow, actor: Actor, now: datetime) -> None:
    _move(row, UploadEvent.ORDER)
    row.claims_done = 0
    _give_reach(row, actor)
    record_audit(tx, actor=actor, action="remittance.order", subject_id=row.id, now=now)


def _move(row: RemittanceUploadRow, event: UploadEvent) -> None:
    """Along the table. The moves are not kept: the row itself is not; the trail has what was ordered."""
    row.state = next_state(UPLOAD_MOVES, UploadState(row.state), event)


def _give_reach(row: RemittanceUploadRow, actor: Actor) -> None:
    row.entity_id = actor.entity_id
    row.site_ids = None if actor.site_ids is None else sorted(actor.site_ids)


def _own(tx: Tx, upload_id: str, actor: Actor) -> RemittanceUploadRow:
    row = _locked(tx, upload_id)
    if row is None or row.uploaded_by != actor.id:
        raise no_such_upload()
    return row


def _locked(tx: Tx, upload_id: str) -> RemittanceUploadRow | None:
    return tx.session.get(RemittanceUploadRow, upload_id, with_for_update=True, populate_existing=True)


def _part(
    tx: Tx, upload_id: str, place: int, transaction: RemittanceTransaction, expected: Expected | None
) -> dict[str, object]:
    told = {
        "trace": transaction.trace,
        "payer_name": transaction.payer_name or transaction.payer_id,
        "paid_on": transaction.paid_on,
        "reason": expected.reason if expected else None,
    }
    return {
        "upload_id": upload_id,
        "place": place,
        "claims": len(transaction.claims),
        "amount_cents": transaction.amount.cents,
        "expected": expected.status if expected else None,
        "status": None,
        "remittance_id": None,
        "sealed": tx.vault.seal(PART, part_name(upload_id, place), told),
    }
