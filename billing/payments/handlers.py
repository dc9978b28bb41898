"""What this room does when an invoice is issued or an item returned."""

from billing.invoices.states import InvoiceIssued, InvoiceVoided, ItemReturned, NothingOwed, ShareAgreed
from billing.patients.queries import is_on_hold
from billing.payments.queries.checkouts import refuse_while_standing
from billing.payments.queries.credits import elected_credits
from billing.payments.use_cases.credits import apply_credits, hold_returned
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


def on_nothing_owed(tx: Tx, fact: NothingOwed) -> None:
    """Nobody has to be asked again for what a refused debit had left owed."""
    end_collecting(
        tx,
        invoice_id=fact.invoice_id,
        share_id=fact.share_id,
        site_id=fact.site_id,
        actor=fact.actor,
        now=fact.now,
    )
