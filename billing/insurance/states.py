"""The lives of a superbill and of a remittance."""

from __future__ import annotations

from enum import StrEnum


class SuperbillState(StrEnum):
    ISSUED = "issued"
    SUPERSEDED = "superseded"
    VOID = "void"


class SuperbillEvent(StrEnum):
    SUPERSEDE = "supersede"
    VOID = "void"


SUPERBILL_MOVES: dict[tuple[SuperbillState, SuperbillEvent], SuperbillState] = {
    (SuperbillState.ISSUED, SuperbillEvent.SUPERSEDE): SuperbillState.SUPERSEDED,
    (SuperbillState.ISSUED, SuperbillEvent.VOID): SuperbillState.VOID,
}


class RemittanceState(StrEnum):
    """PARKED waits for a person, or for the same file to be sent again once the reason is gone."""

    PARKED = "parked"
    POSTED = "posted"


class RemittanceEvent(StrEnum):
    POST = "post"


REMITTANCE_MOVES: dict[tuple[RemittanceState, RemittanceEvent], RemittanceState] = {
    (RemittanceState.PARKED, RemittanceEvent.POST): RemittanceState.POSTED,
}
