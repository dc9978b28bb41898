"""Invariants 11, 12 and 19: states, frozen documents, and who did what."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import Any

import orjson
from sqlalchemy import Select, column, select, table, text

from billing.accounting.queries.guards import require_append_only, require_change_guards
from billing.accounting.queries.probes import ROWS_AT_ONCE, Books, Probe, Report, count, look
from billing.accounting.rules.moves import Move, chain_flaw
from billing.care.states import MOVES as SESSION_MOVES
from billing.catalog.queries import altered_schedules
from billing.insurance.states import CLAIM_MOVES, REMITTANCE_MOVES, SUPERBILL_MOVES
from billing.invoices.states import MOVES as INVOICE_MOVES
from billing.invoices.states import SHARE_MOVES
from billing.payments.queries.saved_methods import altered_consent_texts
from billing.payments.states.checkouts import CHECKOUT_MOVES
from billing.payments.states.choice_letters import CHOICE_LETTER_MOVES
from billing.payments.states.deposit_requests import DEPOSIT_REQUEST_MOVES
from billing.payments.states.dispute_answers import ANSWER_MOVES
from billing.payments.states.disputes import DISPUTE_MOVES
from billing.payments.states.dormant import DORMANT_MOVES
from billing.payments.states.drawers import DRAWER_MOVES
from billing.payments.states.mail import MAIL_MOVES
from billing.payments.states.payments import PAYMENT_MOVES
from billing.payments.states.payouts import PAYOUT_MOVES
from billing.payments.states.refunds import REFUND_MOVES
from billing.payments.states.saved_methods import SAVED_MOVES
from billing.payments.states.takebacks import TAKEBACK_MOVES
from billing.platform.data.audit import verify_chain
from billing.platform.data.documents import Document, Rendering
from billing.platform.data.errors import VaultClosed
from billing.platform.data.states import StateChange
from billing.platform.data.tasks import TASK_MOVES

# --- 11: moves -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Life:
    """A table whose rows have a state, where each begins, and how it moves."""

    table: str
    start: str
    moves: Mapping[Any, str]


LIVES = (
    Life("treatment_session", "planned", SESSION_MOVES),
    Life("invoice", "open", INVOICE_MOVES),
    Life("payer_share", "agreed", SHARE_MOVES),
    Life("checkout", "created", CHECKOUT_MOVES),
    Life("deposit_request", "asked", DEPOSIT_REQUEST_MOVES),
    Life("saved_method", "pending", SAVED_MOVES),
    Life("payment", "received", PAYMENT_MOVES),
    Life("refund", "requested", REFUND_MOVES),
    Life("takeback", "demanded", TAKEBACK_MOVES),
    Life("dormant_credit", "listed", DORMANT_MOVES),
    Life("dispute", "noted", DISPUTE_MOVES),
    Life("dispute_answer", "waiting", ANSWER_MOVES),
    Life("payout", "pending", PAYOUT_MOVES),
    Life("cash_drawer", "open", DRAWER_MOVES),
    Life("superbill", "issued", SUPERBILL_MOVES),
    Life("claim", "draft", CLAIM_MOVES),
    Life("remittance", "parked", REMITTANCE_MOVES),
    Life("task", "open", TASK_MOVES),
    Life("mail", "queued", MAIL_MOVES),
    Life("choice_letter", "queued", CHOICE_LETTER_MOVES),
)

MOVE_OF_NOTHING = Probe(
    "moves are kept for it, and it is not there",
    """
    SELECT DISTINCT c.subject_id FROM state_change c
    WHERE NOT EXISTS (SELECT 1 FROM treatment_session x WHERE x.id = c.subject_id)
        AND NOT EXISTS (SELECT 1 FROM invoice x WHERE x.id = c.subject_id)
        AND NOT EXISTS (SELECT 1 FROM payer_share x WHERE x.id = c.subject_id)
        AND NOT EXISTS (SELECT 1 FROM checkout x WHERE x.id = c.subject_id)
        AND NOT EXISTS (SELECT 1 FROM deposit_request x WHERE x.id = c.subject_id)
        AND NOT EXISTS (SELECT 1 FROM saved_method x WHERE x.id = c.subject_id)
        AND NOT EXISTS (SELECT 1 FROM payment x WHERE x.id = c.subject_id)
        AND NOT EXISTS (SELECT 1 FROM refund x WHERE x.id = c.subject_id)
        AND NOT EXISTS (SELECT 1 FROM takeback x WHERE x.id = c.subject_id)
        AND NOT EXISTS (SELECT 1 FROM dormant_credit x WHERE x.id = c.subject_id)
        AND NOT EXISTS (SELECT 1 FROM dispute x WHERE x.id = c.subject_id)
        AND NOT EXISTS (SELECT 1 FROM dispute_answer x WHERE x.id = c.subject_id)
        AND NOT EXISTS (SELECT 1 FROM payout x WHERE x.id = c.subject_id)
        AND NOT EXISTS (SELECT 1 FROM cash_drawer x WHERE x.id = c.subject_id)
        AND NOT EXISTS (SELECT 1 FROM superbill x WHERE x.id = c.subject_id)
        AND NOT EXISTS (SELECT 1 FROM claim x WHERE x.id = c.subject_id)
        AND NOT EXISTS (SELECT 1 FROM remittance x WHERE x.id = c.subject_id)
        AND NOT EXISTS (SELECT 1 FROM task x WHERE x.id = c.subject_id)
        AND NOT EXISTS (SELECT 1 FROM mail x WHERE x.id = c.subject_id)
        AND NOT EXISTS (SELECT 1 FROM choice_letter x WHERE x.id = c.subject_id)
    """,
)


def states_follow_their_tables(books: Books) -> Report:
    report = look(books, at=["state_change"], probes=[MOVE_OF_NOTHING])
    for life in LIVES:
        _follow(books, report, life)
    require_append_only(books.read, report, ["state_change"])
    return report


def _follow(books: Books, report: Report, life: Life) -> None:
    for subject_id, state, moves in _chains(books, life.table):
        flaw = chain_flaw(life.moves, life.start, moves, state)
        if flaw:
            report.blame(subject_id, flaw)


def _chains(books: Books, name: str) -> Iterator[tuple[str, str, list[Move]]]:
    """Each row's id, state and moves, in the order of time."""
    rows = books.read.connection.execute(_chained(name))
    for (subject_id, state), group in groupby(rows, key=lambda row: row[:2]):
        yield subject_id, state, [Move(*row[2:]) for row in group if row[2] is not None]


@cache
def _chained(name: str) -> Select[*tuple[Any, ...]]:
    rows = table(name, column("id"), column("state"))
    moves = StateChange.__table__.c
    return (
        select(rows.c.id, rows.c.state, moves.before, moves.event, moves.after)
        .select_from(rows.outerjoin(StateChange.__table__, moves.subject_id == rows.c.id))
        .order_by(rows.c.id, moves.at, moves.id)
        .execution_options(yield_per=ROWS_AT_ONCE)
    )


# --- 12: documents -------------------------------------------------------------------------------------

FROZEN = (
    "document",
    "rendering",
    "quote",
    "invoice_line",
    "fee_schedule",
    "receipt",
    "consent",
    "consent_text",
)

DOCUMENT_MISSING = Probe(
    "its document is not there, or is another one",
    """
    SELECT q.id FROM quote q LEFT JOIN document d
        ON d.id = q.document_id AND d.kind = 'quote' AND d.subject_id = q.id
    WHERE d.id IS NULL
    UNION ALL
    SELECT i.id FROM invoice i LEFT JOIN document d
        ON d.id = i.document_id AND d.kind = 'invoice' AND d.subject_id = i.id
    WHERE d.id IS NULL
    UNION ALL
    SELECT s.id FROM superbill s LEFT JOIN document d
        ON d.id = s.document_id AND d.kind = 'superbill' AND d.subject_id = s.session_id
        AND d.version = s.version AND d.sha256 = s.sha256
    WHERE d.id IS NULL
    UNION ALL
    SELECT c.id FROM claim c LEFT JOIN document d
        ON d.id = c.document_id AND d.kind = 'claim' AND d.subject_id = c.session_id
        AND d.version = c.version AND d.sha256 = c.sha256
    WHERE d.id IS NULL
    UNION ALL
    SELECT f.id FROM claim_file f LEFT JOIN document d
        ON d.id = f.document_id AND d.kind = 'claim_file' AND d.subject_id = f.id AND d.sha256 = f.sha256
    WHERE d.id IS NULL
    UNION ALL
    SELECT r.id FROM receipt r LEFT JOIN document d
        ON d.id = r.document_id AND d.kind = 'receipt' AND d.subject_id = r.id AND d.sha256 = r.sha256
    WHERE d.id IS NULL
    UNION ALL
    SELECT l.id FROM choice_letter l LEFT JOIN document d
        ON d.id = l.document_id AND d.kind = 'choice_letter' AND d.subject_id = l.id AND d.sha256 = l.sha256
    WHERE d.id IS NULL AND (l.document_id IS NOT NULL OR l.state = 'posted')
    UNION ALL
    SELECT a.id FROM dispute_answer a LEFT JOIN document d
        ON d.id = a.document_id AND d.kind = 'evidence' AND d.subject_id = a.id AND d.sha256 = a.sha256
    WHERE a.kind = 'evidence' AND d.id IS NULL
    """,
)
RECEIPT_OF_OTHER = Probe(
    "the receipt is not of its payment or refund",
    """
    SELECT r.id FROM receipt r JOIN payment p ON p.id = r.payment_id
    WHERE p.amount_cents <> r.amount_cents OR p.patient_id <> r.patient_id
    UNION ALL
    SELECT r.id FROM receipt r JOIN refund f ON f.id = r.refund_id
    WHERE f.amount_cents <> r.amount_cents OR f.patient_id <> r.patient_id
    """,
)
NOT_OPENED = "does not open: other FIELD_KEYS than those that sealed it, or changed bytes"

ROWS_OF_DOCUMENTS = """
    SELECT document_id, id AS owner_id, total_cents AS one, discount_cents AS other FROM quote
    UNION ALL
    SELECT i.document_id, i.id, i.total_cents,
        (SELECT SUM(l.discount_cents) FROM invoice_line l WHERE l.invoice_id = i.id) FROM invoice i
    UNION ALL
    SELECT document_id, id, charge_cents, paid_cents FROM superbill
    UNION ALL
    SELECT document_id, id, charge_cents, paid_cents FROM claim
    UNION ALL
    SELECT f.document_id, f.id, f.charge_cents,
        (SELECT SUM(c.paid_cents) FROM claim c WHERE c.file_id = f.id) FROM claim_file f
    UNION ALL
    SELECT document_id, id, amount_cents, amount_cents FROM receipt
    UNION ALL
    SELECT document_id, id, amount_cents, amount_cents FROM dispute_answer WHERE kind = 'evidence'
"""


def documents_stay(books: Books) -> Report:
    report = look(books, at=["document"], probes=[DOCUMENT_MISSING, RECEIPT_OF_OTHER])
    report.examined += count(books.read, "fee_schedule")
    for schedule_id in altered_schedules(books.read):
        report.blame(schedule_id, "a published fee schedule does not match its hash")
    for sha256 in altered_consent_texts(books.read):
        report.blame(sha256, "a text that patients agreed to does not match its hash")
    _open_documents(books, report)
    _open_renderings(books, report)
    require_append_only(books.read, report, FROZEN)
    return report


def _open_documents(books: Books, report: Report) -> None:
    """Each document opens, matches its hash, and says the amounts that its row says."""
    told = (
        text(ROWS_OF_DOCUMENTS).columns(*map(column, ("document_id", "owner_id", "one", "other"))).subquery()
    )
    query = (
        select(Document, told.c.owner_id, told.c.one, told.c.other)
        .outerjoin(told, told.c.document_id == Document.id)
        .order_by(Document.id)
        .execution_options(yield_per=ROWS_AT_ONCE)
    )
    for row, owner_id, one, other in books.read.session.execute(query):
        content = _opened(books, "document", row.id, row.sealed)
        if content is None:
            report.blame(row.id, NOT_OPENED)
        elif hashlib.sha256(content).hexdigest() != row.sha256:
            report.blame(row.id, "does not match its hash")
        elif owner_id is not None and _amounts(row.kind, orjson.loads(content)) != (one, other):
            report.blame(owner_id, "does not say what its frozen document says")


def _open_renderings(books: Books, report: Report) -> None:
    query = select(Rendering).order_by(Rendering.document_id).execution_options(yield_per=10)
    for row in books.read.session.scalars(query):
        report.examined += 1
        content = _opened(books, "rendering", row.document_id, row.sealed)
        if content is None:
            report.blame(row.document_id, f"its rendering {NOT_OPENED}")
        elif hashlib.sha256(content).hexdigest() != row.sha256:
            report.blame(row.document_id, "its rendering does not match its hash")


def _opened(books: Books, name: str, row_id: str, sealed: bytes) -> bytes | None:
    """None for bytes that no key opens, or that are no sealed bytes at all."""
    try:
        return books.read.vault.open_bytes(name, row_id, sealed)
    except (VaultClosed, IndexError, ValueError):
        return None


def _amounts(kind: str, body: Mapping[str, Any]) -> tuple[int, int]:
    """Two amounts of a document that its row repeats, in the order of ROWS_OF_DOCUMENTS."""
    if kind == "superbill":
        return body["totals"]["net_cents"], body["totals"]["paid_cents"]
    if kind in ("claim", "claim_file"):
        told = body["claims"]
        return sum(each["charge"]["cents"] for each in told), sum(each["paid"]["cents"] for each in told)
    if kind == "evidence":
        return (body["dispute"]["amount_cents"],) * 2
    if kind == "receipt":
        return body["amount_cents"], sum(line["cents"] for line in body["lines"])
    if kind == "invoice":
        return body["total_cents"], sum(line["discount_cents"] for line in body["lines"])
    return body["total_cents"], body["discount_cents"]


# --- 19: the audit trail -------------------------------------------------------------------------------

NAMELESS = Probe(
    "names no actor",
    """
    SELECT id FROM audit_row WHERE actor_id IS NULL OR actor_id = ''
    UNION ALL SELECT id FROM ledger_entry WHERE actor_id IS NULL OR actor_id = ''
    UNION ALL SELECT id FROM state_change WHERE actor_id IS NULL OR actor_id = ''
    """,
)
UNAUDITED = Probe(
    "is not on the audit trail",
    """
    SELECT written.id FROM (
        SELECT id FROM payment
        UNION ALL SELECT id FROM refund
        UNION ALL SELECT id FROM credit_application
        UNION ALL SELECT id FROM takeback
        UNION ALL SELECT id FROM dormant_credit
        UNION ALL SELECT id FROM deposit_request
        UNION ALL SELECT id FROM dispute
        UNION ALL SELECT id FROM dispute_answer
        UNION ALL SELECT id FROM bank_deposit
        UNION ALL SELECT id FROM invoice
        UNION ALL SELECT id FROM payer_share
        UNION ALL SELECT id FROM superbill
        UNION ALL SELECT id FROM claim
        UNION ALL SELECT id FROM claim_file
        UNION ALL SELECT id FROM remittance
        UNION ALL SELECT id FROM patient
    ) written
    WHERE NOT EXISTS (SELECT 1 FROM audit_row a WHERE a.subject_id = written.id)
    """,
)
STOPS = Probe(
    "charges of the patient are not stopped, or let go on, as often as the trail says",
    """
    SELECT patient_id FROM (
        SELECT patient_id, 1 AS placed, CASE WHEN lifted_at IS NULL THEN 0 ELSE 1 END AS lifted
        FROM account_hold
        UNION ALL
        SELECT subject_id, CASE WHEN action = 'hold.place' THEN -1 ELSE 0 END,
            CASE WHEN action = 'hold.lift' THEN -1 ELSE 0 END
        FROM audit_row WHERE action IN ('hold.place', 'hold.lift')
    ) told
    GROUP BY patient_id HAVING SUM(placed) <> 0 OR SUM(lifted) <> 0
    """,
)


def the_trail_is_whole(books: Books) -> Report:
    report = look(books, at=["audit_row"], probes=[NAMELESS, UNAUDITED, STOPS])
    chain = verify_chain(books.read)
    if chain.broken_at is not None:
        report.blame(f"place {chain.broken_at}", "the audit chain breaks here")
    if chain.waiting < 0:
        report.blame("audit_seal", f"{-chain.waiting} sealed rows are gone")
    if chain.waiting > 0:
        report.remarks.append(f"{chain.waiting} rows of the audit trail wait for their seal")
    require_append_only(books.read, report, ["audit_row", "audit_seal"])
    require_change_guards(books.read, report, ["account_hold"])
    return report
