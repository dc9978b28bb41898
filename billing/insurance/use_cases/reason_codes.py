"""Loading the clinic's own list of reason and remark codes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete

from billing.insurance.models import ReasonCodeRow
from billing.insurance.records.denials import LoadedCodes
from billing.insurance.rules.reason_codes import code_texts
from billing.kernel.permissions import Actor
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx

SUBJECT = "reason-codes"
"""Of the load, on the trail."""


def load_codes(tx: Tx, *, content: bytes, actor: Actor, now: datetime) -> LoadedCodes:
    """Put a list in the place of the one before, for each of CARC and RARC that it holds.

    Raises: UnreadableReasonCodes.
    """
    texts = code_texts(content)
    lists = {of for of, _ in texts}
    tx.session.execute(delete(ReasonCodeRow).where(ReasonCodeRow.list.in_(lists)))
    rows = [{"list": of, "code": code, "words": text} for (of, code), text in sorted(texts.items())]
    tx.insert(ReasonCodeRow, rows)
    counts = {of: sum(each is of for each, _ in texts) for of in lists}
    detail: dict[str, str | int] = {str(of): count for of, count in counts.items()}
    record_audit(tx, actor=actor, action="reason-codes.load", subject_id=SUBJECT, now=now, detail=detail)
    return LoadedCodes(counts=counts)
