"""What another payer takes of an invoice: agreed, paid, and gone with a session that is called off.

A share is a tender of the invoice: the patient owes what remains. Its cover of a session is what the payer
has not paid yet; when money comes, that much is covered by the payment instead.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import update

from billing.care.queries import coverage_of, covered_by, find_session
from billing.care.records import Session
from billing.care.use_cases import uncover
from billing.catalog.queries import site_date
from billing.invoices.errors import InvalidShare, InvoiceNotOpen, MoreThanOwed, SessionPartlyPaid
from billing.invoices.models import PayerShareRow
from billing.invoices.queries import find_invoice, find_payer, find_share, share_of, standing_lines
from billing.invoices.records import (
    FORGIVEN,
    OF_PAYERS,
    TAKES_ALL,
    Invoice,
    Payer,
    PayerShare,
    SettledPart,
    ShareOrder,
)
from billing.invoices.rules import allocate, earned_of, flaws_of_share, what_is_owed
from billing.invoices.states import InvoiceState, NothingOwed, ShareAgreed, ShareState
from billing.invoices.use_cases.locks import lock_invoice
from billing.invoices.use_cases.settle import cover_sessions, keep_tender, settle_if_nothing_is_owed, take_off
from billing.invoices.use_cases.take_back import keep_reversal, owe_again, rename_cover
from billing.kernel.errors import Flaw
from billing.kernel.ids import new_id
from billing.kernel.money import ZERO, Money, split, total
from billing.kernel.permissions import SYSTEM, Actor
from billing.ledger.records import Account, Line, Posting, Source, credit, debit
from billing.ledger.use_cases import post
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx
from billing.platform.data.tasks import end_tasks

SHARE = "payer_share"
"""The kind of the entries of a share."""

PAYER_DENIED = "payer-denied"
"""The task of a person who appeals, or has the part ended; it ends when nothing of it is unpaid."""


def agree_share(tx: Tx, *, invoice_id: str, order: ShareOrder, actor: Actor, now: datetime) -> PayerShare:
    """Another payer takes a part of an invoice that was issued.

    Raises: NoSuchInvoice, and what `put_share` raises; CheckoutStands while the patient may be paying it.
    """
    lock_invoice(tx, invoice_id, actor)
    return put_share(tx, invoice_id, order, actor, now)


def put_share(tx: Tx, invoice_id: str, order: ShareOrder, actor: Actor, now: datetime) -> PayerShare:
    """Take a payer's part off an invoice; the patient is locked.

    A fixed amount is spread over the sessions in proportion to what is open of each, so that each session has
    both parts. Compensation and the VA take whole sessions, on which nobody has paid anything.
    Raises: NoSuchPayer, InvalidShare, InvoiceNotOpen, SessionPartlyPaid, MoreThanOwed.
    """
    invoice, payer = find_invoice(tx, invoice_id, SYSTEM), find_payer(tx, order.payer_id, actor)
    _refuse_flaws(tx, invoice, payer, order)
    if invoice.state is InvoiceState.VOID:
        raise InvoiceNotOpen(what_is_owed(invoice), state=str(invoice.state))
    wanted = _whole_sessions(tx, invoice, order) if payer.kind in TAKES_ALL else _spread(tx, invoice, order)
    amount = total(part for _, part in wanted)
    take_off(tx, invoice, amount)
    share = _keep(tx, invoice, payer, order, amount, actor, now)
    parts = cover_sessions(tx, wanted, share.cover, share.id, actor, now)
    keep_tender(tx, invoice.id, share.cover, share.id, amount, now)
    settle_if_nothing_is_owed(tx, find_invoice(tx, invoice.id, SYSTEM), actor, now)
    owed_now = (
        debit(Account.OTHER_PAYERS_RECEIVABLE, earned_of(parts), invoice.patient_id),
        credit(Account.PATIENT_RECEIVABLE, earned_of(parts), invoice.patient_id),
    )
    post_share(tx, share, "agreed", owed_now, actor, now)
    covered = tuple(part.session_id for part in parts)
    tx.emit(ShareAgreed(invoice_id=invoice.id, session_ids=covered, actor=actor, now=now))
    return share


def fulfil_share(
    tx: Tx,
    *,
    share_id: str,
    source_kind: str,
    source_id: str,
    amount: Money,
    actor: Actor,
    now: datetime,
) -> tuple[SettledPart, ...]:
    """Something stands where a share had stood: what was given first, then the earlier session.

    The caller holds the patient's lock and posts (`rules.paying_share_lines` for a payment).
    Raises: NoSuchShare; MoreThanOwed when the payer owes less.
    """
    share = find_share(tx, share_id, SYSTEM)
    lower_share(tx, share, amount, actor, now, paid=ZERO if source_kind == FORGIVEN else amount)
    sessions = _covered_sessions(tx, share)
    covered = [covered_by(tx, session.id, share.cover, share.id) for session in sessions]
    parts = []
    for session, part in zip(sessions, allocate(amount, covered), strict=True):
        if part:
            rename_cover(tx, session.id, (share.cover, share.id), (source_kind, source_id), part, actor, now)
            parts.append(SettledPart(session_id=session.id, amount=part, earned=session.is_earned))
    keep_reversal(tx, share.invoice_id, share.cover, share.id, amount, now)
    keep_tender(tx, share.invoice_id, source_kind, source_id, amount, now)
    return tuple(parts)


def agree_again(
    tx: Tx, *, share_id: str, source_kind: str, source_id: str, actor: Actor, now: datetime
) -> tuple[SettledPart, ...]:
    """What a source covers for a payer was not paid after all: a part of theirs anew, on the same terms.

    The caller holds the patient's lock and posts (`rules.owing_share_again_lines`).
    Raises: NoSuchShare.
    """
    share = find_share(tx, share_id, SYSTEM)
    covered = [
        (session, part)
        for session in _covered_sessions(tx, share)
        if (part := covered_by(tx, session.id, source_kind, source_id))
    ]
    amount = total(part for _, part in covered)
    again = _on_the_same_terms(tx, share, amount, actor, now)
    for session, part in covered:
        rename_cover(tx, session.id, (source_kind, source_id), (again.cover, again.id), part, actor, now)
    keep_reversal(tx, share.invoice_id, source_kind, source_id, amount, now)
    keep_tender(tx, share.invoice_id, again.cover, again.id, amount, now)
    return tuple(
        SettledPart(session_id=session.id, amount=part, earned=session.is_earned) for session, part in covered
    )


def _on_the_same_terms(tx: Tx, share: PayerShare, amount: Money, actor: Actor, now: datetime) -> PayerShare:
    tx.session.execute(
        update(PayerShareRow)
        .where(PayerShareRow.id == share.id)
        .values(paid_cents=PayerShareRow.paid_cents - amount.cents)
    )
    tx.session.expire_all()
    invoice, payer = find_invoice(tx, share.invoice_id, SYSTEM), find_payer(tx, share.payer_id, SYSTEM)
    order = ShareOrder(
        payer_id=payer.id, reference=share.reference, from_on=share.from_on, until_on=share.until_on
    )
    return _keep(tx, invoice, payer, order, amount, actor, now)


def end_promises(tx: Tx, invoice_id: str, session: Session, actor: Actor, now: datetime) -> Session:
    """What other payers have not paid of a session that will not be given, nobody owes any more."""
    for part in coverage_of(tx, session.id):
        if part.source_kind not in OF_PAYERS:
            continue
        lower_share(tx, find_share(tx, part.source_id, SYSTEM), part.amount, actor, now)
        session = uncover(
            tx,
            session_id=session.id,
            source_kind=part.source_kind,
            source_id=part.source_id,
            amount=part.amount,
            actor=actor,
            now=now,
        )
        keep_reversal(tx, invoice_id, part.source_kind, part.source_id, part.amount, now)
        owe_again(tx, invoice_id, part.amount, actor, now)
    return session


def lower_share(
    tx: Tx, share: PayerShare, amount: Money, actor: Actor, now: datetime, *, paid: Money = ZERO
) -> None:
    """The database has the last word on what a payer still owes. Raises: MoreThanOwed."""
    left = tx.session.scalar(
        update(PayerShareRow)
        .where(PayerShareRow.id == share.id, PayerShareRow.open_cents >= amount.cents)
        .values(
            open_cents=PayerShareRow.open_cents - amount.cents,
            paid_cents=PayerShareRow.paid_cents + paid.cents,
        )
        .returning(PayerShareRow.open_cents)
    )
    if left is None:
        raise MoreThanOwed(
            f"This payer owes only {share.open_balance} of it.", open_cents=share.open_balance.cents
        )
    tx.session.expire_all()
    if not left:
        end_tasks(tx, kind=PAYER_DENIED, subject_ids=[share.id], actor=actor, now=now)
        tx.emit(
            NothingOwed(
                invoice_id=share.invoice_id, share_id=share.id, site_id=share.site_id, actor=actor, now=now
            )
        )


def post_share(
    tx: Tx, share: PayerShare, purpose: str, lines: tuple[Line, ...], actor: Actor, now: datetime
) -> None:
    """The entry of a fact about a share, unless nothing of it was given yet: then nothing is owed either."""
    if any(line.amount for line in lines):
        on = site_date(tx, share.site_id, now)
        post(tx, Posting.of(share, Source(SHARE, share.id, purpose), on, lines), actor=actor, now=now)


def _refuse_flaws(tx: Tx, invoice: Invoice, payer: Payer, order: ShareOrder) -> None:
    sessions = (find_session(tx, line.session_id, SYSTEM) for line in invoice.lines)
    flaws = flaws_of_share(payer.kind, order, {session.id: session.planned_on for session in sessions})
    if payer.entity_id != invoice.entity_id:
        flaws.append(Flaw("/payer_id", "This payer is known to another legal entity only."))
    if flaws:
        raise InvalidShare("Correct what is named and send it again.", flaws)


def _whole_sessions(tx: Tx, invoice: Invoice, order: ShareOrder) -> list[tuple[Session, Money]]:
    """Raises: SessionPartlyPaid, also for one that was returned."""
    standing = {line.session_id for line in standing_lines(tx, invoice)}
    sessions = [find_session(tx, session_id, SYSTEM) for session_id in order.session_ids]
    taken = [each.id for each in sessions if each.covered or each.id not in standing or not each.due]
    if taken:
        raise SessionPartlyPaid(
            "Something covers these sessions, or nothing is owed for them. Take that off first.",
            session_ids=taken,
        )
    return [(session, session.due or ZERO) for session in sessions]


def _spread(tx: Tx, invoice: Invoice, order: ShareOrder) -> list[tuple[Session, Money]]:
    """Raises: MoreThanOwed."""
    amount = order.amount or ZERO
    if amount > invoice.open_balance:
        raise MoreThanOwed(
            f"Only {invoice.open_balance} is owed on this invoice.", open_cents=invoice.open_balance.cents
        )
    sessions = [find_session(tx, line.session_id, SYSTEM) for line in standing_lines(tx, invoice)]
    open_ = [((session.due or ZERO) - session.covered).cents for session in sessions]
    return list(zip(sessions, split(amount, open_), strict=True))


def _keep(
    tx: Tx, invoice: Invoice, payer: Payer, order: ShareOrder, amount: Money, actor: Actor, now: datetime
) -> PayerShare:
    share_id = new_id("shr")
    row = PayerShareRow(
        id=share_id,
        entity_id=invoice.entity_id,
        site_id=invoice.site_id,
        patient_id=invoice.patient_id,
        invoice_id=invoice.id,
        payer_id=payer.id,
        state=ShareState.AGREED,
        agreed_cents=amount.cents,
        paid_cents=0,
        open_cents=amount.cents,
        from_on=order.from_on,
        until_on=order.until_on,
        agreed_on=site_date(tx, invoice.site_id, now),
        agreed_at=now,
        sealed=tx.vault.seal(PayerShareRow.__tablename__, share_id, {"reference": order.reference})
        if order.reference
        else None,
    )
    tx.session.add(row)
    tx.session.flush()
    detail = {"cents": amount.cents}
    record_audit(tx, actor=actor, action="payer_share.agree", subject_id=share_id, now=now, detail=detail)
    return share_of(tx, row)


def _covered_sessions(tx: Tx, share: PayerShare) -> list[Session]:
    """What was given comes first: that the payer owes already."""
    lines = standing_lines(tx, find_invoice(tx, share.invoice_id, SYSTEM))
    sessions = [find_session(tx, line.session_id, SYSTEM) for line in lines]
    return sorted(sessions, key=lambda session: not session.is_earned)
