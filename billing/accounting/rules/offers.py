"""Which exports there are, in which formats."""

from __future__ import annotations

from datetime import date

from billing.accounting.errors import NoSuchExport
from billing.accounting.records import Export, ExportFormat, ExportKind
from billing.kernel.errors import Flaw

OFFERED: dict[ExportKind, tuple[ExportFormat, ...]] = {
    ExportKind.JOURNAL: (ExportFormat.CSV, ExportFormat.BEANCOUNT, ExportFormat.HLEDGER),
    ExportKind.PAYMENTS: (ExportFormat.CSV,),
    ExportKind.REFUNDS: (ExportFormat.CSV,),
    ExportKind.CREDITS: (ExportFormat.CSV,),
    ExportKind.SUPERBILLS: (ExportFormat.CSV,),
}
EARLIEST, LATEST = date(1900, 1, 1), date(2200, 12, 31)


def export_of(kind: str, form: str, since: date | None, until: date | None) -> Export:
    """The export that is meant; without dates, everything.

    Raises: NoSuchExport, naming what there is.
    """
    if kind not in list(ExportKind):
        raise _refused("kind", f"There is no export of {kind}. There are: {', '.join(ExportKind)}.")
    offered = OFFERED[ExportKind(kind)]
    if form not in offered:
        raise _refused("format", f"{kind} are exported as {', '.join(offered)}, not as {form}.")
    export = Export(
        kind=ExportKind(kind), format=ExportFormat(form), since=since or EARLIEST, until=until or LATEST
    )
    if export.since > export.until:
        raise _refused("to", f"The period ends on {export.until}, before it begins on {export.since}.")
    return export


def _refused(field: str, message: str) -> NoSuchExport:
    return NoSuchExport(message, [Flaw(f"/{field}", message)])
