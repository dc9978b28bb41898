"""A card page of what nobody owes any more is closed by the worker, at the processor too."""

from __future__ import annotations

import pytest

from billing.care.use_cases import cancel_session
from billing.invoices.records import Bearer, EndReason
from billing.invoices.use_cases.end_share import ask_to_end
from billing.invoices.use_cases.shares import agree_share
from billing.kernel.permissions import SYSTEM
from billing.payments.flows.checkouts import start_checkout
from billing.payments.queries.checkouts import find_checkout
from billing.payments.states.checkouts import CheckoutState
from tests.conftest import NOW
from tests.factories.payers import a_fixed_part, a_payer
from tests.factories.sandbox import pay_on_card_page, sdk_client

pytestmark = pytest.mark.processes


@pytest.fixture
def do(office):
    return lambda deed, **of: office.database.in_transaction(lambda tx: deed(tx, **of, actor=SYSTEM, now=NOW))


@pytest.fixture
def share(office, bill, do):
    office.work()
    order = a_fixed_part(a_payer(office.database, bill.patient.site_id), 30_000)
    return do(agree_share, invoice_id=bill.invoice.id, order=order)


@pytest.fixture
def opened(office, bill):
    """A card page of the invoice, or of another payer's part of it."""
    named = {"return_url": f"{office.url}/pay/thanks", "request": None, "actor": SYSTEM}
    return lambda share=None: start_checkout(
        office.room, invoice_id=bill.invoice.id, share_id=share.id if share else None, **named
    )


@pytest.fixture
def end(do):
    order = {"reason": EndReason.WITHDRAWN, "borne_by": Bearer.PATIENT}
    return lambda share: do(ask_to_end, share_id=share.id, **order)


@pytest.fixture
def state_of(office):
    def look(page):
        with office.database.reading() as read:
            return find_checkout(read, page.id, SYSTEM).state

    return look


def at_processor(office):
    return sorted(str(each.status) for each in sdk_client(office.sandbox).checkout.sessions.list().data)


def test_a_payers_page_is_closed_when_their_part_ends_and_the_patients_stays(
    office, share, opened, end, state_of
):
    theirs, own = opened(share), opened()
    end(share)
    office.work()
    assert (state_of(theirs), state_of(own)) == (CheckoutState.EXPIRED, CheckoutState.OPEN)
    assert at_processor(office) == ["expired", "open"]


def test_both_pages_are_closed_when_the_visit_is_called_off(office, bill, share, opened, do, state_of):
    pages = [opened(share), opened()]
    do(cancel_session, session_id=bill.session_ids[0])
    office.work()
    assert [state_of(page) for page in pages] == [CheckoutState.EXPIRED] * 2


def test_what_was_paid_before_it_is_closed_is_booked_for_the_payer(office, share, opened, end, state_of):
    page = opened(share)
    end(share)
    pay_on_card_page(page.url)
    office.work()
    assert state_of(page) is CheckoutState.PAID
