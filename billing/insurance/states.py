"""The lives of a superbill, of a claim and of a remittance."""

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


class ClaimState(StrEnum):
    """ISSUED was not sent yet. REJECTED was refused by the programs before the insurer's claims.

    REPLACED, VOIDED and CLOSED are the end; whatever follows is another version, of one that is CLOSED, too.
    """

    DRAFT = "draft"
    ISSUED = "issued"
    FILED = "filed"
    REJECTED = "rejected"
    ACCEPTED = "accepted"
    RECORDS_REQUESTED = "records_requested"
    PAID = "paid"
    DENIED = "denied"
    APPLIED_TO_DEDUCTIBLE = "applied_to_deductible"
    APPEALED = "appealed"
    REPLACED = "replaced"
    VOIDED = "voided"
    CLOSED = "closed"


class ClaimEvent(StrEnum):
    ISSUE = "issue"
    FILE = "file"
    REJECT = "reject"
    ACCEPT = "accept"
    REQUEST_RECORDS = "request_records"
    PAY = "pay"
    DENY = "deny"
    DEDUCT = "deduct"
    APPEAL = "appeal"
    REPLACE = "replace"
    VOID = "void"
    CLOSE = "close"


class ClaimMark(StrEnum):
    """What a person may say of a claim that is with the insurer."""

    APPEALED = "appealed"
    RECORDS_REQUESTED = "records_requested"
    RECORDS_SENT = "records_sent"
    CLOSED = "closed"


_ANSWERS = {
    ClaimEvent.PAY: ClaimState.PAID,
    ClaimEvent.DENY: ClaimState.DENIED,
    ClaimEvent.DEDUCT: ClaimState.APPLIED_TO_DEDUCTIBLE,
}
_TAKEN_BACK = {ClaimEvent.REPLACE: ClaimState.REPLACED, ClaimEvent.VOID: ClaimState.VOIDED}
CLAIM_ANSWERED = frozenset(_ANSWERS.values())
"""The insurer has answered; it may answer again, and what it reversed is as if it had not."""
_ANSWERED = {
    ClaimEvent.APPEAL: ClaimState.APPEALED,
    ClaimEvent.CLOSE: ClaimState.CLOSED,
    ClaimEvent.ACCEPT: ClaimState.ACCEPTED,
    **_ANSWERS,
    **_TAKEN_BACK,
}
_ASKED = {ClaimEvent.REQUEST_RECORDS: ClaimState.RECORDS_REQUESTED}
_CLAIM_LIFE: dict[ClaimState, dict[ClaimEvent, ClaimState]] = {
    ClaimState.DRAFT: {ClaimEvent.ISSUE: ClaimState.ISSUED},
    ClaimState.ISSUED: {ClaimEvent.FILE: ClaimState.FILED, **_TAKEN_BACK},
    ClaimState.FILED: {
        ClaimEvent.REJECT: ClaimState.REJECTED,
        ClaimEvent.ACCEPT: ClaimState.ACCEPTED,
        ClaimEvent.CLOSE: ClaimState.CLOSED,
        **_ASKED,
        **_ANSWERS,
        **_TAKEN_BACK,
    },
    ClaimState.REJECTED: _TAKEN_BACK,
    ClaimState.ACCEPTED: {
        ClaimEvent.REJECT: ClaimState.REJECTED,
        ClaimEvent.CLOSE: ClaimState.CLOSED,
        **_ASKED,
        **_ANSWERS,
        **_TAKEN_BACK,
    },
    ClaimState.RECORDS_REQUESTED: {
        ClaimEvent.ACCEPT: ClaimState.ACCEPTED,
        ClaimEvent.CLOSE: ClaimState.CLOSED,
        **_ANSWERS,
        **_TAKEN_BACK,
    },
    **dict.fromkeys(CLAIM_ANSWERED, _ANSWERED),
    ClaimState.APPEALED: {ClaimEvent.CLOSE: ClaimState.CLOSED, **_ASKED, **_ANSWERS, **_TAKEN_BACK},
    ClaimState.CLOSED: _TAKEN_BACK,
}
CLAIM_MOVES: dict[tuple[ClaimState, ClaimEvent], ClaimState] = {
    (state, event): after for state, moves in _CLAIM_LIFE.items() for event, after in moves.items()
}

CLAIM_ENDS = frozenset({ClaimState.REPLACED, ClaimState.VOIDED, ClaimState.CLOSED})
"""No version in these is the present claim of its session."""

CLAIM_UNSENT = frozenset({ClaimState.DRAFT, ClaimState.ISSUED, ClaimState.REJECTED})
"""The insurer has no claim of that version."""


CLAIM_MARKS = {
    ClaimMark.APPEALED: (CLAIM_ANSWERED, ClaimEvent.APPEAL),
    ClaimMark.RECORDS_REQUESTED: (
        {ClaimState.FILED, ClaimState.ACCEPTED, ClaimState.APPEALED},
        ClaimEvent.REQUEST_RECORDS,
    ),
    ClaimMark.RECORDS_SENT: ({ClaimState.RECORDS_REQUESTED}, ClaimEvent.ACCEPT),
    ClaimMark.CLOSED: (
        {
            ClaimState.FILED,
            ClaimState.ACCEPTED,
            ClaimState.RECORDS_REQUESTED,
            ClaimState.APPEALED,
            *CLAIM_ANSWERED,
        },
        ClaimEvent.CLOSE,
    ),
}
"""From which states each may be said, and the event that it is."""

CLAIM_HELD_UP = frozenset({ClaimState.APPEALED, ClaimState.RECORDS_REQUESTED})
"""The insurer looks at it again; only another answer of its own ends that."""


class RemittanceState(StrEnum):
    """PARKED waits for a person, or for the same file to be sent again once the reason is gone.

    What was UNDONE is reversed in the books, and may be sent again.
    PUT_ASIDE is not for these books, as a person decided: sent again, it stays there.
    """

    PARKED = "parked"
    POSTED = "posted"
    UNDONE = "undone"
    PUT_ASIDE = "put_aside"


class RemittanceEvent(StrEnum):
    POST = "post"
    UNDO = "undo"
    PUT_ASIDE = "put_aside"
    PUT_BACK = "put_back"


REMITTANCE_MOVES: dict[tuple[RemittanceState, RemittanceEvent], RemittanceState] = {
    (RemittanceState.PARKED, RemittanceEvent.POST): RemittanceState.POSTED,
    (RemittanceState.POSTED, RemittanceEvent.UNDO): RemittanceState.UNDONE,
    (RemittanceState.PARKED, RemittanceEvent.PUT_ASIDE): RemittanceState.PUT_ASIDE,
    (RemittanceState.PUT_ASIDE, RemittanceEvent.PUT_BACK): RemittanceState.PARKED,
}


class UploadState(StrEnum):
    """A file that somebody sent. READING and POSTING are the worker's; READ waits for who sent it."""

    READING = "reading"
    READ = "read"
    POSTING = "posting"
    POSTED = "posted"
    REFUSED = "refused"


class UploadEvent(StrEnum):
    READ = "read"
    ORDER = "order"
    FINISH = "finish"
    REFUSE = "refuse"


UPLOAD_MOVES: dict[tuple[UploadState, UploadEvent], UploadState] = {
    (UploadState.READING, UploadEvent.READ): UploadState.READ,
    (UploadState.READING, UploadEvent.REFUSE): UploadState.REFUSED,
    (UploadState.READING, UploadEvent.ORDER): UploadState.POSTING,
    (UploadState.READ, UploadEvent.ORDER): UploadState.POSTING,
    (UploadState.POSTING, UploadEvent.FINISH): UploadState.POSTED,
    (UploadState.POSTING, UploadEvent.REFUSE): UploadState.REFUSED,
}
