"""What this room does when an invoice is issued, an item returned, or charges are stopped."""

from billing.invoices.states import (
    CostsMore,
    InvoiceIssued,
    InvoiceVoided,
    ItemReturned,
    NothingOwed,
    ShareAgreed,
)
from billing.patients.queries import is_on_hold
from billing.patients.records import ChargesStopped
from billing.payments.queries.checkouts import has_use, refuse_while_standing, standing_checkout, usable_of
from billing.payments.queries.credits import elected_credits
from billing.payments.records.checkouts import Way
from billing.payments.states.checkouts import CheckoutState
from billing.payments.use_cases.closing import close_soon
from billing.payments.use_cases.credits import apply_credits, hold_returned
from billing.payments.use_cases.excess import share_again
from billing.payments.use_cases.refused_debits import end_collecting
from billing.platform.data.database import Tx


def on_invoice_issued(tx: Tx, fact: InvoiceIssued) -> None:
    """Elected credit comes off the next invoice before anything is charged, unless charges are stopped."""
    if elected_credits(tx, fact.patient_id) and not is_on_hold(tx, fact.patient_id):
        apply_credits(tx, invoice_id=fact.invoice_id, actor=fact.actor, now=fact.now)


def on_invoice_voided(tx: Tx, fact: InvoiceVoided) -> None:
    """An invoice whose card page stands stays: the payer may be typing the card at this moment."""
    refuse_while_standing(tx, fact.invoice_id)


def on_share_agreed(tx: Tx, fact: ShareAgreed) -> None:
    """Nor does a payer take a part of what the patient may be paying at this moment."""
    refuse_while_standing(tx, fact.invoice_id)


def on_item_returned(tx: Tx, fact: ItemReturned) -> None:
    if fact.freed:
        hold_returned(tx, fact=fact, actor=fact.actor, now=fact.now)


def on_costs_more(tx: Tx, fact: CostsMore) -> None:
    """What insurers paid above for these visits may be the patient's now."""
    share_again(tx, session_ids=fact.session_ids, actor=fact.actor, now=fact.now)


def on_nothing_owed(tx: Tx, fact: NothingOwed) -> None:
    """Nobody is asked again for what a refused debit had left owed, nor by a page that stands open."""
    standing = standing_checkout(tx, fact.invoice_id, fact.share_id)
    if standing and standing.state is CheckoutState.OPEN and standing.way is not Way.SAVED:
        close_soon(tx, [standing], because="nothing-owed", actor=fact.actor, now=fact.now)
    end_collecting(
        tx,
        invoice_id=fact.invoice_id,
        share_id=fact.share_id,
        site_id=fact.site_id,
        actor=fact.actor,
        now=fact.now,
    )


def on_charges_stopped(tx: Tx, fact: ChargesStopped) -> None:
    """A card page or reader that stands open is closed at once, unless it is for what may be charged."""
    useless = [each for each in usable_of(tx, fact.patient_id) if not has_use(tx, each)]
    close_soon(tx, useless, because=fact.hold_id, actor=fact.actor, now=fact.now)
