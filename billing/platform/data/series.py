"""Numbers that people read: 1, 2, 3 and no gap, for each legal entity and series."""

from __future__ import annotations

from typing import cast

from sqlalchemy import String, Table, bindparam, insert, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from billing.platform.data.base import Base, Id
from billing.platform.data.database import Tx
from billing.platform.data.statements import Statement


class NumberSeries(Base):
    __tablename__ = "number_series"

    entity_id: Mapped[Id] = mapped_column(primary_key=True)
    series: Mapped[str] = mapped_column(String(30), primary_key=True)
    last: Mapped[int]


ADVANCE = Statement(
    update(cast(Table, NumberSeries.__table__))
    .where(NumberSeries.entity_id == bindparam("of_entity"), NumberSeries.series == bindparam("of_series"))
    .values(last=NumberSeries.last + 1)
    .returning(NumberSeries.last)
)


def next_number(tx: Tx, *, entity_id: str, series: str) -> int:
    """The next number of a series. It goes back with its transaction, so that none is ever missing."""
    named = {"of_entity": entity_id, "of_series": series}
    advanced = ADVANCE.rows(tx.about(NumberSeries), named)
    if not advanced:
        try:
            with tx.session.begin_nested():
                tx.session.execute(insert(NumberSeries).values(entity_id=entity_id, series=series, last=1))
        except IntegrityError:  # another transaction began the series a moment ago
            advanced = ADVANCE.rows(tx.connection, named)
    return advanced[0].last if advanced else 1
