"""`verify`: what must hold at all times, each invariant under its number.

Source: docs/decisions/0060-verify-and-exports.md.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.exc import DatabaseError

from billing.accounting.queries import books as ledger
from billing.accounting.queries import disputes, history, insurers, money, payouts
from billing.accounting.queries.probes import Books, Report
from billing.accounting.records import Check, Status, Verdict
from billing.kernel.errors import BillingError
from billing.kernel.money import Money
from billing.platform.data.database import Read

Look = Callable[[Books], Report]

INVARIANTS: tuple[tuple[str, Look | Status], ...] = (
    ("Each entry's lines sum to 0 and are at least two, in whole cents", ledger.entries_balance),
    ("Posted rows never change; a correction names what it reverses", ledger.posted_rows_stay),
    ("The trial balance is 0, and stored balances equal their lines", ledger.balances_agree),
    ("A patient's credit is never negative", ledger.credit_is_never_negative),
    ("Refunds and lost disputes stay within what each payment captured", money.refunds_stay_within_payments),
    ("Each invoice equals its tenders, returns and open balance", money.invoices_add_up),
    ("Applications stay within their source and their invoice", money.applications_stay_within_bounds),
    ("Each fact is posted once, with its amount", ledger.each_fact_is_posted_once),
    ("Each processor operation has one key and at most one object", Status.ELSEWHERE),
    ("One operation stands on an invoice until its outcome is known", money.one_operation_stands),
    ("States move only along their table", history.states_follow_their_tables),
    ("Issued quotes, invoices, superbills and receipts never change", history.documents_stay),
    ("A closed period never changes", Status.NOT_YET),
    ("A superbill's paid amount equals the ledger at its timestamp", insurers.superbills_say_what_was_paid),
    ("A plan's instalments sum to its total, each due date once", Status.NOT_YET),
    ("Each insurer's payment posts once and only when it balances", insurers.remittances_post_once),
    (
        "Payouts equal their balance transactions, clearing the processor's balance",
        payouts.payouts_are_what_they_are_made_of,
    ),
    ("Disputes: withdrawn less reinstated is their ledger effect", disputes.disputes_have_their_effect),
    ("The audit chain is unbroken, and every money write names its actor", history.the_trail_is_whole),
    ("No health data reaches the processor, logs, URLs or file names", Status.ELSEWHERE),
    ("Nobody approves their own refund above the limit", money.nobody_approves_their_own),
    ("No patient or site sees another's data", Status.ELSEWHERE),
    ("What was acknowledged is durable", Status.ELSEWHERE),
)
"""In the order of their numbers, from 1."""


def verify(read: Read, *, now: datetime, refund_limit: Money) -> Verdict:
    """Look at every invariant in one state of the database, in bounded memory.

    `refund_limit` is the largest refund that needs no second person.
    """
    books = Books(read, now, refund_limit)
    return Verdict(
        tuple(_checked(books, number, name, how) for number, (name, how) in enumerate(INVARIANTS, 1))
    )


def _checked(books: Books, number: int, name: str, how: Look | Status) -> Check:
    if isinstance(how, Status):
        return Check(number=number, name=name, status=how)
    report = _looked(books, how)
    return Check(
        number=number,
        name=name,
        status=Status.FAILED if report.found else Status.OK,
        examined=report.examined,
        found=report.found,
        findings=tuple(report.findings),
        remarks=tuple(report.remarks),
    )


def _looked(books: Books, how: Look) -> Report:
    """Rows that nobody can read any more fail their own check, and leave the others to be made."""
    try:
        with books.read.session.begin_nested():
            return how(books)
    except (BillingError, DatabaseError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        report = Report()
        report.blame(type(error).__name__, "what this looks at cannot be read")
        return report
