"""Reads of attempts to pay and of pay links."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from billing.invoices.queries import find_invoice, find_share
from billing.kernel.errors import NotFound
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Actor
from billing.patients.queries import is_on_hold, on_hold_among
from billing.payments.errors import (
    CheckoutStands,
    NoSuchCheckout,
    NoSuchPayLink,
)
from billing.payments.models.checkouts import CheckoutRow, PayLinkRow
from billing.payments.records.checkouts import Checkout, PayLink, Way
from billing.payments.states.checkouts import STANDING, CheckoutState
from billing.platform.data.database import Read

PAGE_STANDS = "A card page or reader of this invoice stands open. Cancel it first, or wait until it was used."
CHARGE_STANDS = "A charge of a saved card has no outcome yet. It is looked up by itself; wait for it."
ON_ITS_WAY = "A payment of this invoice is on its way from a bank account. It takes some days; wait for it."


def find_checkout(read: Read, checkout_id: str, actor: Actor) -> Checkout:
    """Raises: NoSuchCheckout."""
    row = read.session.get(CheckoutRow, checkout_id)
    try:
        if row is not None:
            find_invoice(read, row.invoice_id, actor)
            return checkout_of(row)
    except NotFound:
        pass
    raise NoSuchCheckout(f"There is no checkout {checkout_id}.")


def checkout_by_reference(read: Read, reference: str) -> Checkout | None:
    row = read.session.scalar(select(CheckoutRow).where(CheckoutRow.reference == reference))
    return checkout_of(row) if row else None


def checkout_of_request(read: Read, name: str) -> Checkout | None:
    """The attempt that a request made, by the name of its key."""
    row = read.session.scalar(select(CheckoutRow).where(CheckoutRow.request_key == name))
    return checkout_of(row) if row else None


def standing_checkout(read: Read, invoice_id: str, share_id: str | None = None) -> Checkout | None:
    """The checkout that may still take the patient's money for an invoice, or that of a payer for a share."""
    row = read.session.scalar(
        select(CheckoutRow).where(
            CheckoutRow.invoice_id == invoice_id,
            CheckoutRow.share_id == share_id,
            CheckoutRow.state.in_(STANDING),
        )
    )
    return checkout_of(row) if row else None


def checkouts_among(
    read: Read, checkout_ids: Sequence[str], invoice_id: str, share_id: str | None
) -> Sequence[str]:
    """Those that were to pay what the patient owes of an invoice, or a payer of a share."""
    query = select(CheckoutRow.id).where(
        CheckoutRow.id.in_(checkout_ids),
        CheckoutRow.invoice_id == invoice_id,
        CheckoutRow.share_id == share_id,
    )
    return read.session.scalars(query).all()


def is_on_its_way(read: Read, invoice_id: str, share_id: str | None = None) -> bool:
    """Whether a debit of a bank account was authorized that has no outcome yet."""
    standing = standing_checkout(read, invoice_id, share_id)
    return standing is not None and standing.state is CheckoutState.PROCESSING


def is_being_charged(read: Read, invoice_id: str) -> bool:
    """Whether a charge of a saved card has no outcome yet."""
    standing = standing_checkout(read, invoice_id)
    return standing is not None and standing.way is Way.SAVED


def refuse_while_standing(read: Read, invoice_id: str, share_id: str | None = None) -> None:
    """Nothing else settles or voids an invoice while a card page or a debit may still take its money.

    Another payer's page takes only what that payer owes, and stands in nobody's way.
    Raises: CheckoutStands.
    """
    if standing := standing_checkout(read, invoice_id, share_id):
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
    return [
        checkout_of(row) for row in read.session.scalars(select(CheckoutRow).where(late | over | stopped))
    ]


def may_be_sent(read: Read, checkout: Checkout) -> bool:
    """Whether the processor may be asked for this money now: nothing of a patient's while it is stopped."""
    return checkout.share_id is not None or not is_on_hold(read, checkout.patient_id)


def find_pay_link(read: Read, secret: str, now: datetime) -> PayLink:
    """What a pay link shows: the amount that is owed now, and nothing of the patient.

    Raises: NoSuchPayLink, for an unknown and for an expired one alike, and for the patient's own while their
    charges are stopped.
    """
    row = read.session.scalar(select(PayLinkRow).where(PayLinkRow.secret_sha256 == secret_hash(secret)))
    if row is None or row.expires_at <= now:
        raise no_such_link()
    invoice = find_invoice(read, row.invoice_id, SYSTEM)
    if row.share_id is None and is_on_hold(read, invoice.patient_id):
        raise no_such_link()
    of = find_share(read, row.share_id, SYSTEM) if row.share_id else invoice
    return PayLink(
        id=row.id,
        invoice_id=invoice.id,
        share_id=row.share_id,
        entity_id=invoice.entity_id,
        amount=of.open_balance,
        expires_at=row.expires_at,
    )


def no_such_link() -> NoSuchPayLink:
    """One answer for all that a link may not open, so that it tells nobody why."""
    return NoSuchPayLink("This link is not valid any more. Ask the clinic for a new one.")


def secret_hash(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def checkout_of(row: CheckoutRow) -> Checkout:
    return Checkout(
        id=row.id,
        invoice_id=row.invoice_id,
        share_id=row.share_id,
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
