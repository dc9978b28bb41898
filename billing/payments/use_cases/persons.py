"""One person's deeds that count together against a limit."""

from __future__ import annotations

from billing.payments.models.persons import LimitedPersonRow
from billing.platform.data.database import Tx
from billing.platform.data.inserts import insert_unless_there


def lock_person(tx: Tx, person_id: str) -> None:
    """Until the transaction ends nothing else of this person is counted against a limit.

    It is the last lock that is taken: after those of patients, a site's change and its drawers.
    """
    insert_unless_there(tx, LimitedPersonRow, {"person_id": person_id}, ["person_id"])
    tx.session.get_one(LimitedPersonRow, person_id, with_for_update=True, populate_existing=True)
