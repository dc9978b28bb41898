"""Reads of attempts to pay and of pay links."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, select

from billing.invoices.queries import find_invoice, find_share
from billing.invoices.queries.arose import arose_on
from billing.invoices.records import Invoice, PayerShare
from billing.invoices.states import ShareState
from billing.kernel.errors import NotFound
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Actor
from billing.patients.queries import may_be_charged, on_hold_among, refuse_while_on_hold
from billing.payments.errors import (
    CheckoutStands,
    NoSuchCheckout,
    NoSuchPayLink,
)
from billing.payments.models.checkouts import CheckoutRow, PayLinkRow
from billing.payments.queries.deposit_requests import find_deposit_request
from billing.payments.records.checkouts import Checkout, CheckoutAtSite, PayLink, Way
from billing.payments.records.deposit_requests import DepositRequest
from billing.payments.states.checkouts import STANDING, CheckoutState
from billing.platform.data.database import Read

PAGE_STANDS = "A card page or reader for this stands open. Cancel it first, or wait until it was used."
CHARGE_STANDS = "A charge of a saved card has no outcome yet. It is looked up by itself; wait for it."
DECLINE_IS_NEWS = timedelta(days=1)
"""How long a page says that a card was declined at the desk."""
ON_ITS_WAY = "A payment of this is on its way from a bank account. It takes some days; wait for it."


def find_checkout(read: Read, checkout_id: str, actor: Actor) -> Checkout:
    """Raises: NoSuchCheckout."""
    row = read.session.get(CheckoutRow, checkout_id)
    try:
        if row is not None:
            owner_of_checkout(read, checkout_of(row), actor)
            return checkout_of(row)
    except NotFound:
        pass
    raise NoSuchCheckout(f"There is no checkout {checkout_id}.")


def owner_of_checkout(read: Read, checkout: Checkout, actor: Actor) -> Invoice | DepositRequest:
    """What it pays. Raises: NoSuchInvoice, NoSuchDepositRequest."""
    if checkout.deposit_request_id is not None:
        return find_deposit_request(read, checkout.deposit_request_id, actor)
    return find_invoice(read, str(checkout.invoice_id), actor)


def at_site(checkout: Checkout, owner: Invoice | DepositRequest) -> CheckoutAtSite:
    """The attempt at the site of what it pays."""
    return CheckoutAtSite(id=checkout.id, entity_id=owner.entity_id, site_id=owner.site_id)


def checkout_by_reference(read: Read, reference: str) -> Checkout | None:
    row = read.session.scalar(select(CheckoutRow).where(CheckoutRow.reference == reference))
    return checkout_of(row) if row else None


def checkout_of_request(read: Read, name: str) -> Checkout | None:
    """The attempt that a request made, by the name of its key."""
    row = read.session.scalar(select(CheckoutRow).where(CheckoutRow.request_key == name))
    return checkout_of(row) if row else None


def standing_checkout(
    read: Read,
    invoice_id: str | None = None,
    share_id: str | None = None,
    *,
    deposit_request_id: str | None = None,
) -> Checkout | None:
    """The checkout that may still take the patient's money for an invoice, that of a payer for a share, or a
    deposit that was asked for."""
    pays = _pays(invoice_id, share_id, deposit_request_id)
    row = read.session.scalar(select(CheckoutRow).where(*pays, CheckoutRow.state.in_(STANDING)))
    return checkout_of(row) if row else None


def usable_of(read: Read, patient_id: str) -> Sequence[Checkout]:
    """The card pages and readers that may take money for what is a patient's, also another payer's."""
    rows = read.session.scalars(
        select(CheckoutRow)
        .where(
            CheckoutRow.patient_id == patient_id,
            CheckoutRow.state == CheckoutState.OPEN,
            CheckoutRow.way != Way.SAVED,
        )
        .order_by(CheckoutRow.id)
    )
    return [checkout_of(row) for row in rows]


def has_use(read: Read, checkout: Checkout) -> bool:
    """Whether what it was to pay is still owed, and may be charged."""
    if checkout.share_id is not None:
        return bool(find_share(read, checkout.share_id, SYSTEM).open_balance)
    return bool(owner_of_checkout(read, checkout, SYSTEM).open_balance) and may_be_sent(read, checkout)


def asked_on_reader(read: Read, reader_id: str) -> Sequence[Checkout]:
    """What a reader was told to ask for and has no outcome here."""
    rows = read.session.scalars(
        select(CheckoutRow).where(CheckoutRow.reader_id == reader_id, CheckoutRow.state == CheckoutState.OPEN)
    )
    return [checkout_of(row) for row in rows]


def declined_on_readers(read: Read, patient_id: str, *, now: datetime) -> Sequence[Checkout]:
    """The attempts of a patient whose card was declined at a reader lately, the newest last."""
    rows = read.session.scalars(
        select(CheckoutRow)
        .where(
            CheckoutRow.patient_id == patient_id,
            CheckoutRow.state == CheckoutState.DECLINED,
            CheckoutRow.way == Way.READER,
            CheckoutRow.opened_at > now - DECLINE_IS_NEWS,
        )
        .order_by(CheckoutRow.opened_at)
    )
    return [checkout_of(row) for row in rows]


def refused_debits(read: Read, patient_id: str) -> Mapping[str, Checkout]:
    """By invoice or deposit that was asked for, its last attempt, where a bank did not pay that debit."""
    mine = (CheckoutRow.patient_id == patient_id, CheckoutRow.share_id.is_(None))
    rows = read.session.scalars(select(CheckoutRow).where(*mine).order_by(CheckoutRow.id))
    return _refused({str(row.invoice_id or row.deposit_request_id): row for row in rows})


def refused_debits_of_payers(read: Read, shares: Iterable[PayerShare]) -> Mapping[str, Checkout]:
    """By another payer's part that is open, its last attempt, where a bank did not pay that debit."""
    owed = [share.id for share in shares if share.open_balance and share.state is not ShareState.ENDED]
    theirs = select(CheckoutRow).where(CheckoutRow.share_id.in_(owed)).order_by(CheckoutRow.id)
    return _refused({str(row.share_id): row for row in read.session.scalars(theirs)}) if owed else {}


def _refused(last: Mapping[str, CheckoutRow]) -> Mapping[str, Checkout]:
    return {
        paid: checkout_of(row)
        for paid, row in last.items()
        if row.way == Way.PAGE and row.state == CheckoutState.DECLINED
    }


def checkouts_among(
    read: Read,
    checkout_ids: Sequence[str],
    *,
    invoice_id: str | None = None,
    share_id: str | None = None,
    deposit_request_id: str | None = None,
) -> Sequence[str]:
    """Those that were to pay what the patient owes of an invoice, a payer of a share, or a deposit."""
    pays = _pays(invoice_id, share_id, deposit_request_id)
    return read.session.scalars(select(CheckoutRow.id).where(CheckoutRow.id.in_(checkout_ids), *pays)).all()


def _pays(
    invoice_id: str | None, share_id: str | None, deposit_request_id: str | None
) -> tuple[ColumnElement[bool], ...]:
    return (
        CheckoutRow.invoice_id == invoice_id,
        CheckoutRow.share_id == share_id,
        CheckoutRow.deposit_request_id == deposit_request_id,
    )


def standing_of_link(read: Read, link: PayLink) -> Checkout | None:
    """The checkout that may still take what a link is for."""
    return standing_checkout(read, link.invoice_id, link.share_id, deposit_request_id=link.deposit_request_id)


def refused_by_bank(read: Read, link: PayLink) -> Checkout | None:
    """The last attempt to pay what a link is for, if it was a debit that the bank did not pay."""
    pays = _pays(link.invoice_id, link.share_id, link.deposit_request_id)
    query = select(CheckoutRow).where(*pays, CheckoutRow.way == Way.PAGE).order_by(CheckoutRow.id.desc())
    row = read.session.scalar(query.limit(1))
    return checkout_of(row) if row and row.state == CheckoutState.DECLINED else None


def is_on_its_way(read: Read, invoice_id: str) -> bool:
    """Whether a debit of the patient's bank account was authorized that has no outcome yet."""
    standing = standing_checkout(read, invoice_id)
    return standing is not None and standing.state is CheckoutState.PROCESSING


def refuse_while_standing(read: Read, invoice_id: str, share_id: str | None = None) -> None:
    """Nothing else settles or voids an invoice while a card page or a debit may still take its money.

    Another payer's page takes only what that payer owes, and stands in nobody's way.
    Raises: CheckoutStands.
    """
    refuse_standing(standing_checkout(read, invoice_id, share_id))


def refuse_standing(standing: Checkout | None) -> None:
    """Raises: CheckoutStands, which names it."""
    if standing:
        raise CheckoutStands(_why(standing), checkout_id=standing.id)


def _why(standing: Checkout) -> str:
    if standing.way is Way.SAVED:
        return CHARGE_STANDS
    return ON_ITS_WAY if standing.state is CheckoutState.PROCESSING else PAGE_STANDS


def unresolved_checkouts(read: Read, *, before: datetime, now: datetime) -> Sequence[Checkout]:
    """Those whose opening was not confirmed since `before`, those open past their end, and those that may
    still be used though charges of the patient were stopped meanwhile."""
    late = (CheckoutRow.state == CheckoutState.CREATED) & (CheckoutRow.opened_at < before)
    over = CheckoutRow.state.in_(STANDING) & (CheckoutRow.expires_at <= now)
    usable = (CheckoutRow.state == CheckoutState.OPEN) & CheckoutRow.share_id.is_(None)
    users = set(read.session.scalars(select(CheckoutRow.patient_id).where(usable)))
    stopped = usable & CheckoutRow.patient_id.in_(on_hold_among(read, users))
    found = [checkout_of(row) for row in read.session.scalars(select(CheckoutRow).where(late | over))]
    known = {each.id for each in found}
    may_not_stand = [
        each
        for each in map(checkout_of, read.session.scalars(select(CheckoutRow).where(stopped)))
        if each.id not in known and not may_be_sent(read, each)
    ]
    return found + may_not_stand


def may_be_sent(read: Read, checkout: Checkout) -> bool:
    """Whether the processor may be asked for this money now: nothing of a patient's while it is stopped."""
    return checkout.share_id is not None or may_be_charged(
        read, checkout.patient_id, arose_on=_arose_on(read, checkout)
    )


def refuse_unless_sendable(read: Read, checkout: Checkout) -> None:
    """Raises: AccountOnHold."""
    if checkout.share_id is None:
        refuse_while_on_hold(read, checkout.patient_id, arose_on=_arose_on(read, checkout))


def _arose_on(read: Read, checkout: Checkout) -> date | None:
    """Since when what it pays is owed; a deposit is not owed."""
    if checkout.invoice_id is None:
        return None
    return arose_on(read, find_invoice(read, checkout.invoice_id, SYSTEM))


def find_pay_link(read: Read, secret: str, now: datetime) -> PayLink:
    """What a pay link shows: the amount that is owed now, and nothing of the patient.

    Raises: NoSuchPayLink, for an unknown and for an expired one alike, and for the patient's own while their
    charges are stopped.
    """
    row = _known_link(read, secret, now)
    of = _linked(read, row)
    since = arose_on(read, of) if isinstance(of, Invoice) else None
    if row.share_id is None and not may_be_charged(read, of.patient_id, arose_on=since):
        raise no_such_link()
    return _pay_link(row, of)


def pay_link_of_a_payer(read: Read, secret: str, now: datetime) -> PayLink:
    """As `find_pay_link`, also while charges are stopped: for who paid by it, and may know that it came.

    Raises: NoSuchPayLink.
    """
    row = _known_link(read, secret, now)
    return _pay_link(row, _linked(read, row))


def _known_link(read: Read, secret: str, now: datetime) -> PayLinkRow:
    """Raises: NoSuchPayLink."""
    row = read.session.scalar(select(PayLinkRow).where(PayLinkRow.secret_sha256 == secret_hash(secret)))
    if row is None or row.expires_at <= now:
        raise no_such_link()
    return row


def _pay_link(row: PayLinkRow, of: Invoice | PayerShare | DepositRequest) -> PayLink:
    return PayLink(
        id=row.id,
        invoice_id=row.invoice_id,
        share_id=row.share_id,
        deposit_request_id=row.deposit_request_id,
        entity_id=of.entity_id,
        amount=of.open_balance,
        expires_at=row.expires_at,
    )


def no_such_link() -> NoSuchPayLink:
    """One answer for all that a link may not open, so that it tells nobody why."""
    return NoSuchPayLink("This link is not valid any more. Ask the clinic for a new one.")


def _linked(read: Read, row: PayLinkRow) -> Invoice | PayerShare | DepositRequest:
    if row.deposit_request_id is not None:
        return find_deposit_request(read, row.deposit_request_id, SYSTEM)
    if row.share_id is not None:
        return find_share(read, row.share_id, SYSTEM)
    return find_invoice(read, str(row.invoice_id), SYSTEM)


def secret_hash(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def checkout_of(row: CheckoutRow) -> Checkout:
    return Checkout(
        id=row.id,
        invoice_id=row.invoice_id,
        share_id=row.share_id,
        deposit_request_id=row.deposit_request_id,
        patient_id=row.patient_id,
        way=Way(row.way),
        reader_id=row.reader_id,
        saved_method_id=row.saved_method_id,
        consent_id=row.consent_id,
        descriptor=row.descriptor,
        decline=row.decline,
        amount=Money(row.amount_cents),
        state=CheckoutState(row.state),
        reference=row.reference,
        url=row.url,
        return_url=row.return_url,
        is_health_account=row.is_health_account,
        opened_at=row.opened_at,
        expires_at=row.expires_at,
    )
