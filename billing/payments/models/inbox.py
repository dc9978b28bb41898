"""What the processor told us."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from billing.platform.data.base import Base


class WebhookEventRow(Base):
    """What the processor told us, as it came; kept before it is acknowledged."""

    __tablename__ = "webhook_event"

    source: Mapped[str] = mapped_column(String(10), primary_key=True)
    event_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    kind: Mapped[str] = mapped_column(String(60))
    object_id: Mapped[str] = mapped_column(String(255))
    sealed: Mapped[bytes]
    received_at: Mapped[datetime]
