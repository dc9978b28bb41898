"""The journal as plain text, for beancount and for hledger: the same accounts, the same entries.

Opaque ids only: no name, no diagnosis, no wording of a service.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date

from billing.ledger.records import AccountName, Entry, Kind
from billing.ledger.rules import CHART

ROOTS = {
    Kind.ASSET: "Assets",
    Kind.LIABILITY: "Liabilities",
    Kind.INCOME: "Income",
    Kind.EXPENSE: "Expenses",
}
CURRENCY = "USD"
UNSAFE = re.compile(r"[^\w .:@/+-]+", re.ASCII)
"""What means something to one of the two programs, or does not print."""


def account_path(account: AccountName) -> str:
    """`Assets:1000-Bank`: letters, digits and hyphens after the root."""
    words = re.findall(r"[A-Za-z0-9]+", account.name.replace("'", ""))
    return f"{ROOTS[account.kind]}:{'-'.join([account.code, *words])}"


PATHS = {code: account_path(account) for code, account in CHART.items()}


def dollars(cents: int) -> str:
    """`-1234.05`: two decimals, without separators."""
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02d}"


def beancount_opening(on: date) -> str:
    """What stands before the entries; accounts open on the day of the first."""
    opened = "".join(f"{on} open {path} {CURRENCY}\n" for path in PATHS.values())
    return f'option "title" "Journal"\noption "operating_currency" "{CURRENCY}"\n\n{opened}'


def beancount_entry(entry: Entry) -> str:
    told = {"entry": entry.id, "source": f"{entry.source_kind} {entry.source_id}", "site": entry.site_id}
    if entry.reverses_id:
        told["reverses"] = entry.reverses_id
    return _joined(
        f'{entry.effective_on} * "{_narration(entry)}"',
        *(f'  {key}: "{_safe(value)}"' for key, value in told.items()),
        *_postings(entry, '    patient: "{}"'),
    )


def hledger_opening() -> str:
    """What stands before the entries."""
    accounts = "".join(f"account {path}\n" for path in PATHS.values())
    return f"decimal-mark .\ncommodity 1000.00 {CURRENCY}\n\n{accounts}"


def hledger_entry(entry: Entry) -> str:
    told = {"entry": entry.id, "source": f"{entry.source_kind} {entry.source_id}", "site": entry.site_id}
    if entry.reverses_id:
        told["reverses"] = entry.reverses_id
    tags = ", ".join(f"{key}:{_safe(value)}" for key, value in told.items())
    return _joined(
        f"{entry.effective_on} * {_narration(entry)}  ; {tags}", *_postings(entry, "    ; patient:{}")
    )


def _narration(entry: Entry) -> str:
    return _safe(f"{entry.source_kind} {entry.purpose}")


def _postings(entry: Entry, patient: str) -> Iterable[str]:
    for line in entry.lines:
        yield f"  {PATHS[line.account]}  {dollars(line.cents)} {CURRENCY}"
        if line.patient_id:
            yield patient.format(_safe(line.patient_id))


def _joined(*lines: str) -> str:
    return "\n" + "\n".join(lines) + "\n"


def _safe(text: str) -> str:
    return UNSAFE.sub(" ", text).strip()
