"""What an insurer is told of a visit's money."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from billing.kernel.errors import Flaw
from billing.kernel.money import Money


@dataclass(frozen=True, kw_only=True)
class Figures:
    """The net charge, and what was paid beside the insurer."""

    charge: Money
    paid: Money


class PaperKind(StrEnum):
    SUPERBILL = "superbill"
    CLAIM = "claim"


@dataclass(frozen=True, kw_only=True)
class OutdatedPaper:
    """One that says other figures than the books. One that is sent, the insurer has: a person corrects it."""

    kind: PaperKind
    id: str
    number: str
    session_id: str
    patient_id: str
    service_on: date
    told: Figures
    books: Figures
    is_sent: bool
    is_with_insurer: bool


class Reissue(StrEnum):
    """What became of an outdated paper when all were issued again."""

    ISSUED = "issued"
    HOLDS = "holds"
    REFUSED = "refused"


@dataclass(frozen=True, kw_only=True)
class Reissued:
    """`number` is that of the new paper; `detail` and `flaws` say why there is none."""

    paper: OutdatedPaper
    outcome: Reissue
    number: str | None = None
    detail: str | None = None
    flaws: tuple[Flaw, ...] = ()
