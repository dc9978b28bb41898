"""What the worker does: by kind of job, and what recurs by itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from billing.insurance.flows.remittance_uploads import Office, post_upload, read_upload
from billing.insurance.flows.remittances import resume_after
from billing.insurance.ports import RemittanceReader
from billing.insurance.use_cases.claim_deadlines import remind_of_filing
from billing.insurance.use_cases.remittance_uploads import POST_UPLOAD, READ_UPLOAD, forget_uploads
from billing.insurance.use_cases.remittances.posting import RESUME_REMITTANCES
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM
from billing.payments.flows.choice_letters import send_choice_letter, write_choice_letters
from billing.payments.flows.choices import refund_what_nobody_chose
from billing.payments.flows.dispute_answers import send_answer
from billing.payments.flows.events import work_event
from billing.payments.flows.mail import Mailroom, mail_new_receipt, send_mail
from billing.payments.flows.reconcile import reconcile
from billing.payments.flows.refunds import send_refund
from billing.payments.flows.resolve import close_useless, resolve_due
from billing.payments.flows.room import Payments
from billing.payments.rules.choices import LETTERS_EVERY
from billing.payments.use_cases.choice_letters import SEND_CHOICE_LETTER
from billing.payments.use_cases.closing import CLOSE_CHECKOUT
from billing.payments.use_cases.dispute_answers import SEND_ANSWER, remind_of_disputes
from billing.payments.use_cases.dormant import list_dormant_credits
from billing.payments.use_cases.inbox import WORK_WEBHOOK
from billing.payments.use_cases.mail import SEND_MAIL
from billing.payments.use_cases.receipts import MAIL_RECEIPT
from billing.payments.use_cases.refund_checks import ask_about_uncashed_checks
from billing.payments.use_cases.refunds import SEND_REFUND, ask_about_waiting_refunds
from billing.platform.data.audit import seal_audit_rows
from billing.platform.data.jobs import Handler, Recurring
from billing.platform.http.edge import Edge

SEAL_AUDIT, RESOLVE, LIST_DORMANT = "seal-audit", "resolve", "list-dormant-credits"
REMIND, RECONCILE = "remind-of-disputes", "reconcile"
ASK_ABOUT_CHECKS, ASK_ABOUT_REFUNDS = "ask-about-uncashed-checks", "ask-about-waiting-refunds"
REFUND_UNANSWERED, REMIND_OF_FILING = "refund-unanswered-credits", "remind-of-filing"
FORGET_UPLOADS, WRITE_CHOICE_LETTERS = "forget-uploads", "write-choice-letters"
RECURRING = (
    Recurring(SEAL_AUDIT, timedelta(seconds=30)),
    Recurring(RESOLVE, timedelta(minutes=5)),
    Recurring(RECONCILE, timedelta(days=1)),
    Recurring(LIST_DORMANT, timedelta(days=30)),
    Recurring(REMIND, timedelta(hours=6)),
    Recurring(ASK_ABOUT_CHECKS, timedelta(days=1)),
    Recurring(REFUND_UNANSWERED, timedelta(days=1)),
    Recurring(WRITE_CHOICE_LETTERS, LETTERS_EVERY),
    Recurring(ASK_ABOUT_REFUNDS, timedelta(days=1)),
    Recurring(REMIND_OF_FILING, timedelta(days=1)),
    Recurring(FORGET_UPLOADS, timedelta(hours=1)),
)


def job_handlers(
    edge: Edge,
    payments: Payments,
    mailroom: Mailroom,
    reader: RemittanceReader,
    refund_limit: Money,
    stale_after: timedelta,
) -> dict[str, Handler]:
    """What the worker does, by kind of job."""
    database, clock = edge.database, edge.clock
    insurers = Office(database, reader, clock)

    def by_itself(work: Callable[..., object]) -> Handler:
        return lambda _task: ignored(database.in_transaction(lambda tx: work(tx, actor=SYSTEM, now=clock())))

    return {
        WORK_WEBHOOK: lambda task: work_event(
            payments,
            kind=task.payload["kind"],
            object_id=task.payload["object_id"],
            refund_limit=refund_limit,
        ),
        CLOSE_CHECKOUT: lambda task: close_useless(payments, task.payload["checkout_id"]),
        SEND_REFUND: lambda task: ignored(send_refund(payments, refund_id=task.payload["refund_id"])),
        SEND_ANSWER: lambda task: send_answer(payments, answer_id=task.key),
        REMIND: by_itself(remind_of_disputes),
        MAIL_RECEIPT: lambda task: mail_new_receipt(mailroom, receipt_id=task.key),
        SEND_MAIL: lambda task: send_mail(mailroom, mail_id=task.key),
        SEAL_AUDIT: lambda _task: ignored(database.in_transaction(seal_audit_rows)),
        LIST_DORMANT: by_itself(list_dormant_credits),
        ASK_ABOUT_CHECKS: lambda _task: ignored(
            database.in_transaction(
                lambda tx: ask_about_uncashed_checks(tx, after=stale_after, actor=SYSTEM, now=clock())
            )
        ),
        REFUND_UNANSWERED: lambda _task: refund_what_nobody_chose(database, clock, refund_limit),
        WRITE_CHOICE_LETTERS: lambda _task: write_choice_letters(mailroom),
        SEND_CHOICE_LETTER: lambda task: send_choice_letter(mailroom, letter_id=task.key),
        ASK_ABOUT_REFUNDS: by_itself(ask_about_waiting_refunds),
        REMIND_OF_FILING: by_itself(remind_of_filing),
        FORGET_UPLOADS: by_itself(forget_uploads),
        RESUME_REMITTANCES: lambda task: ignored(
            resume_after(database.in_transaction, remittance_id=task.payload["remittance_id"], clock=clock)
        ),
        READ_UPLOAD: lambda task: read_upload(insurers, task),
        POST_UPLOAD: lambda task: post_upload(insurers, task),
        RECONCILE: lambda _task: ignored(
            reconcile(payments, since=None, until=None, refund_limit=refund_limit)
        ),
        RESOLVE: lambda _task: ignored(resolve_due(payments)),
    }


def ignored(_outcome: object) -> None:
    """A job's outcome is in the database."""
