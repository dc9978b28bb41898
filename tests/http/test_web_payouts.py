"""What the bank's deposits from the processor consist of, on their pages: every cent, and nobody else's."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest

from billing.catalog.queries import sites
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Role
from billing.payments.queries.differences import differences
from billing.payments.queries.payout_parts import contents_of
from billing.payments.queries.payouts import list_payouts
from billing.payments.queries.reconciliation import open_exceptions
from billing.payments.records.reconciliation import MovementFacts
from billing.payments.records.refunds import RefundReason
from billing.payments.states.payouts import PayoutEvent
from billing.payments.use_cases.checkouts import begin_checkout, close_checkout
from billing.payments.use_cases.move import move_payment
from billing.payments.use_cases.reconciliation import keep_movements, name_exceptions
from billing.payments.use_cases.refund_payment import refund_payment
from billing.payments.use_cases.refunds import keep_sent
from tests.factories.catalog import seed_sample
from tests.factories.disputes import disputed
from tests.factories.paid import paid_by_card, statements_of
from tests.factories.patients import new_patient
from tests.factories.payouts import a_line, line_of_payment, listed, paid_out
from tests.factories.web import REFUND_LIMIT, new_package, new_staff, send, sign_in
from tests.factories.world import RETURN_URL

LIST = "/staff/payouts"


@pytest.fixture
def usual_role():
    return Role.ACCOUNTANT


@pytest.fixture
def payment(database, clinic, now):
    """$2,550.00 by card, for a fee of 30 cents."""
    return paid_by_card(database, clinic.invoice, now)


@pytest.fixture
def refund(database, payment, now):
    """$100.00 of it went back."""
    asked = database.in_transaction(
        lambda tx: refund_payment(
            tx,
            payment_id=payment.id,
            amount=Money(10_000),
            refundable=payment.amount,
            reason=RefundReason.DUPLICATE,
            method=None,
            limit=REFUND_LIMIT,
            actor=SYSTEM,
            now=now,
        )
    )
    return database.in_transaction(
        lambda tx: keep_sent(tx, refund_id=asked.id, reference="re_1", actor=SYSTEM, now=now)
    )


@pytest.fixture
def payout(database, payment, now):
    return paid_out(database, now, [line_of_payment(database, payment)], arrives_on=date(2026, 11, 5))


def page_of(payout):
    return f"{LIST}/{payout.id}"


def sums_in(text):
    """What each kind brought and what arrived, as the page adds it up, to the cent."""
    listed = re.search(r'<dl class="sums">(.*?)</dl>', text, re.DOTALL)[1]
    sums = re.findall(r"<dt>([^<(]+?)(?: \(\d+\))?</dt><dd>([^<]+)</dd>", listed)
    cents = [int(re.sub(r"[$,.]", "", amount)) for _, amount in sums]
    assert sum(cents[:-1]) == cents[-1]
    return sums


def name_what_differs(database, now):
    with database.reading() as read:
        found = [each for each in differences(read) if each.is_at_processor]
    database.in_transaction(lambda tx: name_exceptions(tx, found=found, actor=SYSTEM, now=now))
    with database.reading() as read:
        return open_exceptions(read)


def test_without_a_payout_the_page_says_so_and_is_reached_from_the_money_page(enter):
    reader = enter()
    assert f'href="{LIST}"' in reader.get("/staff/money").text
    page = reader.get(LIST).text
    assert "The processor has paid nothing out yet." in page
    assert 'href="/staff/money"' in page


def test_a_payout_is_listed_with_its_day_amount_and_state(enter, payout, clock):
    clock.now += timedelta(days=3)
    page = enter().get(LIST).text
    for shown in (f'href="{page_of(payout)}"', "Nov 5, 2026", "$2,549.70", ">Arrived<", "Nothing"):
        assert shown in page


def test_payouts_are_listed_by_the_day_of_arrival_and_so_are_their_pages(database, payment, enter, now):
    """One that the reconciliation heard of late is recorded after younger ones."""
    days = [date(2026, 11, day) for day in (5, 3, 9, 5, 4)]
    told = [
        paid_out(database, now, None, amount=Money(100 + nth), name=f"po_{nth}", arrives_on=day)
        for nth, day in enumerate(days)
    ]
    in_order = [told[2].id, told[3].id, told[0].id, told[4].id, told[1].id]
    paged, cursor = [], None
    while found := read_payouts(database, cursor):
        paged += [each.id for each in found]
        cursor = paged[-1]
    assert paged == in_order
    page = enter().get(LIST).text
    assert re.findall(r'href="/staff/payouts/(pyo_[^"]+)"', page) == in_order


def read_payouts(database, cursor):
    with database.reading() as read:
        return list_payouts(read, SYSTEM, cursor=cursor, limit=2)


@pytest.mark.parametrize(
    ("at", "is_there"),
    [
        (datetime(2026, 11, 2, 15, 0, tzinfo=UTC), False),
        (datetime(2026, 11, 5, 5, 59, tzinfo=UTC), False),
        (datetime(2026, 11, 5, 6, 1, tzinfo=UTC), True),
    ],
)
def test_one_that_is_called_paid_ahead_arrives_on_its_day_at_the_clinic(enter, payout, clock, at, is_there):
    """The bank may send it back until then, and after. In Chicago November 5 begins at 6:00 UTC."""
    clock.now = at
    reader = enter()
    page = reader.get(page_of(payout)).text
    for shown in (reader.get(LIST).text, page):
        assert ("On its way, arrives Nov 5, 2026" in shown, ">Arrived<" in shown) == (not is_there, is_there)
    assert ("Expected on" in page) == (not is_there)
    told = "Paid to the bank" if is_there else "On its way to the bank"
    assert sums_in(page)[-1] == (told, "$2,549.70")


def test_one_that_is_late_is_not_said_to_arrive_on_a_day_gone_by(database, enter, payment, now, clock):
    lines = [line_of_payment(database, payment)]
    paid_out(database, now, lines, told=PayoutEvent.LEAVE, arrives_on=date(2026, 11, 4))
    clock.now += timedelta(days=3)
    assert ">On its way<" in enter().get(LIST).text


def test_of_a_line_that_no_book_knows_the_page_says_that_only_its_net_is_known(database, enter, payment, now):
    strange = a_line("charge", 9_680, "ch_strange")
    payout = paid_out(database, now, [line_of_payment(database, payment), strange])
    reader, said = enter(), "Of a line without a fee the processor has told only what is left after it"
    page = reader.get(page_of(payout)).text
    assert (said in page, page.count("Only the net is known"), "Not told" in page) == (True, 1, False)
    listed(database, strange, Money(320), now)
    page = reader.get(page_of(payout)).text
    assert (said in page, "Only the net is known" in page, "$3.20" in page) == (False, False, True)


def test_a_payout_says_of_which_payment_refund_and_dispute_it_is_to_the_cent(
    database, enter, clinic, payment, refund, now
):
    lost = disputed(database, payment, now)
    lines = [
        line_of_payment(database, payment),
        a_line("refund", -10_000, "re_1"),
        a_line("dispute", -256_500, "du_1", f"txn_du_{payment.id}"),
    ]
    payout = paid_out(database, now, lines)
    page = enter(Role.BILLING).get(page_of(payout)).text
    assert sums_in(page) == [
        ("Payments", "$2,550.00"),
        ("Refunds", "-$100.00"),
        ("Disputes", "-$2,550.00"),
        ("Fees", "-$15.30"),
        ("Taken from the bank", "-$115.30"),
    ]
    for link in (
        f'href="/staff/payments/{payment.id}"',
        f'href="/staff/refunds/{refund.id}"',
        f'href="/staff/disputes/{lost.id}"',
        f'href="/staff/patients/{clinic.patient.id}"',
    ):
        assert link in page
    assert "Sample, Maria" in page
    assert "Not in the books" not in page


def test_an_accountant_sees_the_money_and_the_patients_number_and_no_name(enter, clinic, payment, payout):
    page = enter().get(page_of(payout)).text
    assert f'href="/staff/payments/{payment.id}"' in page
    for shown in ("Nov 2, 2026", "$2,549.70"):
        assert shown in page
    assert "Maria" not in page
    assert f'href="/staff/patients/{clinic.patient.id}/money">Patient {clinic.patient.number}</a>' in page
    assert f'href="/staff/patients/{clinic.patient.id}"' not in page
    assert "another site" not in page


@pytest.mark.parametrize("role", [Role.CLINICIAN, Role.ADMIN])
def test_who_does_not_read_payments_reads_no_payout(enter, payout, role):
    reader = enter(role)
    assert [reader.get(path).status_code for path in (LIST, page_of(payout))] == [403, 403]


def test_another_clinic_finds_no_such_payout(pages, database, payout, now):
    other = seed_sample(database, now, "a")
    stranger = sign_in(pages, new_staff(database, Role.ACCOUNTANT, now, entity_id=other.id))
    assert stranger.get(page_of(payout)).status_code == 404
    assert payout.id not in stranger.get(LIST).text


def test_another_site_finds_no_such_payout(database, enter, clinic, payout):
    with database.reading() as read:
        second = sites(read, clinic.entity.id)[1]
    clerk = enter(Role.BILLING, site_ids=[second.id])
    assert clerk.get(page_of(payout)).status_code == 404
    assert payout.id not in clerk.get(LIST).text


def test_of_other_sites_the_first_one_is_told_a_sum_and_no_payment(database, enter, clinic, payment, now):
    with database.reading() as read:
        second = sites(read, clinic.entity.id)[1]
    elsewhere = new_patient(
        database, entity_id=clinic.entity.id, site_id=second.id, now=now, given_name="Elsa"
    )
    theirs = [paid_by_card(database, new_package(database, elsewhere, now), now) for _ in range(2)]
    lines = [line_of_payment(database, each) for each in (payment, *theirs)]
    payout = paid_out(database, now, lines)
    page = enter(Role.BILLING, site_ids=[clinic.site.id]).get(page_of(payout)).text
    assert sums_in(page) == [
        ("Payments", "$2,550.00"),
        ("Other sites", "$5,100.00"),
        ("Fees", "-$0.90"),
        ("Paid to the bank", "$7,649.10"),
    ]
    assert not any(each.id in page for each in theirs)
    assert "Elsa" not in page


def test_a_payment_put_right_leads_to_whose_it_is_now(database, enter, clinic, payment, payout, now):
    right = new_patient(
        database, entity_id=clinic.entity.id, site_id=clinic.site.id, now=now, given_name="Rita"
    )
    moved = database.in_transaction(
        lambda tx: move_payment(
            tx, payment_id=payment.id, patient_id=right.id, invoice_id=None, actor=SYSTEM, now=now
        )
    )
    page = enter(Role.BILLING).get(page_of(payout)).text
    assert (f'href="/staff/payments/{moved.id}"' in page, payment.id in page) == (True, False)
    assert ("Rita" in page, "Maria" in page) == (True, False)


def test_what_the_books_do_not_know_is_said_until_it_is_booked(database, enter, payment, now):
    fee = a_line("fee", -1_300, "fee_1")
    payout = paid_out(database, now, [line_of_payment(database, payment), fee])
    reader = enter()
    assert "-$13.00" in reader.get(LIST).text
    page = reader.get(page_of(payout)).text
    assert "Not in the books" in page
    assert "fee_1" in page
    listed(database, fee, Money(0), now)
    (named,) = name_what_differs(database, now)
    page = reader.get(page_of(payout)).text
    assert f'href="/staff/reconciliation/{named.id}"' in page
    form = {"account_1": "6100", "amount_1": "-13.00", "key": "k1"}
    send(reader, f"/staff/reconciliation/{named.id}", f"/staff/reconciliation/{named.id}/book", **form)
    page = reader.get(page_of(payout)).text
    assert "Not in the books" not in page
    assert f'href="/staff/reconciliation/{named.id}"' in page
    assert sums_in(page)[1:] == [
        ("Other movements", "-$13.00"),
        ("Fees", "-$0.30"),
        ("Paid to the bank", "$2,536.70"),
    ]
    assert "-$13.00" not in reader.get(LIST).text


def test_of_an_amount_that_differs_only_the_difference_is_not_explained(database, enter, payment, now):
    line = line_of_payment(database, payment)
    less = a_line("charge", line.net.cents - 35, line.source)
    listed(database, less, Money(65), now)
    (named,) = name_what_differs(database, now)
    payout = paid_out(database, now, [less])
    reader = enter()
    assert "-$0.35" in reader.get(LIST).text
    page = reader.get(page_of(payout)).text
    assert f'href="/staff/reconciliation/{named.id}"' in page
    assert f'href="/staff/payments/{payment.id}"' in page
    assert sums_in(page) == [
        ("Payments", "$2,550.00"),
        ("Fees", "-$0.65"),
        ("Paid to the bank", "$2,549.35"),
    ]


def test_a_charge_of_an_attempt_of_ours_that_is_booked_nowhere_is_not_explained(database, clinic, now):
    """The page of an attempt expired here, and its card paid all the same: the payout has money of nobody."""
    page = database.in_transaction(
        lambda tx: begin_checkout(
            tx, invoice_id=clinic.invoice.id, return_url=RETURN_URL, request=None, actor=SYSTEM, now=now
        )
    )
    database.in_transaction(lambda tx: close_checkout(tx, checkout_id=page.id, actor=SYSTEM, now=now))
    line = a_line("charge", 254_970, "ch_unbooked")
    moved = MovementFacts(
        reference=line.reference,
        source=line.source,
        reporting_category="charge",
        amount=Money(255_000),
        fee=Money(30),
        charge="ch_unbooked",
        operation=page.id,
        moved_at=now,
    )
    database.in_transaction(lambda tx: keep_movements(tx, movements=[moved], actor=SYSTEM, now=now))
    payout = paid_out(database, now, [line, a_line("fee", -970, "fee_1")])
    with database.reading() as read:
        (contents,) = contents_of(read, [payout], SYSTEM)
    assert contents.unexplained == payout.amount


def test_a_payout_made_by_hand_is_all_unexplained(database, enter, payment, now):
    payout = paid_out(database, now, None, amount=Money(10_000))
    reader = enter()
    assert "$100.00" in reader.get(LIST).text.split("Not explained", 1)[1]
    page = reader.get(page_of(payout)).text
    assert "Made by hand" in page
    assert sums_in(page) == [("The processor does not say", "$100.00"), ("Paid to the bank", "$100.00")]


def test_a_payout_on_its_way_is_not_said_to_be_at_the_bank(database, enter, payment, now):
    payout = paid_out(
        database,
        now,
        [line_of_payment(database, payment)],
        told=PayoutEvent.LEAVE,
        arrives_on=date(2026, 11, 9),
    )
    reader = enter()
    assert "On its way" in reader.get(LIST).text
    page = reader.get(page_of(payout)).text
    assert "Expected on" in page
    assert sums_in(page)[-1] == ("On its way to the bank", "$2,549.70")


def test_a_payout_that_came_back_leads_to_the_one_that_took_its_money(database, enter, payment, payout, now):
    lines = [line_of_payment(database, payment)]
    paid_out(database, now, lines, told=PayoutEvent.FAIL)
    reader = enter()
    assert "Came back" in reader.get(LIST).text
    page = reader.get(page_of(payout)).text
    assert "in the processor's balance again" in page
    again = paid_out(database, now, [a_line("payout_reversal", 254_970, payout.reference)], name="po_2")
    assert f'href="{page_of(again)}"' in reader.get(page_of(payout)).text
    page = reader.get(page_of(again)).text
    assert f'href="{page_of(payout)}"' in page
    assert sums_in(page) == [
        ("Other payouts", "$2,549.70"),
        ("Paid to the bank", "$2,549.70"),
    ]
    assert "Not in the books" not in page


def test_older_payouts_are_on_the_next_page(database, enter, payment, now):
    made = [
        paid_out(
            database,
            now,
            None,
            amount=Money(100 + each),
            name=f"po_{each}",
            arrives_on=now.date() + timedelta(days=each),
        )
        for each in range(51)
    ]
    reader = enter()
    first = reader.get(LIST).text
    assert (made[-1].id in first, made[0].id in first) == (True, False)
    after = re.search(r'href="(/staff/payouts\?after=pyo_\w+)"', first)[1]
    second = reader.get(after).text
    assert (made[0].id in second, made[-1].id in second) == (True, False)
    assert reader.get(f"{LIST}?after=x'--").status_code == 200


def test_a_list_of_many_payouts_asks_the_database_as_often_as_one_of_few(database, enter, payment, now):
    reader, asked = enter(), []
    for each in range(3):
        paid_out(database, now, [a_line("fee", -100 - each, f"fee_{each}")], name=f"po_{each}")
        with statements_of(database) as told:
            reader.get(LIST)
        asked.append(len(told))
    assert asked[0] == asked[-1]


def test_the_name_that_a_payout_shows_is_on_the_trail(database, enter, payout):
    reader = enter(Role.BILLING)
    with statements_of(database) as told:
        reader.get(page_of(payout))
    assert any("INSERT INTO audit_row" in each for each in told)
