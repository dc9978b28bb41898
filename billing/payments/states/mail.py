"""The life of a mail."""

from enum import StrEnum


class MailState(StrEnum):
    """SENT: a mail server took it. REFUSED: one said that it never will."""

    QUEUED = "queued"
    SENT = "sent"
    REFUSED = "refused"


class MailEvent(StrEnum):
    SEND = "send"
    REFUSE = "refuse"


MAIL_MOVES: dict[tuple[MailState, MailEvent], MailState] = {
    (MailState.QUEUED, MailEvent.SEND): MailState.SENT,
    (MailState.QUEUED, MailEvent.REFUSE): MailState.REFUSED,
}
