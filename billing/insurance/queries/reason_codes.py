"""What the clinic's own list says of codes."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select

from billing.insurance.models import ReasonCodeRow
from billing.insurance.records.denials import CodeList
from billing.platform.data.database import Read


def words_of(read: Read, of: CodeList, codes: Collection[str]) -> dict[str, str]:
    """By code; those that the list does not have are left out."""
    query = select(ReasonCodeRow.code, ReasonCodeRow.words).where(
        ReasonCodeRow.list == of, ReasonCodeRow.code.in_(codes)
    )
    return {row.code: row.words for row in read.session.execute(query)}
