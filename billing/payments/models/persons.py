"""People whose own small deeds of a day are added up."""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from billing.platform.data.base import Base, Id


class LimitedPersonRow(Base):
    """There to be locked alone: what one person does about several patients or sites has no other row."""

    __tablename__ = "limited_person"

    person_id: Mapped[Id] = mapped_column(primary_key=True)
